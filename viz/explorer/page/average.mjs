// The aggregate view: whom a head looks at on average, by relative position and by absolute positions.

import { attentionColour } from "./colours.mjs";

const ABOVE = 28;

export class AverageView {
  layOut(app, box) {
    const { reach, across } = app.data;
    const wide = box.width >= 700;
    const half = wide ? (box.width - 40) * 0.5 : box.width - 20;
    this.bars = { x: box.x + 50, y: box.y + ABOVE + 8, width: half - 50, height: wide ? Math.min(box.height - ABOVE - 70, half) : 220 };
    const side = wide ? Math.min(half - 60, box.height - ABOVE - 70) : half - 50;
    this.cell = side / across;
    this.map = wide
      ? { x: box.x + half + 80, y: box.y + ABOVE + 8, width: side, height: side }
      : { x: box.x + 50, y: this.bars.y + this.bars.height + 84, width: side, height: side };
    this.step = this.bars.width / (2 * reach + 1);
    this.height = this.map.y + this.map.height + 56 - box.y;
  }

  draw(painter, app, box) {
    const { data, state, theme } = app;
    this.layOut(app, box);
    const head = data.head(state.layer, state.head);
    this.drawBars(painter, app, head);
    this.drawMap(painter, app, head);
    return false;
  }

  drawBars(painter, app, head) {
    const { theme, data, hover } = app;
    const { bars, step } = this;
    const values = head.relative;
    const top = Math.max(0.1, ...values);
    painter.text("mean attention by relative position", bars.x, bars.y - ABOVE / 2 - 4, { colour: theme.ink, weight: 600, size: 13 });
    for (let t = 0; t <= 4; t++) {
      const y = bars.y + bars.height * (1 - t / 4);
      painter.line([[bars.x, y], [bars.x + bars.width, y]], theme.rule);
      painter.text(((top * t) / 4).toFixed(2), bars.x - 6, y, { colour: theme.faint, size: 11, align: "right" });
    }
    values.forEach((value, i) => {
      const height = (value / top) * bars.height;
      const lit = hover?.bar === i;
      painter.rect(bars.x + i * step + 0.5, bars.y + bars.height - height, Math.max(1, step - 1), height, { fill: lit ? theme.mark : theme.attention });
      const offset = i - data.reach;
      if (offset % (step > 14 ? 2 : 4) === 0) {
        painter.text(offset > 0 ? `+${offset}` : String(offset), bars.x + (i + 0.5) * step, bars.y + bars.height + 12, { colour: offset ? theme.faint : theme.ink, size: 11, align: "center" });
      }
    });
    painter.text("key before the query", bars.x, bars.y + bars.height + 30, { colour: theme.faint, size: 11 });
    painter.text("key after the query", bars.x + bars.width, bars.y + bars.height + 30, { colour: theme.faint, size: 11, align: "right" });
  }

  drawMap(painter, app, head) {
    const { theme, data, hover } = app;
    const { map, cell } = this;
    painter.text("mean attention by position", map.x, map.y - ABOVE / 2 - 4, { colour: theme.ink, weight: 600, size: 13 });
    for (let i = 0; i < data.across; i++) {
      for (let j = 0; j < data.across; j++) {
        const fill = attentionColour(head.average[i * data.across + j], theme);
        painter.rect(map.x + j * cell, map.y + i * cell, cell - 0.5, cell - 0.5, { fill });
      }
      if (i % (cell > 18 ? 1 : cell > 9 ? 2 : 4) === 0) {
        painter.text(String(i), map.x - 6, map.y + (i + 0.5) * cell, { colour: theme.faint, size: 10, align: "right" });
        painter.text(String(i), map.x + (i + 0.5) * cell, map.y + map.height + 10, { colour: theme.faint, size: 10, align: "center" });
      }
    }
    painter.rect(map.x, map.y, map.width, map.height, { stroke: theme.rule });
    painter.text("key position", map.x + map.width / 2, map.y + map.height + 28, { colour: theme.faint, size: 11, align: "center" });
    painter.text("query position", map.x - 30, map.y + map.height / 2, { colour: theme.faint, size: 11, align: "center", turned: true });
    if (hover?.cell) painter.rect(map.x + hover.cell[1] * cell, map.y + hover.cell[0] * cell, cell, cell, { stroke: theme.mark, line: 2 });
  }

  hit(app, x, y) {
    const inside = (box) => x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
    if (inside(this.bars)) return { bar: Math.floor((x - this.bars.x) / this.step) };
    if (inside(this.map)) return { cell: [Math.floor((y - this.map.y) / this.cell), Math.floor((x - this.map.x) / this.cell)] };
    return null;
  }
}

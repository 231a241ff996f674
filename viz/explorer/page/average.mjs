// The view of averages: the mean attention of a head, by relative position and by the positions of query and key.

import { inside, ticks } from "./camera.mjs";
import { attentionColor } from "../../web/colors.mjs";
import { drawHeatScale } from "./heat.mjs";
import { signed, within } from "../../web/numbers.mjs";
import { say } from "../../web/words.mjs";

const LEFT = 50; // pixels for the numbers and names of axes
const ABOVE = 36;
const RIGHT = 40; // for how many sentences a row rests on
const BELOW = 76;

export class AverageView {
  layOut(app, box) {
    const { reach, across } = app.data;
    const wide = box.width >= 700;
    const width = wide ? box.width * 0.36 : box.width - LEFT - RIGHT;
    const side = wide ? Math.min(box.width - width - 2 * LEFT - 36 - RIGHT, box.height - ABOVE - BELOW) : width;
    this.bars = { x: box.x + LEFT, y: box.y + ABOVE, width, height: wide ? side : 220 };
    this.map = wide
      ? { x: this.bars.x + width + LEFT + 36, y: this.bars.y, width: side, height: side }
      : { x: this.bars.x, y: this.bars.y + this.bars.height + BELOW + ABOVE, width: side, height: side };
    this.cell = side / across;
    this.step = width / (2 * reach + 1);
    this.height = this.map.y + side + BELOW - box.y;
  }

  draw(painter, app) {
    this.drawBars(painter, app);
    this.drawMap(painter, app);
    return false;
  }

  drawBars(painter, { theme, data, hover, head }) {
    const { bars, step } = this;
    const values = head.mean("relative");
    const top = Math.max(0.1, ...values) * 1.04;
    const bottom = bars.y + bars.height;
    painter.text(say("average_relative"), bars.x, bars.y - 18, { color: theme.ink, weight: 600, size: 13 });
    for (const t of ticks(0, top, 5)) {
      const y = bottom - (t / top) * bars.height;
      painter.line([[bars.x, y], [bars.x + bars.width, y]], theme.rule);
      painter.text(String(t), bars.x - 6, y, { color: theme.faint, size: 11, align: "right" });
    }
    values.forEach((value, i) => {
      const height = (value / top) * bars.height;
      painter.rect(bars.x + i * step + 0.5, bottom - height, Math.max(1, step - 1), height, { fill: hover?.bar === i ? theme.mark : theme.attention });
      const offset = i - data.reach;
      if (offset % (step > 14 ? 2 : 4) === 0) {
        painter.text(signed(offset), bars.x + (i + 0.5) * step, bottom + 12, { color: theme.faint, size: 11, align: "center" });
      }
    });
    painter.text(say("average_before"), bars.x, bottom + 32, { color: theme.faint, size: 11 });
    painter.text(say("average_after"), bars.x + bars.width, bottom + 32, { color: theme.faint, size: 11, align: "right" });
  }

  drawMap(painter, { theme, data, hover, head }) {
    const { map, cell } = this;
    const average = head.mean("average");
    const bottom = map.y + map.height;
    painter.text(say("average_position"), map.x, map.y - 18, { color: theme.ink, weight: 600, size: 13 });
    for (let i = 0; i < data.across; i++) {
      for (let j = 0; j < data.across; j++) {
        const fill = attentionColor(average[i * data.across + j], theme);
        painter.rect(map.x + j * cell, map.y + i * cell, cell - 0.5, cell - 0.5, { fill });
      }
      if (i % (cell > 20 ? 1 : cell > 10 ? 2 : 4) === 0) {
        painter.text(String(i), map.x - 6, map.y + (i + 0.5) * cell, { color: theme.faint, size: 11, align: "right" });
        painter.text(String(i), map.x + (i + 0.5) * cell, bottom + 12, { color: theme.faint, size: 11, align: "center" });
      }
    }
    painter.rect(map.x, map.y, map.width, map.height, { stroke: theme.rule });
    painter.text(say("average_among"), map.x + map.width + RIGHT - 6, map.y - 8, { color: theme.faint, size: 11, align: "right" });
    for (let i = 0; i < data.across; i += cell > 12 ? 1 : 2) {
      painter.text(String(among(data, i)), map.x + map.width + RIGHT - 8, map.y + (i + 0.5) * cell, { color: theme.faint, size: 11, align: "right" });
    }
    drawHeatScale(painter, theme, map.x, bottom + 52);
    painter.text(say("average_key"), map.x + map.width, bottom + 32, { color: theme.faint, size: 11, align: "right" });
    painter.text(say("average_query"), map.x - 32, map.y, { color: theme.faint, size: 11, align: "right", turned: true });
    if (hover?.cell) painter.rect(map.x + hover.cell[1] * cell, map.y + hover.cell[0] * cell, cell, cell, { stroke: theme.mark, line: 2 });
  }

  hit(app, x, y) {
    if (inside(this.bars, x, y)) return { bar: Math.floor((x - this.bars.x) / this.step) };
    if (inside(this.map, x, y)) return { cell: [Math.floor((y - this.map.y) / this.cell), Math.floor((x - this.map.x) / this.cell)] };
    return null;
  }

  /** What the arrow keys lead to: along the bars, down into the map, and up out of it. */
  neighbor({ reach, across }, hover, right, down) {
    if (hover?.cell) {
      const [i, j] = hover.cell;
      if (i + down >= 0) return { cell: [within(i + down, 0, across - 1), within(j + right, 0, across - 1)] };
    } else if (down > 0) return { cell: [0, 0] };
    return { bar: within((hover?.bar ?? reach) + right, 0, 2 * reach) };
  }

  /** The middle of a bar's foot or of a cell, on the canvas. */
  place({ bar, cell }) {
    if (cell) return [this.map.x + (cell[1] + 0.5) * this.cell, this.map.y + (cell[0] + 0.5) * this.cell];
    return [this.bars.x + (bar + 0.5) * this.step, this.bars.y + this.bars.height];
  }
}

/** How many of the page's sentences have a token at a position. */
export const among = (data, position) => data.sentences.slice(0, data.own).filter((s) => s.size > position).length;

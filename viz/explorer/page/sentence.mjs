// The sentence view: attention as curves between two columns of words, as a heatmap, and the points beside them.

import { joined, wordGroups } from "../../web/tokens.mjs";
import { lineOpacity, lineWidth, mergeWords, strongest } from "./attention.mjs";
import { inside } from "./camera.mjs";
import { curveAt } from "./curves.mjs";
import { attentionKept, keptText } from "./flat.mjs";
import { attentionColor, category, inkOn } from "../../web/colors.mjs";
import { drawHeatScale, heatScaleWidth } from "./heat.mjs";
import { within } from "../../web/numbers.mjs";
import { shorten, textWidth } from "../../web/text.mjs";
import { paragraph } from "./painter.mjs";
import { say } from "../../web/words.mjs";

const TITLE = 26;
const ABOVE_ROWS = TITLE + 6;
const LONG = 36; // rows
const PINNED = 300; // pixels of the points beside a long sentence
const SCALE = 30; // pixels below the heatmap, for its colours
const BETWEEN = 28; // pixels between two heatmaps
const SMALL = 10; // pixels of a cell; where two heatmaps would need smaller ones, they lie one below the other

/** What stands in rows and columns: pieces, or words with all their pieces. {label, tokens, segment, off} */
export function itemsOf(sentence, words, off) {
  const groups = words ? wordGroups(sentence.words) : sentence.tokens.map((_, i) => [i]);
  return groups.map((tokens) => ({
    tokens,
    label: joined(sentence.tokens, tokens),
    segment: sentence.segments[tokens[0]],
    off: tokens.every((t) => off.has(t)),
  }));
}

/**
 * The first and the last of `count` rows, each `step` high from `start` on, that can be seen.
 * @returns {[number, number]}
 */
function inSight(from, length, start, step, count) {
  const row = (place) => within((place - start) / step, 0, count - 1);
  return [Math.floor(row(from)), Math.ceil(row(from + length))];
}

export class SentenceView {
  constructor(points) {
    this.points = points;
  }

  /** Where the three drawings go: side by side on a wide screen, one above the other on a phone. */
  layOut(app, box) {
    this.prepare(app);
    const count = this.items.length;
    const widest = this.widest = Math.min(120, Math.max(...this.items.map((item) => textWidth(item.label, 13, 700))) + 16);
    const wide = box.width >= 700;
    const curves = { x: box.x + 8, y: box.y, width: wide ? Math.max(2 * widest + 80, box.width * 0.22) : box.width - 16, height: 0 };
    const both = box.width - curves.width - 40; // for the heatmap and, if there is room beside it, the points
    const half = (both - widest - 6 - BETWEEN) / 2 / count; // a cell of two heatmaps side by side
    const pair = Boolean(this.kept) && wide && half >= SMALL;
    const room = wide ? box.height - TITLE - widest - SCALE : Infinity;
    const small = pair || both - widest - 6 - 220 < 22 * count; // beside the points the cells would lose their numbers
    const across = pair ? half : ((wide ? (small ? both : both * 0.66) : box.width - 16) - widest - 6) / count;
    const cell = Math.max(pair ? SMALL : 12, Math.min(60, across, Math.max(room / count, small ? 24 : 0)));
    const row = wide ? Math.max(15, Math.min(44, (box.height - TITLE - 20) / count)) : 26;
    curves.height = TITLE + 10 + row * count;
    const pinned = wide && count > LONG && !this.kept; // then the points stay in sight, between curves and heatmap
    const from = { x: wide ? curves.x + curves.width + (pinned ? PINNED + 40 : 20) : box.x + 8, y: wide ? box.y : box.y + curves.height + 12 };
    this.maps = this.layOutMaps(from, widest + 6, cell * count, pair);
    this.map = this.maps[0];
    this.cloudBox = this.kept ? null : this.besideMap(app, box, curves, wide, pinned);
    const below = ({ y, height }) => y + height;
    const right = ({ x, width }) => x + width;
    const drawn = [curves, ...this.maps, ...(this.cloudBox ? [this.cloudBox] : [])];
    this.height = Math.max(...drawn.map(below)) - box.y + 6;
    this.width = Math.max(box.width, ...drawn.slice(1).map((one) => right(one) + 8 - box.x));
    this.curves = curves;
    this.cell = cell;
    this.row = row;
  }

  /** The heatmap and, with fewer dimensions, that of what they leave: to its right, where the names are not needed again, or below. */
  layOutMaps({ x, y }, names, side, pair) {
    const height = TITLE + this.widest + side + SCALE;
    const corner = { x0: x + names, y0: y + TITLE + this.widest };
    const map = { x, y, ...corner, names, width: Math.max(names + side, heatScaleWidth()), height, weights: this.weights, title: say("sentence_map") };
    if (!this.kept) return [map];
    const left = corner.x0 + side + BETWEEN;
    const place = pair ? { x: left, x0: left, names: 0, width: side } : { y: y + height + 8, y0: corner.y0 + height + 8 };
    return [map, { ...map, weights: this.kept, title: this.keptTitle, ...place }];
  }

  /** Where the points go. */
  besideMap(app, box, curves, wide, pinned) {
    const { map } = this;
    if (pinned) return { x: curves.x + curves.width + 20, y: Math.max(box.y, app.window.y) + TITLE, width: PINNED, height: Math.min(box.height - TITLE - 8, 1.2 * PINNED) };
    const width = box.x + box.width - map.x - map.width - 28; // room to the right of the heatmap
    if (!wide || width < 200) return { x: map.x, y: map.y + map.height + TITLE, width: box.width - map.x - 8, height: wide ? 380 : Math.min(360, box.width) };
    return { x: map.x + map.width + 20, y: box.y + TITLE, width, height: Math.min(box.height - TITLE - 8, Math.max(1.25 * width, map.height - TITLE)) };
  }

  prepare(app) {
    const { state, sentence } = app;
    this.items = itemsOf(sentence, state.words, app.off);
    const merged = (attention) => (attention && state.words ? mergeWords(attention, sentence.size, this.items.map((item) => item.tokens), app.off) : attention);
    this.weights = merged(app.attention());
    this.kept = merged(attentionKept(app));
    this.keptTitle = keptText(app);
  }

  draw(painter, app, box) {
    const { theme } = app;
    if (!this.weights) {
      paragraph(painter, say("sentence_left_out"), box.x + 20, box.y + 40, box.width - 40, { color: theme.ink, size: 13 });
      this.items = [];
      return false;
    }
    const [queries, keys] = [this.lit(app, 0), this.lit(app, 1)];
    this.drawCurves(painter, app, queries, keys);
    for (const map of this.maps) this.drawMap(painter, app, queries, keys, map);
    return this.cloudBox !== null && this.points.drawBeside(painter, app, this.cloudBox, say("sentence_points"));
  }

  /** The items (places in `items`) under the pointer or chosen, on side 0 (queries) or 1 (keys). */
  lit(app, side) {
    const wanted = new Set(app.hovered(side));
    const chosen = side ? app.state.key : app.state.query;
    if (chosen >= 0) wanted.add(chosen);
    return new Set(this.items.flatMap((item, i) => (item.tokens.some((t) => wanted.has(t)) ? [i] : [])));
  }

  drawCurves(painter, app, queries, keys) {
    const { state, theme } = app;
    const { curves, row, items, weights } = this;
    const count = items.length;
    const [left, right] = [curves.x + this.widest, curves.x + curves.width - this.widest];
    const y = (i) => curves.y + TITLE + 6 + (i + 0.5) * row;
    painter.text(say("query"), left - 8, curves.y + TITLE / 2, { color: theme.query, align: "right", weight: 600 });
    painter.text(say("key"), right + 8, curves.y + TITLE / 2, { color: theme.key, weight: 600 });
    const anything = queries.size + keys.size > 0;
    const [top, bottom] = inSight(app.window.y, app.window.height, curves.y + ABOVE_ROWS, row, count);
    this.drawn = [];
    for (let i = 0; i < count; i++) {
      const shown = queries.has(i) || keys.size > 0 ? [...items.keys()].filter((j) => weights[i * count + j] > 0) : strongest(weights.subarray(i * count, (i + 1) * count), state.top, state.above);
      for (const j of shown) {
        if (Math.max(i, j) < top || Math.min(i, j) > bottom) continue;
        const weight = weights[i * count + j];
        const lit = queries.size && keys.size ? queries.has(i) && keys.has(j) : queries.has(i) || keys.has(j);
        if (anything && !lit && weight < state.above) continue;
        const opacity = anything && !lit ? 0.08 : lineOpacity(weight);
        const points = [[left, y(i)], [right, y(j)]];
        this.drawn.push({ points, i, j });
        painter.line(points, lit && queries.size && keys.size ? theme.mark : theme.attention, lineWidth(weight), opacity, true);
      }
    }
    const names = (side, lit, x, align, color) => items.forEach((item, i) => {
      const size = Math.min(13, row - 2);
      const text = shorten(item.label, this.widest - 14, size, 700);
      if (lit.has(i)) {
        const width = textWidth(text, size, 700) + 8;
        painter.rect(align === "right" ? x - width + 2 : x - 2, y(i) - row / 2 + 1, width, row - 2, { fill: theme.panel, stroke: theme.rule });
      }
      painter.text(text, align === "right" ? x - 3 : x + 3, y(i), { size, color: item.off ? theme.faint : color, align, weight: lit.has(i) ? 700 : 400 });
      if (item.off) {
        const width = textWidth(text, size);
        const from = align === "right" ? x - 3 - width : x + 3;
        painter.line([[from, y(i)], [from + width, y(i)]], theme.faint, 1.2);
      }
      painter.rect(align === "right" ? x + 3 : x - 6, y(i) - row / 2 + 1, 3, row - 2, { fill: this.segmentColor(item, app) });
    });
    names(0, queries, left - 6, "right", theme.query);
    names(1, keys, right + 6, "left", theme.key);
  }

  /** The colours of the segments in a pair; one pale colour in a single sentence. */
  segmentColor(item, app) {
    const pair = this.items.some((other) => other.segment !== this.items[0].segment);
    return pair ? category(item.segment, app.theme) : app.theme.rule;
  }

  drawMap(painter, app, queries, keys, map) {
    const { theme } = app;
    const { cell } = this;
    const count = this.items.length;
    const { x0, y0 } = map;
    painter.text(map.names ? map.title : shorten(map.title, map.width, 12, 600), map.x, map.y + TITLE / 2, { color: theme.faint, weight: 600 });
    const rows = inSight(app.window.y, app.window.height, y0, cell, count);
    const columns = inSight(app.window.x, app.window.width, x0, cell, count);
    this.drawCells(painter, app, map, rows, columns);
    this.drawNames(painter, app, map, queries, keys, rows, columns);
    if (map.names) drawHeatScale(painter, theme, Math.min(x0, map.x + map.width - heatScaleWidth()), y0 + count * cell + 16);
    for (const i of queries) painter.rect(x0 - 0.5, y0 + i * cell - 0.5, count * cell, cell, { stroke: keys.size ? theme.faint : theme.mark, line: keys.size ? 1 : 2 });
    for (const j of keys) painter.rect(x0 + j * cell - 0.5, y0 - 0.5, cell, count * cell, { stroke: queries.size ? theme.faint : theme.mark, line: queries.size ? 1 : 2 });
    for (const i of queries) for (const j of keys) painter.rect(x0 + j * cell - 0.5, y0 + i * cell - 0.5, cell, cell, { stroke: theme.mark, line: 2 });
  }

  drawCells(painter, { theme }, { weights, x0, y0 }, [top, bottom], [first, last]) {
    const { cell, items } = this;
    for (let i = top; i <= bottom; i++) {
      for (let j = first; j <= last; j++) {
        const weight = weights[i * items.length + j];
        const color = attentionColor(weight, theme);
        const off = items[i].off || items[j].off;
        painter.rect(x0 + j * cell, y0 + i * cell, cell - 1, cell - 1, { fill: off ? theme.panel : color });
        if (cell >= 22 && weight >= 0.005) {
          const text = weight >= 0.995 ? "1" : weight.toFixed(2).slice(1);
          painter.text(text, x0 + (j + 0.5) * cell - 0.5, y0 + (i + 0.5) * cell, { size: cell >= 28 ? 12 : 11, align: "center", color: off ? theme.faint : inkOn(color) });
        }
      }
    }
  }

  /** Names of rows and columns: in a long sentence they stay in sight, at (left, top), while the cells are pushed. */
  drawNames(painter, app, { x0, y0, names }, queries, keys, rows, columns) {
    const { theme } = app;
    const { cell, items, widest } = this;
    const size = Math.min(12, cell - 1);
    const last = (items.length - 1) * cell;
    const [left, top] = [within(app.window.x + widest, x0, x0 + last), within(app.window.y + widest, y0, y0 + last)];
    const name = (item, at, lit, turned) => {
      const [x, y] = turned ? [at, top] : [left, at];
      const look = { size, color: item.off ? theme.faint : turned ? theme.key : theme.query, weight: lit ? 700 : 400 };
      const label = shorten(item.label, widest - 8, size);
      if (turned) painter.text(label, x, y - 9, { ...look, turned: true });
      else painter.text(label, x - 9, y, { ...look, align: "right" });
      painter.rect(turned ? x - cell / 2 : x - 6, turned ? y - 6 : y - cell / 2, turned ? cell - 1 : 3, turned ? 3 : cell - 1, { fill: this.segmentColor(item, app) });
    };
    const wide = (columns[1] - columns[0] + 1) * cell;
    if (top > y0) painter.rect(x0 + columns[0] * cell, top - widest, wide, widest - 2, { fill: theme.paper });
    for (let j = columns[0]; j <= columns[1]; j++) name(items[j], x0 + (j + 0.5) * cell, keys.has(j), true);
    if (!names) return;
    if (left > x0) painter.rect(left - widest, Math.max(y0 + rows[0] * cell, top), widest - 2, (rows[1] - rows[0] + 1) * cell, { fill: theme.paper });
    for (let i = rows[0]; i <= rows[1]; i++) if (y0 + (i + 0.5) * cell > top) name(items[i], y0 + (i + 0.5) * cell, queries.has(i), false);
  }

  /** {queries, keys: places of tokens} under the pointer. */
  hit(app, x, y) {
    if (this.cloudBox && inside(this.cloudBox, x, y)) return this.points.hit(app, x, y);
    const at = (i) => this.items[i]?.tokens ?? [];
    const answer = (queries, keys) => (queries.length + keys.length ? { sentence: app.state.sentence, queries, keys } : null);
    if (inside(this.curves, x, y)) {
      const i = Math.floor((y - this.curves.y - TITLE - 6) / this.row);
      if (x < this.curves.x + this.widest) return answer(at(i), []);
      if (x > this.curves.x + this.curves.width - this.widest) return answer([], at(i));
      const curve = curveAt(this.drawn, x, y);
      return curve ? answer(at(curve.i), at(curve.j)) : null;
    }
    const map = this.maps.find((one) => inside(one, x, y));
    if (map) {
      const [i, j] = [(y - map.y0) / this.cell, (x - map.x0) / this.cell].map(Math.floor);
      return answer(i >= 0 ? at(i) : [], j >= 0 ? at(j) : []);
    }
    return null;
  }
}

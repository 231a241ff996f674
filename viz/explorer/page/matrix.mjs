// The matrix view: every head of every layer as a small picture, ordered and marked by any column of numbers.

import { category, ramp } from "./colours.mjs";
import { hits } from "./find.mjs";
import { shorten } from "./painter.mjs";

const NARROWEST = 50; // pixels of a head; on a phone the grid can be pushed sideways
const BUDGET = 10; // milliseconds of thumbnails a frame

/** Heads as {layer, head, value}, in the order of the grid. */
export function orderedHeads(data, order) {
  const heads = [];
  for (let layer = 0; layer < data.layers; layer++) for (let head = 0; head < data.heads; head++) heads.push({ layer, head });
  if (order === "layer") return heads;
  const column = data.column(order);
  const at = ({ layer, head }) => column.values[layer * data.heads + head];
  if (column.labels) return heads.sort((a, b) => at(a) - at(b));
  return heads.sort((a, b) => at(b) - at(a));
}

/** How a value of a column reads. */
export function readValue(column, value) {
  if (column.labels) return column.labels[value];
  if (value === null) return "none";
  return value.toFixed(column.digits);
}

export class MatrixView {
  constructor() {
    this.thumbnails = new Map();
    this.pictureName = "";
    this.cells = [];
  }

  /** Cells for a box: the grid layers x heads, or a list that fills the box. */
  layOut(app, box) {
    const { data, state } = app;
    const heads = orderedHeads(data, state.order);
    const grid = state.order === "layer";
    const [left, top] = grid ? [34, 22] : [4, 4];
    const [wide, high] = [box.width - left - 8, box.height - top - 8];
    let columns = data.heads;
    if (!grid) columns = Math.max(1, Math.min(heads.length, Math.round(Math.sqrt((heads.length * wide) / (high * 1.15)))));
    const narrow = box.width < 700;
    if (narrow && !grid) columns = Math.max(2, Math.floor(wide / 84));
    const rows = Math.ceil(heads.length / columns);
    const width = Math.max(NARROWEST, wide / columns);
    const height = narrow ? 1.15 * width + 8 : Math.max(46, high / rows);
    this.caption = width >= 40 ? 14 : 0;
    this.gap = width > 60 ? 6 : 3;
    this.cells = heads.map(({ layer, head }, i) => ({
      layer, head,
      x: box.x + left + (i % columns) * width,
      y: box.y + top + Math.floor(i / columns) * height,
      width: width - this.gap,
      height: height - this.gap,
    }));
    this.columns = columns;
    this.grid = grid;
    this.height = top + rows * height + 8;
    this.width = left + columns * width + 8;
  }

  draw(painter, app, box) {
    const { data, state, theme } = app;
    this.layOut(app, box);
    const mask = app.found;
    const searching = state.find !== "";
    const name = [state.method, state.colour, theme.name, state.find, this.columns, Math.round(box.width), Math.round(box.height)].join();
    if (name !== this.pictureName) {
      this.thumbnails.clear();
      this.pictureName = name;
    }
    if (this.grid) {
      this.cells.slice(0, this.columns).forEach((cell, head) => {
        const label = head === 0 && cell.width > 60 ? "head 0" : String(head);
        painter.text(label, cell.x + cell.width / 2, box.y + 11, { colour: theme.faint, size: 11, align: "center" });
      });
      for (let layer = 0; layer < data.layers; layer++) {
        const cell = this.cells[layer * this.columns];
        painter.text(layer === 0 && cell.height > 56 ? "layer 0" : String(layer), box.x + 16, cell.y + cell.height / 2,
          { colour: theme.faint, size: 11, align: "center", turned: true });
      }
    }
    const column = data.column(state.shade);
    const scale = shadeScale(column, theme);
    const began = performance.now();
    let waiting = false;
    for (const cell of this.cells) {
      const index = cell.layer * data.heads + cell.head;
      const value = column.values[index];
      const colour = scale(value);
      const inner = { x: cell.x, y: cell.y, width: cell.width, height: cell.height - this.caption };
      if (!this.thumbnails.has(index)) {
        if (performance.now() - began < BUDGET) this.thumbnails.set(index, thumbnail(app, cell, inner, mask, searching));
        else waiting = true;
      }
      painter.rect(inner.x, inner.y, inner.width, inner.height, { fill: theme.paper });
      if (this.thumbnails.has(index)) painter.picture(this.thumbnails.get(index), inner.x, inner.y, inner.width, inner.height);
      const here = cell.layer === state.layer && cell.head === state.head;
      const under = app.hover?.layer === cell.layer && app.hover?.head === cell.head;
      painter.rect(cell.x, cell.y, cell.width, cell.height, { stroke: theme.rule });
      painter.rect(cell.x, cell.y, 4, cell.height, { fill: colour });
      if (this.caption) {
        const text = searching ? `${hits(data, data.head(cell.layer, cell.head), mask)} hits` : readValue(column, value);
        const middle = cell.y + cell.height - this.caption / 2;
        painter.rect(cell.x + 4, cell.y + cell.height - this.caption, cell.width - 4, this.caption, { fill: theme.panel });
        painter.text(shorten(text, cell.width - (this.grid ? 12 : 44), 10), cell.x + 8, middle, { colour: theme.ink, size: 10 });
        if (!this.grid) painter.text(`${cell.layer}.${cell.head}`, cell.x + cell.width - 4, middle, { colour: theme.faint, size: 10, align: "right" });
      }
      if (here || under) painter.rect(cell.x - 1, cell.y - 1, cell.width + 2, cell.height + 2, { stroke: here ? theme.ink : theme.attention, line: 2 });
    }
    this.waiting = waiting;
    return waiting;
  }

  hit(x, y) {
    const cell = this.cells.find((c) => x >= c.x && y >= c.y && x < c.x + c.width && y < c.y + c.height);
    return cell ? { layer: cell.layer, head: cell.head } : null;
  }

  /** The head `right` cells to the right and `down` cells below of the current one. */
  neighbour({ layer, head }, right, down) {
    const at = this.cells.findIndex((c) => c.layer === layer && c.head === head);
    const to = this.cells[at + right + down * this.columns];
    return to ? { layer: to.layer, head: to.head } : { layer, head };
  }
}

/** The colour of a column's values: categories as they are, numbers from low to high. */
export function shadeScale(column, theme) {
  if (column.labels) return (value) => (column.labels[value] === "mixed" ? theme.rule : category(value, theme));
  const known = column.values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return (value) => (value === null ? theme.rule : ramp((value - low) / (high - low || 1), theme));
}

/** One small picture, pixel by pixel: there may be a million points on the page. */
function thumbnail(app, cell, { width, height }, mask, searching) {
  const { data, state, theme, ratio, cloud } = app;
  const head = data.head(cell.layer, cell.head);
  const positions = head.positions(state.method);
  const { index, palette } = app.colouringOf(head);
  const shown = data.shown(state.method, 2);
  const canvas = document.createElement("canvas");
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d");
  const image = context.createImageData(w, h);
  const rgb = palette.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const r = ratio * (shown > 2000 ? 0.7 : shown > 400 ? 1 : shown > 60 ? 1.6 : 2.3);
  const dot = [];
  for (let dy = -Math.ceil(r); dy <= r; dy++) for (let dx = -Math.ceil(r); dx <= r; dx++) if (dx * dx + dy * dy <= r * r + 0.3) dot.push([dx, dy]);

  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let p = 0; p < data.points; p++) {
    if (p % data.size >= shown) continue;
    left = Math.min(left, positions[3 * p]);
    right = Math.max(right, positions[3 * p]);
    low = Math.min(low, positions[3 * p + 1]);
    high = Math.max(high, positions[3 * p + 1]);
  }
  const margin = r + 2 * ratio;
  const scale = Math.min((w - 2 * margin - 4 * ratio) / (right - left || 1), (h - 2 * margin) / (high - low || 1));
  const pixels = image.data;
  const paint = (bright, opacity) => {
    for (const p of cloud.order) {
      const n = p % data.size;
      if (n >= shown || (searching ? mask[n] === 1 : true) !== bright) continue;
      const x = Math.round((w + 4 * ratio) / 2 + (positions[3 * p] - (left + right) / 2) * scale);
      const y = Math.round(h / 2 - (positions[3 * p + 1] - (low + high) / 2) * scale);
      const colour = rgb[index[p]];
      for (const [dx, dy] of dot) {
        const [px, py] = [x + dx, y + dy];
        if (px < 0 || py < 0 || px >= w || py >= h) continue;
        const at = 4 * (py * w + px);
        const before = pixels[at + 3] / 255;
        const after = opacity + before * (1 - opacity);
        for (let c = 0; c < 3; c++) pixels[at + c] = (colour[c] * opacity + pixels[at + c] * before * (1 - opacity)) / after;
        pixels[at + 3] = 255 * after;
      }
    }
  };
  if (searching) paint(false, 0.12);
  paint(true, shown > 2000 ? 0.5 : 0.8);
  context.putImageData(image, 0, 0);
  return canvas;
}

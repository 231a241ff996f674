// The matrix view: every head of every layer as a small picture, ordered and marked by any column of numbers.

import { bounds, inside } from "./camera.mjs";
import { category, channels, inkOn, ramp } from "../../web/colors.mjs";
import { hits } from "./find.mjs";
import { rangeOf } from "../../web/numbers.mjs";
import { shorten, textWidth } from "../../web/text.mjs";
import { Pixels, maskOf } from "./pixels.mjs";
import { say } from "../../web/words.mjs";

const NARROWEST = 50; // pixels of a head; on a phone the grid can be pushed sideways
const CAPTION = 16; // pixels below each
const BUDGET = 30; // milliseconds of thumbnails a frame

/** Heads as {layer, head, value}, in the order of the grid. */
export function orderedHeads(data, order) {
  const length = data.layers * data.heads;
  const heads = Array.from({ length }, (_, i) => ({ layer: Math.floor(i / data.heads), head: i % data.heads }));
  if (order === "layer") return heads;
  const column = data.column(order);
  const at = ({ layer, head }) => column.values[layer * data.heads + head];
  return heads.sort((a, b) => (column.labels ? at(a) - at(b) : at(b) - at(a)));
}

/** How a value of a column reads. */
export function readValue(column, value) {
  if (column.labels) return column.labels[value];
  if (value === null) return say("no_value");
  return value.toFixed(column.digits);
}

/** Whether a head is of the chosen kind, or is bright because none is chosen. A kind is a label of one of the columns. */
export function isOfKind({ data, state: { kind } }, { layer, head }) {
  const column = data.columns.find(({ labels }) => labels?.includes(kind));
  return !column || readValue(column, data.columnValue(column.name, layer, head)) === kind;
}

export class MatrixView {
  thumbnails = new Map();
  sheets = new Map();
  pictureName = "";
  cells = [];

  /** Cells for a box: the grid layers x heads, or a list that fills the box. */
  layOut(app, box) {
    const { data, state } = app;
    const heads = orderedHeads(data, state.order);
    const grid = state.order === "layer";
    const [left, top] = grid ? [34, 22] : [4, 4];
    const [wide, high] = [box.width - left - 8, box.height - top - 8];
    let columns = data.heads;
    if (!grid) columns = Math.max(1, Math.min(heads.length, Math.round(Math.sqrt((heads.length * wide) / (high * 1.15)))));
    const narrow = box.width < 560;
    if (narrow && !grid) columns = Math.max(2, Math.floor(wide / 84));
    const rows = Math.ceil(heads.length / columns);
    const width = Math.max(NARROWEST, wide / columns);
    const height = narrow ? 1.15 * width + 8 : Math.max(52, high / rows);
    this.gap = width > 60 ? 6 : 3;
    this.cells = heads.map(({ layer, head }, i) => ({
      layer, head, index: layer * data.heads + head,
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
    const name = [state.method, state.color, theme.name, state.find, data.isTyped(state.sentence), data.typed?.number, this.columns, Math.round(box.width), Math.round(box.height)].join();
    if (name !== this.pictureName) {
      this.thumbnails.clear();
      this.pictureName = name;
    }
    if (this.grid) {
      this.cells.slice(0, this.columns).forEach((cell, head) => {
        const label = head === 0 && cell.width > 60 ? say("head_number", { head }) : String(head);
        painter.text(label, cell.x + cell.width / 2, box.y + 11, { color: theme.faint, size: 11, align: "center" });
      });
      for (let layer = 0; layer < data.layers; layer++) {
        const cell = this.cells[layer * this.columns];
        const label = layer === 0 && cell.height > 44 ? say("layer_number", { layer }) : String(layer);
        painter.text(label, box.x + 16, cell.y + cell.height / 2, { color: theme.faint, size: 11, align: "center", turned: textWidth(label, 11) > 30 });
      }
    }
    this.waiting = this.makeThumbnails(app);
    for (const cell of this.cells) this.drawCell(painter, app, cell);
    return this.waiting;
  }

  /** Makes as many small pictures as there is time for in one frame, or all for a file. Returns true if some are left. */
  makeThumbnails(app) {
    const until = performance.now() + (app.window.width === Infinity ? Infinity : BUDGET);
    const missing = this.cells.filter(({ index }) => !this.thumbnails.has(index));
    while (missing.length && performance.now() < until) {
      const cell = missing.shift();
      if (!this.sheets.has(cell.index)) this.sheets.set(cell.index, {});
      this.thumbnails.set(cell.index, thumbnail(app, cell, this.sheets.get(cell.index)));
    }
    return missing.length > 0;
  }

  drawCell(painter, app, cell) {
    const { data, state, theme } = app;
    const small = this.thumbnails.get(cell.index);
    if (!small) return painter.rect(cell.x, cell.y, cell.width, cell.height, { stroke: theme.rule });
    const column = data.column(state.shade);
    const value = column.values[cell.index];
    painter.picture(small, cell.x, cell.y, cell.width, cell.height - CAPTION);
    const shade = shadeScale(column, theme)(value);
    const ink = inkOn(shade);
    const text = this.caption(app, cell, column, value);
    const faded = !isOfKind(app, cell);
    const middle = cell.y + cell.height - CAPTION / 2;
    painter.rect(cell.x, cell.y, cell.width, cell.height, { stroke: theme.rule });
    painter.rect(cell.x, cell.y + cell.height - CAPTION, cell.width, CAPTION, { fill: shade });
    painter.text(shorten(text, cell.width - (this.grid ? 6 : 40), 11), cell.x + 4, middle, { color: ink, size: 11 });
    if (!this.grid) painter.text(`${cell.layer}.${cell.head}`, cell.x + cell.width - 4, middle, { color: ink, size: 11, align: "right" });
    if (faded) {
      painter.alpha(0.8);
      painter.rect(cell.x, cell.y, cell.width, cell.height, { fill: theme.paper });
      painter.alpha(1);
    }
    if (app.without.has(`${cell.layer}.${cell.head}`)) {
      painter.line([[cell.x, cell.y], [cell.x + cell.width, cell.y + cell.height - CAPTION]], theme.mark, 2);
      painter.line([[cell.x + cell.width, cell.y], [cell.x, cell.y + cell.height - CAPTION]], theme.mark, 2);
    }
    const here = cell.layer === state.layer && cell.head === state.head;
    const under = app.hover?.layer === cell.layer && app.hover?.head === cell.head;
    const edge = here ? theme.ink : theme.attention;
    return (here || under) && painter.rect(cell.x - 1, cell.y - 1, cell.width + 2, cell.height + 2, { stroke: edge, line: 2 });
  }

  /** Below a head: the hits of a search, how far its attention moved, or the value of the column chosen. */
  caption({ data, state, found }, { layer, head, index }, column, value) {
    const count = state.find === "" ? 0 : hits(data, data.head(layer, head), found);
    if (state.find !== "") return say(count === 1 ? "hits_one" : "hits", { count });
    const moved = data.typed?.moved;
    if (moved && data.isTyped(state.sentence)) return say("changed", { share: moved[index].toFixed(2) });
    return readValue(column, value);
  }

  hit(app, x, y) {
    const cell = this.cells.find((c) => inside(c, x, y));
    return cell ? { layer: cell.layer, head: cell.head } : null;
  }

  /** The head `right` cells to the right and `down` cells below of the current one. */
  neighbor({ layer, head }, right, down) {
    const at = this.cells.findIndex((c) => c.layer === layer && c.head === head);
    const to = this.cells[at + right + down * this.columns];
    return to ? { layer: to.layer, head: to.head } : { layer, head };
  }
}

/** The colour of a column's values: categories as they are, numbers from low to high. */
export function shadeScale(column, theme) {
  const plain = { mixed: theme.rule, broad: theme.other, special: theme.faint, words: theme.rule }; // so that heads with one clear place stand out
  if (column.labels) return (value) => plain[column.kinds[value]] ?? category(value, theme);
  const [low, high] = rangeOf(column.values);
  return (value) => (value === null ? theme.rule : ramp((value - low) / (high - low || 1), theme));
}

/** How a thumbnail lays its points out: where they are, and how they look. */
function thumbnailLook(app, { layer, head, width, height }) {
  const { data, state, ratio } = app;
  const one = data.head(layer, head);
  const [positions, seen] = [one.positions(state.method), one.shown(state.method, 2)];
  const shown = seen.reduce((total, token) => total + token, 0);
  const radius = ratio * (width > 150 ? 1.7 : 1) * (shown > 2000 ? 0.7 : shown > 400 ? 1 : shown > 60 ? 1.5 : 2.1);
  const [w, h] = [width, height - CAPTION].map((side) => Math.max(1, Math.round(side * ratio)));
  const world = bounds(positions, seen);
  const margin = 2 * (radius + 2 * ratio);
  const scale = Math.min((w - margin) / (world.width || 1), (h - margin) / (world.height || 1));
  const { index, palette } = app.coloringOf(one);
  const masks = [maskOf("disc", radius), maskOf("diamond", radius)];
  return { positions, seen, shown, radius, w, h, world, scale, index, colors: palette.map(channels), masks };
}

/**
 * One small picture, pixel by pixel: there may be a million points on the page. sheet: what was kept from the last one of
 * this head, {pixels, name, faded}: while one types, the page's own points stay as they are under the typed ones.
 */
function thumbnail(app, cell, sheet) {
  const { data, state, cloud } = app;
  const searched = state.find !== "";
  const typed = data.isTyped(state.sentence); // then its points are the bright ones
  const mask = searched ? app.found : typed ? app.ofSentence : null;
  cloud.resize();
  const look = thumbnailLook(app, cell);
  const { positions, seen, shown, w, h, world, scale } = look;
  if (sheet.pixels?.width !== w || sheet.pixels.height !== h) Object.assign(sheet, { pixels: new Pixels(w, h), name: "" });
  const { pixels } = sheet;
  pixels.clear();
  const paint = (bright, opacity) => {
    for (const p of cloud.order) {
      const side = p < data.size ? 0 : 1;
      const n = p - side * data.size;
      if (!seen[n] || (mask && (mask[n] === 1) !== bright)) continue;
      const x = w / 2 + (positions[3 * p] - world.x) * scale;
      const y = h / 2 - (positions[3 * p + 1] - world.y) * scale;
      pixels.stamp(look.masks[side], x, y, look.colors[look.index[p]], opacity);
    }
  };
  const name = searched ? "" : [state.method, state.color, app.theme.name, look.radius, ...Object.values(world)].join();
  if (mask && name && name === sheet.name && state.color === "type") pixels.image.data.set(sheet.faded);
  else if (mask) {
    paint(false, 1);
    pixels.fade(0.15);
    Object.assign(sheet, { name, faded: pixels.image.data.slice() });
  }
  paint(true, shown > 2000 ? 0.5 : 0.8);
  return pixels.done();
}

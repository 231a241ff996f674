// The picture of the chosen array: a cell a number, and labels that stay in sight while the cells scroll.

import { ARROWS, button, byId, element } from "../../../viz/web/dom.mjs";
import { hex, inkOn } from "../../../viz/web/colors.mjs";
import { within } from "../../../viz/web/numbers.mjs";
import { FONT, shorten, textWidth } from "../../../viz/web/text.mjs";
import { axisWord, isTokens } from "./letters.mjs";
import { colorOf, largestOf } from "./thumbs.mjs";

const WINDOW = 128; // places of an axis shown at a time, where they have no tokens

/** @typedef {{axis: number, from: number, to: number, size: number, tokens: boolean}} Side the places of one axis; axis -1: there is none */

export class Heat {
  /** @param {import("./inspect.mjs").Inspector} shown */
  constructor(shown) {
    this.shown = shown;
    /** @type {ReturnType<Heat["layOut"]> | null} */
    this.box = null;
    const heat = byId("heat");
    heat.addEventListener("pointermove", (event) => shown.say(this.placeAt(event) ?? shown.index));
    heat.addEventListener("pointerleave", () => shown.say(shown.index));
    heat.addEventListener("click", (event) => {
      const found = this.placeAt(event);
      if (found) shown.choose(found);
    });
    heat.addEventListener("keydown", (event) => {
      if (!ARROWS[event.key] || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      shown.move(...ARROWS[event.key]);
    });
    heat.addEventListener("scroll", () => this.inSight());
    new ResizeObserver(() => this.draw()).observe(heat);
  }

  /** The places of an axis that are drawn. @param {number} axis @returns {Side} */
  side(axis) {
    if (axis < 0) return { axis, from: 0, to: 1, size: 1, tokens: false };
    const { held, index, letters, array, data } = this.shown;
    const tokens = isTokens(letters[axis], array.shape[axis], data.about.tokens);
    const from = tokens ? 0 : Math.floor(index[axis] / WINDOW) * WINDOW;
    return { axis, from, to: Math.min(held[axis], tokens ? held[axis] : from + WINDOW), size: held[axis], tokens };
  }

  /** @param {Side} side */
  names(side) {
    return Array.from({ length: side.to - side.from }, (_, i) => (side.axis < 0 ? "" : this.shown.nameOf(side.axis, side.from + i)));
  }

  /** Rows and columns, the size of a cell, and the room for labels. */
  layOut() {
    const axes = this.shown.held.length;
    const [rows, columns] = [this.side(axes - 2), this.side(axes - 1)];
    const room = Math.max(200, byId("heat").clientWidth - 4);
    const longest = (side) => Math.ceil(Math.max(...this.names(side).map((name) => textWidth(name))));
    const left = rows.axis < 0 ? 8 : Math.min(110, longest(rows) + 14);
    const top = columns.tokens ? Math.min(90, longest(columns) + 12) : 20;
    const [across, down] = [columns.to - columns.from, rows.to - rows.from];
    const width = Math.max(columns.tokens ? 15 : 2, Math.min(38, (room - left) / across));
    const height = rows.tokens ? Math.max(15, Math.min(columns.tokens ? width : 24, 30)) : down > 40 ? 5 : 18;
    return { rows, columns, left, top, width, height, across, down };
  }

  draw() {
    const { array, number } = this.shown;
    if (number < 0 || array.rows === 0 || byId("inspector").hidden) return;
    this.box = this.layOut();
    this.cells(this.box);
    this.rowLabels(this.box);
    this.columnLabels(this.box);
    this.windows(this.box);
    this.inSight();
  }

  /** @param {NonNullable<Heat["box"]>} box */
  cells({ width, height, across, down }) {
    const { array, page } = this.shown;
    const context = sheet("cells", Math.ceil(across * width) + 2, Math.ceil(down * height) + 2);
    const largest = largestOf(array);
    const shares = (array.low ?? -1) >= 0 && (array.high ?? 2) <= 1 && width >= 26; // written into their cells
    const gap = Math.min(width, height) > 8 ? 1 : 0;
    context.font = `10px ${FONT}`;
    context.textAlign = "center";
    for (let i = 0; i < down; i++) {
      for (let j = 0; j < across; j++) {
        const number = this.shown.valueAt(this.indexOf(i, j));
        const color = hex(colorOf(number, largest, page.theme));
        context.fillStyle = color;
        context.fillRect(j * width, i * height, width - gap, height - gap);
        if (!shares) continue;
        context.fillStyle = inkOn(color);
        context.fillText(number.toFixed(2).replace(/^0/u, ""), (j + 0.5) * width - gap / 2, (i + 0.5) * height);
      }
    }
    const [x, y] = this.chosen();
    context.strokeStyle = page.theme.mark;
    context.lineWidth = 2;
    context.strokeRect(Math.max(1, x * width - 1), Math.max(1, y * height - 1), Math.max(3, width) + 1, height + 1);
  }

  /** The column and the row of the chosen cell, among those that are drawn. @returns {[number, number]} */
  chosen() {
    const { index } = this.shown;
    const { rows, columns } = this.box ?? this.layOut();
    return [(index.at(-1) ?? 0) - columns.from, rows.axis < 0 ? 0 : index[rows.axis] - rows.from];
  }

  /** @param {NonNullable<Heat["box"]>} box */
  rowLabels({ rows, left, height, down }) {
    const context = sheet("side", left, Math.ceil(down * height) + 2);
    const every = rows.tokens ? 1 : Math.max(1, Math.ceil(14 / height));
    context.textAlign = "right";
    this.names(rows).forEach((name, i) => {
      if (rows.axis < 0 || (rows.from + i) % every) return;
      context.fillStyle = this.ink(i === this.chosen()[1]);
      context.fillText(shorten(name, left - 10), left - 6, (i + 0.5) * height);
    });
  }

  /** @param {NonNullable<Heat["box"]>} box */
  columnLabels({ columns, top, width, across }) {
    const context = sheet("top", Math.ceil(across * width) + 2, top);
    const every = !columns.tokens && width < 30 ? 16 : 1;
    this.names(columns).forEach((name, j) => {
      if (!columns.tokens && (columns.from + j) % every) return;
      context.fillStyle = this.ink(j === this.chosen()[0]);
      context.save();
      context.translate((every > 1 ? j : j + 0.5) * width, columns.tokens ? top - 5 : top - 9);
      context.textAlign = columns.tokens || every > 1 ? "left" : "center";
      if (columns.tokens) context.rotate(-Math.PI / 2);
      context.fillText(shorten(name, columns.tokens ? top - 8 : Math.max(30, width)), 0, 0);
      context.restore();
    });
  }

  /** @param {boolean} chosen */
  ink(chosen) {
    const { theme } = this.shown.page;
    return chosen ? theme.mark : theme.ink;
  }

  /** Scrolls the chosen cell into sight: in the picture, and the picture in the panel. */
  bring() {
    if (!this.box) return;
    const heat = byId("heat");
    const panel = byId("inspector");
    const { left, top, width, height } = this.box;
    const [x, y] = this.chosen();
    heat.scrollLeft = nearest(heat.scrollLeft, x * width, width, heat.clientWidth - left);
    heat.scrollTop = nearest(heat.scrollTop, y * height, height, heat.clientHeight - top);
    const offset = heat.getBoundingClientRect().top - panel.getBoundingClientRect().top + panel.scrollTop;
    panel.scrollTop = nearest(panel.scrollTop, offset + top + y * height - heat.scrollTop, height, panel.clientHeight);
  }

  /** Long axes are drawn a window at a time. @param {NonNullable<Heat["box"]>} box */
  windows({ rows, columns }) {
    const { shown } = this;
    const made = [columns, rows].filter(({ from, to, size }) => to - from < size).map(({ axis, from, to, size }) => {
      const step = (sign, by, label) => {
        const go = () => shown.choose(shown.index.with(axis, within(from + by * WINDOW, 0, size - 1)));
        return button(sign, go, { "aria-label": label, disabled: by < 0 ? from === 0 : to >= size });
      };
      return element("span", { class: "window" }, step("‹", -1, "the ones before"), `${axisWord(shown.letters, axis)}s ${from} to ${to - 1} of ${size}`, step("›", 1, "the ones after"));
    });
    byId("windows").replaceChildren(...made);
  }

  /** Where the picture is larger than its frame: fades the edges that have more behind them, and prints how much is in sight. */
  inSight() {
    if (!this.box) return;
    const heat = byId("heat");
    const { rows, columns, left, top, width, height, across, down } = this.box;
    const [wide, tall] = [heat.clientWidth - left, heat.clientHeight - top];
    const [right, below] = [heat.scrollWidth - heat.clientWidth - heat.scrollLeft > 2, heat.scrollHeight - heat.clientHeight - heat.scrollTop > 2];
    heat.dataset.more = [right && "right", below && "below"].filter(Boolean).join(" ");
    const part = (side, count, from, room, size) => {
      const [first, last] = [Math.floor(from / size), Math.min(count, Math.ceil((from + room) / size)) - 1];
      return last - first + 1 < count ? [`${axisWord(this.shown.letters, side.axis)} ${side.from + first} to ${side.from + last}`] : [];
    };
    const seen = [...part(rows, down, heat.scrollTop, tall, height), ...part(columns, across, heat.scrollLeft, wide, width)];
    byId("sight").textContent = seen.length ? `In sight: ${seen.join(", ")}. Scroll the picture to see the others.` : "";
  }

  /** The index of the cell under the pointer. @param {PointerEvent} event */
  placeAt(event) {
    if (!this.box) return null;
    const { width, height, across, down } = this.box;
    const { left, top } = byId("cells").getBoundingClientRect();
    const [i, j] = [Math.floor((event.clientY - top) / height), Math.floor((event.clientX - left) / width)];
    return i < 0 || j < 0 || i >= down || j >= across ? null : this.indexOf(i, j);
  }

  /** The index of a cell that is drawn, by its row and column. @param {number} i @param {number} j */
  indexOf(i, j) {
    const { rows, columns } = this.box;
    const { index } = this.shown;
    const whole = [...index.slice(0, -2), rows.from + i, columns.from + j];
    return whole.slice(whole.length - index.length); // an array may have less than two axes
  }
}

/** A canvas of a size in CSS pixels, empty. @param {string} id @param {number} width @param {number} height @returns {CanvasRenderingContext2D} */
function sheet(id, width, height) {
  const canvas = byId(id);
  const ratio = Math.min(2, devicePixelRatio || 1);
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = `12px ${FONT}`;
  context.textBaseline = "middle";
  return context;
}

/** The scroll position nearest to `now` that shows [at, at + size] in `room`, with some room around it. @param {number} now @param {number} at @param {number} size @param {number} room */
function nearest(now, at, size, room) {
  const around = Math.min(44, Math.max(0, (room - size) / 2)); // the edges fade
  return Math.max(Math.min(now, at - around), at + size + around - room);
}

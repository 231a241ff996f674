// The picture of the chosen array: a cell a number, and labels that stay in sight while the cells scroll.

import { ARROWS, button, byId, element } from "../../../viz/web/dom.mjs";
import { hex, inkOn } from "../../../viz/web/colors.mjs";
import { within } from "../../../viz/web/numbers.mjs";
import { FONT, textWidth } from "../../../viz/web/text.mjs";
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
    this.labels(this.box);
    this.windows(this.box);
    this.inSight();
  }

  /** @param {NonNullable<Heat["box"]>} box */
  cells({ width, height, across, down }) {
    const { array, page } = this.shown;
    const canvas = byId("cells");
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [wide, high] = [Math.ceil(across * width) + 2, Math.ceil(down * height) + 2];
    Object.assign(canvas, { width: wide * ratio, height: high * ratio });
    canvas.style.cssText = `width: ${wide}px; height: ${high}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const largest = largestOf(array);
    const shares = (array.low ?? -1) >= 0 && (array.high ?? 2) <= 1 && width >= 26; // written into their cells
    const gap = Math.min(width, height) > 8 ? 1 : 0;
    Object.assign(context, { font: `10px ${FONT}`, textAlign: "center", textBaseline: "middle" });
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
  }

  /** The names of rows and columns, as many as there is room for, and the frame of the chosen cell. @param {NonNullable<Heat["box"]>} box */
  labels({ rows, columns, left, top, width, height }) {
    const { index } = this.shown;
    const [x, y] = [(index.at(-1) ?? 0) - columns.from, rows.axis < 0 ? 0 : index[rows.axis] - rows.from];
    const fill = (id, side, every, chosen, style) => {
      byId(id).className = side.tokens ? "tokens" : every > 1 ? "some" : "";
      byId(id).style.cssText = style;
      byId(id).replaceChildren(...this.names(side).map((name, i) =>
        element("span", { class: i === chosen ? "chosen" : "" }, (side.from + i) % every ? "" : name)));
    };
    fill("side", rows, rows.tokens ? 1 : Math.max(1, Math.ceil(14 / height)), y, `width: ${left}px; --size: ${height}px`);
    fill("top", columns, !columns.tokens && width < 30 ? 16 : 1, x, `height: ${top}px; --size: ${width}px`);
    byId("heat").style.scrollPadding = `${top}px 0 0 ${left}px`;
    const place = `left: ${left + x * width}px; top: ${top + y * height}px`;
    byId("chosen").style.cssText = `${place}; width: ${Math.max(3, width)}px; height: ${height}px`;
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


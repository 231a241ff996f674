// The chosen array, opened: axes with their tokens, the number under the pointer, and how that number came about.

import { blend, inkOn } from "../../../viz/web/colors.mjs";
import { byId, element } from "../../../viz/web/dom.mjs";
import { explanation } from "./explain.mjs";
import { axisWord, fourDigits, isTokens, lettersOf, placeName, shapeInWords } from "./letters.mjs";
import { colourOf, largestOf } from "./thumbs.mjs";

const WINDOW = 128; // places of an axis seen at a time, where they have no tokens
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const FONT = '"Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';

export class Inspector {
  constructor(app) {
    this.app = app;
    this.data = app.recording;
    const heat = byId("heat");
    heat.addEventListener("pointermove", (event) => this.point(event));
    heat.addEventListener("pointerleave", () => this.say(this.index));
    heat.addEventListener("click", (event) => {
      const found = this.placeAt(event);
      if (found) this.choose(found);
    });
    heat.addEventListener("keydown", (event) => {
      if (!ARROWS[event.key] || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.move(...ARROWS[event.key]);
    });
    new ResizeObserver(() => this.draw()).observe(heat);
  }

  /** Opens what `name` was bound to: [call, visit or null where it was given, name], at an index or at its largest. */
  async open(call, visit, name, index) {
    const bound = visit === null ? this.data.calls[call].given[name] : this.data.visits[visit].made[name];
    if (!Array.isArray(bound)) return undefined;
    const [number] = bound;
    const numbers = await this.data.numbers(number);
    const array = this.data.arrays[number];
    for (const id of ["heat", "windows", "cell", "arithmetic", "picks"]) byId(id).hidden = array.rows === 0;
    Object.assign(this, { call, visit, name, number, array, numbers });
    this.letters = lettersOf(name, array);
    const held = array.shape.map((size, axis) => (axis === 0 && array.rows !== null ? array.rows : size));
    this.held = held;
    if (index === "largest" || index?.largest) index = this.largest(index.head);
    const fits = index?.length === held.length && index.every((place, axis) => Number.isInteger(place) && place >= 0 && place < held[axis]);
    this.index = fits ? [...index] : held.map(() => 0);
    byId("inspector").hidden = false;
    this.head();
    if (array.rows === 0) return this.app.opened();
    return this.choose(this.index);
  }

  /** Where the largest number is, of one head if one is named; of what words (not the first and last token) look at. */
  largest(head = 0) {
    const [rows, columns] = [this.held.at(-2) ?? 1, this.held.at(-1) ?? 1];
    const lead = this.held.slice(0, -2).map((size, axis) => (axis === this.held.length - 3 ? Math.min(head, size - 1) : 0));
    let [best, found] = [-Infinity, null];
    for (let i = rows > 3 ? 1 : 0; i < (rows > 3 ? rows - 1 : rows); i++) {
      for (let j = rows > 3 && rows === columns ? 1 : 0; j < columns; j++) {
        const index = [...lead, i, j].slice(-this.held.length);
        if (this.valueAt(index) > best) [best, found] = [this.valueAt(index), index];
      }
    }
    return found ?? undefined;
  }

  head() {
    const { array, app, data } = this;
    byId("array-name").replaceChildren(element("code", {}, this.name));
    byId("array-shape").textContent = shapeInWords(this.letters, array.shape);
    const { line } = this.visit === null ? { line: data.calls[this.call].function.def } : data.visits[this.visit];
    const chapter = data.chapters[data.calls[this.call].chapter].name;
    const go = element("button", { type: "button", class: "link" }, `${chapter.split("/").pop()}, line ${line}`);
    go.addEventListener("click", () => app.showLine(this.call, line));
    byId("array-where").replaceChildren(this.visit === null ? "given to " : "made by ", go, ` in ${app.pathText(this.call)}`);
    byId("range").replaceChildren(
      element("span", {}, `smallest ${fourDigits(array.low ?? NaN)}`), bar(array, app.theme), element("span", {}, `largest ${fourDigits(array.high ?? NaN)}`));
    byId("partly").hidden = array.rows === null;
    byId("partly").textContent = array.rows === null ? "" : array.rows === 0 ? "Its numbers did not fit into this page." : array.step > 1 ? `Of ${array.shape[0]} rows this page holds every ${array.step}th.` : `Of ${array.shape[0]} rows this page holds the first ${array.rows}.`;
  }

  /** Axes before the last two, and the layer, are chosen in lists. */
  picks() {
    const { app, data } = this;
    const picks = [];
    const path = data.path(this.call);
    for (const call of path.filter((c) => data.calls[c].index !== undefined)) {
      const { like, index, function: { name } } = data.calls[call];
      picks.push(list(name.split(".").pop().replaceAll("_", " "), like.map((_, i) => String(i)), index, (i) => app.openTwin(call, like[i])));
    }
    for (let axis = 0; axis < this.held.length - 2; axis++) {
      const size = this.held[axis];
      const names = Array.from({ length: size }, (_, i) => this.nameOf(axis, i));
      picks.push(list(axisWord(this.letters, axis), names, this.index[axis], (i) => this.choose(this.index.with(axis, i))));
    }
    const focus = document.activeElement?.dataset?.pick;
    byId("picks").replaceChildren(...picks);
    if (focus) byId("picks").querySelector(`[data-pick="${focus}"]`)?.focus();
  }

  choose(index) {
    this.index = index;
    this.picks();
    this.draw();
    this.say(index, true);
    this.arithmetic();
    this.app.opened();
  }

  move(down, right) {
    const next = [...this.index];
    const last = next.length - 1;
    const within = (axis, by) => {
      if (axis >= 0) next[axis] = Math.min(this.held[axis] - 1, Math.max(0, next[axis] + by));
    };
    within(last, right);
    within(last - 1, down);
    this.choose(next);
  }

  valueAt(index) {
    return this.numbers[index.reduce((flat, place, axis) => flat * this.array.shape[axis] + place, 0)];
  }

  /** "head 2, query brown (2), key the (1)". */
  coordinates(index) {
    return index.map((place, axis) => {
      const letter = this.letters[axis];
      const name = this.nameOf(axis, place);
      return `${axisWord(this.letters, axis)} ${/^\d+$/u.test(name) && letter !== "V" ? name : `${name} (${place})`}`;
    }).join(", ");
  }

  say(index, aloud = false) {
    if (!index) return;
    const where = this.coordinates(index);
    const value = fourDigits(this.valueAt(index));
    byId("cell").replaceChildren(element("span", { class: "where" }, where || "the number"), element("b", {}, value));
    if (aloud) {
      const text = `${this.name}, ${where}: ${value}`;
      byId("heat").setAttribute("aria-label", text);
      this.app.announce(text);
    }
  }

  // ---- the picture
  /** What is drawn: rows and columns, each from..to, and the size of a cell. */
  layOut() {
    const { held, letters, array, data } = this;
    const axes = held.length;
    const [rowAxis, columnAxis] = [axes - 2, axes - 1];
    const side = (axis) => {
      if (axis < 0) return { size: 1, from: 0, to: 1, tokens: false };
      const tokens = isTokens(letters[axis], array.shape[axis], data.tokens);
      const from = tokens ? 0 : Math.floor(this.index[axis] / WINDOW) * WINDOW;
      return { axis, size: held[axis], from, to: Math.min(held[axis], tokens ? held[axis] : from + WINDOW), tokens };
    };
    const [rows, columns] = [side(rowAxis), side(columnAxis)];
    const room = Math.max(200, byId("heat").clientWidth - 2);
    const font = 12;
    const context = byId("canvas").getContext("2d");
    context.font = `${font}px ${FONT}`;
    const longest = (s) => Math.max(...Array.from({ length: s.to - s.from }, (_, i) => context.measureText(this.placeLabel(s, s.from + i)).width));
    const left = rows.axis === undefined ? 8 : Math.min(110, Math.ceil(longest(rows)) + 14);
    const top = columns.tokens ? Math.min(90, Math.ceil(longest(columns)) + 12) : 20;
    const [across, down] = [columns.to - columns.from, rows.to - rows.from];
    const width = columns.tokens ? Math.max(15, Math.min(38, (room - left - 4) / across)) : Math.max(2, Math.min(38, (room - left - 4) / across));
    const height = rows.tokens ? Math.max(15, Math.min(columns.tokens ? width : 24, 30)) : down > 40 ? 5 : 18;
    return { rows, columns, left, top, width, height, across, down, font };
  }

  placeLabel(side, i) {
    return side.axis === undefined ? "" : this.nameOf(side.axis, i);
  }

  /** What stands at a place of an axis; of a weight's rows only some are held. */
  nameOf(axis, i) {
    return placeName(this.letters[axis], this.array.shape[axis], axis === 0 ? i * this.array.step : i, this.data);
  }

  draw() {
    if (!this.array || this.array.rows === 0 || byId("inspector").hidden) return;
    const { theme } = this.app;
    const box = this.layOut();
    this.box = box;
    const { rows, columns, left, top, width, height, across, down, font } = box;
    const canvas = byId("canvas");
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [w, h] = [Math.ceil(left + across * width + 4), Math.ceil(top + down * height + 4)];
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const largest = largestOf(this.array);
    const shares = this.array.low >= 0 && this.array.high <= 1 && width >= 26;
    const gap = Math.min(width, height) > 8 ? 1 : 0;
    const at = [...this.index];
    const last = at.length - 1;
    for (let i = 0; i < down; i++) {
      for (let j = 0; j < across; j++) {
        if (last > 0) at[last - 1] = rows.from + i;
        if (last >= 0) at[last] = columns.from + j;
        const number = this.valueAt(at);
        const colour = `#${colourOf(number, largest, theme).map((c) => c.toString(16).padStart(2, "0")).join("")}`;
        context.fillStyle = colour;
        context.fillRect(left + j * width, top + i * height, width - gap, height - gap);
        if (shares) {
          context.fillStyle = inkOn(colour);
          context.font = `10px ${FONT}`;
          context.textAlign = "center";
          context.textBaseline = "middle";
          context.fillText(number.toFixed(2).replace(/^0/u, ""), left + (j + 0.5) * width - gap / 2, top + (i + 0.5) * height);
        }
      }
    }
    context.font = `${font}px ${FONT}`;
    context.fillStyle = theme.ink;
    context.textBaseline = "middle";
    const [chosenRow, chosenColumn] = [this.index[last - 1] ?? 0, this.index[last] ?? 0];
    const every = (side, space) => (side.tokens ? 1 : Math.max(1, Math.ceil(space)));
    const rowStep = every(rows, 14 / height);
    for (let i = 0; i < down; i++) {
      if (rows.axis === undefined || (rows.from + i) % rowStep) continue;
      context.textAlign = "right";
      context.fillStyle = rows.from + i === chosenRow ? theme.mark : theme.ink;
      context.fillText(cut(context, this.placeLabel(rows, rows.from + i), left - 10), left - 6, top + (i + 0.5) * height);
    }
    const columnStep = every(columns, 30 / width) > 1 ? 16 : 1;
    for (let j = 0; j < across; j++) {
      if (!columns.tokens && (columns.from + j) % columnStep) continue;
      context.fillStyle = columns.from + j === chosenColumn ? theme.mark : theme.ink;
      const label = this.placeLabel(columns, columns.from + j);
      if (columns.tokens) {
        context.save();
        context.translate(left + (j + 0.5) * width, top - 5);
        context.rotate(-Math.PI / 2);
        context.textAlign = "left";
        context.fillText(cut(context, label, top - 8), 0, 0);
        context.restore();
      } else {
        context.textAlign = columnStep > 1 ? "left" : "center";
        context.fillText(cut(context, label, Math.max(30, width)), left + (columnStep > 1 ? j : j + 0.5) * width, top - 9);
      }
    }
    context.strokeStyle = theme.mark;
    context.lineWidth = 2;
    context.strokeRect(left + (chosenColumn - columns.from) * width - 1, top + ((rows.axis === undefined ? 0 : chosenRow) - rows.from) * height - 1, Math.max(3, width) + 1, height + 1);
    this.windows();
  }

  /** Long axes are seen a window at a time. */
  windows() {
    const made = [];
    for (const side of [this.box.columns, this.box.rows]) {
      if (side.axis === undefined || side.to - side.from >= side.size) continue;
      const step = (by) => this.choose(this.index.with(side.axis, Math.min(side.size - 1, Math.max(0, side.from + by * WINDOW))));
      const button = (sign, by, label) => {
        const b = element("button", { type: "button", "aria-label": label }, sign);
        b.disabled = by < 0 ? side.from === 0 : side.to >= side.size;
        b.addEventListener("click", () => step(by));
        return b;
      };
      made.push(element("span", { class: "window" }, button("‹", -1, "the ones before"), `${axisWord(this.letters, side.axis)}s ${side.from} to ${side.to - 1} of ${side.size}`, button("›", 1, "the ones after")));
    }
    byId("windows").replaceChildren(...made);
  }

  placeAt(event) {
    if (!this.box) return null;
    const rect = byId("canvas").getBoundingClientRect();
    const j = Math.floor((event.clientX - rect.left - this.box.left) / this.box.width);
    const i = Math.floor((event.clientY - rect.top - this.box.top) / this.box.height);
    if (i < 0 || j < 0 || i >= this.box.down || j >= this.box.across) return null;
    const index = [...this.index];
    const last = index.length - 1;
    if (last >= 0) index[last] = this.box.columns.from + j;
    if (last > 0) index[last - 1] = this.box.rows.from + i;
    return index;
  }

  point(event) {
    const found = this.placeAt(event);
    this.say(found ?? this.index);
  }

  // ---- the arithmetic
  async arithmetic() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const { data, app } = this;
    let { visit, name } = this;
    const intro = [];
    if (visit === null) {
      visit = data.visits.findIndex((v) => Object.values(v.made).some((x) => Array.isArray(x) && x[0] === this.number));
      if (visit < 0) {
        byId("arithmetic").replaceChildren(element("p", { class: "note" }, "It was given: a weight of the model, learned in training, or made before the first chapter."));
        return;
      }
      name = Object.entries(data.visits[visit].made).find(([, x]) => Array.isArray(x) && x[0] === this.number)[0];
      intro.push(element("p", { class: "note" }, "It was given, and made before:"));
    }
    const blocks = await explanation(app.arithmetic, visit, name, this.index);
    if (turn !== this.turn) return;
    byId("arithmetic").replaceChildren(element("h3", {}, "How this number came about"), ...intro, ...blocks.map((block, i) => this.block(block, i)));
  }

  block(block, i) {
    const { app, data } = this;
    const { call, line } = data.visits[block.visit];
    const chapter = data.chapters[data.calls[call].chapter].name.split("/").pop();
    const go = element("button", { type: "button", class: "link" }, `${chapter}:${line}`);
    go.addEventListener("click", () => app.go(block.visit, { scroll: true }));
    const made = [element("p", { class: "from" }, go, " ", element("code", {}, block.source))];
    if (block.branch) made.push(element("p", { class: "note" }, "Here: ", element("code", {}, block.branch)));
    if (block.note) made.push(element("p", { class: "note" }, block.note));
    if (block.written) {
      const value = fourDigits(block.value);
      made.push(element("p", { class: "written" }, block.written === value ? "" : `${block.written} = `, element("b", {}, value)));
    }
    for (const { name, again, text, written, value } of block.where) {
      const parts = [element("code", {}, `${name} = ${text}`)];
      if (written !== fourDigits(value)) parts.push(` = ${written}`);
      made.push(element("p", { class: "where-line" }, again ? "before that " : "where ", ...parts, " = ", element("b", {}, fourDigits(value))));
    }
    made.push(...block.sums.map((sum, k) => this.sum(sum, i === 0 && k === 0 || block.sums.length === 1)));
    for (const { name: given, made: as, visit, index } of block.origins) {
      const { call: maker, line: at } = data.visits[visit];
      const back = element("button", { type: "button", class: "link" }, `${as}, ${data.chapters[data.calls[maker].chapter].name.split("/").pop()}:${at}`);
      back.addEventListener("click", () => app.show(maker, visit, as, index));
      made.push(element("p", { class: "note" }, element("code", {}, given), " was made as ", back));
    }
    return element("section", { class: "block" }, ...made);
  }

  /** A sum, term by term. */
  sum({ how, what, heads, rows, total, axis }, open) {
    const array = axis && this.data.arrays[axis[1]];
    const letters = array ? lettersOf(axis[0], array) : "";
    const last = letters.length - 1;
    const tokens = array && isTokens(letters[last], array.shape.at(-1), this.data.tokens) && rows.length === array.shape.at(-1);
    const label = (k) => (tokens ? placeName(letters[last], rows.length, k, this.data) : k);
    const largest = Math.max(...rows.map((row) => Math.abs(row.at(-1)))) || 1;
    const head = element("tr", {}, element("th", { scope: "col" }, array && letters[last] ? axisWord(letters, last) : ""),
      ...heads.map((h) => element("th", { scope: "col" }, h)), element("th", { scope: "col" }, heads.length ? "product" : "term"), element("td", {}));
    const body = rows.map((row, k) => {
      const bar = element("span", { class: row.at(-1) < 0 ? "minus" : "plus" });
      bar.style.width = `${(100 * Math.abs(row.at(-1))) / largest}%`;
      return element("tr", {}, element("th", { scope: "row" }, label(k)), ...row.map((x) => element("td", {}, fourDigits(x))), element("td", { class: "bar" }, bar));
    });
    const words = { sum: "sum", mean: "mean", max: "largest", min: "smallest" }[how];
    const details = element("details", open ? { open: "open" } : {},
      element("summary", {}, element("code", {}, what), ` : the ${words} of ${rows.length} ${heads.length ? "products" : "numbers"} is `, element("b", {}, fourDigits(total))),
      element("div", { class: "terms", tabindex: "0", role: "region", "aria-label": `the terms of ${what}` }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...body))));
    return details;
  }
}

function list(label, names, chosen, change) {
  const select = element("select", { "data-pick": label }, ...names.map((name, i) => element("option", { value: String(i) }, name)));
  select.value = String(chosen);
  select.addEventListener("change", () => change(Number(select.value)));
  return element("label", {}, `${label} `, select);
}

function bar(array, theme) {
  const made = element("span", { class: "colours", title: "colour grows with the root of a number's size" });
  const [low, high] = [array.low < 0 ? theme.mark : theme.paper, array.high > 0 ? theme.attention : theme.paper];
  const middle = array.low < 0 && array.high > 0 ? `${theme.paper},` : `${blend(low, high, 0.5)},`;
  made.style.background = `linear-gradient(90deg, ${low}, ${middle} ${high})`;
  return made;
}

function cut(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let n = text.length;
  while (n > 1 && context.measureText(`${text.slice(0, n)}…`).width > room) n--;
  return `${text.slice(0, n)}…`;
}

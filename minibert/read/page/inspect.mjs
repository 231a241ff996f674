// The chosen array, opened: its picture, the number that is chosen, and how that number came about.

import { byId, button, choice, element, refill } from "../../../viz/web/dom.mjs";
import { blend } from "../../../viz/web/colors.mjs";
import { fourDigits } from "../../../viz/web/numbers.mjs";
import { Heat } from "./heat.mjs";
import { axisWord, lettersOf, placeName, shapeInWords } from "./letters.mjs";
import { bareName } from "./recording.mjs";
import { Steps } from "./terms.mjs";

/** @typedef {import("./recording.mjs").Stored} Stored */

export class Inspector {
  /** @param {import("./read.mjs").Page} page */
  constructor(page) {
    this.page = page;
    this.data = page.recording;
    this.call = 0;
    /** @type {number | null} */
    this.visit = null;
    this.name = "";
    this.number = -1; // of the array
    this.letters = "";
    /** @type {number[]} how many places of each axis are in the page */
    this.held = [];
    /** @type {number[]} the number that is chosen */
    this.index = [];
    /** @type {ArrayLike<number>} */
    this.numbers = [];
    this.heat = new Heat(this);
    this.steps = new Steps(page);
  }

  get array() {
    return this.data.arrays[this.number];
  }

  /**
   * Opens what `name` was bound to by a visit, or what was given to a call (visit null).
   * @param {number} call @param {number | null} visit @param {string} name
   * @param {any} index a place; {head}: the largest number of a head; undefined: the first number
   */
  async open(call, visit, name, index) {
    const bound = visit === null ? this.data.calls[call].given[name] : this.data.visits[visit].made[name];
    if (!Array.isArray(bound)) return;
    const [number] = bound;
    const numbers = await this.data.numbers(number);
    const { shape, rows } = this.data.arrays[number];
    const held = shape.map((size, axis) => (axis === 0 ? rows ?? size : size));
    Object.assign(this, { call, visit, name, number, numbers, held, letters: lettersOf(name, this.data.arrays[number]) });
    for (const id of ["heat", "windows", "cell", "arithmetic", "picks"]) byId(id).hidden = rows === 0;
    const place = index?.head === undefined ? index : this.largest(index.head);
    const fits = place?.length === held.length && place.every((i, axis) => Number.isInteger(i) && i >= 0 && i < held[axis]);
    this.index = fits ? [...place] : held.map(() => 0);
    byId("inspector").hidden = false;
    byId("inspector").scrollTop = 0;
    this.head();
    if (rows === 0) this.page.opened();
    else this.choose(this.index);
  }

  /** Where the largest number of a head is. @param {number} head */
  largest(head) {
    const lead = this.held.slice(0, -2).map((size, axis) => (axis === this.held.length - 3 ? Math.min(head, size - 1) : 0));
    const [rows, columns] = [this.held.at(-2) ?? 1, this.held.at(-1) ?? 1];
    const all = Array.from({ length: rows * columns }, (_, k) => [...lead, Math.floor(k / columns), k % columns].slice(-this.held.length));
    return all.reduce((best, index) => (this.valueAt(index) > this.valueAt(best) ? index : best));
  }

  head() {
    const { array, page, data } = this;
    byId("array-name").replaceChildren(element("code", {}, this.name));
    byId("array-shape").textContent = shapeInWords(this.letters, array.shape);
    const { line } = this.visit === null ? { line: data.calls[this.call].function.def } : data.visits[this.visit];
    const file = data.chapters[data.calls[this.call].chapter].name.split("/").pop();
    byId("array-where").replaceChildren(this.visit === null ? "given to " : "made by ",
      button(`${file}, line ${line}`, () => page.showLine(this.call, line), { class: "link" }), ` in ${data.pathText(this.call)}`);
    byId("range").replaceChildren(`smallest ${fourDigits(array.low ?? NaN)}`, scale(array, page.theme), `largest ${fourDigits(array.high ?? NaN)}`);
    byId("partly").textContent = array.partly;
  }

  /** Axes before the last two, and the layer, are chosen in lists. */
  picks() {
    const { page, data, held } = this;
    const picks = data.path(this.call).flatMap((call) => {
      const { like, index, function: { name } } = data.calls[call];
      return like ? [list(bareName(name).replaceAll("_", " "), like.map((_, i) => i), index ?? 0, (i) => page.openTwin(call, like[i]))] : [];
    });
    for (let axis = 0; axis < held.length - 2; axis++) {
      const names = Array.from({ length: held[axis] }, (_, i) => this.nameOf(axis, i));
      picks.push(list(axisWord(this.letters, axis), names, this.index[axis], (i) => this.choose(this.index.with(axis, i))));
    }
    refill(byId("picks"), picks);
  }

  /** @param {number[]} index */
  choose(index) {
    this.index = index;
    this.picks();
    this.heat.draw();
    byId("chosen").scrollIntoView({ block: "nearest", inline: "nearest" });
    this.say(index, true);
    this.steps.explain(this.visit, this.name, this.number, index);
    this.page.opened();
  }

  /** @param {number} right @param {number} down */
  move(right, down) {
    const last = this.index.length - 1;
    const by = new Map([[last, right], [last - 1, down]]);
    this.choose(this.index.map((i, axis) => Math.min(this.held[axis] - 1, Math.max(0, i + (by.get(axis) ?? 0)))));
  }

  /** @param {number[]} index */
  valueAt(index) {
    return this.numbers[index.reduce((flat, place, axis) => flat * this.array.shape[axis] + place, 0)];
  }

  /** The label of a place of an axis; only some rows of a large weight are held. @param {number} axis @param {number} i */
  nameOf(axis, i) {
    return placeName(this.letters[axis], this.array.shape[axis], axis === 0 ? i * this.array.step : i, this.data.about);
  }

  /** "head 2, query brown (2), key the (1)". @param {number[]} index */
  coordinates(index) {
    return index.map((place, axis) => {
      const letter = this.letters[axis];
      const name = this.nameOf(axis, place);
      return `${axisWord(this.letters, axis)} ${/^\d+$/u.test(name) && letter !== "V" ? name : `${name} (${place})`}`;
    }).join(", ");
  }

  /** Writes a number and its place below the picture. @param {number[]} index */
  say(index, aloud = false) {
    const where = this.coordinates(index);
    const value = fourDigits(this.valueAt(index));
    byId("cell").replaceChildren(element("bdi", { class: "where" }, where || "the number"), element("b", {}, value));
    if (!aloud) return;
    byId("heat").setAttribute("aria-label", `${this.name}, ${where}: ${value}`);
    this.page.announce(`${this.name}, ${where}: ${value}`);
  }

  retheme() {
    if (byId("inspector").hidden) return;
    this.head();
    this.heat.draw();
  }
}

/** A choice with a label. @param {string} label @param {(string | number)[]} names @param {number} chosen @param {(i: number) => void} change */
function list(label, names, chosen, change) {
  return element("label", {}, `${label} `, choice(names, chosen, change, { "data-pick": label }));
}

/** The colours from the smallest number to the largest. @param {Stored} array @param {import("../../../viz/web/colors.mjs").Theme} theme */
function scale(array, theme) {
  const [below, above] = [(array.low ?? 0) < 0, (array.high ?? 0) > 0];
  const [low, high] = [below ? theme.mark : theme.paper, above ? theme.attention : theme.paper];
  const style = `background: linear-gradient(90deg, ${low}, ${below && above ? theme.paper : blend(low, high, 0.5)}, ${high})`;
  return element("span", { class: "colours", title: "colour grows with the root of a number's size", style });
}

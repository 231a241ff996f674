// What stands beside the lines: of each function one call, and of each of its lines the arrays that it made there.

import { button, choice, element } from "../../../viz/web/dom.mjs";
import { fourDigits } from "../../../viz/web/numbers.mjs";
import { lettersOf, shapeInWords, twoDigits } from "./letters.mjs";
import { drawThumb, thumbSize } from "./thumbs.mjs";

/** @typedef {import("./recording.mjs").Source} Source */
/** @typedef {import("./recording.mjs").Value} Value */

export class Beside {
  /** @param {import("./read.mjs").Page} page */
  constructor(page) {
    this.page = page;
    this.recording = page.recording;
    this.chapters = page.chapters;
    /** @type {Map<Source, number>} the call of each function that is shown */
    this.shown = new Map();
    this.seen = new IntersectionObserver((entries) => entries.forEach((e) => e.isIntersecting && this.paint(e.target)), { rootMargin: "300px" });
    for (const { head, calls } of this.chapters.functions.values()) if (!calls.length) head.append("not called for this text");
  }

  /** Every function shows the call of which `call` is a part; else the next one that comes; else the last one. @param {number} call @param {number} visit */
  show(call, visit) {
    const { calls } = this.recording;
    const path = new Set(this.recording.path(call));
    const starts = (c) => calls[c].visits[0] ?? calls[c].parent ?? 0;
    for (const [f, { calls: own }] of this.chapters.functions) {
      if (!own.length) continue;
      const inside = own.find((c) => path.has(c));
      const next = inside ?? own.find((c) => starts(c) >= visit) ?? own[own.length - 1];
      if (this.shown.get(f) !== next || inside !== undefined) this.showCall(f, next, visit);
    }
  }

  /** @param {Source} f @param {number} call @param {number} visit */
  showCall(f, call, visit) {
    const { calls, visits } = this.recording;
    const { chapter, given, visits: own } = calls[call];
    const anew = this.shown.get(f) !== call;
    if (anew) {
      this.shown.set(f, call);
      this.head(f, call);
      for (let line = f.first; line <= f.last; line++) {
        if (this.chapters.innermost(chapter, line) === f) this.chapters.rows[chapter][line].made.replaceChildren();
      }
      this.fill(this.chapters.rows[chapter][f.def].made, call, null, given);
    }
    const inside = this.recording.path(visits[visit].call).includes(call);
    for (const line of new Set(own.map((v) => visits[v].line))) {
      const rounds = own.filter((v) => visits[v].line === line);
      const last = rounds[rounds.length - 1];
      const wanted = inside ? rounds.findLast((v) => v <= visit) ?? last : last;
      const { made } = this.chapters.rows[chapter][line];
      if (anew || Number(made.dataset.visit) !== wanted) this.fill(made, call, wanted, visits[wanted].made, rounds);
    }
  }

  /** Above a function: which of its calls is shown, and a choice. @param {Source} f @param {number} call */
  head(f, call) {
    const { head, calls } = this.chapters.functions.get(f) ?? { head: element("div"), calls: [] };
    if (calls.length === 1) return head.replaceChildren(this.recording.pathText(call));
    const names = calls.map((c, i) => `${i + 1} of ${calls.length}: ${this.recording.pathText(c)}`);
    const go = (i) => this.page.go(this.recording.calls[calls[i]].visits[0]);
    const label = { "aria-label": `which call of ${f.name} is shown` };
    return head.replaceChildren(choice(names, calls.indexOf(call), go, label));
  }

  /**
   * What stands at the right of a line.
   * @param {HTMLElement} made @param {number} call @param {number | null} visit null: what the call was given
   * @param {Record<string, Value>} names @param {number[]} rounds
   */
  fill(made, call, visit, names, rounds = []) {
    made.dataset.visit = String(visit ?? "");
    const parts = Object.entries(names).map(([name, value]) => this.chip(call, visit, name, value));
    if (rounds.length > 1 && parts.length && visit !== null) parts.push(this.rounds(rounds, visit));
    const flag = visit === null ? undefined : this.recording.differs[visit];
    if (flag) parts.unshift(element("p", { class: "differs" }, flag));
    made.replaceChildren(...parts);
  }

  /** A name and its array, small; or its number. @param {number} call @param {number | null} visit @param {string} name @param {Value} value */
  chip(call, visit, name, value) {
    if (!Array.isArray(value)) return element("span", { class: "scalar" }, element("code", {}, name), ` = ${fourDigits(value)}`);
    const array = this.recording.arrays[value[0]];
    const { width, height } = thumbSize(array);
    const canvas = element("canvas", { "aria-hidden": "true", "data-array": value[0], style: `width: ${width}px; height: ${height}px` });
    this.seen.observe(canvas);
    const { low, high, mean, spread } = array;
    const [scale, statistics] = mean === null ? ["", ""] : [`${twoDigits(low)} to ${twoDigits(high)}`, `mean ${twoDigits(mean)}, spread ${twoDigits(spread)}`];
    const words = shapeInWords(lettersOf(name, array), array.shape);
    const thumb = element("span", { class: "thumb" }, canvas, scale);
    const shape = [words, statistics].map((text) => element("span", { class: "shape" }, text));
    const label = element("span", { class: "label" }, element("code", {}, name), ...shape);
    const looks = { class: visit === null ? "chip given" : "chip", "data-array": value[0], "data-name": name };
    return button([thumb, label], () => this.page.show(call, visit, name), looks);
  }

  /** A line that ran several times: which round is shown. @param {number[]} rounds @param {number} visit */
  rounds(rounds, visit) {
    const at = rounds.indexOf(visit);
    const step = (sign, to, label) =>
      button(sign, () => this.page.go(to), { "aria-label": label, disabled: to === undefined });
    return element("span", { class: "rounds" }, step("‹", rounds[at - 1], "the round before"), `round ${at + 1} of ${rounds.length}`, step("›", rounds[at + 1], "the next round"));
  }

  /** @param {any} canvas */
  async paint(canvas) {
    this.seen.unobserve(canvas);
    const array = Number(canvas.dataset.array);
    drawThumb(canvas, this.recording.arrays[array], await this.recording.numbers(array), this.page.theme);
  }

  /** Draws all small pictures again. */
  retheme() {
    document.querySelectorAll(".chip canvas").forEach((canvas) => this.seen.observe(canvas));
  }
}

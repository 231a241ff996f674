// How the chosen number came about, as text: expressions with numbers, and sums term by term.

import { button, byId, element, heading, table } from "../../../viz/web/dom.mjs";
import { fourDigits } from "../../../viz/web/numbers.mjs";
import { axisWord, isTokens, lettersOf, placeName } from "./letters.mjs";
import { inline } from "./prose.mjs";

/** @typedef {import("./explain.mjs").Block} Block */
/** @typedef {import("./explain.mjs").Sum} Sum */

/** @type {Record<string, string>} */
const RESULTS = { sum: "sum", mean: "mean", max: "largest", min: "smallest" };

export class Steps {
  /** @param {import("./read.mjs").Page} page */
  constructor(page) {
    this.page = page;
    this.data = page.recording;
    this.turn = 0;
  }

  /** Writes the explanation of a number of an array. @param {number | null} visit @param {string} name @param {number} array @param {number[]} index */
  async explain(visit, name, array, index) {
    const turn = ++this.turn;
    const note = (text) => element("p", { class: "note" }, text);
    const maker = visit ?? this.data.visits.findIndex((_, v) => this.data.nameOf(v, array) !== undefined);
    if (maker < 0) return byId("arithmetic").replaceChildren(note("It was given: a weight of the model, learned in training, or made before the first chapter."));
    const blocks = await this.page.explain(maker, visit === null ? this.data.nameOf(maker, array) ?? name : name, index);
    if (turn !== this.turn) return undefined; // another number was chosen meanwhile
    const given = visit === null ? [note("It was given, and made before:")] : [];
    return byId("arithmetic").replaceChildren(element("h3", {}, "How this number came about"), ...given, ...blocks.map((block, i) => this.block(block, i)));
  }

  /** @param {Block} block @param {number} i */
  block(block, i) {
    const { page, data } = this;
    const link = (visit, prefix, act) => button(prefix + data.place(visit).join(":"), act, { class: "link" });
    const made = [element("p", { class: "from" }, link(block.visit, "", () => page.go(block.visit, { scroll: true })), " ", element("code", {}, block.source))];
    for (const note of block.notes) made.push(element("p", { class: "note" }, ...inline(note)));
    if (block.written) {
      const value = fourDigits(block.value);
      made.push(element("p", { class: "written" }, block.written === value ? "" : `${block.written} = `, element("b", {}, value)));
    }
    for (const { name, again, text, written, value } of block.where) {
      const parts = written === fourDigits(value) ? [] : [` = ${written}`];
      made.push(element("p", { class: "where-line" }, again ? "before that " : "where ", element("code", {}, `${name} = ${text}`), ...parts, " = ", element("b", {}, fourDigits(value))));
    }
    made.push(...block.sums.map((sum, k) => this.sum(sum, (i === 0 && k === 0) || block.sums.length === 1)));
    for (const { name, made: as, visit, index } of block.origins) {
      const back = link(visit, `${as}, `, () => page.show(data.visits[visit].call, visit, as, index));
      made.push(element("p", { class: "note" }, element("code", {}, name), " was made as ", back));
    }
    return element("section", { class: "block" }, ...made);
  }

  /** A sum, term by term. @param {Sum} sum @param {boolean} open */
  sum({ how, what, heads, rows, total, axis }, open) {
    const array = axis && this.data.arrays[axis[1]];
    const letters = array ? lettersOf(axis[0], array) : "";
    const letter = letters.at(-1) ?? "";
    const tokens = array && isTokens(letter, rows.length, this.data.about.tokens) && rows.length === array.shape.at(-1);
    const largest = Math.max(...rows.map((row) => Math.abs(row[row.length - 1]))) || 1;
    const body = rows.map((row, k) => {
      const term = row[row.length - 1];
      const bar = element("span", { class: term < 0 ? "minus" : "plus", style: `width: ${(100 * Math.abs(term)) / largest}%` });
      const label = tokens ? element("bdi", {}, placeName(letter, rows.length, k, this.data.about)) : k;
      return [heading(label, "row"), ...row.map(fourDigits), element("td", { class: "bar" }, bar)];
    });
    const head = [letter ? axisWord(letters, letters.length - 1) : "", ...heads, heads.length ? "product" : "term"];
    const summary = element("summary", {}, element("code", {}, what), ` : the ${RESULTS[how]} of ${rows.length} ${heads.length ? "products" : "numbers"} is `, element("b", {}, fourDigits(total)));
    const terms = table([...head.map((name) => heading(name)), ""], body);
    return element("details", open ? { open: "open" } : {}, summary, element("div", { class: "terms", tabindex: "0", role: "region", "aria-label": `the terms of ${what}` }, terms));
  }
}

// The page: the chapters as text and code, and beside each line what it made in the call that is shown.

import { fromHash, toHash, writeHash, writeSoon } from "../../../viz/web/address.mjs";
import { THEMES } from "../../../viz/web/colors.mjs";
import { button, byId, choice, element } from "../../../viz/web/dom.mjs";
import { fourDigits } from "../../../viz/web/numbers.mjs";
import { Arithmetic } from "./arithmetic.mjs";
import { Beside } from "./beside.mjs";
import { Chapters } from "./chapters.mjs";
import { explanation } from "./explain.mjs";
import { Inspector } from "./inspect.mjs";
import { Recording } from "./recording.mjs";
import { welcome } from "./welcome.mjs";

const ADDRESS = { step: 0, array: "", call: 0, at: "", layer: -1, head: -1, row: -1, column: -1 };
const WIDE = 1100; // pixels from which on the panel stands beside the code

export class Page {
  /** @param {Recording} recording */
  constructor(recording) {
    this.recording = recording;
    this.arithmetic = new Arithmetic(recording, fourDigits);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.chosenTheme = "";
    this.step = 0;
    /** @type {{call: number, visit: number | null, name: string} | null} the array in the panel; visit null: it was given */
    this.open = null;
    /** @type {string | undefined} the address as this page wrote it */
    this.address = undefined;
    document.documentElement.dataset.theme = this.theme.name;
    byId("sentence").textContent = recording.about.text || recording.about.tokens.join(" ");
    this.chapters = new Chapters(recording);
    this.beside = new Beside(this);
    welcome(this);
    this.inspector = new Inspector(this);
    byId("scrub").max = String(recording.steps.length - 1);
    this.bind();
    if (this.read()) return;
    this.go(0);
    const [question] = recording.questions;
    if (innerWidth > WIDE && question) this.find(question.name, question.where, false);
  }

  get theme() {
    return THEMES[/** @type {"light" | "dark"} */ (this.chosenTheme || (this.dark.matches ? "dark" : "light"))];
  }

  // ---- moving
  bind() {
    byId("back").addEventListener("click", () => this.goStep(this.step - 1));
    byId("next").addEventListener("click", () => this.goStep(this.step + 1));
    byId("over").addEventListener("click", () => this.over());
    byId("out").addEventListener("click", () => this.out());
    byId("scrub").addEventListener("input", () => this.goStep(Number(byId("scrub").value)));
    byId("close").addEventListener("click", () => this.close());
    byId("raw").addEventListener("change", () => document.body.classList.toggle("raw", byId("raw").checked));
    byId("theme").addEventListener("click", () => {
      this.chosenTheme = this.theme.name === "dark" ? "light" : "dark";
      this.retheme();
    });
    this.dark.addEventListener("change", () => this.retheme());
    addEventListener("hashchange", () => this.read());
    addEventListener("keydown", (event) => this.press(event));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.ctrlKey || event.altKey || event.metaKey || target.closest("input, select, textarea, #heat, .terms")) return;
    if (event.key === "Escape") this.close();
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    event.preventDefault();
    const forward = event.key === "ArrowRight";
    if (!event.shiftKey) this.goStep(this.step + (forward ? 1 : -1));
    else if (forward) this.over();
    else this.out();
  }

  /** @param {number} step */
  goStep(step) {
    const { steps } = this.recording;
    const to = steps[Math.min(steps.length - 1, Math.max(0, step))];
    this.go(to.visit, { back: to.back, scroll: true });
  }

  /** The next line of this function: what the line calls is passed over. */
  over() {
    const { steps, visits } = this.recording;
    const { visit, back } = steps[this.step];
    if (!back && visits[visit].end > visit + 1) this.go(visit, { back: true });
    this.goStep(this.step + 1);
  }

  /** Out of this function, back at the line that called it. */
  out() {
    const { parent } = this.recording.calls[this.visit.call];
    if (parent !== null) this.go(parent, { back: true, scroll: true });
  }

  get visit() {
    return this.recording.visits[this.recording.steps[this.step].visit];
  }

  /** Goes to a visit of a line, before it calls what it calls, or back from there. @param {number} visit */
  go(visit, { back = false, scroll = false } = {}) {
    const { recording, chapters } = this;
    this.step = recording.steps.findIndex((step) => step.visit === visit && step.back === back);
    const { call, line, made } = recording.visits[visit];
    this.beside.show(call, visit);
    document.querySelectorAll(".row.now, .row.inside").forEach((row) => row.classList.remove("now", "inside"));
    for (const { parent } of recording.path(call).map((outer) => recording.calls[outer])) {
      if (parent !== null) chapters.rowOf(parent).row.classList.add("inside");
    }
    const { row } = chapters.rowOf(visit);
    row.classList.add("now");
    if (scroll) this.bring(row);
    this.path(call);
    byId("scrub").value = String(this.step);
    byId("count").textContent = `${this.step + 1} of ${recording.steps.length}`;
    const what = back ? "back at" : "at";
    byId("scrub").setAttribute("aria-valuetext", `${what} line ${line} of ${recording.place(visit)[0]}`);
    const names = Object.keys(made).join(", ");
    if (scroll) this.announce(`${what} ${recording.label(call)}, line ${line}${names && `, made ${names}`}`);
    this.write();
  }

  /** Scrolls a line into sight. @param {HTMLElement} row */
  bring(row) {
    const { top, bottom } = row.getBoundingClientRect();
    const ceiling = byId("bar").getBoundingClientRect().bottom + 20;
    const floor = document.body.classList.contains("sheet") && innerWidth <= WIDE ? innerHeight * 0.42 : innerHeight - 40;
    if (top < ceiling || bottom > floor) scrollTo({ top: scrollY + top - ceiling - Math.min(160, (floor - ceiling) / 3) });
  }

  /** The calls around this one, each a button; where a call is one of several, a list of them. @param {number} call */
  path(call) {
    const { recording } = this;
    const path = recording.path(call);
    const items = path.map((c) => {
      const { index, like = [], visits } = recording.calls[c];
      if (index === undefined) {
        return element("li", {}, button(recording.label(c), () => this.go(visits[0], { scroll: true }), { "aria-current": c === call ? "true" : "" }));
      }
      const names = like.map((other) => recording.label(other));
      const which = { "aria-label": `which ${recording.label(c).replace(/ \d+$/u, "")}` };
      return element("li", {}, choice(names, index, (i) => this.goTwin(call, c, like[i]), which));
    });
    byId("path").replaceChildren(...items);
    requestAnimationFrame(() => byId("path").scrollTo(byId("path").scrollWidth, 0)); // where they do not all fit
  }

  /** The same line of another layer. @param {number} call @param {number} ancestor @param {number} other */
  goTwin(call, ancestor, other) {
    const { recording } = this;
    const { visits } = recording.calls[recording.twin(call, ancestor, other)];
    const at = recording.calls[call].visits.indexOf(recording.steps[this.step].visit);
    this.go(visits[at] ?? visits[0], { scroll: true });
    if (this.open) this.openTwin(ancestor, other, false);
  }

  // ---- the opened array
  /** Opens an array, and goes to the line that made it. @param {number} call @param {number | null} visit @param {string} name @param {any} [index] */
  show(call, visit, name, index) {
    if (visit !== null) this.go(visit, { back: this.recording.visits[visit].end > visit + 1 });
    this.open = { call, visit, name };
    document.body.classList.add("sheet");
    this.inspector.open(call, visit, name, index);
  }

  /** The same array of another layer. @param {number} ancestor @param {number} other */
  openTwin(ancestor, other, move = true) {
    const { recording, open } = this;
    if (!open || !recording.path(open.call).includes(ancestor)) return;
    const twin = recording.twin(open.call, ancestor, other);
    const same = open.visit === null ? null : recording.calls[twin].visits[recording.calls[open.call].visits.indexOf(open.visit)] ?? null;
    const { index } = this.inspector;
    if (move && same !== null) return void this.show(twin, same, open.name, index);
    this.open = { ...open, call: twin, visit: same };
    this.inspector.open(twin, same, open.name, index);
  }

  /** The panel shows an array, or another number of it. */
  opened() {
    document.querySelectorAll(".chip.open").forEach((chip) => chip.classList.remove("open"));
    document.querySelectorAll(`.chip[data-array="${this.inspector.number}"][data-name="${this.open?.name}"]`).forEach((chip) => chip.classList.add("open"));
    this.elsewhere();
    this.write();
  }

  close() {
    if (byId("inspector").hidden) return;
    byId("inspector").hidden = true;
    document.body.classList.remove("sheet");
    const chips = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".chip.open"));
    chips[0]?.focus();
    chips.forEach((chip) => chip.classList.remove("open"));
    this.open = null;
    this.write();
  }

  /** @param {number} call @param {number} line */
  showLine(call, line) {
    const visit = this.recording.calls[call].visits.find((v) => this.recording.visits[v].line === line);
    if (visit !== undefined) this.go(visit, { scroll: true });
    else this.bring(this.chapters.rows[this.recording.calls[call].chapter][line].row);
  }

  /** To the explorer's picture of the same head, where the array has heads. */
  elsewhere() {
    const { letters, index, call } = this.inspector;
    const { explorer } = this.recording.about;
    const layer = this.recording.layerOf(call);
    const of = (letter) => index[letters.indexOf(letter)];
    if (!explorer || !letters.includes("H") || layer < 0) return byId("elsewhere").replaceChildren();
    const hash = ["view=sentence", `layer=${layer}`, `head=${of("H")}`];
    if (letters.includes("T")) hash.push(`query=${of("T")}`);
    if (letters.includes("S")) hash.push(`key=${of("S")}`);
    const link = element("a", { href: `${explorer}#${hash.join("&")}` }, `head ${of("H")} of layer ${layer} in the explorer`);
    return byId("elsewhere").replaceChildren("See ", link, ".");
  }

  // ---- the address
  write() {
    writeSoon(() => {
      const { open } = this;
      const array = open ? `${open.visit === null ? "given " : ""}${open.name}` : "";
      const here = this.recording.visits[this.recording.steps[this.step].visit].call;
      const call = open?.visit === null && open.call !== here ? open.call : 0; // a caller's
      this.address = toHash({ ...ADDRESS, step: this.step, array, call, at: open ? this.inspector.index?.join(".") ?? "" : "" }, ADDRESS);
      writeHash(this.address);
    });
  }

  /** #step=12&array=scores_HTS&at=2.5.3, as this page writes it; or #array=attention_HTS&layer=1&head=2&row=5&column=3. */
  read() {
    const hash = location.hash.slice(1);
    if (!hash || hash === this.address) return false;
    const state = fromHash(hash, {}, ADDRESS);
    const step = this.recording.steps[state.step];
    const index = state.at ? state.at.split(".").map(Number) : undefined;
    if (!step || (!state.step && state.array)) return this.find(state.array, { ...state, at: index });
    this.go(step.visit, { back: step.back, scroll: true });
    const { call, made } = this.recording.visits[step.visit];
    const name = state.array.replace(/^given /u, "");
    const to = state.call || call;
    if (name !== state.array && Object.hasOwn(this.recording.calls[to]?.given ?? {}, name)) this.show(to, null, name, index);
    else if (Object.hasOwn(made, name)) this.show(call, step.visit, name, index);
    return true;
  }

  /**
   * Opens the first array of a name, in a layer; false if there is none.
   * @param {string} name
   * @param {{layer?: number, head?: number, row?: number, column?: number, at?: number[]}} where at: its index
   */
  find(name, { layer = -1, head = -1, row = -1, column = -1, at }, scroll = true) {
    const { visits, arrays } = this.recording;
    const { made: first } = visits.find(({ call, made }) =>
      Array.isArray(made[name]) && (layer < 0 || this.recording.layerOf(call) === layer)) ?? {};
    if (!first) return false;
    const [array] = /** @type {number[]} */ (first[name]);
    const found = visits.findLastIndex(({ made }) => Array.isArray(made[name]) && made[name][0] === array); // the innermost
    const { call } = visits[found];
    const { shape } = arrays[array];
    const wanted = [...shape.slice(3).map(() => 0), head, row, column].slice(-shape.length).map((i) => Math.max(0, i));
    this.show(call, found, name, at ?? (row < 0 && column < 0 ? { head: Math.max(0, head) } : wanted));
    if (scroll) this.bring(this.chapters.rowOf(found).row);
    return true;
  }

  /** How a number came about. @param {number} visit @param {string} name @param {number[]} index */
  explain(visit, name, index) {
    return explanation(this.arithmetic, visit, name, index);
  }

  /** @param {string} text */
  announce(text) {
    byId("live").textContent = text;
  }

  retheme() {
    document.documentElement.dataset.theme = this.theme.name;
    this.beside.retheme();
    this.inspector.retheme();
  }
}

Object.assign(window, { reading: new Page(new Recording(JSON.parse(byId("data").textContent))) }); // the tests look at it
document.documentElement.dataset.ready = "true";

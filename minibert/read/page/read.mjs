// The page: the chapters as text and code, and beside each line what it made in the call that is shown.

import { Arithmetic } from "./arithmetic.mjs";
import { THEMES } from "../../../viz/web/colors.mjs";
import { byId, element } from "../../../viz/web/dom.mjs";
import { explanation } from "./explain.mjs";
import { Inspector } from "./inspect.mjs";
import { fourDigits, lettersOf, shapeInWords } from "./letters.mjs";
import { prose } from "./prose.mjs";
import { Recording } from "./recording.mjs";
import { fromHash, toHash } from "../../../viz/web/address.mjs";
import { drawThumb, thumbSize } from "./thumbs.mjs";
import { welcome } from "./welcome.mjs";

const ADDRESS = { step: 0, array: "", at: "", layer: -1, head: -1, row: -1, column: -1 };

class Page {
  constructor(recording) {
    this.recording = recording;
    this.arithmetic = new Arithmetic(recording, fourDigits);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.chosenTheme = "";
    this.shown = new Map(); // function -> call
    this.rows = recording.chapters.map(() => []);
    this.step = 0;
    this.open = null;
    this.seen = new IntersectionObserver((entries) => entries.forEach((e) => e.isIntersecting && this.paint(e.target)), { rootMargin: "300px" });
    document.documentElement.dataset.theme = this.theme.name;
    byId("sentence").textContent = recording.text || recording.tokens.join(" ");
    recording.chapters.forEach((_, i) => this.chapter(i));
    byId("welcome").replaceChildren(...welcome(this));
    this.inspector = new Inspector(this);
    byId("scrub").max = String(recording.steps.length - 1);
    this.bind();
    if (!this.read()) {
      this.go(0);
      if (innerWidth > 1100) this.begin();
    }
  }

  get theme() {
    return THEMES[this.chosenTheme || (this.dark.matches ? "dark" : "light")];
  }

  // ---- the text, once
  chapter(i) {
    const { name, lines, docs, functions } = this.recording.chapters[i];
    const starts = new Map(docs.map((doc) => [doc.first, doc]));
    const first = new Map(functions.map((f) => [f.first, f]));
    const inDoc = new Set(docs.flatMap((doc) => Array.from({ length: doc.last - doc.first + 1 }, (_, k) => doc.first + k)));
    const title = name.split("/").pop().replace(/\.py$/u, "").replaceAll("_", " ");
    const body = [];
    let block = null;
    lines.forEach((pieces, k) => {
      const line = k + 1;
      if (first.has(line)) {
        const f = first.get(line);
        f.calls = this.recording.calls.flatMap((call, c) => (call.function === f ? [c] : []));
        f.head = element("div", { class: "calls" });
        block = element("div", { class: "function" }, f.head);
        body.push(block);
        if (!f.calls.length) block.classList.add("idle");
      }
      const indent = /^ */u.exec(pieces.map(([, t]) => t).join(""))[0].length;
      const code = element("code", {}, ...pieces.map(([kind, text]) => (kind ? element("span", { class: kind }, text) : document.createTextNode(text))));
      code.style.setProperty("--indent", `${indent}ch`);
      const made = element("div", { class: "made" });
      const row = element("div", { class: inDoc.has(line) ? "row string" : pieces.length ? "row" : "row blank", "data-line": line }, element("span", { class: "line", "aria-hidden": "true" }, line), code, made);
      this.rows[i][line] = { row, made };
      if (starts.has(line)) {
        const doc = element("div", { class: "doc" }, ...prose(starts.get(line).blocks));
        doc.style.setProperty("--indent", `${Math.min(indent, 4)}ch`);
        (block ?? body).push?.(doc) ?? block.append(doc);
      }
      if (block && !functions.some((f) => f.first <= line && line <= f.last)) block = null;
      if (block) block.append(row);
      else body.push(row);
    });
    const section = element("section", { class: "chapter", id: `chapter-${i}`, "aria-label": name },
      element("h2", {}, title, " ", element("small", {}, name)), ...body);
    byId("source").append(section);
    const go = element("button", { type: "button" }, title);
    go.addEventListener("click", () => section.scrollIntoView({ block: "start" }));
    byId("chapters").append(go);
  }

  // ---- moving
  bind() {
    const { steps } = this.recording;
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
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea, #heat, .terms")) return;
      if (event.key === "Escape") return void this.close();
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      event.preventDefault();
      if (event.key === "ArrowRight") event.shiftKey ? this.over() : this.goStep(this.step + 1);
      else event.shiftKey ? this.out() : this.goStep(this.step - 1);
    });
    byId("count").textContent = `${steps.length} steps`;
  }

  goStep(step) {
    const { steps } = this.recording;
    const to = Math.min(steps.length - 1, Math.max(0, step));
    this.go(steps[to].visit, { back: steps[to].back, scroll: true });
  }

  over() {
    const { steps, visits } = this.recording;
    const { visit, back } = steps[this.step];
    if (!back && visits[visit].end > visit + 1) return this.go(visit, { back: true, scroll: true });
    return this.goStep(this.step + 1);
  }

  out() {
    const { parent } = this.recording.calls[this.visit.call];
    if (parent !== null) this.go(parent, { back: true, scroll: true });
  }

  get visit() {
    return this.recording.visits[this.recording.steps[this.step].visit];
  }

  /** Goes to a visit of a line, before it calls what it calls, or back from there. */
  go(visit, { back = false, scroll = false } = {}) {
    const { recording } = this;
    this.step = recording.stepOf.get(visit);
    if (back) while (!(recording.steps[this.step].visit === visit && recording.steps[this.step].back)) this.step++;
    const { call, line, made } = recording.visits[visit];
    const { chapter } = recording.calls[call];
    this.showCalls(call, visit);
    document.querySelector(".row.now")?.classList.remove("now");
    document.querySelectorAll(".row.inside").forEach((row) => row.classList.remove("inside"));
    for (const outer of recording.path(call)) {
      const { parent } = recording.calls[outer];
      if (parent !== null) this.rows[recording.calls[recording.visits[parent].call].chapter][recording.visits[parent].line].row.classList.add("inside");
    }
    const { row } = this.rows[chapter][line];
    row.classList.add("now");
    if (scroll) this.bring(row);
    this.path(call);
    byId("scrub").value = String(this.step);
    byId("count").textContent = `${this.step + 1} of ${recording.steps.length}`;
    const names = Object.keys(made);
    const what = back ? "back at" : "at";
    byId("scrub").setAttribute("aria-valuetext", `${what} line ${line} of ${recording.chapters[chapter].name}`);
    if (scroll) this.announce(`${what} ${recording.label(call)}, line ${line}${names.length ? `, made ${names.join(", ")}` : ""}`);
    this.write();
  }

  bring(row) {
    const { top, bottom } = row.getBoundingClientRect();
    const ceiling = byId("bar").getBoundingClientRect().bottom + 20;
    const floor = document.body.classList.contains("sheet") ? innerHeight * 0.42 : innerHeight - 40;
    if (top < ceiling || bottom > floor) scrollTo({ top: scrollY + top - ceiling - Math.min(160, (floor - ceiling) / 3) });
  }

  /** Every function shows the call one is in; else the next one that comes; else the last one there was. */
  showCalls(call, visit) {
    const { recording } = this;
    const path = new Set(recording.path(call));
    for (const { functions } of recording.chapters) {
      for (const f of functions) {
        if (!f.calls.length) {
          if (!f.head.firstChild) f.head.append(element("span", {}, "not called for this sentence"));
          continue;
        }
        const starts = (c) => recording.calls[c].visits[0] ?? recording.calls[c].parent ?? 0;
        const inside = f.calls.find((c) => path.has(c));
        const next = inside ?? f.calls.find((c) => starts(c) >= visit) ?? f.calls.at(-1);
        if (this.shown.get(f) !== next || inside !== undefined) this.showCall(f, next, visit);
      }
    }
  }

  showCall(f, call, visit) {
    const { recording } = this;
    const { chapter, given, visits } = recording.calls[call];
    const anew = this.shown.get(f) !== call;
    if (anew) {
      this.shown.set(f, call);
      this.callHead(f, call);
      for (let line = f.first; line <= f.last; line++) {
        if (this.innermost(chapter, line) === f) this.rows[chapter][line].made.replaceChildren();
      }
      this.fill(this.rows[chapter][f.def].made, call, null, given);
    }
    const byLine = new Map();
    for (const v of visits) {
      const { line } = recording.visits[v];
      const rounds = byLine.get(line) ?? byLine.set(line, []).get(line);
      rounds.push(v);
    }
    for (const [line, rounds] of byLine) {
      const current = rounds.findLast((v) => v <= visit) ?? rounds.at(-1);
      const wanted = path(recording, call, visit) ? current : rounds.at(-1);
      const { made } = this.rows[chapter][line];
      if (anew || Number(made.dataset.visit) !== wanted) this.fill(made, call, wanted, recording.visits[wanted].made, rounds);
    }
  }

  innermost(chapter, line) {
    return this.recording.chapters[chapter].functions.filter((f) => f.first <= line && line <= f.last).reduce((a, b) => (a && a.first > b.first ? a : b), null);
  }

  /** What stands at the right of a line. */
  fill(made, call, visit, names, rounds = []) {
    made.dataset.visit = visit ?? "";
    const parts = Object.entries(names).map(([name, value]) => this.chip(call, visit, name, value));
    if (rounds.length > 1 && parts.length) parts.push(this.rounds(rounds, visit));
    const flag = this.recording.differs?.[visit];
    if (flag) parts.unshift(element("p", { class: "differs" }, flag));
    made.replaceChildren(...parts);
  }

  chip(call, visit, name, value) {
    if (!Array.isArray(value)) return element("span", { class: "scalar" }, element("code", {}, name), ` = ${fourDigits(value)}`);
    const [number] = value;
    const array = this.recording.arrays[number];
    const words = shapeInWords(lettersOf(name, array), array.shape);
    const canvas = element("canvas", { "aria-hidden": "true" });
    const { width, height } = thumbSize(array);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.array = number;
    const chip = element("button", { type: "button", class: visit === null ? "chip given" : "chip", "data-array": String(number), "data-name": name }, canvas,
      element("span", { class: "label" }, element("code", {}, name), element("span", { class: "shape" }, words)));
    chip.addEventListener("click", () => this.show(call, visit, name));
    this.seen.observe(canvas);
    return chip;
  }

  rounds(rounds, visit) {
    const at = rounds.indexOf(visit);
    const button = (sign, to, label) => {
      const b = element("button", { type: "button", "aria-label": label }, sign);
      b.disabled = to === undefined;
      b.addEventListener("click", () => this.go(to));
      return b;
    };
    return element("span", { class: "rounds" }, button("‹", rounds[at - 1], "the round before"), `round ${at + 1} of ${rounds.length}`, button("›", rounds[at + 1], "the next round"));
  }

  async paint(canvas) {
    this.seen.unobserve(canvas);
    const numbers = await this.recording.numbers(canvas.array);
    drawThumb(canvas, this.recording.arrays[canvas.array], numbers, this.theme);
  }

  /** Above a function: which of its calls is shown, and a choice. */
  callHead(f, call) {
    if (f.calls.length === 1) return f.head.replaceChildren(this.pathText(call));
    const select = element("select", { "aria-label": `which call of ${f.name} is shown` },
      ...f.calls.map((c, i) => element("option", { value: String(c) }, `${i + 1} of ${f.calls.length}: ${this.pathText(c)}`)));
    select.value = String(call);
    select.addEventListener("change", () => this.go(this.recording.calls[Number(select.value)].visits[0], {}));
    return f.head.replaceChildren(select);
  }

  /** "encoder layer 2 › attention block › … › softmax for attention_HTS". */
  pathText(call) {
    const path = this.recording.path(call);
    const from = path.findIndex((c) => this.recording.calls[c].index !== undefined);
    return path.slice(from < 0 ? Math.max(0, path.length - 2) : from).map((c) => this.recording.label(c)).join(" › ");
  }

  /** The calls one is in, each a button; where one is one of several, a list of them. */
  path(call) {
    const { recording } = this;
    const items = recording.path(call).map((c, i, path) => {
      const { index, like, visits } = recording.calls[c];
      if (index !== undefined) {
        const select = element("select", { "aria-label": `which ${recording.label(c).replace(/ \d+$/u, "")}` },
          ...like.map((other, k) => element("option", { value: String(k) }, recording.label(other))));
        select.value = String(index);
        select.addEventListener("change", () => this.goTwin(call, c, like[Number(select.value)]));
        return element("li", {}, select);
      }
      const button = element("button", { type: "button" }, recording.label(c));
      if (i === path.length - 1) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => this.go(visits[0], { scroll: true }));
      return element("li", {}, button);
    });
    byId("path").replaceChildren(...items);
    requestAnimationFrame(() => byId("path").scrollTo(byId("path").scrollWidth, 0)); // where they do not all fit
  }

  goTwin(call, ancestor, other) {
    const { recording } = this;
    const twin = recording.twin(call, ancestor, other);
    const at = recording.calls[call].visits.indexOf(recording.steps[this.step].visit);
    this.go(recording.calls[twin].visits[at] ?? recording.calls[twin].visits[0], { scroll: true });
    if (this.open) this.openTwin(ancestor, other, false);
  }

  // ---- the opened array
  show(call, visit, name, index) {
    if (visit !== null) this.go(visit, { back: this.recording.visits[visit].end > visit + 1 });
    this.open = { call, visit, name };
    document.body.classList.add("sheet");
    this.inspector.open(call, visit, name, index);
  }

  /** The same array of another layer. */
  openTwin(ancestor, other, move = true) {
    const { recording } = this;
    const { call, visit, name } = this.open;
    if (!recording.path(call).includes(ancestor)) return;
    const twin = recording.twin(call, ancestor, other);
    const same = visit === null ? null : recording.calls[twin].visits[recording.calls[call].visits.indexOf(visit)];
    const { index } = this.inspector;
    if (move && same !== null && same !== undefined) this.show(twin, same, name, index);
    else {
      this.open = { call: twin, visit: same, name };
      this.inspector.open(twin, same ?? null, name, index);
    }
  }

  opened() {
    document.querySelectorAll(".chip.open").forEach((chip) => chip.classList.remove("open"));
    document.querySelectorAll(`.chip[data-array="${this.inspector.number}"]`).forEach((chip) => chip.dataset.name === this.open?.name && chip.classList.add("open"));
    this.elsewhere();
    this.write();
  }

  close() {
    if (byId("inspector").hidden) return;
    byId("inspector").hidden = true;
    document.body.classList.remove("sheet");
    document.querySelector(".chip.open")?.focus();
    document.querySelectorAll(".chip.open").forEach((chip) => chip.classList.remove("open"));
    this.open = null;
    this.write();
  }

  showLine(call, line) {
    const visit = this.recording.calls[call].visits.find((v) => this.recording.visits[v].line === line);
    if (visit !== undefined) this.go(visit, { scroll: true });
    else this.bring(this.rows[this.recording.calls[call].chapter][line].row);
  }

  /** The layer one is in: the number of the first call on the path that is one of several. */
  layerOf(call) {
    const found = this.recording.path(call).find((c) => this.recording.calls[c].index !== undefined);
    return found === undefined ? -1 : this.recording.calls[found].index;
  }

  /** To the explorer's picture of the same head, where the array has heads. */
  elsewhere() {
    const { letters, index, call } = this.inspector;
    const layer = this.layerOf(call);
    const head = letters.indexOf("H");
    if (!this.recording.explorer || head < 0 || layer < 0) return byId("elsewhere").replaceChildren();
    const hash = [`view=sentence`, `layer=${layer}`, `head=${index[head]}`];
    if (letters.includes("T")) hash.push(`query=${index[letters.indexOf("T")]}`);
    if (letters.includes("S")) hash.push(`key=${index[letters.indexOf("S")]}`);
    const link = element("a", { href: `${this.recording.explorer}#${hash.join("&")}` }, `head ${index[head]} of layer ${layer} in the explorer`);
    return byId("elsewhere").replaceChildren("See ", link, ".");
  }

  // ---- the address
  write() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      const state = { ...ADDRESS, step: this.step };
      if (this.open) Object.assign(state, { array: this.open.name, at: this.inspector.index?.join(".") ?? "" });
      if (this.open && this.open.visit === null) state.array = `given ${this.open.name}`;
      this.address = toHash(state, ADDRESS);
      try {
        history.replaceState(null, "", this.address ? `#${this.address}` : location.pathname + location.search);
      } catch {
        // a frame in a notebook may have no address to write to
      }
    }, 150);
  }

  /** #step=12&array=scores_HTS&at=2.5.3, as this page writes it; or #array=attention_HTS&layer=1&head=2&row=5&column=3. */
  read() {
    const hash = location.hash.slice(1);
    if (!hash || hash === this.address) return false;
    const state = fromHash(hash, {}, ADDRESS);
    const { steps, visits } = this.recording;
    const index = state.at ? state.at.split(".").map(Number) : undefined;
    const step = steps[state.step];
    if (step && (state.step || !state.array)) {
      this.go(step.visit, { back: step.back, scroll: true });
      const { call, made } = visits[step.visit];
      const given = state.array.startsWith("given ");
      const name = state.array.replace(/^given /u, "");
      if (given && Object.hasOwn(this.recording.calls[call].given, name)) this.show(call, null, name, index);
      else if (Object.hasOwn(made, name)) this.show(call, step.visit, name, index);
      return true;
    }
    return this.find(state.array, state);
  }

  /** Opens the first array of a name, in a layer; false if there is none. */
  find(name, { layer = -1, head = -1, row = -1, column = -1, last = false } = {}) {
    const { visits, arrays } = this.recording;
    const search = last ? "findLastIndex" : "findIndex";
    const found = visits[search](({ call, made }) => Array.isArray(made[name]) && (layer < 0 || this.layerOf(call) === layer));
    if (found < 0) return false;
    const { call, made } = visits[found];
    const { shape } = arrays[made[name][0]];
    const wanted = [...Array.from({ length: Math.max(0, shape.length - 3) }, () => 0), head, row, column].slice(-shape.length);
    this.show(call, found, name, row < 0 && column < 0 ? { largest: true, head: Math.max(0, head) } : wanted.map((i) => Math.max(0, i)));
    this.bring(this.rows[this.recording.calls[call].chapter][visits[found].line].row);
    return true;
  }

  /** What is opened where nothing was asked for: the first array with queries and keys whose rows are shares. */
  begin() {
    const { visits, arrays } = this.recording;
    const isShares = (name, value) => Array.isArray(value) && /_[A-Z]*TS$/u.test(name) && arrays[value[0]].low >= 0 && arrays[value[0]].high <= 1;
    const found = visits.findIndex(({ made }) => Object.entries(made).some(([name, value]) => isShares(name, value)));
    if (found < 0) return;
    const name = Object.entries(visits[found].made).find(([n, value]) => isShares(n, value))[0];
    this.open = { call: visits[found].call, visit: found, name };
    this.inspector.open(visits[found].call, found, name, "largest");
  }

  /** How a number came about, for those who ask from outside. */
  explain(visit, name, index) {
    return explanation(this.arithmetic, visit, name, index);
  }

  announce(text) {
    byId("live").textContent = text;
  }

  retheme() {
    document.documentElement.dataset.theme = this.theme.name;
    document.querySelectorAll(".chip canvas").forEach((canvas) => this.seen.observe(canvas));
    if (!byId("inspector").hidden) this.inspector.head();
    this.inspector.draw();
  }
}

/** Whether a visit is in a call or in what it called. */
function path(recording, call, visit) {
  return recording.path(recording.visits[visit].call).includes(call);
}

window.reading = new Page(new Recording(JSON.parse(byId("data").textContent)));
document.documentElement.dataset.ready = "true";

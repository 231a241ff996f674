// The page itself: one state, one canvas, eight views. It is drawn again when something has changed.

import { attentionOf } from "./attention.mjs";
import { Cloud } from "./cloud.mjs";
import { coloring } from "./coloring.mjs";
import { THEMES } from "../../web/colors.mjs";
import { Data } from "./data.mjs";
import { AverageView } from "./average.mjs";
import { captionOf } from "./caption.mjs";
import { CircuitView } from "./circuit.mjs";
import { byId, element } from "../../web/dom.mjs";
import { describe } from "./describe.mjs";
import { findTokens } from "./find.mjs";
import { bindInfo } from "./info.mjs";
import { HELP, press } from "./keys.mjs";
import { Live } from "./live.mjs";
import { MatrixView } from "./matrix.mjs";
import { NearView } from "./near.mjs";
import { CanvasPainter } from "./painter.mjs";
import { bindControls, showPanel } from "./panel.mjs";
import { bindPointer } from "./pointer.mjs";
import { PointsView } from "./points.mjs";
import { SentenceView } from "./sentence.mjs";
import { LIVE_VIEWS, VIEWS, offHeads, offSet, offText } from "./state.mjs";
import { Store } from "./store.mjs";
import { showTip, tipLines } from "./tip.mjs";
import { showTour } from "./tour.mjs";
import { WayView } from "./way.mjs";
import { Why, WhyView } from "./why.mjs";
import { say } from "../../web/words.mjs";

const LOOK = new Set(["x", "y", "zoom", "turn", "tilt"]); // changes that move the camera and nothing else
const EVERYTHING = { x: 0, y: 0, width: Infinity, height: Infinity };

class App {
  constructor(data) {
    this.data = data;
    this.canvas = byId("canvas");
    this.store = new Store(data);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.stacked = matchMedia("(max-width: 900px)"); // then the picture is as high as it wants, and the page scrolls
    this.cloud = new Cloud(data);
    const beside = () => new PointsView(new Cloud(data));
    this.views = {
      heads: new MatrixView(), points: new PointsView(this.cloud), sentence: new SentenceView(beside()),
      near: new NearView(beside()), average: new AverageView(), way: new WayView(), why: new WhyView(), circuit: new CircuitView(),
    };
    this.viewNames = VIEWS.filter((name) => data.live || !LIVE_VIEWS.includes(name));
    this.hover = null;
    this.window = EVERYTHING;
    this.memory = new Map();
    this.secret = false; // whether guesses are kept back until the reader of the tour has guessed
    this.all = false; // whether the list beside the grid has all heads
    this.pointer = null; // where it is in the window
    bindControls(this);
    bindPointer(this);
    bindInfo();
    if (data.live) {
      this.why = new Why(this);
      this.live = new Live(this);
    }
    byId("help-list").replaceChildren(...HELP.flatMap((keys, i) => [element("dt", {}, keys), element("dd", {}, say(`key_${i}`))]));
    addEventListener("popstate", () => this.visit(location.hash));
    addEventListener("keydown", (event) => this.key(event));
    this.dark.addEventListener("change", () => this.changed());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    byId("stage").addEventListener("scroll", () => {
      this.point(null); // something else is under the pointer now
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(byId("stage"));
    this.changed();
  }

  get state() {
    return this.store.state;
  }

  /** Goes to an address, as if it had been opened. */
  visit(hash) {
    const { theme, keys } = this.state;
    const before = this.state;
    this.store.read(hash);
    if (before.theme !== "auto" && !/theme=/u.test(hash)) Object.assign(this.state, { theme, keys });
    this.store.push ||= before.step !== this.state.step;
    this.hover = null;
    if (before.view !== this.state.view) byId("stage").scrollTo(0, 0);
    this.changed();
  }

  /** For paper: light, all of the picture, and what it shows in words. */
  print(on) {
    this.printing = on;
    byId("printed").textContent = captionOf(this);
    document.documentElement.dataset.theme = this.theme.name;
    this.paint(performance.now());
  }

  /** All of the view into a file's painter, not only what is in sight. */
  drawInto(painter, box) {
    this.window = EVERYTHING;
    const view = this.views[this.state.view];
    view.layOut?.(this, box);
    view.draw(painter, this, box);
  }

  // ---- what follows from the state; computed once for each of its values

  remember(name, key, make) {
    if (this.memory.get(name)?.key !== key) this.memory.set(name, { key, value: make() });
    return this.memory.get(name).value;
  }

  get theme() {
    const { theme } = this.state;
    if (this.printing) return THEMES.light;
    return THEMES[theme === "auto" ? (this.dark.matches ? "dark" : "light") : theme];
  }

  get head() {
    return this.data.head(this.state.layer, this.state.head);
  }

  get sentence() {
    return this.data.sentences[this.state.sentence];
  }

  /** The position of the chosen key or, where there is none, query; -1: none either. */
  get chosen() {
    return this.state.key >= 0 ? this.state.key : this.state.query;
  }

  get off() {
    const { size } = this.sentence;
    return this.remember("off", `${this.state.off}/${size}`, () => {
      const off = [...offSet(this.state.off)].filter((i) => i < size);
      return new Set(off.length < size ? off : []); // one must be left
    });
  }

  /** Whether a query does not see a key: one switched off. In a typed sentence a hidden token still sees itself. */
  hides(query, key) {
    return this.off.has(key) && !(query === key && this.data.isTyped(this.state.sentence));
  }

  /** Heads switched off, "layer.head". */
  get without() {
    return this.remember("without", this.state.without, () => offHeads(this.state.without));
  }

  /** 1 for each token of the chosen sentence. */
  get ofSentence() {
    const { start, size } = this.sentence;
    return new Uint8Array(this.data.size).fill(1, start, start + size);
  }

  get found() {
    return this.remember("found", `${this.data.typed?.number} ${this.state.find}`, () => findTokens(this.data, this.state.find));
  }

  /** Attention of the chosen head and sentence, [size * size], or null where the scores are not in the file. */
  attention() {
    const { layer, head, sentence, off } = this.state;
    if (!this.data.isWhole(sentence, layer, head)) return null;
    if (this.data.isTyped(sentence)) return this.head.part(this.data.typed.layers[layer].attention);
    return this.remember("attention", [layer, head, sentence, off].join(), () =>
      attentionOf(this.head.scores(sentence), this.sentence.size, this.off));
  }

  /** The attention of a query to each key, where the scores are in the file. */
  row(query) {
    const { size } = this.sentence;
    return this.attention().subarray(query * size, (query + 1) * size);
  }

  /** 1 for the nearest of the keys that the chosen query sees, 2 for the next, ...: the rank of a key. */
  nearness(distances, key) {
    return distances.filter((d, j) => !this.hides(this.state.query, j) && d < distances[key] - 1e-9).length + 1;
  }

  coloringOf(head) {
    const { data, state, theme } = this;
    const key = [head.layer, head.head, state.color, theme.name, data.typed?.number].join();
    return this.remember("colors", key, () => coloring(data, head, state.color, theme));
  }

  /** What the colours of the points mean. All heads at once have no numbers in common for their norms. */
  get legend() {
    const { legend } = this.coloringOf(this.head);
    const many = this.state.view === "heads" && this.state.color === "norm";
    return many ? { ...legend, low: say("shortest"), high: say("longest") } : legend;
  }

  /** Positions under the pointer in the chosen sentence, as queries (side 0) or keys (side 1). */
  hovered(side) {
    if (!this.hover?.queries || this.hover.sentence !== this.state.sentence) return [];
    return side ? this.hover.keys : this.hover.queries;
  }

  // ---- changes

  set(changes) {
    const before = this.state;
    this.store.change(changes);
    if (Object.keys(changes).every((name) => LOOK.has(name))) {
      this.store.write();
      return this.draw();
    }
    if (before.view !== this.state.view) {
      Object.assign(this.state, { x: 0, y: 0, zoom: 1, ...changes });
      this.hover = null;
      byId("stage").scrollTo(0, 0);
    }
    return this.changed();
  }

  /** A change that makes the chosen points mean something else. */
  choose(changes) {
    if ((changes.sentence ?? this.state.sentence) === this.state.sentence) return this.set(changes);
    const fresh = { query: -1, key: -1, instead: -1, trail: "", off: "", x: 0, y: 0, zoom: 1, ...changes };
    if (this.data.isTyped(changes.sentence)) {
      const { text, second, masked } = this.data.typed.request;
      return this.set({ ...fresh, text, second, masked });
    }
    return this.set({ ...fresh, text: "", second: "", masked: "", without: "" });
  }

  /** A token off, or on again; one must be left. */
  switchToken(token) {
    const off = this.off.symmetricDifference(new Set([token]));
    return off.size === this.sentence.size || this.set({ off: offText(off) });
  }

  step(name, by) {
    const count = name === "head" ? this.data.heads : this.data.layers;
    return this.set({ [name]: (this.state[name] + by + count) % count });
  }

  /** What is under the pointer, which is `at` a place in the window. */
  point(hover, at = this.pointer) {
    this.pointer = at;
    if (JSON.stringify(hover) === JSON.stringify(this.hover)) return;
    this.hover = hover;
    this.canvas.classList.toggle("over", hover !== null);
    this.draw();
  }

  /** Some views show nothing without a query. They begin with the mask of a new sentence, or its first word. */
  settle() {
    const { state, data } = this;
    const here = `${state.view} ${state.sentence}`;
    if (this.store.wanted || here === this.settled) return;
    this.settled = here;
    if (state.query >= 0 || !["near", "way", "why"].includes(state.view)) return;
    const { tokens, words } = this.sentence;
    const mask = data.live ? tokens.indexOf(data.live.tokenizer.mask) : -1;
    state.query = mask >= 0 ? mask : words.findIndex((word) => word !== null);
  }

  /** As `point`, from the keyboard: the note stands beside what is pointed at, and is read out. */
  pointByKey(hover) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const [x, y] = this.views[this.state.view].place(hover);
    this.point(hover, [left + x, top + y]);
    byId("live").textContent = tipLines(this).join(", ");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (document.querySelector("dialog[open]") && event.key !== "?") return;
    if (target.closest?.("input[type=search], input[type=text], textarea")) {
      if (event.key === "Enter") event.preventDefault(); // no line of its own
      if (event.key === "Enter" || event.key === "Escape") target.blur();
      return;
    }
    const own = { INPUT: /^Arrow/u, SELECT: /^(Arrow|.$)/u, BUTTON: /^(Enter| )$/u, SUMMARY: /^(Enter| )$/u }[target.tagName];
    if (own?.test(event.key) && !(target.type === "checkbox" && event.key !== " ")) return;
    if (press(this, event.key) !== false) event.preventDefault();
  }

  // ---- drawing

  changed() {
    this.settle();
    document.documentElement.dataset.theme = this.theme.name;
    document.body.classList.toggle("folded", this.state.fold && !this.state.step);
    byId("fold").setAttribute("aria-pressed", String(this.state.fold));
    this.live?.adopt();
    this.live?.ask();
    this.store.write();
    showTour(this);
    if (this.store.wanted) return; // a typed sentence of the address: its answer will draw it
    this.why?.ask();
    showPanel(this);
    this.live?.typing.show();
    const chosen = describe(this);
    this.canvas.setAttribute("aria-label", chosen);
    this.announce(chosen);
    this.canvas.dataset.view = this.state.view;
    this.draw();
  }

  /** A text for screen readers; while one types, not at every letter. */
  announce(text) {
    clearTimeout(this.announcing);
    const tell = () => {
      if (byId("live").textContent !== text) byId("live").textContent = text;
    };
    if (document.activeElement?.id === "text") this.announcing = setTimeout(tell, 800);
    else tell();
  }

  /** Draws anew in the next frame. */
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame((time) => {
      this.waiting = false;
      this.paint(time);
    });
  }

  /** The size of the stage, in pixels. */
  get size() {
    const stage = byId("stage");
    return { width: stage.clientWidth, height: stage.clientHeight };
  }

  paint(time) {
    this.time = time;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    const { width, height } = this.size;
    if (width < 10 || height < 10 || this.store.wanted) return;
    const stage = byId("stage");
    this.window = this.printing ? EVERYTHING : { x: stage.scrollLeft, y: stage.scrollTop, width, height };
    const view = this.views[this.state.view];
    const box = { x: 0, y: 0, width, height };
    view.layOut?.(this, box);
    this.whole = { width: Math.max(width, Math.floor(view.width ?? 0)), height: Math.max(height, Math.floor(view.height ?? 0)) };
    const grown = this.stacked.matches && this.state.view !== "points" ? `${view.height}px` : "";
    if (byId("frame").style.height !== grown) byId("frame").style.height = grown;
    this.fit(this.whole);
    this.painter.begin(this.whole.width, this.whole.height, this.theme.paper);
    const more = view.draw(this.painter, this, box);
    showTip(this);
    document.documentElement.dataset.busy = String(Boolean(more));
    if (more) this.draw();
  }

  fit({ width, height }) {
    const [w, h] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    if (this.painter?.ratio !== this.ratio) this.painter = new CanvasPainter(this.canvas, this.ratio);
  }
}

window.explorer = new App(new Data(JSON.parse(byId("data").textContent)));

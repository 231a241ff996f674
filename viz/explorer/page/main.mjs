// The page itself: one state, one canvas, four views; draws when something changed.

import { attentionOf } from "./attention.mjs";
import { Cloud } from "./cloud.mjs";
import { THEMES, colouring } from "./colours.mjs";
import { Data } from "./data.mjs";
import { AverageView } from "./average.mjs";
import { byId, element } from "./dom.mjs";
import { findTokens } from "./find.mjs";
import { HELP, press } from "./keys.mjs";
import { MatrixView, readValue } from "./matrix.mjs";
import { CanvasPainter } from "./painter.mjs";
import { bindControls, showPanel } from "./panel.mjs";
import { bindPointer } from "./pointer.mjs";
import { PointsView } from "./points.mjs";
import { download, pngOf, svgOf } from "./save.mjs";
import { SentenceView } from "./sentence.mjs";
import { DEFAULTS, fromHash, limitsOf, offSet, toHash } from "./state.mjs";
import { showTip, tipLines } from "./tip.mjs";

const LOOK = new Set(["x", "y", "zoom", "turn", "tilt"]); // changes that move the camera and nothing else

class App {
  constructor(data) {
    this.data = data;
    this.canvas = byId("canvas");
    this.limits = limitsOf(data);
    this.usual = { ...DEFAULTS, method: data.drawn, ...data.start };
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.cloud = new Cloud(data);
    this.views = {
      heads: new MatrixView(),
      points: new PointsView(this.cloud),
      sentence: new SentenceView(new PointsView(new Cloud(data))),
      average: new AverageView(),
    };
    this.hover = null;
    this.memory = new Map();
    this.read();
    bindControls(this);
    bindPointer(this);
    byId("help-list").replaceChildren(...HELP.flatMap(([keys, what]) => [element("dt", {}, keys), element("dd", {}, what)]));
    addEventListener("hashchange", () => {
      this.read();
      this.changed();
    });
    addEventListener("keydown", (event) => this.key(event));
    this.dark.addEventListener("change", () => this.changed());
    new ResizeObserver(() => this.draw()).observe(byId("stage"));
    this.changed();
  }

  read() {
    this.state = fromHash(location.hash, this.limits, this.usual);
    const { size } = this.data.sentences[this.state.sentence];
    for (const name of ["query", "key"]) if (this.state[name] >= size) this.state[name] = -1;
  }

  // ---- what follows from the state; computed once for each of its values

  remember(name, key, make) {
    if (this.memory.get(name)?.key !== key) this.memory.set(name, { key, value: make() });
    return this.memory.get(name).value;
  }

  get theme() {
    const { theme } = this.state;
    return THEMES[theme === "auto" ? (this.dark.matches ? "dark" : "light") : theme];
  }

  get still() {
    return this.calm.matches;
  }

  get off() {
    const { size } = this.data.sentences[this.state.sentence];
    return this.remember("off", `${this.state.off}/${size}`, () => new Set([...offSet(this.state.off)].filter((i) => i < size)));
  }

  get found() {
    return this.remember("found", this.state.find, () => findTokens(this.data, this.state.find));
  }

  /** Attention of the chosen head and sentence, [size * size], or null where the scores are not in the file. */
  attention() {
    const { layer, head, sentence, off } = this.state;
    if (!this.data.isWhole(sentence)) return null;
    return this.remember("attention", [layer, head, sentence, off].join(), () =>
      attentionOf(this.data.head(layer, head).scores(sentence), this.data.sentences[sentence].size, this.off));
  }

  colouringOf(head) {
    return colouring(this.data, head, this.state.colour, this.theme);
  }

  /** What the colours of the points mean. All heads at once have no numbers in common for their norms. */
  get legend() {
    const { legend } = this.colouringOf(this.data.head(this.state.layer, this.state.head));
    const many = this.state.view === "heads" && this.state.colour === "norm";
    return many ? { ...legend, low: "shortest", high: "longest of each head" } : legend;
  }

  /** Positions under the pointer in the chosen sentence, as queries (side 0) or keys (side 1). */
  hovered(side) {
    if (!this.hover?.queries || this.hover.sentence !== this.state.sentence) return [];
    return side ? this.hover.keys : this.hover.queries;
  }

  // ---- changes

  set(changes) {
    const before = this.state;
    this.state = { ...before, ...changes };
    if (Object.keys(changes).every((name) => LOOK.has(name))) {
      this.writeAddress();
      this.draw();
      return true;
    }
    if (before.view !== this.state.view) {
      Object.assign(this.state, { x: 0, y: 0, zoom: 1, ...changes });
      this.hover = null;
      byId("stage").scrollTo(0, 0);
    }
    this.changed();
    return true;
  }

  /** A change that makes the chosen points mean something else. */
  choose(changes) {
    const forget = "sentence" in changes && changes.sentence !== this.state.sentence;
    return this.set(forget ? { query: -1, key: -1, off: "", x: 0, y: 0, zoom: 1, ...changes } : changes);
  }

  step(name, by) {
    const count = name === "head" ? this.data.heads : this.data.layers;
    return this.set({ [name]: (this.state[name] + by + count) % count });
  }

  point(hover) {
    if (JSON.stringify(hover) === JSON.stringify(this.hover)) return true;
    this.hover = hover;
    this.canvas.classList.toggle("over", hover !== null);
    this.draw();
    return true;
  }

  /** What a button does; some keys do the same. */
  async act(name) {
    const { state } = this;
    if (name === "theme") return this.set({ theme: this.theme.name === "dark" ? "light" : "dark" });
    if (name === "search") return byId("find").focus();
    if (name === "help") return byId("help").open ? byId("help").close() : byId("help").showModal();
    const file = `${state.view}-${state.layer}-${state.head}`;
    if (name === "svg") download(new Blob([svgOf(this)], { type: "image/svg+xml" }), `${file}.svg`);
    if (name === "png") download(await pngOf(this), `${file}.png`);
    if (name === "zoom-in") this.set({ zoom: Math.min(400, state.zoom * 1.3) });
    if (name === "zoom-out") this.set({ zoom: Math.max(0.2, state.zoom / 1.3) });
    if (name === "zoom-all") this.set({ zoom: 1, x: 0, y: 0 });
    if (name === "clear") this.set({ query: -1, key: -1 });
    if (name === "all-on") this.set({ off: "" });
    return this.draw(); // saving has drawn elsewhere, at another size
  }

  /** As `point`, from the keyboard: the note stands beside what is pointed at, and is read out. */
  pointByKey(hover) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const [x, y] = this.views[this.state.view].place(hover);
    this.pointer = [left + x, top + y];
    this.point(hover);
    byId("live").textContent = tipLines(this).join(", ");
    return true;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target.closest?.("input[type=search]")) {
      if (event.key === "Enter" || event.key === "Escape") target.blur();
      return;
    }
    const own = { INPUT: /^Arrow/u, SELECT: /^(Arrow|.$)/u, BUTTON: /^(Enter| )$/u, SUMMARY: /^(Enter| )$/u }[target.tagName];
    if (own?.test(event.key) && !(target.type === "checkbox" && event.key !== " ")) return;
    if (byId("help").open && event.key !== "?") return;
    if (press(this, event.key) !== false) event.preventDefault();
  }

  // ---- drawing

  changed() {
    document.documentElement.dataset.theme = this.theme.name;
    this.writeAddress();
    showPanel(this);
    const chosen = this.describe();
    this.canvas.setAttribute("aria-label", chosen);
    if (byId("live").textContent !== chosen) byId("live").textContent = chosen;
    this.canvas.dataset.view = this.state.view;
    this.draw();
  }

  /** The state into the address, a moment later: browsers refuse to write it at every frame. */
  writeAddress() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      const hash = toHash(this.state, this.usual);
      try {
        history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
      } catch {
        // a frame in a notebook may have no address to write to
      }
    }, 150);
  }

  /** The view in words, for those who do not see it. */
  describe() {
    const { state, data } = this;
    const sentence = data.sentences[state.sentence];
    const name = { heads: "all heads", points: "queries and keys", sentence: "sentence", average: "mean attention" }[state.view];
    let text = `${name}; layer ${state.layer}, head ${state.head}, kind ${readValue(data.column("kind"), data.columnValue("kind", state.layer, state.head))}`;
    const attention = this.attention();
    if (state.query >= 0) text += `; query ${sentence.tokens[state.query]}`;
    if (state.key >= 0) text += `; key ${sentence.tokens[state.key]}`;
    if (state.query >= 0 && state.key >= 0 && attention) text += `; attention ${attention[state.query * sentence.size + state.key].toFixed(3)}`;
    return text;
  }

  /** Draw anew; without `anew` only go on with what one frame had no time for. */
  draw(anew = true) {
    this.anew ||= anew;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame((time) => {
      this.waiting = false;
      this.paint(time);
    });
  }

  /** The room of the stage, in pixels. */
  get size() {
    const stage = byId("stage");
    return { width: stage.clientWidth, height: stage.clientHeight };
  }

  paint(time) {
    this.time = time;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    const { width, height } = this.size;
    if (width < 10 || height < 10) return;
    const view = this.views[this.state.view];
    const box = { x: 0, y: 0, width, height };
    if (!this.anew && view.resume) return this.finish(view.resume(this.painter, this), false);
    this.anew = false;
    view.prepare?.(this);
    view.layOut?.(this, box);
    this.whole = { width: Math.max(width, Math.floor(view.width ?? 0)), height: Math.max(height, Math.floor(view.height ?? 0)) };
    const grown = width < 700 && this.state.view !== "points" ? `${view.height}px` : "";
    if (byId("frame").style.height !== grown) byId("frame").style.height = grown;
    this.fit(this.whole);
    this.painter.begin(this.whole.width, this.whole.height, this.theme.paper);
    const more = view.draw(this.painter, this, box);
    showTip(this);
    return this.finish(more, !view.resume);
  }

  finish(more, anew) {
    document.documentElement.dataset.busy = String(Boolean(more));
    if (more) this.draw(anew);
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

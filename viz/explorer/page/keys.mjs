// Everything with the keyboard. What the keys do is also what the help says.

import { offText } from "./state.mjs";

export const HELP = ["1 … 6", "[ ]", "{ }", "m", "d", "s S", "n p", "k", "← → ↑ ↓", "+ - 0", "Enter", "x", "w", "e", "/", "t", "Escape", "?"];

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Acts on a key; true if it meant something. */
export function press(app, key) {
  const { state, data } = app;
  const views = app.viewNames;
  const { size, tokens } = data.sentences[state.sentence];
  const around = (value, by, count) => (((value + by) % count) + count) % count;
  const moves = /^(Arrow|Enter$|Escape$)/u.test(key);
  if (!moves && !state.keys) return false;
  if (/^[1-9]$/u.test(key)) return Number(key) <= views.length && app.set({ view: views[Number(key) - 1] });
  if (key === "[" || key === "]") return app.step("head", key === "]" ? 1 : -1);
  if (key === "{" || key === "}") return app.step("layer", key === "}" ? 1 : -1);
  if (key === "m") return app.set({ method: data.methods[around(data.methods.indexOf(state.method), 1, data.methods.length)] });
  if (key === "d") return app.set({ dims: state.dims === 2 ? 3 : 2 });
  if (key === "s" || key === "S") return app.choose({ sentence: around(state.sentence, key === "s" ? 1 : -1, data.sentences.length) });
  if (key === "t") return app.act("theme");
  if (key === "w") return app.set({ words: !state.words });
  if (key === "e" && data.live) return app.act("type");
  if (key === "/") return app.act("search");
  if (key === "?") return app.act("help");
  if (key === "Escape") return app.set({ query: -1, key: -1, find: "" });
  if (state.view === "heads" && key === "Enter") return app.set({ view: "points" });
  if (ARROWS[key]) return arrow(app, ...ARROWS[key]);
  if (["heads", "average"].includes(state.view)) return false;
  if (key === "n" || key === "p") return app.set({ query: around(state.query, key === "n" ? 1 : state.query < 0 ? 0 : -1, size), key: -1 });
  if (key === "k" && state.query >= 0 && app.attention()) {
    const row = app.attention().subarray(state.query * size, (state.query + 1) * size);
    const order = [...row.keys()].sort((a, b) => row[b] - row[a]);
    return app.set({ key: order[around(order.indexOf(state.key), 1, size)] });
  }
  if (key === "x" && Math.max(state.key, state.query) >= 0) {
    const token = state.key >= 0 ? state.key : state.query;
    const off = new Set(app.off);
    if (!off.delete(token)) off.add(token);
    if (off.size < tokens.length) app.switchTokens(offText(off));
    return true;
  }
  if (key === "+" || key === "=") return app.act("zoom-in");
  if (key === "-") return app.act("zoom-out");
  if (key === "0") return app.act("zoom-all");
  return false;
}

function arrow(app, right, down) {
  const { state, data, hover } = app;
  const { size } = data.sentences[state.sentence];
  if (state.view === "heads") return app.set(app.views.heads.neighbour(state, right, down));
  if (["sentence", "near", "way"].includes(state.view)) {
    const within = (value, by) => Math.min(size - 1, Math.max(0, value + by));
    return app.set(down || state.view === "way" ? { query: within(state.query, down || right) } : { key: within(state.key, right) });
  }
  if (state.view === "average") {
    return app.pointByKey(app.views.average.neighbour(data, hover, right, down));
  }
  if (state.dims === 3) return app.set({ turn: state.turn + 0.1 * right, tilt: Math.min(1.5, Math.max(-1.5, state.tilt + 0.1 * down)) });
  return app.set({ x: state.x + (0.1 * right) / state.zoom, y: state.y - (0.1 * down) / state.zoom });
}

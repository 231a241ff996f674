// Everything with the keyboard. What the keys do is also what the help says.

import { offText } from "./state.mjs";

export const HELP = [
  ["1 2 3 4", "heads, points, sentence, averages"],
  ["[ ]", "previous, next head"],
  ["{ }", "previous, next layer"],
  ["m", "picture: none, paper, exact"],
  ["d", "2-D or 3-D"],
  ["s S", "next, previous sentence"],
  ["n p", "choose the next, previous query"],
  ["k", "choose the query's next key, strongest first"],
  ["arrows", "move about: heads, picture, rows and columns, bars"],
  ["+ - 0", "zoom in, out, all"],
  ["Enter", "open the head"],
  ["x", "switch the chosen key (or query) off or on"],
  ["w", "words or pieces"],
  ["/", "search a token"],
  ["t", "light or dark"],
  ["Escape", "choose nothing"],
  ["?", "this list"],
];

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Acts on a key; true if it meant something. */
export function press(app, key) {
  const { state, data } = app;
  const views = ["heads", "points", "sentence", "average"];
  const { size, tokens } = data.sentences[state.sentence];
  const around = (value, by, count) => (((value + by) % count) + count) % count;
  if (/^[1-4]$/u.test(key)) return app.set({ view: views[Number(key) - 1] });
  if (key === "[" || key === "]") return app.step("head", key === "]" ? 1 : -1);
  if (key === "{" || key === "}") return app.step("layer", key === "}" ? 1 : -1);
  if (key === "m") return app.set({ method: data.methods[around(data.methods.indexOf(state.method), 1, data.methods.length)] });
  if (key === "d") return app.set({ dims: state.dims === 2 ? 3 : 2 });
  if (key === "s" || key === "S") return app.choose({ sentence: around(state.sentence, key === "s" ? 1 : -1, data.sentences.length) });
  if (key === "t") return app.act("theme");
  if (key === "w") return app.set({ words: !state.words });
  if (key === "/") return app.act("search");
  if (key === "?") return app.act("help");
  if (key === "Escape") return app.set({ query: -1, key: -1, find: "" });
  if (state.view === "heads" && key === "Enter") return app.set({ view: "points" });
  if (ARROWS[key]) return arrow(app, ...ARROWS[key]);
  if (state.view !== "points" && state.view !== "sentence") return false;
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
    if (off.size < tokens.length) app.set({ off: offText(off) });
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
  if (state.view === "sentence") {
    const within = (value, by) => Math.min(size - 1, Math.max(0, value + by));
    return app.set(down ? { query: within(state.query, down) } : { key: within(state.key, right) });
  }
  if (state.view === "average") {
    return app.pointByKey(app.views.average.neighbour(data, hover, right, down));
  }
  if (state.dims === 3) return app.set({ turn: state.turn + 0.1 * right, tilt: Math.min(1.5, Math.max(-1.5, state.tilt + 0.1 * down)) });
  return app.set({ x: state.x + (0.1 * right) / state.zoom, y: state.y - (0.1 * down) / state.zoom });
}

// Everything with the keyboard. What the keys do is also what the help says.

import { ACTIONS } from "./actions.mjs";
import { largestFirst } from "./attention.mjs";
import { ARROWS } from "../../web/dom.mjs";
import { within } from "../../web/numbers.mjs";

export const HELP = ["1 … 8", "[ ]", "{ }", "m", "d", "s S", "n p", "k", "← → ↑ ↓", "+ - 0", "Enter", "x", "w", "e", "/", "t", "Escape", "?"];

const MOVES = /^(Arrow|Enter$|Escape$)/u; // keys that mean something where letters are no short cuts, too

/** What a key does in every view; false: nothing. */
const ANYWHERE = {
  "[": (app) => app.step("head", -1),
  "]": (app) => app.step("head", 1),
  "{": (app) => app.step("layer", -1),
  "}": (app) => app.step("layer", 1),
  m: (app) => app.set({ method: next(app.data.methods, app.state.method) }),
  d: (app) => app.set({ dims: app.state.dims === 2 ? 3 : 2 }),
  s: (app) => app.choose({ sentence: wrapped(placeOf(app) + 1, app.data.sentences.length) }),
  S: (app) => app.choose({ sentence: wrapped(placeOf(app) - 1, app.data.sentences.length) }),
  t: ACTIONS.theme,
  w: (app) => app.set({ words: !app.state.words }),
  e: (app) => Boolean(app.data.live) && ACTIONS.type(),
  "/": ACTIONS.search,
  "?": ACTIONS.help,
  Escape: (app) => app.set({ query: -1, key: -1, find: "" }),
  Enter: (app) => app.state.view === "heads" && app.set({ view: "points" }),
};

/** The number of the sentence in the list; of one that was typed, that of the same text, where the page has it. */
function placeOf({ data, state, sentence }) {
  const same = data.sentences.findIndex(({ text }) => text === sentence.text);
  return data.isTyped(state.sentence) && same >= 0 ? same : state.sentence;
}

/** What a key does in the views of one sentence. */
const IN_A_SENTENCE = {
  n: (app) => toQuery(app, app.state.query + 1),
  p: (app) => toQuery(app, app.state.query < 0 ? 0 : app.state.query - 1),
  k: nextKey,
  x: (app) => app.chosen >= 0 && app.switchToken(app.chosen),
  "+": ACTIONS["zoom-in"],
  "=": ACTIONS["zoom-in"],
  "-": ACTIONS["zoom-out"],
  0: ACTIONS["zoom-all"],
};

/** Acts on a key; false, and nothing else, if it meant nothing. */
export function press(app, key) {
  const { state, viewNames } = app;
  if (!MOVES.test(key) && !state.keys) return false;
  if (ARROWS[key]) return arrow(app, ...ARROWS[key]);
  if (/^[1-9]$/u.test(key)) return Number(key) <= viewNames.length && app.set({ view: viewNames[Number(key) - 1] });
  const act = ANYWHERE[key] ?? (["heads", "average", "circuit"].includes(state.view) ? undefined : IN_A_SENTENCE[key]);
  return act ? act(app) : false;
}

const wrapped = (value, count) => ((value % count) + count) % count;
const next = (list, one) => list[wrapped(list.indexOf(one) + 1, list.length)];

function toQuery(app, query) {
  return app.set({ query: wrapped(query, app.sentence.size), key: -1 });
}

/** The key that the chosen query attends to next most. */
function nextKey(app) {
  const { query, key } = app.state;
  return query >= 0 && app.attention() !== null && app.set({ key: next(largestFirst(app.row(query)), key) });
}

function arrow(app, right, down) {
  const { state, data, hover, views, sentence: { size } } = app;
  if (state.view === "heads") return app.set(views.heads.neighbor(state, right, down));
  if (state.view === "average") return app.pointByKey(views.average.neighbor(data, hover, right, down));
  if (state.view === "circuit") return false;
  if (state.view !== "points") {
    const toKey = right && state.view !== "way";
    return app.set(toKey ? { key: within(state.key + right, 0, size - 1) } : { query: within(state.query + (down || right), 0, size - 1) });
  }
  if (state.dims === 3) return app.set({ turn: state.turn + 0.1 * right, tilt: within(state.tilt + 0.1 * down, -1.5, 1.5) });
  return app.set({ x: state.x + (0.1 * right) / state.zoom, y: state.y - (0.1 * down) / state.zoom });
}

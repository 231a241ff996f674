// How many dimensions does a head need? What fewer of them leave of its attention in one sentence.
//
//   score_ij - mean of row i = sum over c of left_c,i right_c,j         the largest terms first (svd.mjs)
//
// Softmax does not see the mean. The first r terms are queries and keys of r dimensions; of all such they come nearest to
// the scores, and hold the share sum_{c <= r} |left_c|^2 / sum_c |left_c|^2 (Eckart and Young 1936). A picture in C
// dimensions in which nearness is attention has scores -|x_i - y_j|^2, which are such a sum of at most C + 1 terms: so it
// holds no more than the first C + 1. `Held` of viz/measures/held.py has the same numbers for many sentences.

import { attentionOf, wordWeight } from "./attention.mjs";
import { byId } from "../../web/dom.mjs";
import { percent } from "../../web/numbers.mjs";
import { singularTerms } from "./svd.mjs";
import { say } from "../../web/words.mjs";

const MOST_OF_IT = 0.9;

/** A row less its mean. */
function centred(row) {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  return Float64Array.from(row, (x) => x - mean);
}

/** The scores of the tokens that are on, taken apart: {on, off, rows: the centred scores, terms, total: the sum of their squares}. */
export function takenApart(scores, size, off, most) {
  const on = Array.from({ length: size }, (_, i) => i).filter((i) => !off.has(i));
  const rows = on.map((i) => centred(on.map((j) => scores[i * size + j])));
  const terms = singularTerms(rows, most);
  return { on, off, rows, terms, total: terms.reduce((sum, { square }) => sum + square, 0) };
}

/** The share of the scores that the first `count` terms hold. */
export const heldBy = ({ terms, total }, count) => terms.slice(0, count).reduce((sum, { square }) => sum + square, 0) / total;

/** How many terms hold 90 %. */
export const neededFor = (parts, share = MOST_OF_IT) => parts.terms.findIndex((_, i) => heldBy(parts, i + 1) >= share) + 1;

/** The share that a picture holds, drawn at its best size. x, y: the places of queries and keys, a list each. */
export function heldByPicture({ rows, total }, x, y) {
  let [together, squares] = [0, 0];
  rows.forEach((row, i) => {
    const drawn = centred(y.map((place) => -place.reduce((sum, value, c) => sum + (value - x[i][c]) ** 2, 0)));
    drawn.forEach((value, j) => {
      together += value * row[j];
      squares += value * value;
    });
  });
  return squares ? Math.max(0, together) ** 2 / (squares * total) : 0;
}

/** The attention [size * size] that the first `count` terms leave. */
export function attentionLeft({ on, off, terms }, size, count) {
  const scores = new Float64Array(size * size);
  for (const { left, right } of terms.slice(0, count)) on.forEach((i, a) => on.forEach((j, b) => (scores[i * size + j] += left[a] * right[b])));
  return attentionOf(scores, size, off);
}

// ---- of what the page shows

const whichScores = ({ data, state }) => [state.layer, state.head, state.sentence, state.off, data.typed?.number].join();

const partsOf = (app) =>
  app.remember("apart", whichScores(app), () => takenApart(app.head.scores(app.state.sentence), app.sentence.size, app.off, app.data.headSize));

/** How many dimensions are kept in the sentence that is shown; 0: all, as the model does. */
export function keptIn(app) {
  const { data, state } = app;
  if (state.view !== "sentence" || state.flat >= data.headSize || !app.attention()) return 0;
  return state.flat < partsOf(app).terms.length ? state.flat : 0;
}

/** "with 3 of 16 dimensions", or nothing. */
export const keptText = (app) => (keptIn(app) ? say("flat_map", { count: keptIn(app), all: app.data.headSize }) : "");

/** The attention that the kept dimensions leave; null where all are kept. */
export function attentionKept(app) {
  const count = keptIn(app);
  return count ? app.remember("kept", `${whichScores(app)} ${count}`, () => attentionLeft(partsOf(app), app.sentence.size, count)) : null;
}

/** The line for the pair under the pointer. */
export function keptLines(app, { queries, keys }) {
  const kept = attentionKept(app);
  return kept ? [`${keptText(app)}: ${wordWeight(kept, app.sentence.size, queries, keys, app.off).toFixed(3)}`] : [];
}

/** For how many of the queries the most attended key stays the same. */
function sameFirst(app, { on }) {
  const { size } = app.sentence;
  const first = (all, i) => on.reduce((most, j) => (all[i * size + j] > all[i * size + most] ? j : most), on[0]);
  return on.filter((i) => first(app.attention(), i) === first(attentionKept(app), i)).length;
}

/** What is said below the slider. */
function toldOf(app, parts) {
  const { data, head, state: { method, dims }, sentence: { start } } = app;
  if (!parts.total) return say("flat_none");
  const count = keptIn(app);
  const kept = count && say("flat_kept", { count, all: data.headSize, share: percent(heldBy(parts, count)), same: sameFirst(app, parts), queries: parts.on.length });
  const places = (side) => parts.on.map((i) => {
    const from = 3 * (side * data.size + start + i);
    return [...head.positions(method).subarray(from, from + dims)];
  });
  const holds = percent(heldByPicture(parts, places(0), places(1)));
  const numbers = { needed: neededFor(parts), all: data.headSize, dims, bound: percent(heldBy(parts, dims + 1)), method: say(`method_${method}`), holds };
  return [kept, say("flat_needed", numbers), say("flat_bound", numbers)].filter(Boolean).join(" ");
}

export function bindFlat(app) {
  byId("flat-count").addEventListener("input", ({ target }) => {
    const all = target.value === target.max;
    app.set({ flat: all ? app.data.headSize : Number(target.value) });
  });
  byId("flat").addEventListener("toggle", () => showFlat(app));
}

/** Brings the slider and what is said below it up to date. Nothing is computed while they are folded. */
export function showFlat(app) {
  const box = byId("flat");
  box.open ||= keptIn(app) > 0;
  if (!box.open || app.state.view !== "sentence") return;
  const parts = app.attention() && partsOf(app);
  const most = parts?.terms.length ?? 0;
  const slider = byId("flat-count");
  slider.disabled = most < 2;
  slider.max = String(Math.max(1, most));
  slider.value = String(keptIn(app) || most);
  byId("flat-value").textContent = String(keptIn(app) || most);
  byId("flat-told").textContent = parts ? toldOf(app, parts) : say("sentence_left_out");
}

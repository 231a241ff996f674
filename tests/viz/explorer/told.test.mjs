// What the page says beside its pictures, in the words of its table: no browser is needed for that.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const table = JSON.parse(readFileSync(new URL("../../../viz/explorer/words.json", import.meta.url), "utf-8"));
const english = JSON.stringify(Object.fromEntries(Object.entries(table).map(([name, texts]) => [name, texts.en])));
const browser = /** @type {any} */ (globalThis);
browser.document = { getElementById: () => ({ textContent: english }) }; // for as long as the words are read
await import("../../../viz/web/words.mjs");
delete browser.document;

const page = "../../../viz/explorer/page";
const { coloring } = await import(`${page}/coloring.mjs`);
const { describe, hasMove } = await import(`${page}/describe.mjs`);
const { placeLabels } = await import(`${page}/labels.mjs`);
const { requestOf } = await import(`${page}/live.mjs`);
const { flatDistances } = await import(`${page}/places.mjs`);
const { DEFAULTS } = await import(`${page}/state.mjs`);
const { tipLines } = await import(`${page}/tip.mjs`);
const { THEMES } = await import("../../../viz/web/colors.mjs");
const { attention_block, embed, feed_forward_block } = await import("../../../viz/explorer/live/encoder.mjs");
const { layer_norm } = await import("../../../viz/explorer/live/numerics.mjs");
const { Tokenizer } = await import("../../../viz/explorer/live/tokenizer.mjs");
const { Arithmetic } = await import("../../../minibert/read/page/arithmetic.mjs");
const { colorOf, drawThumb } = await import("../../../minibert/read/page/thumbs.mjs");

const VIEWS = ["heads", "points", "sentence", "near", "average", "way"];

/** An app with three sentences of unlike length; the second is chosen, the third is typed. */
function small(changes = {}) {
  const sentences = [["[CLS]", "a", "[SEP]"], ["[CLS]", "sun", "set", "b", "[SEP]"], ["[CLS]", "[SEP]"]].map((tokens, i) => ({
    tokens, size: tokens.length, start: [0, 3, 8][i], segments: tokens.map(() => 0), text: tokens.slice(1, -1).join(" "),
    words: tokens.map((name, t) => (name.startsWith("[") ? null : t)),
  }));
  const tokenOf = sentences.flatMap(({ tokens }) => tokens);
  const positions = Float32Array.from({ length: 60 }, (_, i) => (i * i) % 17);
  const head = { layer: 0, data: /** @type {any} */ (null), positions: () => positions, extent: () => 2.5, norms: Float32Array.from({ length: 20 }, (_, p) => p) };
  const state = { ...DEFAULTS, flat: 4, layer: 0, head: 1, sentence: 1, method: "raw", dims: 2, query: 1, key: 3, ...changes };
  const data = {
    sentences, tokenOf, size: 10, points: 20, own: 2, headSize: 4, typed: { guesses: [] }, layers: 1, head: () => head,
    sentenceOf: sentences.flatMap(({ tokens }, i) => tokens.map(() => i)), positionOf: sentences.flatMap(({ tokens }) => tokens.map((_, t) => t)),
    isTyped: (i) => i === 2, sentenceText: (i) => sentences[i].text,
    column: () => ({ name: "kind", labels: ["previous token"], kinds: ["-1"] }), columnValue: () => 0,
  };
  head.data = data;
  const attention = Float32Array.from({ length: 25 }, (_, i) => i / 100);
  const app = {
    data, state, head, sentence: sentences[state.sentence], without: new Set(), off: new Set(), why: {}, hover: /** @type {any} */ (null),
    attention: () => attention, hides: () => false,
  };
  return app;
}

test("a view in words: the move where points are drawn, the sentence by its number, query and key by their names", () => {
  for (const view of VIEWS) {
    const said = describe(small({ view })).split("; ");
    const drawn = ["heads", "points", "sentence", "near"].includes(view);
    assert.equal(hasMove(view), drawn, view);
    assert.equal(said.includes(table.method_raw.en), drawn, view);
    assert.equal(said.some((part) => part.startsWith("sentence 2")), view !== "heads" && view !== "average", view);
    assert.ok(said.includes("query sun") && said.includes("key b"), view);
    assert.ok(said.some((part) => part.includes("0.080")), "the attention of query 1 and key 3");
  }
});

test("the note beside the pointer names queries and keys as such", () => {
  const app = small({ query: -1, key: -1 });
  app.hover = { sentence: 1, queries: [1], keys: [] };
  assert.equal(tipLines(app)[0], "sun (query)");
  app.hover = { sentence: 1, queries: [], keys: [3] };
  assert.equal(tipLines(app)[0], "b (key)");
  for (const [side, name] of [[0, "query"], [1, "key"]]) {
    app.hover = { sentence: 1, queries: [], keys: [], point: { side, token: 6 } };
    assert.equal(tipLines(app)[0], `b (${name})`);
    assert.equal(tipLines(app)[1], table.tip_position.en.replace("{position}", "3").replace("{sentence}", "2"));
  }
});

test("every point has the colour that the legend gives to what it is", () => {
  const { data, head } = small();
  for (const theme of Object.values(THEMES)) {
    const colorOfPoint = (name, p) => { const { index, palette } = coloring(data, head, name, theme); return palette[index[p]]; };
    const legend = (name) => coloring(data, head, name, theme).legend.swatches;
    assert.deepEqual(legend("type"), [["query", theme.query], ["key", theme.key]]);
    assert.deepEqual([colorOfPoint("type", 0), colorOfPoint("type", 10)], [theme.query, theme.key]);
    assert.deepEqual(legend("special"), [[table.word_or_piece.en, theme.other], [table.special_token.en, theme.mark]]);
    assert.deepEqual([colorOfPoint("special", 1), colorOfPoint("special", 0)], [theme.other, theme.mark]);
    assert.deepEqual(legend("sentence").map(([name]) => name), ["sentence 1", "sentence 2", "sentence 3"]);
    assert.equal(colorOfPoint("sentence", 13), legend("sentence")[1][1]);
  }
});

test("a label stands right, left, above or below its point, never on it", () => {
  const frame = { x: 0, y: 0, width: 100, height: 100 };
  const [x, y] = [50, 50];
  const placed = placeLabels(Array.from({ length: 4 }, (_, i) => ({ x, y, text: String(i), gap: 10 })), () => 20, frame);
  assert.deepEqual(placed.map(({ left, middle }) => [left - x, middle - y]), [[12, 0], [-32, 0], [-10, -17], [-10, 17]]);
});

test("what the model is asked: keys are off in a typed sentence alone, and the way is that of the first token if none is chosen", () => {
  assert.deepEqual(requestOf(/** @type {any} */ (small({ sentence: 2, text: "x", off: "1.2", without: "" }))).hidden, [1, 2]);
  assert.deepEqual(requestOf(/** @type {any} */ (small({ sentence: 1, text: "x", off: "1.2", without: "" }))).hidden, []);
  for (const [query, view, token] of [[-1, "way", 0], [2, "way", 2], [2, "points", -1]]) {
    assert.equal(requestOf(/** @type {any} */ (small({ view, query, without: "" }))).token, token);
  }
});

test("distances in the picture are in its units", () => {
  const { data, head } = small();
  const at = (p) => [0, 1, 2].map((c) => head.positions()[3 * p + c]);
  for (const dims of [2, 3]) {
    const found = flatDistances(head, { sentence: 1, method: "raw", dims, query: 2 });
    const wanted = data.sentences[1].tokens.map((_, j) => Math.hypot(...at(5).map((v, c) => v - at(13 + j)[c]).slice(0, dims)) * 2.5);
    assert.deepEqual(found.map((v) => v.toFixed(4)), wanted.map((v) => v.toFixed(4)));
  }
});

// ---- the model of the page

test("eps is added to the variance, under the root, wherever a layer norm is", () => {
  const norm = { weight: Float32Array.of(1, 1), bias: Float32Array.of(0, 0) };
  const none = { weight: new Float32Array(4), bias: new Float32Array(2) };
  const [x, halves] = [Float32Array.of(1, 3), [-0.5, 0.5]]; // variance 1, eps 3, root 2
  const config = { layer_norm_eps: 3, num_attention_heads: 1, hidden_act: "gelu" };
  const weights = { attention: { query: none, key: none, value: none }, attention_output: none, attention_norm: norm, intermediate: none, output: none, output_norm: norm };
  assert.deepEqual([...layer_norm(x, norm, 3)], halves);
  assert.deepEqual([...attention_block(x, weights, config).attention_output_TD], halves);
  assert.deepEqual([...feed_forward_block(x, weights, config).hidden_TD], halves);
  const zero = new Float32Array(2);
  assert.deepEqual([...embed({ ids: [0], types: [0] }, { word: x, position: zero, token_type: zero, norm, projection: null }, 3)], halves);
});

test("of two special tokens that begin alike, the longer one is found", () => {
  const { written } = new Tokenizer({ vocabulary: [], special: { "<m>": 0, "<m>s": 1 } });
  assert.equal(written.exec("a<m>s")?.[0], "<m>s");
});

// ---- minibert read

test("written arithmetic keeps the brackets that a difference or a quotient needs", () => {
  const arithmetic = new Arithmetic(/** @type {any} */ ({}), String);
  const [one, two, three] = [1, 2, 3].map((n) => ["number", n]);
  const written = (tree) => arithmetic.written(tree, [], 0, [], new Set());
  assert.equal(written(["-", one, ["-", two, three]]), "1 − (2 − 3)");
  assert.equal(written(["-", ["-", one, two], three]), "1 − 2 − 3");
  assert.equal(written(["/", one, ["/", two, three]]), "1 / (2 / 3)");
  assert.equal(written(["*", ["+", one, two], three]), "(1 + 2) × 3");
});

test("a small picture has the numbers of every tile in their places", () => {
  const theme = THEMES.light;
  const array = { shape: [2, 2, 3], rows: null, low: -6, high: 12 };
  const numbers = [1, 2, 3, 4, 5, 6, -1, -2, 12, -4, -5, -6];
  const drawn = { data: new Uint8ClampedArray(0) };
  const canvas = { width: 0, height: 0, getContext: () => ({ putImageData: () => {}, createImageData: (w, h) => ((drawn.data = new Uint8ClampedArray(4 * w * h)), drawn) }) };
  drawThumb(/** @type {any} */ (canvas), /** @type {any} */ (array), numbers, theme);
  const gap = canvas.width - 6;
  numbers.forEach((number, i) => {
    const [tile, row, column] = [Math.floor(i / 6), Math.floor(i / 3) % 2, i % 3];
    const at = 4 * (row * canvas.width + tile * (3 + gap) + column);
    assert.deepEqual([...drawn.data.slice(at, at + 3)], [...colorOf(number, 12, theme)].map(Math.round), `number ${i}`);
  });
});

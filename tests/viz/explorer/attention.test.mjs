import assert from "node:assert/strict";
import test from "node:test";

import { attentionOf, linesOf, mergeWords, rankOf, strongest } from "../../../viz/explorer/page/attention.mjs";
import { wordGroups } from "../../../viz/web/tokens.mjs";

const near = (a, b, message) => assert.ok(Math.abs(a - b) < 1e-12, `${message ?? ""} ${a} is not ${b}`);
const scores = Float32Array.from([0, Math.log(2), Math.log(5), 1, 1, 1, 800, -800, 0]);

test("attention is the softmax of each row, also where exponentials would overflow", () => {
  const attention = attentionOf(scores, 3);
  [1 / 8, 2 / 8, 5 / 8].forEach((value, j) => assert.ok(Math.abs(attention[j] - value) < 1e-7));
  [3, 4, 5].forEach((j) => near(attention[j], 1 / 3));
  assert.deepEqual([...attention.subarray(6)], [1, 0, 0]);
});

test("a key switched off is as if it had never been there", () => {
  const attention = attentionOf(scores, 3, new Set([2]));
  assert.ok(Math.abs(attention[0] - 1 / 3) < 1e-7 && Math.abs(attention[1] - 2 / 3) < 1e-7);
  assert.equal(attention[2], 0);
  assert.deepEqual([...attention.subarray(6)], [0, 0, 0], "its own row is empty");
  assert.deepEqual([...attentionOf(scores, 3, new Set([0])).subarray(6)], [0, 0, 1], "however large its score was");
  const two = attentionOf(Float32Array.from([scores[0], scores[1], scores[3], scores[4]]), 2);
  [0, 1, 3, 4].forEach((from, to) => near(attention[from], two[to]));
});

test("words: sum over the key's pieces, mean over the query's, rows sum to 1", () => {
  const groups = wordGroups([null, 0, 0, 1, null, null]);
  assert.deepEqual(groups, [[0], [1, 2], [3], [4], [5]]);
  const size = 6;
  const random = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * i));
  const attention = attentionOf(random, size);
  const merged = mergeWords(attention, size, groups);
  for (let i = 0; i < 5; i++) near(merged.subarray(5 * i, 5 * i + 5).reduce((a, b) => a + b), 1);
  near(merged[5 * 1 + 2], (attention[size + 3] + attention[2 * size + 3]) / 2);
  near(merged[5 * 2 + 1], attention[3 * size + 1] + attention[3 * size + 2]);
});

test("words with a piece switched off count the other pieces only", () => {
  const groups = [[0], [1, 2]];
  const off = new Set([1]);
  const merged = mergeWords(attentionOf(scores, 3, off), 3, groups, off);
  near(merged[2] + merged[3], 1);
});

test("strongest: at most so many, at least so large, largest first, never zero", () => {
  const row = [0.1, 0.5, 0, 0.3, 0.1];
  assert.deepEqual(strongest(row, 3, 0.05), [1, 3, 0]);
  assert.deepEqual(strongest(row, 10, 0.2), [1, 3]);
  assert.deepEqual(strongest(row, 10, 0), [1, 3, 0, 4]);
  assert.equal(rankOf(row, 3), 2);
});

test("lines: of the query, of the key, of the pair, of the sentence", () => {
  const attention = Float64Array.from([0.7, 0.2, 0.1, 0.1, 0.1, 0.8, 0.3, 0.3, 0.4]);
  const ask = (choice, all = false) => linesOf(attention, 3, { query: -1, key: -1, top: 1, above: 0.05, ...choice }, all).map(({ query, key }) => [query, key]);
  assert.deepEqual(ask({ query: 0 }), [[0, 0]]);
  assert.deepEqual(ask({ query: 0, key: 2 }), [[0, 2], [0, 0]]);
  assert.deepEqual(ask({ query: 1, key: 2 }), [[1, 2]], "drawn once");
  assert.deepEqual(ask({ key: 2, top: 2 }), [[2, 2], [1, 2]]);
  assert.deepEqual(ask({}), []);
  assert.deepEqual(ask({}, true), [[2, 2], [0, 0], [1, 2]]);
});

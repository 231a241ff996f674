import assert from "node:assert/strict";
import test from "node:test";

import { curveAt, curveHeight } from "../../../viz/explorer/page/curves.mjs";
import { SHOWN, reasonsOf, rowOf } from "../../../viz/explorer/page/reasons.mjs";

/** Three parts and four keys: term [a, b, s] = a + 2 b s, but word x word decides. */
function made() {
  const names = ["word", "position", "biases"];
  const terms = Float32Array.from({ length: 36 }, (_, i) => {
    const [a, b, s] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4];
    return a + b === 0 ? [0, 0, 9, 0][s] : a + (2 * b * s) / 10;
  });
  return { names, terms };
}

const softmax = (x) => x.map((one) => Math.exp(one) / x.reduce((sum, other) => sum + Math.exp(other), 0));
const close = (a, b, most = 1e-5) => assert.ok(Math.abs(a - b) < most, `${a} is not ${b}`);

test("reasons: largest first, nothing is lost, and the attention without a term", () => {
  const found = made();
  const row = [...rowOf(found)];
  const reasons = reasonsOf(found, 2, -1, new Set());
  assert.deepEqual([reasons.terms[0].ofQuery, reasons.terms[0].ofKey], ["word", "word"]);
  close(reasons.terms[0].value, 9 - 9 / 4);
  close(reasons.sum, row[2] - row.reduce((a, b) => a + b) / 4);
  close(reasons.rest + reasons.terms.reduce((sum, { value }) => sum + value, 0), reasons.sum);
  assert.equal(reasons.terms.length + reasons.others, 9);
  assert.equal(reasons.terms.length, SHOWN);
  close(reasons.attention, softmax(row)[2]);
  close(reasons.terms[0].without, softmax(row.map((score, s) => score - (s === 2 ? 9 : 0)))[2]);
});

test("reasons: against another key, and without keys that are hidden", () => {
  const found = made();
  const row = [...rowOf(found)];
  close(reasonsOf(found, 2, 1, new Set()).sum, row[2] - row[1]);
  const hidden = reasonsOf(found, 2, -1, new Set([0, 3]));
  close(hidden.attention, softmax([row[1], row[2]])[1]);
  close(hidden.sum, row[2] - (row[1] + row[2]) / 2);
  assert.equal(reasonsOf(found, 0, -1, new Set([0])).attention, 0);
});

test("curves: where one passes, and which one is near", () => {
  assert.deepEqual([0, 50, 100].map((x) => Math.round(curveHeight([0, 10], [100, 30], x))), [10, 20, 30]);
  const [low, high] = [15, 85].map((x) => curveHeight([0, 10], [100, 30], x));
  close(low - 10, 30 - high, 0.01);
  assert.ok(low - 10 < 2, "it leaves level");
  const curves = [{ points: [[0, 0], [100, 0]] }, { points: [[0, 100], [100, 0]] }];
  assert.equal(curveAt(curves, 50, 52), curves[1]);
  assert.equal(curveAt(curves, 50, 3), curves[0]);
  assert.equal(curveAt(curves, 50, 25), undefined);
  assert.equal(curveAt(curves, 101, 0), undefined);
  assert.equal(curveAt([], 50, 0), undefined);
});

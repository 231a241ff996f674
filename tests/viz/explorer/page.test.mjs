import assert from "node:assert/strict";
import test from "node:test";

import { ball, bounds, camera, project, rotation, ticks, zoomAt } from "../../../viz/explorer/page/camera.mjs";
import { THEMES, blend, category, inkOn, ramp } from "../../../viz/web/colors.mjs";
import { readable } from "../../../viz/web/tokens.mjs";
import { Data } from "../../../viz/explorer/page/data.mjs";
import { findTokens } from "../../../viz/explorer/page/find.mjs";
import { placeLabels } from "../../../viz/explorer/page/labels.mjs";
import { orderedHeads } from "../../../viz/explorer/page/matrix.mjs";
import { DEFAULTS, limitsOf, offSet, offText } from "../../../viz/explorer/page/state.mjs";
import { fromHash, toHash } from "../../../viz/web/address.mjs";

const base64 = (array) => Buffer.from(array.buffer).toString("base64");

/** Two sentences of two tokens and one, only the first kept whole. */
function small() {
  const packed = {
    xy: { raw: base64(Int16Array.from([1, 2, 3, 4, 5, 6, 7, 8])), exact: base64(Int16Array.from([32767, -32767, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4])) },
    z: { raw: base64(Int16Array.from([1, 2, 3, 4])), exact: base64(Int16Array.from([32767, 2, 3, 4])) },
    norms: base64(Uint16Array.from([65535, 0, 0, 0, 0, 32768])), longest: 10,
    scores: base64(Float32Array.from([1.5, 2, 3, 4])),
  };
  return new Data({
    layers: 1, heads: 1, headSize: 4, methods: ["raw", "exact"], drawn: "exact", reach: 1, across: 2,
    vocabulary: ["[CLS]", "the", "other"],
    sentences: [{ tokens: [0, 1], words: [null, 0], segments: [0, 0], kept: null }, { tokens: [2], words: [0], segments: [0], kept: [] }],
    columns: [{ name: "kind", label: "kind", kinds: ["-1"], labels: ["a"], values: [0] }, { name: "x", label: "x", digits: 2, values: [1] }],
    packed: [packed],
  });
}

test("data: what is packed comes back, and only whole sentences have every picture", () => {
  const data = small();
  const head = data.head(0, 0);
  assert.deepEqual([data.size, head.lane.count, data.points], [3, 2, 6]);
  assert.deepEqual([[...head.shown("exact", 2)], [...head.shown("exact", 3)], [...head.shown("raw", 2)]], [[1, 1, 1], [1, 1, 0], [1, 1, 0]]);
  const exact = head.positions("exact");
  assert.deepEqual([...exact.subarray(0, 3)], [1, -1, 1]);
  assert.deepEqual([...exact.subarray(15, 18)].map((x) => Math.round(x * 32767)), [4, 4, 0], "the last key has no third coordinate");
  assert.deepEqual([...head.scores(0)], [1.5, 2, 3, 4]);
  assert.equal(head.norms[0], 10);
  assert.ok(Math.abs(head.norms[5] - 5) < 1e-3);
  assert.equal(data.head(0, 0), head, "decoded once");
});

test("sentences read like sentences", () => {
  assert.equal(readable(["[CLS]", "the", "cap", "##y", "##bara", ".", "[SEP]"], [null, 0, 1, 1, 1, 2, null]), "the capybara.");
  for (const [cls, sep] of [["[CLS]", "[SEP]"], ["<s>", "</s>"]])
    assert.equal(readable([cls, "a", sep, "b", sep], [null, 0, null, 1, null]), "a / b");
});

test("state survives its address, and only what differs is written", () => {
  const data = small();
  assert.equal(toHash(DEFAULTS, DEFAULTS), "");
  const state = { ...DEFAULTS, view: "sentence", method: "raw", find: "a&b=#c", off: "0.1", words: true, zoom: 2.5, theme: "dark", query: 1 };
  assert.deepEqual(fromHash(`#${toHash(state, DEFAULTS)}`, limitsOf(data), DEFAULTS), state);
});

test("an address is not trusted", () => {
  const limits = limitsOf(small());
  for (const bad of ["view=x", "layer=7", "layer=-1", "layer=1.5", "sentence=2", "zoom=NaN", "zoom=1e9", "top=0", "theme=<b>", "off=1;2", "find=%E0%A4%A", "__proto__=1", "=", "query=9", "dims=4", "above=2", "color=x", "x=1e308", "turn=1e308", "kind=x", "text=typed", "without=0.0"]) {
    assert.deepEqual(fromHash(bad, limits, DEFAULTS), DEFAULTS, bad);
  }
  assert.deepEqual([...offSet("3.5")], [3, 5]);
  assert.equal(offText(new Set([5, 3])), "3.5");
});

test("camera: fits the box with equal units; zooming keeps the place under the pointer", () => {
  const positions = Float32Array.from([-1, -0.5, 0, 1, 0.5, 0]);
  const world = bounds(positions, Uint8Array.of(1));
  const box = { x: 0, y: 0, width: 400, height: 300 };
  const eye = camera(world, box, { x: 0, y: 0, zoom: 1 });
  const screen = new Float32Array(4);
  project(eye, positions, screen);
  assert.ok(screen.every((v) => v >= 0 && v <= 400));
  assert.ok(Math.abs((screen[2] - screen[0]) / (screen[1] - screen[3]) - 2) < 1e-5, "units are equal");
  const [px, py] = [screen[2], screen[3]];
  const look = { x: 0, y: 0, zoom: 1 };
  project(camera(world, box, { ...look, ...zoomAt(eye, look, px, py, 3) }), positions, screen);
  assert.ok(Math.hypot(screen[2] - px, screen[3] - py) < 1e-3);
  assert.equal(zoomAt(eye, look, 0, 0, 1e9).zoom, 400);
});

test("camera: a rotation keeps lengths, and a ball holds every turn", () => {
  const rows = rotation(0.7, -0.4);
  for (const a of [0, 1, 2]) for (const b of [0, 1, 2]) {
    assert.ok(Math.abs(rows[a].reduce((sum, x, i) => sum + x * rows[b][i], 0) - (a === b ? 1 : 0)) < 1e-12);
  }
  assert.ok(Math.abs(ball(Float32Array.from([3, 4, 0, 0, 0, 1]), Uint8Array.of(1)).width - 10) < 1e-6);
});

test("ticks are round and inside", () => {
  assert.deepEqual(ticks(-1, 1, 4), [-1, -0.5, 0, 0.5, 1]);
  assert.deepEqual(ticks(3, 47, 5), [10, 20, 30, 40]);
  assert.deepEqual(ticks(-0.35, 0.35, 7), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
});

test("labels never overlap and stay inside", () => {
  const frame = { x: 0, y: 0, width: 300, height: 200 };
  const wanted = Array.from({ length: 400 }, (_, i) => ({ x: (i * 37) % 300, y: (i * 61) % 200, text: "word" }));
  const placed = placeLabels(wanted, () => 30, frame);
  assert.ok(placed.length > 10 && placed.length < 100);
  for (const a of placed) {
    assert.ok(a.left >= 0 && a.left + 30 <= 300);
    for (const b of placed) {
      if (a !== b) assert.ok(Math.abs(a.left - b.left) >= 34 || Math.abs(a.middle - b.middle) >= 14);
    }
  }
  assert.equal(placeLabels(wanted, () => 30, frame, { most: 5 }).length, 5);
});

test("search: the token itself if it is there, else what contains it; case does not matter", () => {
  const data = small();
  assert.deepEqual([...findTokens(data, "THE")], [0, 1, 0]);
  assert.deepEqual([...findTokens(data, "th")], [0, 1, 1]);
  assert.deepEqual([...findTokens(data, " ")], [0, 0, 0]);
});

test("heads in the order of a column", () => {
  const data = { layers: 2, heads: 2, column: () => ({ values: [0.1, 0.9, null, 0.5] }) };
  assert.deepEqual(orderedHeads(data, "x").slice(0, 3).map(({ layer, head }) => `${layer}.${head}`), ["0.1", "1.1", "0.0"]);
});

// ---- colours

const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const rgb = (hex) => [1, 3, 5].map((i) => linear(parseInt(hex.slice(i, i + 2), 16) / 255));
/** @param {number[]} color */
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (a, b) => {
  const [x, y] = [a, b].map((color) => luminance(rgb(color)));
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
// Machado, Oliveira and Fernandes 2009, severity 1
const BLIND = {
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const lab = ([r, g, b]) => {
  const f = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const [x, y, z] = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089].map((v) => f(Math.max(0, v)));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};
const apart = (a, b, how) => {
  const seen = (hex) => lab(BLIND[how].map((row) => row.reduce((sum, m, i) => sum + m * rgb(hex)[i], 0)));
  const [p, q] = [seen(a), seen(b)];
  return Math.hypot(...p.map((v, i) => v - q[i]));
};

test("green queries and pink keys stay apart for colour-blind readers, and readable on the paper", () => {
  for (const theme of Object.values(THEMES)) {
    assert.ok(contrast(theme.query, theme.key) > 1.9, `${theme.name}: alike in grey`);
    for (const how of Object.keys(BLIND)) assert.ok(apart(theme.query, theme.key, how) > 25, `${theme.name} ${how} ${apart(theme.query, theme.key, how)}`);
    for (const name of ["ink", "faint", "attention", "mark", "query", "key"]) {
      for (const under of ["paper", "panel"]) assert.ok(contrast(theme[name], theme[under]) > 4.5, `${theme.name} ${name} on ${under}`);
    }
    for (let i = 0; i < 5; i++) assert.ok(contrast(category(i, theme), theme.paper) > 2.2, `${theme.name} category ${i}`);
  }
});

test("blends and ramps begin and end where they should; ink is readable on them", () => {
  assert.equal(blend("#000000", "#ffffff", 0), "#000000");
  assert.equal(blend("#000000", "#ffffff", 1), "#ffffff");
  for (const theme of Object.values(THEMES)) {
    const grounds = [theme.rule, theme.other, ...Array.from({ length: 21 }, (_, i) => ramp(i / 20, theme)), ...Array.from({ length: 8 }, (_, i) => category(i, theme))];
    for (const ground of grounds) assert.ok(contrast(inkOn(ground), ground) > 4.5, `${theme.name} ${ground}`);
  }
});

// How a head's queries and keys are moved, and how far apart that puts them: `Normalized.apply` of viz, in the page.
//
//   raw     q,  k
//   paper   c q,  (k + a) / c
//   exact   (c q, 0),  (k + a, sqrt(R^2 - |k + a|^2)) / c      every key on a sphere of radius R / c
//
//   |q~ - k~|^2 = |q~|^2 + |k~|^2 - 2 q~ . k~                  q~ . k~ = q . k + q . a

import { float32, int16 } from "../../web/bytes.mjs";

export const length = (x) => Math.sqrt(dot(x, x));

function dot(x, y) {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}

/** An array of a move: translation, or one of those of `Picture.maps` in viz/explorer/heads.py. */
const moving = (head, method, name) => head.once(`${name} ${method}`, () => float32(head.packed.move[method][name]));

/** Places [3 * T] of the typed sentence's queries (side 0) or keys (side 1) in a picture of a head. */
export function landed(head, method, side) {
  const { data, packed } = head;
  const name = side ? "key" : "query";
  const [map, offset, lift, a] = [`${name}_map`, `${name}_offset`, "lift", "translation"].map((part) => moving(head, method, part));
  const { start, tokens } = data.sentences[data.own];
  const vectors = tokens.map((_, t) => head.vector(side, start + t));
  const lengths = vectors.map((vector) => length(vector.map((x, i) => x + a[i])));
  const radius = Math.max(packed.radius[method], ...lengths);
  return Float32Array.from({ length: 3 * tokens.length }, (_, i) => {
    const [t, c] = [Math.floor(i / 3), i % 3];
    const raised = side && lift.length ? lift[c] * Math.sqrt(radius ** 2 - lengths[t] ** 2) : 0;
    return (dot(vectors[t], map.subarray(c * a.length, (c + 1) * a.length)) + offset[c] + raised) / packed.extent[method];
  });
}

/**
 * From one query of a whole sentence to all its keys, in the full space: {query: |q~|^2, keys: [|k~|^2], dots: [q~ . k~],
 * distances: [|q~ - k~|]}.
 */
export function distancesFrom(head, sentence, method, query) {
  const { data, packed } = head;
  const { start, size } = data.sentences[sentence];
  const scale = packed.scale[method];
  const scores = head.scores(sentence);
  const { norms } = head;
  const { query: leanQuery, key: leanKey, square } = leaning(head, method, sentence);
  const radius = packed.radius[method];
  const moved = Float64Array.from({ length: size }, (_, j) => norms[data.size + start + j] ** 2 + 2 * leanKey(j) + square);
  const sphere = radius === null ? null : Math.max(radius ** 2, ...moved);
  const result = { query: scale ** 2 * norms[start + query] ** 2, keys: [], dots: [], distances: [] };
  for (let j = 0; j < size; j++) {
    const key = (sphere ?? moved[j]) / scale ** 2;
    const product = scores[query * size + j] * Math.sqrt(data.headSize) + leanQuery(query);
    result.keys.push(key);
    result.dots.push(product);
    result.distances.push(Math.sqrt(Math.max(0, result.query + key - 2 * product)));
  }
  return result;
}

/** q . a and k . a of the tokens of a sentence, as functions of the position, and |a|^2. */
function leaning(head, method, sentence) {
  const { data, packed } = head;
  const { start } = data.sentences[sentence];
  const lean = packed.lean[method];
  if (!lean) return { query: () => 0, key: () => 0, square: 0 };
  if (data.isTyped(sentence)) {
    const a = moving(head, method, "translation");
    const along = (side) => (i) => dot(head.vector(side, start + i), a);
    return { query: along(0), key: along(1), square: lean.square };
  }
  const numbers = head.once(`lean ${method}`, () => Float64Array.from(int16(lean.numbers), (x) => (x / 32767) * lean.largest));
  const { lane } = head;
  const kept = (side) => (i) => numbers[side * lane.count + lane[start + i]];
  return { query: kept(0), key: kept(1), square: lean.square };
}

/** How far the chosen query and each key of its sentence are apart in the flat (or 3-D) picture. */
export function flatDistances(head, { sentence, method, dims, query }) {
  const { start, tokens } = head.data.sentences[sentence];
  const place = (p) => head.positions(method).subarray(3 * p, 3 * p + dims);
  const from = place(start + query);
  return tokens.map((_, j) => {
    const to = place(head.data.size + start + j);
    return length(from.map((x, c) => x - to[c])) * head.extent(method);
  });
}

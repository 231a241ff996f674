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
  const square = packed.lean[method]?.square ?? 0;
  const radius = packed.radius[method];
  const moved = Float64Array.from({ length: size }, (_, j) => norms[data.size + start + j] ** 2 + 2 * leanOf(head, method, 1, start + j) + square);
  const sphere = radius === null ? null : Math.max(radius ** 2, ...moved);
  const result = { query: scale ** 2 * norms[start + query] ** 2, keys: [], dots: [], distances: [] };
  for (let j = 0; j < size; j++) {
    const key = (sphere ?? moved[j]) / scale ** 2;
    const product = scores[query * size + j] * Math.sqrt(data.headSize) + leanOf(head, method, 0, start + query);
    result.keys.push(key);
    result.dots.push(product);
    result.distances.push(Math.sqrt(Math.max(0, result.query + key - 2 * product)));
  }
  return result;
}

/** q . a (side 0) or k . a (side 1) of a token. */
function leanOf(head, method, side, token) {
  const lean = head.packed.lean[method];
  if (!lean) return 0;
  if (token >= head.data.ownSize) return dot(head.vector(side, token), moving(head, method, "translation"));
  const numbers = head.once(`lean ${method}`, () => int16(lean.numbers));
  return (numbers[side * head.lane.count + head.lane[token]] / 32767) * lean.largest;
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

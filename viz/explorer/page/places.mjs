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

/** Places [3 * T] of the typed sentence's queries (side 0) or keys (side 1) in a picture of a head. */
export function landed(head, method, side) {
  const { data, packed } = head;
  if (packed.move[method].query_map) return landedByMap(head, method, side);
  const { translation, mean, axes } = head.once(`move ${method}`, () => {
    const { translation: a, mean: m, axes: v } = packed.move[method];
    return { translation: float32(a), mean: float32(m), axes: float32(v) };
  });
  const sentence = data.sentences[data.own];
  const scale = packed.scale[method];
  const K = translation.length;
  const points = sentence.tokens.map((_, t) => {
    const vector = head.vector(side, sentence.start + t);
    return side ? vector.map((x, i) => x + translation[i]) : vector;
  });
  const radius = side && packed.radius[method] !== null ? Math.max(packed.radius[method], ...points.map(length)) : 0;
  const result = new Float32Array(3 * points.length);
  points.forEach((point, t) => {
    const place = new Float64Array(mean.length);
    for (let i = 0; i < K; i++) place[i] = side ? point[i] / scale : point[i] * scale;
    if (mean.length > K && side) place[K] = Math.sqrt(Math.max(0, radius ** 2 - dot(point, point))) / scale;
    for (let c = 0; c < 3; c++) {
      let x = 0;
      for (let i = 0; i < mean.length; i++) x += (place[i] - mean[i]) * axes[c * mean.length + i];
      result[3 * t + c] = x / packed.extent[method];
    }
  });
  return result;
}

/** In the attention plane: x = A q + a for queries, y = B k + b for keys. */
function landedByMap(head, method, side) {
  const { data, packed } = head;
  const name = side ? "key" : "query";
  const [map, offset] = ["map", "offset"].map((part) => head.once(`${name} ${part} ${method}`, () => float32(packed.move[method][`${name}_${part}`])));
  const { start, tokens } = data.sentences[data.own];
  const K = map.length / 3;
  return Float32Array.from({ length: 3 * tokens.length }, (_, i) => {
    const [t, c] = [Math.floor(i / 3), i % 3];
    return (dot(head.vector(side, start + t), map.subarray(c * K, (c + 1) * K)) + offset[c]) / packed.extent[method];
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
    const { translation } = packed.move[method];
    const a = head.once(`translation ${method}`, () => float32(translation));
    const along = (side) => (i) => dot(head.vector(side, start + i), a);
    return { query: along(0), key: along(1), square: lean.square };
  }
  const numbers = head.once(`lean ${method}`, () => Float64Array.from(int16(lean.numbers), (x) => (x / 32767) * lean.largest));
  const { lane } = head;
  const kept = (side) => (i) => numbers[side * lane.count + lane[start + i]];
  return { query: kept(0), key: kept(1), square: lean.square };
}

/** How far a query and a key are apart in the flat (or 3-D) picture. */
export function flatDistance(head, method, dims, query, key) {
  const positions = head.positions(method);
  const { size } = head.data;
  const [from, to] = [3 * query, 3 * (size + key)];
  const apart = positions.subarray(from, from + dims).map((x, c) => x - positions[to + c]);
  return length(apart) * head.extent(method);
}

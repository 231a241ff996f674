// Attention from scores: the file has the scores of each head, and the page computes the rest. Also the lines from
// queries to keys: of the chosen point, or of the whole sentence.

/**
 * attention = softmax(scores), row by row. Keys that are switched off are left out; the weights of
 * the others grow in proportion. Rows of queries switched off are zero.
 */
export function attentionOf(scores, size, off = new Set()) {
  const attention = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    if (off.has(i)) continue;
    const { exponentials, total } = exponentialsOf(scores.subarray(i * size, (i + 1) * size), off);
    attention.set(exponentials.map((e) => e / total), i * size);
  }
  return attention;
}

/** The parts of softmax for a row of scores: the highest, e^(score - highest) of each key, and their total. */
export function exponentialsOf(row, off) {
  const highest = row.reduce((most, score, j) => (off.has(j) ? most : Math.max(most, score)), -Infinity);
  const exponentials = Float64Array.from(row, (score, j) => (off.has(j) ? 0 : Math.exp(score - highest)));
  return { highest, exponentials, total: exponentials.reduce((a, b) => a + b, 0) };
}

/** The attention of a word to a word: the sum over the pieces of the key, the mean over those of the query. */
export function wordWeight(attention, size, queries, keys, off = new Set()) {
  const seen = queries.filter((i) => !off.has(i));
  let sum = 0;
  for (const i of seen) for (const j of keys) sum += attention[i * size + j];
  return seen.length ? sum / seen.length : 0;
}

/** Words instead of pieces, [groups * groups]. Rows still sum to 1. */
export const mergeWords = (attention, size, groups, off) =>
  Float64Array.from(groups.flatMap((from) => groups.map((to) => wordWeight(attention, size, from, to, off))));

/** Places in a row, the one with the largest weight first. */
export const largestFirst = (row, places = [...row.keys()]) => places.sort((a, b) => row[b] - row[a] || a - b);

/** The places of the `top` largest weights of a row that are at least `above`, largest first. */
export const strongest = (row, top, above) =>
  largestFirst(row, [...row.keys()].filter((j) => row[j] >= above && row[j] > 0)).slice(0, top);

/** 1 for the largest value, 2 for the next, ...: the rank of row[j] in the row. */
export const rankOf = (row, j) => row.filter((value) => value > row[j]).length + 1;

// ---- lines from queries to keys

/** Lines of all queries at once are drawn only where one sentence is seen. */
export const isOneSentence = (data, only) => only || data.sentences.length === 1;

/** [{query, key, weight}], weakest first: places in a sentence of `size` tokens. */
export function linesOf(attention, size, { query, key, top, above }, wholeSentence) {
  const row = (i) => attention.subarray(i * size, (i + 1) * size);
  const column = (j) => Float64Array.from({ length: size }, (_, i) => attention[i * size + j]);
  const from = (i) => strongest(row(i), top, above).map((j) => ({ query: i, key: j, weight: attention[i * size + j] }));
  let lines = [];
  if (query >= 0 && query < size) {
    lines = from(query);
    if (key >= 0 && key < size && !lines.some((line) => line.key === key)) {
      lines.push({ query, key, weight: attention[query * size + key] });
    }
  } else if (key >= 0 && key < size) {
    lines = strongest(column(key), top, above).map((i) => ({ query: i, key, weight: attention[i * size + key] }));
  } else if (wholeSentence) {
    for (let i = 0; i < size; i++) lines.push(...from(i));
  }
  return lines.sort((a, b) => a.weight - b.weight);
}

export const lineWidth = (weight) => 0.6 + 4 * weight;
export const lineOpacity = (weight) => Math.min(1, 0.12 + 0.88 * weight);

// Attention lines from queries to keys: of the chosen point, or of the whole sentence.

import { strongest } from "./attention.mjs";

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

// Attention from scores: the file has the scores of each head, and the page computes the rest.

/**
 * attention = softmax(scores), row by row. Keys that are switched off are left out; the weights of
 * the others grow in proportion. Rows of queries switched off are zero.
 */
export function attentionOf(scores, size, off = new Set()) {
  const attention = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    if (off.has(i)) continue;
    let highest = -Infinity;
    for (let j = 0; j < size; j++) if (!off.has(j)) highest = Math.max(highest, scores[i * size + j]);
    let total = 0;
    for (let j = 0; j < size; j++) {
      if (off.has(j)) continue;
      attention[i * size + j] = Math.exp(scores[i * size + j] - highest);
      total += attention[i * size + j];
    }
    for (let j = 0; j < size; j++) attention[i * size + j] /= total;
  }
  return attention;
}

/** Words instead of pieces: the sum over the pieces of a key, the mean over those of a query. Rows still sum to 1. */
export function mergeWords(attention, size, groups, off = new Set()) {
  const merged = new Float64Array(groups.length ** 2);
  groups.forEach((from, i) => {
    const asking = from.filter((t) => !off.has(t));
    groups.forEach((to, j) => {
      let sum = 0;
      for (const t of asking) for (const s of to) sum += attention[t * size + s];
      merged[i * groups.length + j] = asking.length ? sum / asking.length : 0;
    });
  });
  return merged;
}

/** The places of the `top` largest weights of a row that are at least `above`, largest first. */
export function strongest(row, top, above) {
  return [...row.keys()]
    .filter((j) => row[j] >= above && row[j] > 0)
    .sort((a, b) => row[b] - row[a] || a - b)
    .slice(0, top);
}

/** 1 for the largest value, 2 for the next, ...: the rank of row[j] in the row. */
export function rankOf(row, j) {
  let larger = 0;
  for (const value of row) if (value > row[j]) larger++;
  return larger + 1;
}

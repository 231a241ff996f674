// Searching a token: which tokens are meant, and how often a head's queries look at them most.

/** 1 for each token that is the wanted one; if none is, for each that contains it. Case does not matter. */
export function findTokens(data, wanted) {
  const text = wanted.trim().toLowerCase();
  const mask = new Uint8Array(data.size);
  if (!text) return mask;
  const lower = data.tokenOf.map((token) => token.toLowerCase());
  const exact = lower.includes(text);
  lower.forEach((token, n) => {
    if (exact ? token === text : token.includes(text)) mask[n] = 1;
  });
  return mask;
}

/** The place (among all tokens) of the key each query attends to most; only for sentences kept whole. */
export function mostAttended(data, head) {
  return head.once("most attended", () => {
    const result = new Int32Array(data.wholeTokens);
    for (let s = 0; s < data.whole; s++) {
      const { start, size } = data.sentences[s];
      const scores = head.scores(s);
      for (let i = 0; i < size; i++) {
        let best = 0;
        for (let j = 1; j < size; j++) if (scores[i * size + j] > scores[i * size + best]) best = j;
        result[start + i] = start + best;
      }
    }
    return result;
  });
}

/** How many queries of a head have one of the masked tokens as their most attended key. */
export function hits(data, head, mask) {
  return mostAttended(data, head).reduce((sum, key) => sum + mask[key], 0);
}

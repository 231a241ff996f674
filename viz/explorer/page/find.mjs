// Searching: which tokens are meant, and for how many queries of a head they are the most attended keys.

import { joined, wordGroups } from "../../web/tokens.mjs";

/**
 * 1 for each token of what is searched: a piece, a word with all its pieces, or several of them ("january april"), each
 * by itself. Where no token is equal to it, those that contain it are found. Case does not matter.
 */
export function findTokens(data, wanted) {
  const mask = new Uint8Array(data.size);
  const tokens = data.tokenOf.map((token, n) => ({ name: token.toLowerCase(), from: n, to: n + 1 }));
  const names = [...tokens, ...wholeWords(data)];
  const texts = wanted.trim().toLowerCase().split(/\s+/u).filter(Boolean);
  for (const text of texts) {
    const same = names.filter(({ name }) => name === text);
    const found = same.length ? same : names.filter(({ name }) => name.includes(text));
    for (const { from, to } of found) mask.fill(1, from, to);
  }
  return mask;
}

/** Words with all their pieces: {name: "capybara", from, to}, their places among all tokens. */
const wholeWords = ({ sentences }) => sentences.flatMap(({ start, tokens, words }) => wordGroups(words).map((places) =>
  ({ name: joined(tokens, places).toLowerCase(), from: start + places[0], to: start + places.at(-1) + 1 })));

/** The place (among all tokens) of the key each query attends to most, or -1 where the scores are not here. */
export function mostAttended(data, head) {
  return head.once("all most attended", () => {
    const result = new Int32Array(data.size).fill(-1);
    for (const { number, start, size } of data.sentences) {
      if (!data.isWhole(number, head.layer, head.head)) continue;
      const scores = head.scores(number);
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
  return mostAttended(data, head).reduce((sum, key) => sum + (key >= 0 ? mask[key] : 0), 0);
}

// What the letters of a name say: scores_HTS has heads, tokens (as queries), and tokens as keys.

const WORDS = {
  T: ["token", "tokens"],
  S: ["key", "keys"],
  H: ["head", "heads"],
  L: ["layer", "layers"],
  D: ["hidden number", "hidden numbers"],
  K: ["number of the head", "numbers per head"],
  F: ["feed-forward number", "feed-forward numbers"],
  V: ["word of the vocabulary", "words of the vocabulary"],
  N: ["token", "tokens"],
  1: ["", ""],
};
const SHORT = { T: "token", S: "key", H: "head", L: "layer", D: "number", K: "number", F: "number", V: "word", N: "token" };

/** The letters in a name, if there are as many as the array has axes; else those it goes by elsewhere; else those in the
 * name for the last axes, as in [..., N, K]. */
export function lettersOf(name, array) {
  const own = /_([A-Z]+)$/u.exec(name)?.[1] ?? "";
  if (own && own.length === array.shape.length) return own;
  return array.letters || (own.length < array.shape.length && own ? own.padStart(array.shape.length, ".") : "");
}

/** One axis in a word: "query" rather than "token" where there are keys as well. */
export function axisWord(letters, axis) {
  const letter = letters[axis];
  if (letter === "T" && letters.includes("S")) return "query";
  return SHORT[letter] ?? `axis ${axis}`;
}

/** "4 heads × 12 queries × 12 keys". */
export function shapeInWords(letters, shape) {
  if (!shape.length) return "one number";
  return shape.map((size, axis) => {
    const letter = letters[axis];
    const [one, many] = letter === "T" && letters.includes("S") ? ["query", "queries"] : WORDS[letter] ?? ["", ""];
    return `${size} ${size === 1 ? one : many}`.trim();
  }).join(" × ") + (letters ? "" : " numbers");
}

/** Whether an axis is labelled with the tokens of the sentence. */
export const isTokens = (letter, size, tokens) => "TSN".includes(letter || "?") && size === tokens.length;

/** What stands at a place of an axis: a token, a word of the vocabulary, or the place itself. */
export function placeName(letter, size, i, data) {
  if (isTokens(letter, size, data.tokens)) return data.tokens[i];
  if (letter === "V" && data.vocabulary.length === size) return data.vocabulary[i];
  return String(i);
}

/** Four digits, all of them right. */
export function fourDigits(x) {
  if (typeof x !== "number") return String(x);
  if (!Number.isFinite(x)) return String(x).replace("Infinity", "∞").replace("-", "−");
  if (x === 0 || (Number.isInteger(x) && Math.abs(x) < 1e7)) return String(x).replace("-", "−");
  const size = Math.abs(x);
  if (size >= 1e4 && size < 1e6) return x.toFixed(0).replace("-", "−");
  return (size < 1e-3 || size >= 1e6 ? x.toExponential(3) : x.toPrecision(4)).replace("e+", "e").replaceAll("-", "−");
}

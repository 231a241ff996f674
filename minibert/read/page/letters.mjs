// What the letters of a name say: scores_HTS has heads, tokens (as queries), and tokens as keys.

import { minus } from "../../../viz/web/numbers.mjs";

/** @typedef {import("./recording.mjs").Stored} Stored */

/** @type {Record<string, string[]>} a place of an axis, one of them with its size, several */
const WORDS = {
  T: ["token", "token", "tokens"],
  S: ["key", "key", "keys"],
  H: ["head", "head", "heads"],
  L: ["layer", "layer", "layers"],
  D: ["number", "hidden number", "hidden numbers"],
  E: ["number", "embedding number", "embedding numbers"],
  K: ["number", "number of the head", "numbers per head"],
  F: ["number", "feed-forward number", "feed-forward numbers"],
  V: ["word", "word of the vocabulary", "words of the vocabulary"],
  N: ["token", "token", "tokens"],
};
const QUERY = ["query", "query", "queries"];

/** The words of an axis; "query" rather than "token" where there are keys as well. @param {string} letters @param {number} axis */
const wordsOf = (letters, axis) => (letters[axis] === "T" && letters.includes("S") ? QUERY : WORDS[letters[axis]]);

/**
 * The letters in a name, if there are as many as the array has axes; else those of the same array elsewhere; else those
 * in the name for the last axes, as in [..., N, K].
 * @param {string} name @param {Stored} array
 */
export function lettersOf(name, array) {
  const own = /_([A-Z]+)$/u.exec(name)?.[1] ?? "";
  if (own && own.length === array.shape.length) return own;
  return array.letters || (own.length < array.shape.length && own ? own.padStart(array.shape.length, ".") : "");
}

/** One place of an axis, in a word. @param {string} letters @param {number} axis */
export const axisWord = (letters, axis) => wordsOf(letters, axis)?.[0] ?? `axis ${axis}`;

/** "4 heads × 12 queries × 12 keys". @param {string} letters @param {number[]} shape */
export function shapeInWords(letters, shape) {
  if (!shape.length) return "one number";
  return shape.map((size, axis) => {
    const [, one, many] = wordsOf(letters, axis) ?? ["", "", ""];
    return `${size} ${size === 1 ? one : many}`.trim();
  }).join(" × ") + (letters ? "" : " numbers");
}

/** Whether the tokens of the text label an axis. @param {string} letter @param {number} size @param {string[]} tokens */
export const isTokens = (letter, size, tokens) => "TSN".includes(letter || "?") && size === tokens.length;

/**
 * The label of a place of an axis: a token, a word of the vocabulary, or the place itself.
 * @param {string} letter @param {number} size @param {number} i @param {{tokens: string[], vocabulary: string[]}} about
 */
export function placeName(letter, size, i, { tokens, vocabulary }) {
  if (isTokens(letter, size, tokens)) return tokens[i];
  return letter === "V" && vocabulary.length === size ? vocabulary[i] : String(i);
}

/** A number in two digits, for a caption. @param {number} x */
export const twoDigits = (x) => minus(x !== 0 && Math.abs(x) < 1e-3 ? x.toExponential(1) : String(Number(x.toPrecision(2))));

// Numbers as texts: a true minus sign, and as many digits as are wanted.

/** @param {string} text */
export const minus = (text) => text.replaceAll("-", "−");

/** @param {number} x */
export const fixed = (x, count = 2) => minus(x.toFixed(count));

/** +1, 0, −1. @param {number} n */
export const signed = (n) => (n > 0 ? `+${n}` : minus(String(n)));

/** A share as a percentage: "72 %". @param {number} share */
export const percent = (share, count = 0) => `${(100 * share).toFixed(count)} %`;

/** A share as a percentage that shows small ones too: "0.4 %", "<0.1 %". @param {number} share */
export function finePercent(share) {
  if (share < 0.001) return "<0.1 %";
  return percent(share, share < 0.0995 ? 1 : 0);
}

/** A number of any size: 3 digits after the point, or 1.23e−5. @param {number} x */
export function digits(x, count = 3) {
  const size = Math.abs(x);
  return minus(size >= 1e5 || (x !== 0 && size < 1e-4) ? x.toExponential(2) : x.toFixed(count));
}

/** Four digits, all of them right. @param {unknown} x */
export function fourDigits(x) {
  if (typeof x !== "number") return String(x);
  const size = Math.abs(x);
  if (!Number.isFinite(x)) return minus(String(x).replace("Infinity", "∞"));
  if (x === 0 || (Number.isInteger(x) && size < 1e7)) return minus(String(x));
  if (size >= 1e4 && size < 1e6) return fixed(x, 0);
  return minus((size < 1e-3 || size >= 1e6 ? x.toExponential(3) : x.toPrecision(4)).replace("e+", "e").replace(".000e", "e"));
}

/** The smallest and the largest number of a list; nulls are left out. @param {Iterable<number | null>} values */
export function rangeOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of values) {
    if (x === null) continue;
    if (x < low) low = x;
    if (x > high) high = x;
  }
  return [low, high];
}

/** @param {number} value @param {number} low @param {number} high */
export const within = (value, low, high) => Math.min(high, Math.max(low, value));

// Colours of the pages, from the theme that figures have as well. Queries are green discs and keys wine-red diamonds (pink
// on black): shape says what colour might not, and keys are the darker ones on white paper (the lighter ones on black), so
// that grey tells them apart too. The other scales are viridis and Okabe-Ito's, both safe for colour-blind readers.

import PALETTE from "./theme.json" with { type: "json" };

/** @typedef {typeof PALETTE.light} Theme */

export const THEMES = { light: PALETTE.light, dark: PALETTE.dark };

/** Red, green and blue of "#rrggbb", 0 to 255. @param {string} hex */
export const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** "#rrggbb" from red, green and blue. @param {number[]} rgb */
export const hex = (rgb) => `#${rgb.map((x) => Math.round(x).toString(16).padStart(2, "0")).join("")}`;

/** A colour between two, t from 0 to 1. @param {string} a @param {string} b @param {number} t */
export function blend(a, b, t) {
  const to = channels(b);
  return hex(channels(a).map((x, i) => x + (to[i] - x) * t));
}

/** Low to high values, t from 0 to 1; the end that would vanish on the paper is left out. @param {number} t @param {Theme} theme */
export function ramp(t, theme) {
  const [low, high] = theme.name === "dark" ? [0.22, 1] : [0, 0.86];
  const { viridis } = PALETTE;
  const x = (Math.min(1, Math.max(0, t)) * (high - low) + low) * (viridis.length - 1);
  const at = Math.min(viridis.length - 2, Math.floor(x));
  return blend(viridis[at], viridis[at + 1], x - at);
}

/** Paper for 0, the colour of attention for 1. The root keeps small weights visible. @param {number} weight @param {Theme} theme */
export function attentionColor(weight, theme) {
  return blend(theme.paper, theme.attention, Math.sqrt(Math.min(1, Math.max(0, weight))));
}

/** The colour of a class. @param {number} i @param {Theme} theme */
export const category = (i, theme) => theme.categories[i % theme.categories.length];

/** Black or white, whichever reads better on a colour. @param {string} color */
export function inkOn(color) {
  const [r, g, b] = channels(color).map((v) => (v / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000000" : "#ffffff";
}

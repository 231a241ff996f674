// Arrays as pictures: one pixel or more a number, paper for 0, indigo above, amber below.

import { blend, channels } from "../../../viz/web/colors.mjs";

/** @typedef {import("./recording.mjs").Stored} Stored */
/** @typedef {import("../../../viz/web/colors.mjs").Theme} Theme */

const TILES = 4;
const SHADES = 255;
/** @type {Map<string, number[][]>} */
const fades = new Map();

/** [SHADES + 1] colours from paper to one end. @param {Theme} theme @param {"mark" | "attention"} end */
function fade(theme, end) {
  const name = `${theme.name} ${end}`;
  let found = fades.get(name);
  if (!found) fades.set(name, (found = Array.from({ length: SHADES + 1 }, (_, i) => channels(blend(theme.paper, theme[end], i / SHADES)))));
  return found;
}

/** The colour of a number, as red, green, blue. The root keeps small ones visible. @param {number} x @param {number} largest @param {Theme} theme */
export function colorOf(x, largest, theme) {
  if (!Number.isFinite(x)) return [136, 136, 136];
  const share = Math.sqrt(Math.min(1, Math.abs(x) / (largest || 1)));
  return fade(theme, x < 0 ? "mark" : "attention")[Math.round(share * SHADES)];
}

/** @param {Stored} array */
export const largestOf = ({ low, high }) => Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0));

/** Rows, columns, and how many tiles side by side: an array of more than two axes is cut along the first ones. @param {Stored} array */
function tiling({ shape, rows }) {
  const held = shape.length && rows !== null ? [rows, ...shape.slice(1)] : shape;
  const columns = held.at(-1) ?? 1;
  const height = held.length > 1 ? held[held.length - 2] : 1;
  const tiles = held.slice(0, -2).reduce((a, b) => a * b, 1);
  return { columns, height, shown: Math.min(tiles, TILES) };
}

/** How large a thumbnail stands in the page, in CSS pixels. @param {Stored} array */
export function thumbSize(array) {
  if (array.rows === 0) return { width: 34, height: 22, tile: 34 };
  const { columns, height, shown } = tiling(array);
  const tall = height === 1 ? 12 : Math.min(34, Math.max(22, height * 3));
  const wide = Math.min(shown > 1 ? 34 : 112, Math.max(columns === 1 ? 10 : 22, columns * 3));
  return { width: shown * wide + (shown - 1) * 2, height: tall, tile: wide };
}

/** Draws the numbers into a canvas; of those that share a pixel, the largest in size. @param {HTMLCanvasElement} canvas @param {Stored} array @param {ArrayLike<number>} numbers @param {Theme} theme */
export function drawThumb(canvas, array, numbers, theme) {
  if (array.rows === 0) return; // it did not fit into the page
  const { columns, height, shown } = tiling(array);
  const size = thumbSize(array);
  const across = Math.min(columns, 2 * size.tile);
  const down = Math.min(height, 2 * size.height);
  const gap = shown > 1 ? Math.max(1, Math.round((2 * across) / size.tile)) : 0;
  canvas.width = shown * across + (shown - 1) * gap;
  canvas.height = down;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const picture = context.createImageData(canvas.width, canvas.height);
  const largest = largestOf(array);
  /** The places [from, to) of `count` that pixel i of `pixels` covers. @returns {[number, number]} */
  const covered = (i, pixels, count) => [Math.floor((i * count) / pixels), Math.ceil(((i + 1) * count) / pixels)];
  for (let tile = 0; tile < shown; tile++) {
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        const number = strongest(numbers, tile * height, columns, covered(y, down, height), covered(x, across, columns));
        picture.data.set([...colorOf(number, largest, theme), 255], 4 * (y * canvas.width + tile * (across + gap) + x));
      }
    }
  }
  context.putImageData(picture, 0, 0);
}

/** The number farthest from 0 in some rows and columns. @param {ArrayLike<number>} numbers @param {number} first row @param {number} columns @param {[number, number]} rows @param {[number, number]} across */
function strongest(numbers, first, columns, [top, bottom], [left, right]) {
  let found = 0;
  for (let i = top; i < bottom; i++) {
    for (let j = left; j < right; j++) {
      const number = numbers[(first + i) * columns + j];
      if (!(Math.abs(number) <= Math.abs(found))) found = number;
    }
  }
  return found;
}

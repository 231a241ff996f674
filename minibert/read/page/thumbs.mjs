// Arrays as pictures: one pixel or more a number, paper for 0, indigo above, amber below.

import { blend } from "../../../viz/web/colors.mjs";

const TILES = 4;
const SHADES = 255;
const fades = new Map();

/** [SHADES + 1] colours from paper to one end. */
function fade(theme, end) {
  const name = `${theme.name} ${end}`;
  if (!fades.has(name)) {
    fades.set(name, Array.from({ length: SHADES + 1 }, (_, i) => {
      const hex = blend(theme.paper, theme[end], i / SHADES);
      return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    }));
  }
  return fades.get(name);
}

/** The colour of a number, as red, green, blue. The root keeps small ones visible. */
export function colourOf(x, largest, theme) {
  if (!Number.isFinite(x)) return [136, 136, 136];
  const share = Math.sqrt(Math.min(1, Math.abs(x) / (largest || 1)));
  return fade(theme, x < 0 ? "mark" : "attention")[Math.round(share * SHADES)];
}

export const largestOf = ({ low, high }) => Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0));

/** Rows, columns and how many tiles side by side: an array of more than two axes is cut along the first ones. */
export function tiling({ shape, rows }) {
  const held = rows === null ? shape : [rows, ...shape.slice(1)];
  const columns = held.at(-1) ?? 1;
  const height = held.length > 1 ? held.at(-2) : 1;
  const tiles = held.slice(0, -2).reduce((a, b) => a * b, 1);
  return { columns, height, tiles, shown: Math.min(tiles, TILES) };
}

/** How large a thumbnail stands in the page, in CSS pixels. */
export function thumbSize(array) {
  if (array.rows === 0) return { width: 34, height: 22, tile: 34 };
  const { columns, height, shown } = tiling(array);
  const tall = height === 1 ? 12 : Math.min(34, Math.max(22, height * 3));
  const wide = Math.min(shown > 1 ? 34 : 112, Math.max(columns === 1 ? 10 : 22, columns * 3));
  return { width: shown * wide + (shown - 1) * 2, height: tall, tile: wide };
}

/** Draws the numbers into a canvas: of the numbers that share a pixel, the largest in size. */
export function drawThumb(canvas, array, numbers, theme) {
  if (array.rows === 0) return; // it did not fit into the page
  const { columns, height, shown } = tiling(array);
  const size = thumbSize(array);
  const across = Math.min(columns, 2 * size.tile);
  const down = Math.min(height, 2 * size.height);
  const gap = shown > 1 ? Math.max(1, Math.round((2 * across) / size.tile)) : 0;
  canvas.width = shown * across + (shown - 1) * gap;
  canvas.height = down;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  const largest = largestOf(array);
  for (let tile = 0; tile < shown; tile++) {
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        let strongest = 0;
        const [top, bottom] = [Math.floor((y * height) / down), Math.ceil(((y + 1) * height) / down)];
        const [left, right] = [Math.floor((x * columns) / across), Math.ceil(((x + 1) * columns) / across)];
        for (let i = top; i < bottom; i++) {
          for (let j = left; j < right; j++) {
            const number = numbers[(tile * height + i) * columns + j];
            if (!(Math.abs(number) <= Math.abs(strongest))) strongest = number;
          }
        }
        const at = 4 * (y * canvas.width + tile * (across + gap) + x);
        picture.data.set([...colourOf(strongest, largest, theme), 255], at);
      }
    }
  }
  context.putImageData(picture, 0, 0);
}

// Texts on a canvas: how wide they are, and what to do where they are too wide.

export const FONT = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';

const ruler = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
/** @type {Map<string, number>} */
const widths = new Map();

/** The width of a text in pixels. @param {string} text */
export function textWidth(text, size = 12, weight = 400) {
  const name = `${size} ${weight} ${text}`;
  let width = widths.get(name);
  if (width === undefined) {
    ruler.font = `${weight} ${size}px ${FONT}`;
    widths.set(name, (width = ruler.measureText(text).width));
  }
  return width;
}

/** A text cut to a width, with an ellipsis where something is missing. @param {string} text @param {number} width */
export function shorten(text, width, size = 12, weight = 400) {
  if (textWidth(text, size, weight) <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && textWidth(`${letters.join("")}…`, size, weight) > width) letters.pop();
  return `${letters.join("")}…`;
}

// The current view as a file: SVG from the same strokes, PNG at twice the size.

import { element } from "../../web/dom.mjs";
import { captionOf, fileNameOf } from "./caption.mjs";
import { hasMove } from "./describe.mjs";
import { textWidth } from "../../web/text.mjs";
import { CanvasPainter, SvgPainter, linesWithin } from "./painter.mjs";
import { say } from "../../web/words.mjs";

const LINE = 30; // pixels of a line above the picture
const NEXT_LINE = 18; // pixels from one line of the caption to the next
const BOLD = { size: 13, weight: 600 };

const hasColors = ({ state }) => hasMove(state.view) && state.color !== "type";

const SIDES = 130; // pixels of what the shapes mean, beside the caption

const captionLines = (app) => linesWithin(captionOf(app), app.whole.width - 24 - (hasMove(app.state.view) ? SIDES : 0), BOLD);

/** What a picture needs to be understood without the page. */
function caption(painter, app, width) {
  const { state, theme } = app;
  const middle = LINE / 2;
  const lines = captionLines(app);
  lines.forEach((line, i) => painter.text(line, 12, middle + i * NEXT_LINE, { color: theme.ink, ...BOLD }));
  if (!hasMove(state.view)) return;
  const sides = [{ side: "query", shape: "disc", x: width - 116 }, { side: "key", shape: "diamond", x: width - 54 }];
  for (const { side, shape, x } of sides) {
    painter.stamp(painter.sprite(shape, 5, state.color === "type" ? theme[side] : theme.faint, null), x, middle);
    painter.text(say(side), x + 10, middle, { color: theme.ink });
  }
  if (hasColors(app)) legendLine(painter, app, 12, headOf(app) - middle);
}

/** The meaning of the colours in one line: a patch and a word each, or a strip from low to high. */
function legendLine(painter, app, left, middle) {
  const { legend, theme, state } = app;
  let x = left;
  const word = (text, gap) => {
    painter.text(text, x, middle, { color: theme.ink });
    x += textWidth(text) + gap;
  };
  const patch = (color, width) => {
    painter.rect(x, middle - 5, width, 10, { fill: color });
    x += width;
  };
  word(`${say(`colour_${state.color}`)}:`, 10);
  if (!legend.swatches) word(legend.low, 6);
  for (const [label, color] of legend.swatches ?? legend.colors.map((c) => [null, c])) {
    patch(color, label === null ? 4 : 10);
    if (label === null) continue;
    x += 5;
    word(label, 14);
  }
  x += 6;
  if (!legend.swatches) word(legend.high, 0);
}

const headOf = (app) => (hasColors(app) ? 2 : 1) * LINE + (captionLines(app).length - 1) * NEXT_LINE;

/** The size of the file's picture: all that the view draws, also what one scrolls to, and what stands above it. */
const sizeOf = (app) => ({ width: app.whole.width, height: app.whole.height + headOf(app) });

function paintAll(painter, app) {
  const { width, height } = sizeOf(app);
  painter.begin(width, height, app.theme.paper);
  caption(painter, app, width);
  app.drawInto(painter, { x: 0, y: headOf(app), ...app.size });
}

/** The view as a file, "svg" or "png", handed to the reader. */
export async function save(app, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (kind === "svg" ? svgOf(app) : pngOf(app)));
  link.download = `${fileNameOf(app)}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function svgOf(app) {
  const painter = new SvgPainter();
  paintAll(painter, app);
  return new Blob([painter.toString()], { type: "image/svg+xml" });
}

function pngOf(app) {
  const { width, height } = sizeOf(app);
  const canvas = element("canvas", { width: 2 * width, height: 2 * height });
  paintAll(new CanvasPainter(canvas, 2), app);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

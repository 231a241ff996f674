// The current view as a file: SVG from the same strokes, PNG at twice the size.

import { CanvasPainter, SvgPainter } from "./painter.mjs";

const HEAD = 34;

/** What a picture needs to be understood without the page. */
function caption(painter, app, width) {
  const { data, state, theme } = app;
  const at = state.view === "heads" ? "all heads" : `layer ${state.layer}, head ${state.head}`;
  const picture = state.view === "average" ? "" : ` · ${{ none: "as they are", paper: "paper", exact: "exact" }[state.method]}`;
  painter.text(`${data.title} · ${at}${picture}`, 12, HEAD / 2, { colour: theme.ink, size: 13, weight: 600 });
  if (state.view === "average") return;
  painter.stamp(painter.sprite("disc", 5, state.colour === "type" ? theme.query : theme.faint, null), width - 116, HEAD / 2);
  painter.text("query", width - 106, HEAD / 2, { colour: theme.ink });
  painter.stamp(painter.sprite("diamond", 5, state.colour === "type" ? theme.key : theme.faint, null), width - 54, HEAD / 2);
  painter.text("key", width - 44, HEAD / 2, { colour: theme.ink });
}

function paintAll(painter, app, width, height) {
  const view = app.views[app.state.view];
  painter.begin(width, height + HEAD, app.theme.paper);
  caption(painter, app, width);
  view.draw(painter, app, { x: 0, y: HEAD, width, height });
  while (view.waiting) view.resume(painter, app);
}

export function svgOf(app, width, height) {
  const painter = new SvgPainter();
  paintAll(painter, app, width, height);
  return painter.toString();
}

export function pngOf(app, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * (height + HEAD);
  paintAll(new CanvasPainter(canvas, 2), app, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Hands a file to the reader. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

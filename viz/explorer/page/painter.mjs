// Every view is painted through one of two painters with the same few strokes: one on a canvas for the screen and PNG,
// one that writes SVG.

import { channels } from "../../web/colors.mjs";
import { element } from "../../web/dom.mjs";
import { FONT, textWidth } from "../../web/text.mjs";
import { Pixels, maskOf } from "./pixels.mjs";

const SVG = "http://www.w3.org/2000/svg";

const PARTS = /[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*/gu; // where a line may end: Japanese has no spaces

/** A text in as many lines as it takes to stay within a width. */
export function linesWithin(text, width, { size, weight = 400 }) {
  const lines = [""];
  for (const part of text.match(PARTS) ?? []) {
    if (lines.at(-1) && textWidth(lines.at(-1) + part.trimEnd(), size, weight) > width) lines.push("");
    lines[lines.length - 1] += part;
  }
  return lines;
}

/** Writes a text in such lines. */
export function paragraph(painter, text, x, y, width, look) {
  linesWithin(text, width, look).forEach((line, i) => painter.text(line, x, y + 18 * i, look));
}

const diamond = (x, y, r) => [[x, y - 1.25 * r], [x + 1.25 * r, y], [x, y + 1.25 * r], [x - 1.25 * r, y]];

/** A polyline as SVG writes it, and a canvas reads it; with `curved` one curve that leaves and arrives level. */
function pathOf(points, curved = false) {
  const at = ([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`;
  if (!curved) return `M${points.map(at).join("L")}`;
  const [[x1, y1], [x2, y2]] = points;
  const middle = (x1 + x2) / 2;
  return `M${at([x1, y1])}C${at([middle, y1])} ${at([middle, y2])} ${at([x2, y2])}`;
}

/** Writes a text on a canvas, its middle at y; with a halo behind it, if it has one. */
function write(context, text, x, y, { color, size, align, weight, halo = null }) {
  const font = `${weight} ${size}px ${FONT}`;
  Object.assign(context, { font, textAlign: align, textBaseline: "middle", fillStyle: color });
  if (halo) {
    Object.assign(context, { strokeStyle: halo, lineWidth: 4, lineJoin: "round" });
    context.strokeText(text, x, y);
  }
  context.fillText(text, x, y);
}

export class CanvasPainter {
  constructor(canvas, ratio) {
    this.context = canvas.getContext("2d");
    this.ratio = ratio;
    this.canvases = new Map();
    this.sheet = null;
    this.corner = [0, 0];
  }

  begin(width, height, paper) {
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.context.globalAlpha = 1;
    this.context.fillStyle = paper;
    this.context.fillRect(0, 0, width, height);
  }

  alpha(value) {
    this.context.globalAlpha = value;
  }

  /** A canvas of a size in units, that `paint` draws into once; kept under its name. */
  kept(name, width, height, paint) {
    if (!this.canvases.has(name)) {
      if (this.canvases.size > 3000) this.canvases.clear();
      const [w, h] = [width, height].map((size) => Math.ceil(size * this.ratio));
      const canvas = element("canvas", { width: w, height: h });
      const context = canvas.getContext("2d");
      context.scale(this.ratio, this.ratio);
      paint(context);
      this.canvases.set(name, canvas);
    }
    return this.canvases.get(name);
  }

  /** A point drawn once, to be stamped many times. shape: "disc" (queries) or "diamond" (keys). */
  sprite(shape, radius, color, edge) {
    const half = Math.ceil(radius * 1.3 + 2);
    const canvas = this.kept(`${shape} ${radius} ${color} ${edge}`, 2 * half, 2 * half, (context) => {
      const path = new Path2D(shape === "disc" ? "" : `${pathOf(diamond(half, half, radius))}Z`);
      if (shape === "disc") path.arc(half, half, radius, 0, 2 * Math.PI);
      context.fillStyle = color;
      context.fill(path);
      context.strokeStyle = edge;
      if (edge) context.stroke(path);
    });
    canvas.mask ??= maskOf(shape, radius * this.ratio);
    return { canvas, half, size: canvas.width / this.ratio, mask: canvas.mask, color: channels(color) };
  }

  stamp({ canvas, half, size, mask, color }, x, y) {
    if (this.sheet) this.sheet.stamp(mask, (x - this.corner[0]) * this.ratio, (y - this.corner[1]) * this.ratio, color, this.context.globalAlpha);
    else this.picture(canvas, x - half, y - half, size, size);
  }

  /** Stamps that `paint` makes in a box; where there are `many` they go to a sheet of pixels first. */
  stamps({ x, y, width, height }, many, paint) {
    if (!many) return paint();
    const [w, h] = [Math.ceil(width * this.ratio), Math.ceil(height * this.ratio)];
    if (this.pixels?.width !== w || this.pixels?.height !== h) this.pixels = new Pixels(w, h);
    this.pixels.clear();
    this.sheet = this.pixels;
    this.corner = [x, y];
    paint();
    this.sheet = null;
    this.alpha(1);
    return this.picture(this.pixels.done(), x, y, w / this.ratio, h / this.ratio);
  }

  stroke(path, color, width) {
    Object.assign(this.context, { strokeStyle: color, lineWidth: width, lineCap: "round", lineJoin: "round" });
    this.context.stroke(path);
  }

  ring(x, y, radius, color, width = 2) {
    const path = new Path2D();
    path.arc(x, y, radius, 0, 2 * Math.PI);
    this.stroke(path, color, width);
  }

  /** A polyline, or with `curved` one curve that leaves and arrives level. */
  line(points, color, width = 1, alpha = 1, curved = false) {
    const before = this.context.globalAlpha;
    this.context.globalAlpha = before * alpha;
    this.stroke(new Path2D(pathOf(points, curved)), color, width);
    this.context.globalAlpha = before;
  }

  rect(x, y, width, height, { fill = null, stroke = null, line = 1 } = {}) {
    Object.assign(this.context, { fillStyle: fill, strokeStyle: stroke, lineWidth: line });
    if (fill) this.context.fillRect(x, y, width, height);
    if (stroke) this.context.strokeRect(x, y, width, height);
  }

  text(text, x, y, { color, size = 12, align = "left", weight = 400, halo = null, turned = false }) {
    if (halo) return this.label(text, x, y, { size, color, align, weight, halo });
    this.context.save();
    this.context.translate(x, y);
    if (turned) this.context.rotate(-Math.PI / 2);
    write(this.context, text, 0, 0, { color, size, align, weight });
    return this.context.restore();
  }

  /** A text with a halo: slow to draw, so drawn once and kept. */
  label(text, x, y, { size, color, align, weight, halo }) {
    const [width, height] = [textWidth(text, size, weight) + 8, size * 2];
    const canvas = this.kept(`${text} ${size} ${color} ${weight} ${halo}`, width, height, (context) =>
      write(context, text, 4, height / 2, { size, color, align: "left", weight, halo }));
    const left = x - 4 - { left: 0, center: 0.5, right: 1 }[align] * (width - 8);
    const snap = (v) => Math.round(v * this.ratio) / this.ratio;
    this.picture(canvas, snap(left), snap(y - height / 2), canvas.width / this.ratio, canvas.height / this.ratio);
  }

  clip({ x, y, width, height }, paint) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
    paint();
    this.context.restore();
  }

  /** A canvas drawn before, at its own size. */
  picture(canvas, x, y, width, height) {
    this.context.drawImage(canvas, x, y, width, height);
  }
}

/** What XML cannot hold (control characters, halves of surrogate pairs) is left out. */
const forXml = (text) => text.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "");

export class SvgPainter {
  root = document.createElementNS(SVG, "svg");
  parent = this.root;
  opacity = 1;
  clips = 0;

  begin(width, height, paper) {
    for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT })) {
      this.root.setAttribute(name, value);
    }
    this.rect(0, 0, width, height, { fill: paper });
  }

  element(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined) continue;
      made.setAttribute(key, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
    }
    this.parent.append(made);
    return made;
  }

  faded(alpha = 1) {
    const value = this.opacity * alpha;
    return value < 1 ? value : null;
  }

  alpha(value) {
    this.opacity = value;
  }

  sprite(shape, radius, color, edge) {
    return { shape, radius, color, edge };
  }

  stamp({ shape, radius, color, edge }, x, y) {
    const look = { fill: color, stroke: edge, opacity: this.faded() };
    if (shape === "disc") this.element("circle", { cx: x, cy: y, r: radius, ...look });
    else this.element("path", { d: `${pathOf(diamond(x, y, radius))}Z`, ...look });
  }

  stamps(box, many, paint) {
    paint();
  }

  ring(x, y, radius, color, width = 2) {
    this.element("circle", { cx: x, cy: y, r: radius, fill: "none", stroke: color, "stroke-width": width });
  }

  line(points, color, width = 1, alpha = 1, curved = false) {
    this.element("path", {
      d: pathOf(points, curved), fill: "none", stroke: color, "stroke-width": width, "stroke-linecap": "round",
      opacity: this.faded(alpha),
    });
  }

  rect(x, y, width, height, { fill = "none", stroke = null, line = 1 } = {}) {
    this.element("rect", { x, y, width, height, fill, stroke, "stroke-width": stroke ? line : null, opacity: this.faded() });
  }

  text(text, x, y, { color, size = 12, align = "left", weight = 400, halo = null, turned = false }) {
    const made = this.element("text", {
      x, y, fill: color, "font-size": size, "font-weight": weight, "dominant-baseline": "central",
      "text-anchor": { left: "start", center: "middle", right: "end" }[align], opacity: this.faded(),
      transform: turned ? `rotate(-90 ${x} ${y})` : null,
      ...(halo ? { stroke: halo, "stroke-width": 4, "stroke-linejoin": "round", "paint-order": "stroke" } : {}),
    });
    made.textContent = forXml(text);
  }

  clip({ x, y, width, height }, paint) {
    const id = `clip${this.clips++}`;
    const before = this.parent;
    this.parent = this.element("clipPath", { id });
    this.rect(x, y, width, height, { fill: "black" });
    this.parent = before;
    this.parent = this.element("g", { "clip-path": `url(#${id})` });
    paint();
    this.parent = before;
  }

  picture(canvas, x, y, width, height) {
    this.element("image", { x, y, width, height, href: canvas.toDataURL("image/png") });
  }

  toString() {
    return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(this.root)}`;
  }
}

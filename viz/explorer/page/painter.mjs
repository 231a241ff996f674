// Every view is painted through one of two painters with the same few strokes: one on a canvas for the screen and PNG,
// one that writes SVG.

import { channels } from "../../web/colors.mjs";
import { FONT, textWidth } from "../../web/text.mjs";
import { Pixels, maskOf } from "./pixels.mjs";

const SVG = "http://www.w3.org/2000/svg";

const PARTS = /[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+\s*/gu; // where a line may end: Japanese has no spaces

/** A text in as many lines as it takes to stay within a width. */
export function paragraph(painter, text, x, y, width, look) {
  const lines = [""];
  for (const part of text.match(PARTS) ?? []) {
    if (lines.at(-1) && textWidth(lines.at(-1) + part.trimEnd(), look.size) > width) lines.push("");
    lines[lines.length - 1] += part;
  }
  lines.forEach((line, i) => painter.text(line, x, y + 18 * i, look));
}

function diamond(x, y, r) {
  const d = r * 1.25;
  return [[x, y - d], [x + d, y], [x, y + d], [x - d, y]];
}

export class CanvasPainter {
  constructor(canvas, ratio) {
    this.context = canvas.getContext("2d");
    this.ratio = ratio;
    this.sprites = new Map();
    this.words = new Map();
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

  /** A point drawn once, to be stamped many times. shape: "disc" (queries) or "diamond" (keys). */
  sprite(shape, radius, color, edge) {
    const name = `${shape} ${radius} ${color} ${edge}`;
    if (!this.sprites.has(name)) {
      const half = Math.ceil(radius * 1.3 + 2);
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil(2 * half * this.ratio);
      const context = canvas.getContext("2d");
      context.scale(this.ratio, this.ratio);
      context.beginPath();
      if (shape === "disc") context.arc(half, half, radius, 0, 2 * Math.PI);
      else diamond(half, half, radius).forEach(([x, y]) => context.lineTo(x, y));
      context.closePath();
      context.fillStyle = color;
      context.fill();
      if (edge) {
        context.strokeStyle = edge;
        context.stroke();
      }
      const mask = maskOf(shape, radius * this.ratio);
      this.sprites.set(name, { canvas, half, size: canvas.width / this.ratio, mask, color: channels(color) });
    }
    return this.sprites.get(name);
  }

  stamp({ canvas, half, size, mask, color }, x, y) {
    if (this.sheet) this.sheet.stamp(mask, (x - this.corner[0]) * this.ratio, (y - this.corner[1]) * this.ratio, color, this.context.globalAlpha);
    else this.context.drawImage(canvas, x - half, y - half, size, size);
  }

  /** Stamps that `paint` makes in a box; where there are `many` they go to a sheet of pixels first. */
  stamps({ x, y, width, height }, many, paint) {
    if (!many) return paint();
    const [w, h] = [Math.ceil(width * this.ratio), Math.ceil(height * this.ratio)];
    if (this.kept?.width !== w || this.kept?.height !== h) this.kept = new Pixels(w, h);
    this.kept.clear();
    this.sheet = this.kept;
    this.corner = [x, y];
    paint();
    this.sheet = null;
    this.alpha(1);
    return this.context.drawImage(this.kept.done(), x, y, w / this.ratio, h / this.ratio);
  }

  ring(x, y, radius, color, width = 2) {
    const c = this.context;
    c.beginPath();
    c.arc(x, y, radius, 0, 2 * Math.PI);
    c.strokeStyle = color;
    c.lineWidth = width;
    c.stroke();
  }

  /** A polyline, or with `curved` one curve that leaves and arrives level. */
  line(points, color, width = 1, alpha = 1, curved = false) {
    const c = this.context;
    const before = c.globalAlpha;
    c.globalAlpha = before * alpha;
    c.beginPath();
    if (curved) {
      const [[x1, y1], [x2, y2]] = points;
      c.moveTo(x1, y1);
      c.bezierCurveTo((x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2);
    } else points.forEach(([x, y]) => c.lineTo(x, y));
    c.strokeStyle = color;
    c.lineWidth = width;
    c.lineCap = "round";
    c.lineJoin = "round";
    c.stroke();
    c.globalAlpha = before;
  }

  rect(x, y, width, height, { fill = null, stroke = null, line = 1 } = {}) {
    const c = this.context;
    if (fill) {
      c.fillStyle = fill;
      c.fillRect(x, y, width, height);
    }
    if (stroke) {
      c.strokeStyle = stroke;
      c.lineWidth = line;
      c.strokeRect(x, y, width, height);
    }
  }

  text(text, x, y, { color, size = 12, align = "left", weight = 400, halo = null, turned = false }) {
    if (halo) return this.label(text, x, y, { size, color, align, weight, halo });
    const c = this.context;
    c.save();
    c.translate(x, y);
    if (turned) c.rotate(-Math.PI / 2);
    c.font = `${weight} ${size}px ${FONT}`;
    c.textAlign = align;
    c.textBaseline = "middle";
    c.fillStyle = color;
    c.fillText(text, 0, 0);
    return c.restore();
  }

  /** A text with a halo: slow to draw, so drawn once and kept. */
  label(text, x, y, { size, color, align, weight, halo }) {
    const name = `${text} ${size} ${color} ${weight} ${halo}`;
    const [width, height] = [textWidth(text, size, weight) + 8, size * 2];
    if (!this.words.has(name)) {
      if (this.words.size > 3000) this.words.clear();
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.ceil(width * this.ratio));
      canvas.height = Math.ceil(height * this.ratio);
      const c = canvas.getContext("2d");
      c.scale(this.ratio, this.ratio);
      c.font = `${weight} ${size}px ${FONT}`;
      c.textBaseline = "middle";
      c.strokeStyle = halo;
      c.lineWidth = 4;
      c.lineJoin = "round";
      c.strokeText(text, 4, height / 2);
      c.fillStyle = color;
      c.fillText(text, 4, height / 2);
      this.words.set(name, canvas);
    }
    const canvas = this.words.get(name);
    const left = x - 4 - { left: 0, center: 0.5, right: 1 }[align] * (width - 8);
    const snap = (v) => Math.round(v * this.ratio) / this.ratio;
    this.context.drawImage(canvas, snap(left), snap(y - height / 2), canvas.width / this.ratio, canvas.height / this.ratio);
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
  constructor() {
    this.root = document.createElementNS(SVG, "svg");
    this.parent = this.root;
    this.opacity = 1;
    this.clips = 0;
  }

  begin(width, height, paper) {
    for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT })) {
      this.root.setAttribute(name, value);
    }
    this.rect(0, 0, width, height, { fill: paper });
  }

  element(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined) continue;
      element.setAttribute(key, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
    }
    this.parent.append(element);
    return element;
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
    else this.element("polygon", { points: diamond(x, y, radius).map((p) => p.map((v) => v.toFixed(2))).join(" "), ...look });
  }

  stamps(box, many, paint) {
    paint();
  }

  ring(x, y, radius, color, width = 2) {
    this.element("circle", { cx: x, cy: y, r: radius, fill: "none", stroke: color, "stroke-width": width });
  }

  line(points, color, width = 1, alpha = 1, curved = false) {
    const at = ([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`;
    let d = `M${points.map(at).join("L")}`;
    if (curved) {
      const [[x1, y1], [x2, y2]] = points;
      d = `M${at([x1, y1])}C${at([(x1 + x2) / 2, y1])} ${at([(x1 + x2) / 2, y2])} ${at([x2, y2])}`;
    }
    this.element("path", {
      d, fill: "none", stroke: color, "stroke-width": width, "stroke-linecap": "round", opacity: this.faded(alpha),
    });
  }

  rect(x, y, width, height, { fill = "none", stroke = null, line = 1 } = {}) {
    this.element("rect", { x, y, width, height, fill, stroke, "stroke-width": stroke ? line : null, opacity: this.faded() });
  }

  text(text, x, y, { color, size = 12, align = "left", weight = 400, halo = null, turned = false }) {
    const element = this.element("text", {
      x, y, fill: color, "font-size": size, "font-weight": weight, "dominant-baseline": "central",
      "text-anchor": { left: "start", center: "middle", right: "end" }[align], opacity: this.faded(),
      transform: turned ? `rotate(-90 ${x} ${y})` : null,
      stroke: halo, "stroke-width": halo ? 4 : null, "stroke-linejoin": halo ? "round" : null,
      "paint-order": halo ? "stroke" : null,
    });
    element.textContent = forXml(text);
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

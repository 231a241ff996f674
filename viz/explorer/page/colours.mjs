// Colours of the page and of the points. Queries are green discs and keys pink diamonds, so that shape says what
// colour might not, and keys are the darker ones on white paper (the lighter ones on black), so that grey tells them
// apart too; the other scales are viridis and Okabe-Ito's, both safe for colour-blind readers.

import { say } from "./words.mjs";

export const THEMES = {
  light: {
    name: "light", paper: "#ffffff", panel: "#f6f7f9", ink: "#1b2130", faint: "#5d6678", rule: "#dfe3ea",
    query: "#2b8019", key: "#7d0a4c", attention: "#4f46c8", mark: "#a84b08", other: "#a9b0bd",
  },
  dark: {
    name: "dark", paper: "#12151c", panel: "#1a1e28", ink: "#e9ebf1", faint: "#a0a8b8", rule: "#2e3442",
    query: "#23a35a", key: "#ffb3dc", attention: "#a8a0ff", mark: "#fbbf24", other: "#5b6374",
  },
};

const VIRIDIS = [
  "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
];
const CATEGORIES = {
  light: ["#0072b2", "#d55e00", "#009e73", "#a67c00", "#b5509a", "#6b4a2f", "#2f9fdc", "#8a8f99"],
  dark: ["#4da3e0", "#ff8a3d", "#2fc99a", "#f0c419", "#e48bc5", "#c9a78c", "#7fd0ff", "#9aa1ad"],
};
const LEVELS = 32;

function channels(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** A colour between two, t from 0 to 1. */
export function blend(a, b, t) {
  const to = channels(b);
  return `#${channels(a).map((x, i) => Math.round(x + (to[i] - x) * t).toString(16).padStart(2, "0")).join("")}`;
}

/** Low to high values; the end that would vanish on the paper is left out. */
export function ramp(t, theme) {
  const [low, high] = theme.name === "dark" ? [0.22, 1] : [0, 0.86];
  const x = Math.min(1, Math.max(0, t)) * (high - low) + low;
  const at = Math.min(VIRIDIS.length - 2, Math.floor(x * (VIRIDIS.length - 1)));
  return blend(VIRIDIS[at], VIRIDIS[at + 1], x * (VIRIDIS.length - 1) - at);
}

/** Paper for 0, the colour of attention for 1. The root keeps small weights visible. */
export function attentionColour(weight, theme) {
  return blend(theme.paper, theme.attention, Math.sqrt(Math.min(1, Math.max(0, weight))));
}

export function category(i, theme) {
  const colours = CATEGORIES[theme.name];
  return colours[i % colours.length];
}

/** Black or white, whichever reads better on a colour. */
export function inkOn(colour) {
  const [r, g, b] = channels(colour).map((v) => (v / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000000" : "#ffffff";
}

export const COLOURINGS = ["type", "layer", "position", "mod5", "norm", "length", "frequency", "sentence", "segment", "special"];

/**
 * The colour of every point: index [points] into palette, and what the legend says:
 * {swatches: [[label, colour], ...]} or {low, high, colours}.
 */
export function colouring(data, head, name, theme) {
  const index = new Uint8Array(data.points);
  const each = (colourOf) => {
    for (let n = 0; n < data.size; n++) index[n] = index[data.size + n] = colourOf(n);
  };
  const swatches = (labels, colours = labels.map((_, i) => category(i, theme))) => ({
    index, palette: colours, legend: { swatches: labels.map((label, i) => [label, colours[i]]) },
  });
  const scale = (value, label) => {
    const values = Float64Array.from({ length: data.points }, (_, p) => value(p));
    let [low, high] = [Infinity, -Infinity];
    for (const v of values) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
    for (let p = 0; p < data.points; p++) index[p] = Math.round(((values[p] - low) / (high - low || 1)) * (LEVELS - 1));
    const palette = Array.from({ length: LEVELS }, (_, i) => ramp(i / (LEVELS - 1), theme));
    return { index, palette, legend: { low: label(low), high: label(high), colours: palette } };
  };
  const token = (p) => p % data.size;
  const plain = (x) => String(Math.round(x));
  const sentence = (n) => data.sentences[data.sentenceOf[n]];

  if (name === "layer") {
    const colours = Array.from({ length: data.layers }, (_, i) => ramp(data.layers > 1 ? i / (data.layers - 1) : 0, theme));
    each(() => head.layer);
    return swatches(colours.map((_, i) => say("layer_number", { layer: i })), colours);
  }
  if (name === "position") return scale((p) => data.positionOf[token(p)], plain);
  if (name === "mod5") {
    each((n) => data.positionOf[n] % 5);
    return swatches(["0", "1", "2", "3", "4"]);
  }
  if (name === "norm") return scale((p) => head.norms[p], (x) => x.toFixed(1));
  if (name === "length") return scale((p) => [...data.tokenOf[token(p)].replace(/^##/u, "")].length, plain);
  if (name === "frequency") {
    return scale((p) => Math.log2(data.frequency.get(data.tokenOf[token(p)])), (x) => `${plain(2 ** x)} ×`);
  }
  if (name === "sentence") {
    if (data.sentences.length > 8) return scale((p) => data.sentenceOf[token(p)], (x) => say("sentence_number", { number: x + 1 }));
    each((n) => data.sentenceOf[n]);
    return swatches(data.sentences.map((_, i) => say("sentence_number", { number: i + 1 })));
  }
  if (name === "segment") {
    each((n) => sentence(n).segments[data.positionOf[n]]);
    return swatches([say("first_sentence"), say("second_sentence")]);
  }
  if (name === "special") {
    each((n) => (sentence(n).words[data.positionOf[n]] === null ? 1 : 0));
    return swatches([say("word_or_piece"), say("special_token")], [theme.other, theme.mark]);
  }
  index.fill(1, data.size);
  return swatches([say("query"), say("key")], [theme.query, theme.key]);
}

// What the colour of a point says: its kind, its layer, its place ...

import { bare } from "../../web/tokens.mjs";
import { category, ramp } from "../../web/colors.mjs";
import { say } from "../../web/words.mjs";

const LEVELS = 32;

export const COLORINGS = ["type", "layer", "position", "mod5", "norm", "length", "frequency", "sentence", "segment", "special"];

/**
 * The colour of every point: index [points] into palette, and what the legend says:
 * {swatches: [[label, colour], ...]} or {low, high, colours}.
 */
export function coloring(data, head, name, theme) {
  const index = new Uint8Array(data.points);
  const each = (colorOf) => {
    for (let n = 0; n < data.size; n++) index[n] = index[data.size + n] = colorOf(n);
  };
  const swatches = (labels, colors = labels.map((_, i) => category(i, theme))) => ({
    index, palette: colors, legend: { swatches: labels.map((label, i) => [label, colors[i]]) },
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
    return { index, palette, legend: { low: label(low), high: label(high), colors: palette } };
  };
  const token = (p) => p % data.size;
  const plain = (x) => String(Math.round(x));
  const sentence = (n) => data.sentences[data.sentenceOf[n]];

  if (name === "layer") {
    const colors = Array.from({ length: data.layers }, (_, i) => ramp(data.layers > 1 ? i / (data.layers - 1) : 0, theme));
    each(() => head.layer);
    return swatches(colors.map((_, i) => say("layer_number", { layer: i })), colors);
  }
  if (name === "position") return scale((p) => data.positionOf[token(p)], plain);
  if (name === "mod5") {
    each((n) => data.positionOf[n] % 5);
    return swatches(["0", "1", "2", "3", "4"]);
  }
  if (name === "norm") return scale((p) => head.norms[p], (x) => x.toFixed(1));
  if (name === "length") return scale((p) => [...bare(data.tokenOf[token(p)])].length, plain);
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

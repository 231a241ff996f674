// What the colour of a point says: its kind, its layer, its place ...

import { bare } from "../../web/tokens.mjs";
import { category, ramp } from "../../web/colors.mjs";
import { rangeOf } from "../../web/numbers.mjs";
import { say } from "../../web/words.mjs";

const LEVELS = 32;

export const COLORINGS = ["type", "layer", "position", "mod5", "norm", "length", "frequency", "sentence", "segment", "special"];

/**
 * The colour of every point: index [points] into palette, and what the legend says:
 * {swatches: [[label, colour], ...]} or {low, high, colours}.
 */
export function coloring(data, head, name, theme) {
  const index = new Uint8Array(data.points);
  const swatches = (classOf, labels, colors = labels.map((_, i) => category(i, theme))) => {
    for (let p = 0; p < data.points; p++) index[p] = classOf(p % data.size, p < data.size ? 0 : 1);
    return { index, palette: colors, legend: { swatches: labels.map((label, i) => [label, colors[i]]) } };
  };
  const scale = (value, label) => {
    const values = Float64Array.from({ length: data.points }, (_, p) => value(p));
    const [low, high] = rangeOf(values);
    for (let p = 0; p < data.points; p++) index[p] = Math.round(((values[p] - low) / (high - low || 1)) * (LEVELS - 1));
    const palette = Array.from({ length: LEVELS }, (_, i) => ramp(i / (LEVELS - 1), theme));
    return { index, palette, legend: { low: label(low), high: label(high), colors: palette } };
  };
  const token = (p) => p % data.size;
  const plain = (x) => String(Math.round(x));
  const sentence = (n) => data.sentences[data.sentenceOf[n]];

  if (name === "layer") {
    const colors = Array.from({ length: data.layers }, (_, i) => ramp(data.layers > 1 ? i / (data.layers - 1) : 0, theme));
    return swatches(() => head.layer, colors.map((_, layer) => say("layer_number", { layer })), colors);
  }
  if (name === "position") return scale((p) => data.positionOf[token(p)], plain);
  if (name === "mod5") return swatches((n) => data.positionOf[n] % 5, ["0", "1", "2", "3", "4"]);
  if (name === "norm") return scale((p) => head.norms[p], (x) => x.toFixed(1));
  if (name === "length") return scale((p) => [...bare(data.tokenOf[token(p)])].length, plain);
  if (name === "frequency") {
    return scale((p) => Math.log2(data.frequency.get(data.tokenOf[token(p)])), (x) => `${plain(2 ** x)} ×`);
  }
  if (name === "sentence") {
    const label = (number) => say("sentence_number", { number: number + 1 });
    if (data.sentences.length > 8) return scale((p) => data.sentenceOf[token(p)], label);
    return swatches((n) => data.sentenceOf[n], data.sentences.map((_, number) => label(number)));
  }
  if (name === "segment") {
    return swatches((n) => sentence(n).segments[data.positionOf[n]], [say("first_sentence"), say("second_sentence")]);
  }
  if (name === "special") {
    const isSpecial = (n) => Number(sentence(n).words[data.positionOf[n]] === null);
    return swatches(isSpecial, [say("word_or_piece"), say("special_token")], [theme.other, theme.mark]);
  }
  return swatches((_, side) => side, [say("query"), say("key")], [theme.query, theme.key]);
}

// The note beside the pointer: what is under it, in numbers.

import { signed } from "./average.mjs";
import { byId, element } from "./dom.mjs";
import { readValue } from "./matrix.mjs";

/** Lines of text about what is hovered; the first is the title. */
export function tipLines(app) {
  const { hover, state, data } = app;
  if (!hover) return null;
  const here = data.head(state.layer, state.head);
  if (hover.layer !== undefined) {
    const names = ["kind", "to_previous", "to_next", "entropy", "exact_nearest1_2d"];
    if (!names.includes(state.shade)) names.unshift(state.shade);
    const value = (name) => `${data.column(name).label}: ${readValue(data.column(name), data.columnValue(name, hover.layer, hover.head))}`;
    return [`layer ${hover.layer}, head ${hover.head}`, ...names.map(value)];
  }
  if (hover.bar !== undefined) return [`key at ${signed(hover.bar - data.reach)}`, `mean attention ${here.relative[hover.bar].toFixed(3)}`];
  if (hover.cell) {
    const [i, j] = hover.cell;
    return [`query at ${i}, key at ${j}`, `mean attention ${here.average[i * data.across + j].toFixed(3)}`];
  }
  const { size, start, tokens } = data.sentences[hover.sentence];
  if (hover.point) {
    const { side, token } = hover.point;
    const xyz = here.positions(state.method).subarray(3 * (side * data.size + token)).slice(0, state.dims);
    return [
      `${data.tokenOf[token]} (${side ? "key" : "query"})`,
      `position ${token - start} of sentence ${hover.sentence + 1}`,
      `norm ${here.norms[side * data.size + token].toFixed(2)}`,
      `at ${[...xyz].map((v) => (v * here.extent(state.method)).toFixed(2)).join(", ")}`,
      data.sentenceText(hover.sentence).slice(0, 90),
    ];
  }
  const name = (places) => places.map((i) => tokens[i]).join(" ");
  if (hover.queries.length && hover.keys.length) {
    const weight = pairWeight(app.attention(), size, hover.queries, hover.keys, app.off);
    return [`${name(hover.queries)} → ${name(hover.keys)}`, `attention ${weight.toFixed(3)}`];
  }
  return [hover.queries.length ? `${name(hover.queries)} (query)` : `${name(hover.keys)} (key)`, `position ${[...hover.queries, ...hover.keys].join(", ")}`];
}

/** As in the heatmap: summed over the pieces of the key, the mean over those of the query. */
export function pairWeight(attention, size, queries, keys, off) {
  const asking = queries.filter((i) => !off.has(i));
  let sum = 0;
  for (const i of asking) for (const j of keys) sum += attention[i * size + j];
  return asking.length ? sum / asking.length : 0;
}

export function showTip(app) {
  const tip = byId("tip");
  const lines = tipLines(app);
  tip.hidden = !lines || !app.pointer;
  if (tip.hidden) return;
  tip.replaceChildren(...lines.map((line, i) => element(i ? "div" : "b", {}, line)));
  const [x, y] = app.pointer;
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${Math.max(4, x + width + 24 > innerWidth ? x - width - 14 : x + 16)}px`;
  tip.style.top = `${Math.max(4, y + height + 24 > innerHeight ? y - height - 10 : y + 16)}px`;
}

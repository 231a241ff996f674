// The note beside the pointer: what is under it, in numbers.

import { signed } from "../../web/numbers.mjs";
import { wordWeight } from "./attention.mjs";
import { among } from "./average.mjs";
import { textsOf } from "./data.mjs";
import { byId, element } from "../../web/dom.mjs";
import { keptLines } from "./flat.mjs";
import { readValue } from "./matrix.mjs";
import { distancesFrom } from "./places.mjs";
import { isChosenPair } from "./why.mjs";
import { say } from "../../web/words.mjs";

/** Lines of text about what is hovered; the first is the title. */
export function tipLines(app) {
  const { hover, state, data } = app;
  if (!hover || hover.lines) return hover?.lines ?? null;
  const here = data.head(state.layer, state.head);
  if (hover.layer !== undefined) {
    const names = ["kind", "to_previous", "to_next", "entropy", `${state.method}_nearest1_2d`];
    if (!names.includes(state.shade)) names.unshift(state.shade);
    const nearest = (name) => say("tip_nearest", { share: Math.round(100 * data.columnValue(name, hover.layer, hover.head)) });
    const value = (name) => name === `${state.method}_nearest1_2d` && name !== state.shade ? nearest(name) : `${data.column(name).label}: ${readValue(data.column(name), data.columnValue(name, hover.layer, hover.head))}`;
    return [say("layer_head", hover), ...names.map(value)];
  }
  if (hover.bar !== undefined) {
    return [say("tip_offset", { offset: signed(hover.bar - data.reach) }), say("tip_mean", { value: here.mean("relative")[hover.bar].toFixed(3) })];
  }
  if (hover.cell) {
    const [i, j] = hover.cell;
    return [say("tip_cell", { query: i, key: j }), say("tip_mean", { value: here.mean("average")[i * data.across + j].toFixed(3) }), say("tip_among", { count: among(data, Math.max(i, j)), all: data.own })];
  }
  const sentence = data.sentences[hover.sentence];
  const { size, start, tokens } = sentence;
  const chosen = state.query >= 0 && hover.sentence === state.sentence && hover.keys.length === 1 ? pairLines(app, hover.keys[0]) : [];
  if (hover.point) {
    const { side, token } = hover.point;
    const xyz = here.positions(state.method).subarray(3 * (side * data.size + token)).slice(0, state.dims);
    return [
      `${data.tokenOf[token]} (${say(side ? "key" : "query")})`,
      ...written(sentence, token - start),
      say("tip_position", { position: token - start, sentence: hover.sentence + 1 }),
      ...chosen,
      say("tip_norm", { value: here.norms[side * data.size + token].toFixed(2) }),
      say("tip_place", { place: [...xyz].map((v) => (v * here.extent(state.method)).toFixed(2)).join(", ") }),
      data.sentenceText(hover.sentence).slice(0, 90),
    ];
  }
  const name = (places) => places.map((i) => tokens[i]).join(" ");
  if (hover.queries.length && hover.keys.length) {
    const weight = wordWeight(app.attention(), size, hover.queries, hover.keys, app.off);
    return [`${name(hover.queries)} → ${name(hover.keys)}`, say("tip_attention", { value: weight.toFixed(3) }), ...keptLines(app, hover), ...pairDistance(app, hover), ...(isChosenPair(app, hover) ? [say("why_again")] : [])];
  }
  const one = [...hover.queries, ...hover.keys];
  return [`${name(one)} (${say(hover.queries.length ? "query" : "key")})`, ...written(sentence, one[0]), say("tip_at", { position: one.join(", ") }), ...chosen];
}

/** How a token was written, where that differs: for [UNK], capitals and accents. */
function written(sentence, position) {
  const span = sentence.spans?.[position];
  if (!span) return [];
  const text = (textsOf(sentence)[sentence.segments[position]] ?? "").slice(...span);
  return text && text !== sentence.tokens[position] ? [say("tip_written", { text })] : [];
}

/** From the chosen query to a key: attention and distance. */
function pairLines(app, key) {
  const { state, data } = app;
  const attention = app.attention();
  if (!attention) return [];
  const { size } = data.sentences[state.sentence];
  return [say("tip_attention", { value: attention[state.query * size + key].toFixed(3) }), ...pairDistance(app, { queries: [state.query], keys: [key] })];
}

function pairDistance({ state, data }, { queries, keys }) {
  if (queries.length !== 1 || keys.length !== 1) return [];
  const { distances } = distancesFrom(data.head(state.layer, state.head), state.sentence, state.method, queries[0]);
  return [say("tip_distance", { value: distances[keys[0]].toFixed(2) })];
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

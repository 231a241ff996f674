// The worker: it runs the model beside the page. A request comes in, and all that the page shows of it goes out.

import { Bert } from "./model.mjs";
import { uint16 } from "../../web/bytes.mjs";
import { sum } from "./numerics.mjs";
import { composition, head_outputs, parts_of_states, score_parts } from "./why.mjs";

/** Answers a request: {text, second, off: ["0.2"], hidden: [3], token: the position for the view of one token, or -1}. */
export function answer(bert, { text, second, off = [], hidden = [], token = -1 }) {
  const began = performance.now();
  const { encoding, trace } = lastRun(bert, { text, second, off, hidden });
  const changed = off.length + hidden.length > 0;
  const before = changed ? bert.run(encoding) : trace;
  const masks = encoding.tokens.flatMap((name, t) => (name === bert.tokenizer.mask ? [t] : []));
  const guessed = (run) => masks.map((t) => [t, bert.guess(at(run.hidden_states.at(-1), t, bert))]);
  return {
    encoding,
    layers: trace.layers.map((layer, l) => ({
      query: layer.query_TD, key: layer.key_TD, scores: layer.scores_HTT, attention: layer.attention_HTT,
      valueLength: lengths(layer.value_TD, bert.config.num_attention_heads, encoding.ids.length),
      movedLength: moved_lengths(layer.value_TD, bert.weights.layers[l].attention_output.weight, bert.config.num_attention_heads, encoding.ids.length),
    })),
    guesses: guessed(trace),
    before: changed ? guessed(before) : null,
    moved: changed ? trace.layers.flatMap((layer, l) => distances(layer.attention_HTT, before.layers[l].attention_HTT, encoding.ids.length)) : null,
    way: token >= 0 && token < encoding.ids.length ? way(bert, trace, token) : null,
    milliseconds: performance.now() - began,
  };
}

/**
 * A text as the model ran it: {encoding, trace, states: those that enter each layer, as sums}. The last one is kept, since
 * what is explained has often just been run.
 */
function lastRun(bert, { text, second, off, hidden }) {
  const name = JSON.stringify([text, second, off, hidden]);
  if (bert.last?.name === name) return bert.last;
  const encoding = bert.encode(text, second);
  const trace = bert.run(encoding, off, hidden);
  return (bert.last = { name, encoding, trace, states: [] });
}

/**
 * Why a query attends where it does, for {layer, head, query}, or nothing if the query is -1: then all is only made ready.
 * For {}, which earlier heads each head uses.
 */
export function explain(bert, request) {
  const { why: { layer = bert.weights.layers.length - 1, head, query }, hidden } = request;
  const last = lastRun(bert, request);
  const { encoding, trace, states } = last;
  last.rest ??= parts_of_states(bert, encoding, trace);
  while (states.length <= layer) states.push(last.rest.next().value);
  const { tokens } = encoding;
  if (query === undefined) return { tokens, reasons: composition(bert, trace, states, new Set(hidden)) };
  if (query < 0) return { tokens, reasons: null };
  return { tokens, reasons: { names: states[layer].names, terms: score_parts(bert, states[layer], layer, head, query) } };
}

/** Row t of [T, D]. */
function at(x_TD, t, { config: { hidden_size: D } }) {
  return x_TD.subarray(t * D, (t + 1) * D);
}

/** The length |value| for each head and token, [H * T]. */
function lengths(value_TD, heads, tokens) {
  const K = value_TD.length / tokens / heads;
  return Float32Array.from({ length: heads * tokens }, (_, i) => {
    const [h, t] = [Math.floor(i / tokens), i % tokens];
    return length(value_TD.subarray((t * heads + h) * K, (t * heads + h + 1) * K));
  });
}

/** The length |value W_O| for each head and token, [H * T]: how much a token that is attended to can change a state. */
function moved_lengths(value_TD, weight, heads, tokens) {
  const moved_HTD = head_outputs(value_TD, weight, heads);
  const D = value_TD.length / tokens;
  return Float32Array.from({ length: heads * tokens }, (_, i) => {
    const [h, t] = [Math.floor(i / tokens), i % tokens];
    return length(moved_HTD[h].subarray(t * D, (t + 1) * D));
  });
}

/** How much the attention of each head changed: the share of a query's attention that moved to other keys, mean over queries. */
function distances(after_HTT, before_HTT, tokens) {
  const size = tokens * tokens;
  const apart_HTT = after_HTT.map((after, i) => Math.abs(after - before_HTT[i]) / 2);
  const heads = Array.from({ length: after_HTT.length / size }, (_, h) => apart_HTT.subarray(h * size, (h + 1) * size));
  return heads.map((apart_TT) => apart_TT.reduce((a, b) => a + b, 0) / tokens);
}

const length = (x) => Math.sqrt(x.reduce((total, number) => total + number * number, 0));
const cosine = (x, y) => x.reduce((total, number, i) => total + number * y[i], 0) / (length(x) * length(y) || 1);

/**
 * How the hidden state of one token was computed, step by step: {layer, name, head, length, towards}. name: the vector that
 * was added, or the state after a half; length: its length; towards: the cosine between it and the last state, from which
 * the model guesses. guesses: the guesses of the head from the hidden state there.
 */
function way(bert, trace, t) {
  const { weights } = bert;
  const steps = [];
  const last = at(trace.hidden_states.at(-1), t, bert);
  const add = (layer, name, x, more = {}) => steps.push({ layer, name, length: length(x), towards: cosine(x, last), ...more });
  const start = at(trace.hidden_states[0], t, bert);
  add(-1, "embeddings", start, { guesses: bert.guess(start) });
  trace.layers.forEach((layer, l) => {
    const came = at(trace.hidden_states[l], t, bert);
    const attention_output = at(layer.attention_output_TD, t, bert);
    const context = at(layer.context_TD, t, bert);
    const { weight, bias } = weights.layers[l].attention_output;
    add(l, "residual", came);
    const heads = bert.config.num_attention_heads;
    const K = context.length / heads;
    let all = bias;
    for (let h = 0; h < heads; h++) {
      const part = Float32Array.from(bias, (_, d) => {
        let total = 0;
        for (let i = h * K; i < (h + 1) * K; i++) total += weight[d * context.length + i] * context[i];
        return total;
      });
      add(l, "head", part, { head: h });
      all = sum(all, part);
    }
    add(l, "bias", bias);
    add(l, "attention", all);
    add(l, "norm", attention_output, { guesses: bert.guess(attention_output) });
    const after = at(trace.hidden_states[l + 1], t, bert);
    add(l, "residual", attention_output);
    add(l, "feed_forward", at(layer.fed_TD, t, bert));
    add(l, "norm", after, { guesses: bert.guess(after) });
  });
  return steps;
}

/**
 * Serves a page from a worker. The first message has the weights, every other one is a request. An error goes back as a
 * text. If the request was wrong, it goes back as the name of a text in the table of words, with the values to fill in.
 */
export function serve(scope) {
  let bert = null;
  scope.onmessage = ({ data }) => {
    try {
      if (data.weights !== undefined) {
        bert = new Bert(data.settings, uint16(data.weights));
        return scope.postMessage({ ready: true });
      }
      return scope.postMessage({ request: data, ...(data.why ? explain : answer)(bert, data) });
    } catch (error) {
      const request = data.weights === undefined ? data : null;
      return scope.postMessage({ request, error: error.cause ? error.message : String(error), values: error.cause });
    }
  };
}

if ("WorkerGlobalScope" in globalThis) serve(self);

// Why does a head look there? Every score is an exact sum over what wrote the query and what wrote the key, as in
// minibert/whatif/attribution.py. With the spread that a token had in this run, a layer norm is linear, so:
//
//   state(t)    = sum over a of a(t)                                   a: a word, a position, an earlier head, ...
//   score(t, s) = sum over a, b of (W_q a(t)) . (W_k b(s)) / sqrt(K)   b_q and b_k count as biases

import { linear, sum } from "./numerics.mjs";

const BIASES = "biases"; // the last of the parts

/**
 * The states that enter layer 0, 1, ... and the last states, one after another, as sums of what wrote them.
 * @returns {Generator<{names: string[], parts: Float32Array[]}>} the sum of the parts, [T * D] each, is the state
 */
export function* parts_of_states({ weights, config }, encoding, trace) {
  const { num_attention_heads: heads, layer_norm_eps: eps } = config;
  let state = { names: ["word", "position", "segment", BIASES], parts: embedding_parts(encoding, weights.embeddings, eps) };
  yield state;
  for (const [l, { attention_output, attention_norm, output, output_norm }] of weights.layers.entries()) {
    const { context_TD, fed_TD } = trace.layers[l];
    const heads_HTD = head_outputs(context_TD, attention_output.weight, heads);
    const of_heads = heads_HTD.map((_, h) => `head ${l}.${h}`);
    state = added(state, of_heads, heads_HTD, attention_output.bias, attention_norm, eps);
    const without_bias_TD = fed_TD.map((x, i) => x - output.bias[i % output.bias.length]);
    state = added(state, [`feed-forward ${l}`], [without_bias_TD], output.bias, output_norm, eps);
    yield state;
  }
}

/** Word, position, segment and biases of the embeddings. */
function embedding_parts({ ids, types }, { word, position, token_type, norm, projection }, eps) {
  const D = norm.bias.length;
  const rows = (table, row) => Float32Array.from({ length: ids.length * D }, (_, i) => table[row(Math.floor(i / D)) * D + (i % D)]);
  const parts = [rows(word, (t) => ids[t]), rows(position, (t) => t), rows(token_type, (t) => types[t]), new Float32Array(ids.length * D)];
  const normed = through_norm(parts, norm, eps);
  return projection ? through_linear(normed, projection) : normed;
}

/** What each head adds to the tokens, without the bias: its part of the context through its columns of the weight. */
function head_outputs(context_TD, weight, heads) {
  const D = Math.sqrt(weight.length);
  const K = D / heads;
  return Array.from({ length: heads }, (_, h) => {
    const context_TK = columns(context_TD, D, h * K, K);
    return linear(context_TK, { weight: columns(weight, D, h * K, K), bias: new Float32Array(D) });
  });
}

/** `count` columns, beginning with `from`, of rows that are `width` numbers long. */
function columns(x, width, from, count) {
  const result = new Float32Array((x.length / width) * count);
  for (let row = 0; row * width < x.length; row++) {
    result.set(x.subarray(row * width + from, row * width + from + count), row * count);
  }
  return result;
}

/** More parts and a bias added to a sum, and all of it through a norm. */
function added({ names, parts }, more, arrays, bias, norm, eps) {
  const biases = parts.at(-1).map((x, i) => x + bias[i % bias.length]);
  return { names: [...names.slice(0, -1), ...more, BIASES], parts: through_norm([...parts.slice(0, -1), ...arrays, biases], norm, eps) };
}

/** Each part of a sum through the layer norm of the sum. Its bias goes to the last part, the biases. */
function through_norm(parts, { weight, bias }, eps) {
  const D = weight.length;
  const whole = parts.reduce(sum);
  const result = parts.map((part) => new Float32Array(part.length));
  const meanOf = (x, start) => x.subarray(start, start + D).reduce((total, number) => total + number / D, 0);
  for (let start = 0; start < whole.length; start += D) {
    const mean = meanOf(whole, start);
    let variance = 0;
    for (let d = 0; d < D; d++) variance += (whole[start + d] - mean) ** 2 / D;
    const spread = Math.sqrt(variance + eps);
    parts.forEach((part, p) => {
      const middle = meanOf(part, start);
      for (let d = 0; d < D; d++) result[p][start + d] = ((part[start + d] - middle) / spread) * weight[d];
    });
    for (let d = 0; d < D; d++) result.at(-1)[start + d] += bias[d];
  }
  return result;
}

/** Each part of a sum through a linear map. Its bias goes to the last part, the biases. */
function through_linear(parts, { weight, bias }) {
  const zero = new Float32Array(bias.length);
  return parts.map((part, p) => linear(part, { weight, bias: p === parts.length - 1 ? bias : zero }));
}

/** The rows of a projection that make the queries, keys or values of one head. */
function of_head({ weight, bias }, head, heads) {
  const [K, size] = [bias.length / heads, weight.length / heads];
  return { weight: weight.subarray(head * size, (head + 1) * size), bias: bias.subarray(head * K, (head + 1) * K) };
}

function dot(x, from, y, start, count) {
  let total = 0;
  for (let i = 0; i < count; i++) total += x[from + i] * y[start + i];
  return total;
}

/**
 * The row of scores of one query in one head as a sum over pairs of parts: terms [P * P * S], in the order part of the
 * query's token, part of the key's token, key.
 */
export function score_parts({ weights, config }, { parts }, layer, head, query) {
  const { num_attention_heads: heads } = config;
  const { query: to_query, key: to_key } = weights.layers[layer].attention;
  const [D, K] = [to_query.bias.length, to_query.bias.length / heads];
  const query_PK = through_linear(parts.map((part) => part.subarray(query * D, (query + 1) * D)), of_head(to_query, head, heads));
  const key_PSK = through_linear(parts, of_head(to_key, head, heads));
  const S = key_PSK[0].length / K;
  const terms = new Float32Array(parts.length ** 2 * S);
  let at = 0;
  for (const query_K of query_PK) {
    for (const key_SK of key_PSK) for (let s = 0; s < S; s++) terms[at++] = dot(query_K, 0, key_SK, s * K, K) / Math.sqrt(K);
  }
  return terms;
}

/** What the page asks for: the names of the parts, and the terms of the scores of one query. */
export function why(bert, encoding, trace, { layer, head, query }) {
  const states = parts_of_states(bert, encoding, trace);
  for (let l = 0; l < layer; l++) states.next();
  const { value: state } = states.next();
  return { names: state.names, terms: score_parts(bert, state, layer, head, query) };
}

/**
 * The model as a graph, for one sentence: how much of what a head does an earlier head wrote. Each is a share of a sum
 * over the queries t, whose most attended key is k:
 *
 *   query   (W_q a(t)) . (key(k) - mean key) / sqrt(K)       of   query(t) . (key(k) - mean key) / sqrt(K)
 *   key     query(t) . W_k (a(k) - mean a) / sqrt(K)         of   the same: the score of k less its mean over the keys
 *   value   moved_a(t) . moved(t)                            of   |moved(t)|^2
 *
 * moved(t) is what the head adds to token t, moved_a(t) is the part of that which the earlier head a wrote. hidden: tokens
 * that no other may look at; they are left out.
 * @returns {{from: string, to: string, side: string, share: number, query: number, key: number}[]} query, key: where the share comes from most
 */
export function composition(bert, encoding, trace, hidden = new Set()) {
  const states = [...parts_of_states(bert, encoding, trace)];
  return trace.layers.flatMap((_, layer) =>
    Array.from({ length: bert.config.num_attention_heads }, (__, head) => into_head(bert, trace, states[layer], layer, head, hidden)).flat());
}

/** The arrows that end in one head. */
function into_head(bert, trace, { names, parts }, layer, head, hidden) {
  const D = bert.weights.layers[layer].attention.query.bias.length;
  const { queries, best, sides } = sides_of(bert, trace, layer, head, hidden);
  return names.flatMap((name, p) => (name.startsWith("head ") ? sides.map(({ side, mix, toward, whole }) => {
    const summands = queries.map((_, i) => mix(i).reduce((total, w, s) => (w ? total + w * dot(parts[p], s * D, toward[i], 0, D) : total), 0));
    const largest = summands.indexOf(Math.max(...summands));
    const share = total_of(summands) / (total_of(whole) || 1);
    return { from: name.slice(5), to: `${layer}.${head}`, side, share, query: queries[largest], key: best[largest] };
  }) : []));
}

const total_of = (numbers) => numbers.reduce((a, b) => a + b, 0);

/**
 * The three sides of a head. The summand of a part a for query number i is the dot product of toward[i] with the
 * states that the part adds to, mixed by the weights mix(i): of the query itself, of its most attended key less the
 * mean over the keys, or as attention mixes them. whole: what the summands of all parts add up to, for each query.
 */
function sides_of({ weights, config: { num_attention_heads: heads } }, trace, layer, head, hidden) {
  const { attention, attention_output } = weights.layers[layer];
  const { query_TD, key_TD, context_TD, attention_HTT } = trace.layers[layer];
  const D = attention.query.bias.length;
  const [K, T] = [D / heads, query_TD.length / D];
  const [query_TK, key_TK, context_TK] = [query_TD, key_TD, context_TD].map((x_TD) => columns(x_TD, D, head * K, K));
  const queries = Array.from({ length: T }, (_, t) => t).filter((t) => !hidden.has(t));
  const rows = queries.map((t) => attention_HTT.subarray((head * T + t) * T, (head * T + t + 1) * T));
  const best = rows.map((row) => row.indexOf(Math.max(...row)));
  const at = (x_TK, t) => x_TK.subarray(t * K, (t + 1) * K);
  const mean_key_K = at(key_TK, 0).map((_, i) => total_of(queries.map((s) => key_TK[s * K + i])) / queries.length);
  const lead_K = best.map((k) => at(key_TK, k).map((x, i) => (x - mean_key_K[i]) / Math.sqrt(K)));
  const lead = queries.map((t, i) => dot(query_TK, t * K, lead_K[i], 0, K));
  const out = columns(attention_output.weight, D, head * K, K);
  const moved_D = queries.map((t) => linear(at(context_TK, t), { weight: out, bias: new Float32Array(D) }));
  const back = (name, x_K) => transposed(of_head(attention[name], head, heads).weight, x_K, D);
  const only = (...places) => Array.from({ length: T }, (_, s) => places.filter((place) => place === s).length);
  return { queries, best, sides: [
    { side: "query", whole: lead, mix: (i) => only(queries[i]), toward: lead_K.map((x_K) => back("query", x_K)) },
    { side: "key", whole: lead, mix: (i) => only(best[i]).map((one, s) => one - (hidden.has(s) ? 0 : 1 / queries.length)),
      toward: queries.map((t) => back("key", at(query_TK, t).map((x) => x / Math.sqrt(K)))) },
    { side: "value", whole: moved_D.map((x) => dot(x, 0, x, 0, D)), mix: (i) => [...rows[i]],
      toward: moved_D.map((x_D) => back("value", transposed(out, x_D, K))) },
  ] };
}

/** x weight, for a weight [out, in] and x [out]: through a linear map the other way. */
function transposed(weight, x, inputs) {
  return Float32Array.from({ length: inputs }, (_, i) => x.reduce((total, number, o) => total + number * weight[o * inputs + i], 0));
}

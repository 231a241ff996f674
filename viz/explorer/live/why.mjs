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
  const embedded = embedding_parts(encoding, weights.embeddings, eps);
  let state = { names: ["word", "position", "segment", BIASES], parts: embedded };
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
  const size = ids.length * D;
  const rows_of = (table, rows) =>
    Float32Array.from({ length: size }, (_, i) => table[rows[Math.floor(i / D)] * D + (i % D)]);
  const tables = [rows_of(word, ids), rows_of(position, [...ids.keys()]), rows_of(token_type, types)];
  const parts = [...tables, new Float32Array(size)];
  const normed = through_norm(parts, norm, eps);
  return projection ? through_linear(normed, projection) : normed;
}

/** What each head adds to the tokens, without the bias: its part of the context through its columns of the weight. */
export function head_outputs(context_TD, weight, heads) {
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
  const all = [...parts.slice(0, -1), ...arrays, biases];
  return { names: [...names.slice(0, -1), ...more, BIASES], parts: through_norm(all, norm, eps) };
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
  const of_token = parts.map((part) => part.subarray(query * D, (query + 1) * D));
  const query_PK = through_linear(of_token, of_head(to_query, head, heads));
  const key_PSK = through_linear(parts, of_head(to_key, head, heads));
  const S = key_PSK[0].length / K;
  const terms = new Float32Array(parts.length ** 2 * S);
  let at = 0;
  for (const query_K of query_PK) {
    for (const key_SK of key_PSK) {
      for (let s = 0; s < S; s++) terms[at++] = dot(query_K, 0, key_SK, s * K, K) / Math.sqrt(K);
    }
  }
  return terms;
}

/** Which head was it that wrote a part? "head 0.3" -> "0.3"; null for all other parts. */
const writer = (name) => (name.startsWith("head ") ? name.slice(5) : null);

/**
 * The model as a graph, for one sentence: how much of what a head does an earlier head wrote. Each share is of a sum
 * over the queries t, whose most attended key is k:
 *
 *   query   (W_q a(t)) . (key(k) - mean key) / sqrt(K)    of   query(t) . (key(k) - mean key) / sqrt(K)
 *   key     query(t) . W_k (a(k) - mean a) / sqrt(K)      of   the same: the score of k less its mean over the keys
 *   value   moved_a(t) . moved(t)                         of   |moved(t)|^2
 *
 * moved(t) is what the head adds to token t, less what it would add if t attended to all keys alike; moved_a(t) is the
 * part of that which the earlier head a wrote. These are the shares of minibert/whatif/composition.py. states: those
 * that enter each layer. hidden: tokens that no other may look at; they are left out.
 * @returns {{from: string, to: string, side: string, share: number, query: number, key: number}[]} the largest shares
 *   above 0, at most `count`; query and key: where it is largest
 */
export function composition(bert, trace, states, hidden = new Set(), count = 60) {
  const heads = Array.from({ length: bert.config.num_attention_heads }, (_, head) => head);
  const arrows = trace.layers.flatMap((_, layer) =>
    heads.flatMap((head) => into_head(states[layer], sides_of(bert, trace, layer, head, hidden), `${layer}.${head}`)));
  const largest = arrows.filter(({ share }) => share > 0).sort((a, b) => b.share - a.share).slice(0, count);
  return largest.map(({ at, ...arrow }) => ({ ...arrow, ...at() }));
}

/** The arrows that end in one head. at(): the query and the key where the share comes from most. */
function into_head({ names, parts }, { queries, best, sides }, to) {
  const writers = names.map((name, p) => [writer(name), parts[p]]).filter(([from]) => from !== null);
  return sides.flatMap(({ side, mix, toward_QD, whole }) => {
    const D = toward_QD.length / queries.length;
    const read_TD = read(mix, toward_QD);
    return writers.map(([from, part]) => {
      const along = (s, i) => dot(part, s * D, toward_QD, i * D, D);
      const of_query = (weights_S, i) => weights_S.reduce((total, w, s) => (w ? total + w * along(s, i) : total), 0);
      const at = () => {
        const summands = mix.map(of_query);
        const i = summands.indexOf(Math.max(...summands));
        return { query: queries[i], key: best[i] };
      };
      return { from, to, side, share: dot(part, 0, read_TD, 0, part.length) / (whole || 1), at };
    });
  });
}

/** For each token s the sum over the queries i of mix[i][s] toward_QD[i]: [T * D]. */
function read(mix, toward_QD) {
  const [D, T] = [toward_QD.length / mix.length, mix[0].length];
  const result = new Float32Array(T * D);
  for (let i = 0; i < mix.length; i++) {
    const toward_D = toward_QD.subarray(i * D, (i + 1) * D);
    for (let s = 0; s < T; s++) {
      const w = mix[i][s];
      if (w) for (let d = 0; d < D; d++) result[s * D + d] += w * toward_D[d];
    }
  }
  return result;
}

/**
 * The three sides of a head. What a part contributes for query number i is the dot product of toward_QD[i] and of the
 * part's states of all tokens s, each times mix[i][s]: of the query alone, of its most attended key, or as attention
 * mixes them; the last two less the mean over the keys. whole: what all parts contribute for all queries.
 */
function sides_of({ weights, config: { num_attention_heads: heads } }, trace, layer, head, hidden) {
  const { attention, attention_output } = weights.layers[layer];
  const { attention_HTT, query_TD, key_TD, value_TD, context_TD } = trace.layers[layer];
  const D = attention.query.bias.length;
  const [K, T] = [D / heads, context_TD.length / D];
  const queries = Array.from({ length: T }, (_, t) => t).filter((t) => !hidden.has(t));
  const rows = queries.map((t) => attention_HTT.subarray((head * T + t) * T, (head * T + t + 1) * T));
  const best = rows.map((row) => row.indexOf(Math.max(...row)));

  const of_tokens = (x_TK, tokens) => Float32Array.from(tokens.flatMap((t) => [...x_TK.subarray(t * K, (t + 1) * K)]));
  const [query_QK, key_QK, value_QK, context_QK] = [query_TD, key_TD, value_TD, context_TD].map((x_TD) =>
    of_tokens(columns(x_TD, D, head * K, K), queries));
  const mean = (x_QK) => (i) => queries.reduce((total, _, s) => total + x_QK[s * K + (i % K)] / queries.length, 0);
  const less = (x_QK, mean_K) => x_QK.map((x, i) => x - mean_K(i));
  const back = (x, weight, inputs) => linear(x, { weight: transposed(weight, inputs), bias: new Float32Array(inputs) });
  const weight = (name) => of_head(attention[name], head, heads).weight;
  const product = (x, y) => dot(x, 0, y, 0, x.length);

  const lead_QK = less(of_tokens(columns(key_TD, D, head * K, K), best), mean(key_QK)).map((x) => x / Math.sqrt(K));
  const out = columns(attention_output.weight, D, head * K, K);
  const is_off = context_QK.every((x) => x === 0); // then it moves nothing
  const moved_QK = is_off ? context_QK : less(context_QK, mean(value_QK));
  const moved_QD = linear(moved_QK, { weight: out, bias: new Float32Array(D) });
  const only = (place) => Float32Array.from({ length: T }, (_, s) => Number(s === place));
  const apart = (weights_S) => weights_S.map((w, s) => w - (hidden.has(s) ? 0 : 1 / queries.length));
  const toward = {
    query: back(lead_QK, weight("query"), D),
    key: back(query_QK.map((x) => x / Math.sqrt(K)), weight("key"), D),
    value: back(back(moved_QD, out, K), weight("value"), D),
  };
  const lead = product(query_QK, lead_QK);
  return { queries, best, sides: [
    { side: "query", mix: queries.map(only), toward_QD: toward.query, whole: lead },
    { side: "key", mix: best.map((k) => apart(only(k))), toward_QD: toward.key, whole: lead },
    { side: "value", mix: rows.map(apart), toward_QD: toward.value, whole: product(moved_QD, moved_QD) },
  ] };
}

/** [out, in] -> [in, out] */
function transposed(weight, inputs) {
  const outputs = weight.length / inputs;
  const result = new Float32Array(weight.length);
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) result[i * outputs + o] = weight[o * inputs + i];
  return result;
}

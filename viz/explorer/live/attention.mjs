// Self-attention: the only place in BERT where information moves from one token to another.
//
//   query, key, value = hidden W_q + b_q,  hidden W_k + b_k,  hidden W_v + b_v
//   scores            = query key^T / sqrt(K)
//   attention         = softmax(scores)
//   context           = attention value

import { linear, softmax } from "./numerics.mjs";

/**
 * Compute the attention of a sentence to itself. Head h of token t has the numbers h K to (h + 1) K of its D.
 * off(h): whether head h is switched off; then it adds nothing. hidden: tokens that get attention from themselves only.
 * Returns query, key, value [T, D], scores, attention [H, T, T] and context [T, D].
 * @param {(head: number) => boolean} off
 */
export function self_attention(hidden_TD, weights, heads, off = () => false, hidden = new Set()) {
  const query_TD = linear(hidden_TD, weights.query);
  const key_TD = linear(hidden_TD, weights.key);
  const value_TD = linear(hidden_TD, weights.value);
  const D = weights.query.bias.length;
  const [T, K] = [hidden_TD.length / D, D / heads];
  const root = Math.sqrt(K);
  const scores_HTT = new Float32Array(heads * T * T);
  const attention_HTT = new Float32Array(heads * T * T);
  const context_TD = new Float32Array(T * D);
  const row = new Float64Array(T);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < T; t++) {
      const from = (h * T + t) * T;
      for (let s = 0; s < T; s++) {
        const [q, k] = [t * D + h * K, s * D + h * K];
        let dot = 0;
        for (let i = 0; i < K; i++) dot += query_TD[q + i] * key_TD[k + i];
        scores_HTT[from + s] = dot / root;
        row[s] = hidden.has(s) && s !== t ? -Infinity : dot / root;
      }
      attention_HTT.set(softmax(row), from);
      if (off(h)) continue;
      for (let s = 0; s < T; s++) {
        const [c, v] = [t * D + h * K, s * D + h * K];
        for (let i = 0; i < K; i++) context_TD[c + i] += row[s] * value_TD[v + i];
      }
    }
  }
  return { query_TD, key_TD, value_TD, scores_HTT, attention_HTT, context_TD };
}

// The masked-language-model head: it guesses a masked word from the last hidden state in its place.

import { ACTIVATIONS, layer_norm, linear, softmax } from "./numerics.mjs";

/**
 * The logits of a place: how well each word of the vocabulary fits there, from the hidden state of that place alone.
 *
 *   transformed = layer_norm(act(hidden W + b))
 *   logits      = transformed word^T + bias
 */
export function masked_lm_logits(hidden_D, { transform, norm, bias }, word, config) {
  const transformed = layer_norm(linear(hidden_D, transform).map(ACTIVATIONS[config.hidden_act]), norm, config.layer_norm_eps);
  return linear(transformed, { weight: word, bias });
}

/** The `top` most probable words, [[id, probability], ...], the most probable one first. */
export function guesses(logits_V, top = 5) {
  const probability_V = softmax(Float64Array.from(logits_V));
  const best = [];
  probability_V.forEach((p, id) => {
    if (best.length === top && p <= best[top - 1][1]) return;
    best.push([id, p]);
    best.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    best.length = Math.min(best.length, top);
  });
  return best;
}

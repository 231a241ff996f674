// What is built on top of the encoder: the head that guesses masked words.

import { ACTIVATIONS, layer_norm, linear, softmax } from "./numerics.mjs";

/**
 * How well each word of the vocabulary would fit in a place, from the place's own vector.
 *
 *   transformed = layer_norm(act(hidden W + b))
 *   logits      = transformed word^T + bias
 */
export function masked_lm_logits(hidden_D, { transform, norm, bias }, word, config) {
  const transformed = layer_norm(linear(hidden_D, transform).map(ACTIVATIONS[config.hidden_act]), norm, config.layer_norm_eps);
  return linear(transformed, { weight: word, bias });
}

/** The `top` most probable words, [[id, probability], ...]. */
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

// From token ids to the last hidden states: embeddings, then layers. A layer has two halves: attention mixes numbers of
// several tokens, feed-forward those of one. Each half adds its result to its input (the residual connection), and then
// normalises the sum.

import { self_attention } from "./attention.mjs";
import { ACTIVATIONS, layer_norm, linear, sum } from "./numerics.mjs";

/** hidden_t = layer_norm(word[id of t] + position[t] + token_type[segment of t]); ELECTRA projects it to D numbers. */
export function embed({ ids, types }, { word, position, token_type, norm, projection }, eps) {
  const D = norm.bias.length;
  const hidden_TD = new Float32Array(ids.length * D);
  ids.forEach((id, t) => {
    for (let d = 0; d < D; d++) hidden_TD[t * D + d] = word[id * D + d] + position[t * D + d] + token_type[types[t] * D + d];
  });
  const normed_TD = layer_norm(hidden_TD, norm, eps);
  return projection ? linear(normed_TD, projection) : normed_TD;
}

/** hidden = layer_norm(hidden + context W + b): the only half that uses more than one token. */
export function attention_block(hidden_TD, weights, config, off, hidden) {
  const parts = self_attention(hidden_TD, weights.attention, config.num_attention_heads, off, hidden);
  const mixed_TD = sum(hidden_TD, linear(parts.context_TD, weights.attention_output));
  return { ...parts, attention_output_TD: layer_norm(mixed_TD, weights.attention_norm, config.layer_norm_eps) };
}

/** hidden = layer_norm(hidden + act(hidden W_1 + b_1) W_2 + b_2): each token by itself, with F > D numbers in between. */
export function feed_forward_block(hidden_TD, weights, config) {
  const intermediate_TF = linear(hidden_TD, weights.intermediate).map(ACTIVATIONS[config.hidden_act]);
  const fed_TD = linear(intermediate_TF, weights.output);
  return { fed_TD, hidden_TD: layer_norm(sum(fed_TD, hidden_TD), weights.output_norm, config.layer_norm_eps) };
}

/**
 * Run all layers. off(layer, head): whether a head is switched off; hidden: tokens that get attention from themselves only.
 * Returns layers, the arrays of each layer, and hidden_states: 0 the embeddings, i + 1 the output of layer i.
 * @param {(layer: number, head: number) => boolean} off
 */
export function encode(encoding, weights, config, off = () => false, hidden = new Set()) {
  const hidden_states = [embed(encoding, weights.embeddings, config.layer_norm_eps)];
  const layers = weights.layers.map((layer, l) => {
    const before = hidden_states[l];
    const attention = attention_block(before, layer, config, (h) => off(l, h), hidden);
    const { fed_TD, hidden_TD } = feed_forward_block(attention.attention_output_TD, layer, config);
    hidden_states.push(hidden_TD);
    return { ...attention, fed_TD };
  });
  return { layers, hidden_states };
}

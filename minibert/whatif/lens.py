"""What would the model guess after each layer, and which parts of the state make it guess so?"""

from dataclasses import dataclass

import numpy as np

from minibert.attention import head_outputs
from minibert.checkpoint.parameters import MaskedLMWeights, NormWeights
from minibert.errors import UserError
from minibert.heads import masked_lm_logits
from minibert.model import Bert
from minibert.numerics import linear
from minibert.trace import Trace
from minibert.whatif.changes import field_of


def logit_lens(bert: Bert, trace: Trace, token: int) -> np.ndarray:
    """The masked-LM head applied to the state of one token after the embeddings and after each layer: logits_LV.

    There are layers + 1 rows, and the last is the model's output. The head was trained for this row only, so the first
    rows are uncertain (nostalgebraist, "interpreting GPT: the logit lens", 2020).
    """
    states_LD = trace.stacked("hidden_states")[:, token]
    return masked_lm_logits(states_LD, head_of(bert), bert.config.hidden_act, bert.config.layer_norm_eps)


@dataclass(frozen=True)
class Parts:
    """The last hidden state of one token as a sum.

    names    of the parts: "embeddings", "head 0.1", "feed-forward 0", ..., "biases"
    vectors  [parts, hidden]; their sum is the hidden state
    """

    names: tuple[str, ...]
    vectors: np.ndarray


def parts_of_token(bert: Bert, trace: Trace, token: int) -> Parts:
    """What the embeddings, each head and each feed-forward half add to the last hidden state of a token.

    Each half of a layer adds, then normalises. A layer norm subtracts the mean, divides by the spread and multiplies by
    its weight. With the spread that the token had in this run, all that is linear: each part goes through by itself.
    """
    heads, eps = bert.config.num_attention_heads, bert.config.layer_norm_eps
    names, rows = (
        ["embeddings", "biases"],
        [field_of(bert, trace, 0, "hidden_states")[token], np.zeros(bert.config.hidden_size, np.float32)],
    )
    for i, weights in enumerate(bert.weights.layers):
        context_TD, intermediate_TF = (field_of(bert, trace, i, name) for name in ("context", "intermediate"))
        added_HD = head_outputs(context_TD[token : token + 1], weights.attention_output.weight, heads)[:, 0]
        names += [f"head {i}.{head}" for head in range(heads)]
        rows += list(added_HD)
        rows[1] = rows[1] + weights.attention_output.bias
        rows = through_norm(rows, weights.attention_norm, eps)
        names.append(f"feed-forward {i}")
        rows.append(linear(intermediate_TF[token : token + 1], *weights.output)[0])
        rows = through_norm(rows, weights.output_norm, eps)
    order = [0, *range(2, len(names)), 1]  # the biases last
    return Parts(tuple(names[i] for i in order), np.stack([rows[i] for i in order]))


def through_norm(rows: list[np.ndarray], weights: NormWeights, eps: float) -> list[np.ndarray]:
    """Each part of a sum through the layer norm of the sum; its bias goes to row 1, that of the biases."""
    parts_ND = np.stack(rows)
    spread = np.sqrt(parts_ND.sum(axis=0).var() + eps)
    normed_ND = (parts_ND - parts_ND.mean(axis=-1, keepdims=True)) / spread * weights.weight
    normed_ND[1] += weights.bias
    return list(normed_ND)


def logit_parts(bert: Bert, trace: Trace, token: int, guess: int) -> tuple[tuple[str, ...], np.ndarray]:
    """What each part of a token's last hidden state adds to the logit of a guess (an id): names, and one number each.

        added(part) = logit(hidden) - logit(hidden - part)

    The layer norms of the encoder keep the spreads of this run. The masked-LM head, with its own norm, runs again for
    each state. The head is not linear, so these numbers do not add up to the logit. For models with a linear head, this
    is direct logit attribution (Elhage et al., "A Mathematical Framework for Transformer Circuits", 2021).
    """
    parts = parts_of_token(bert, trace, token)
    hidden_D = field_of(bert, trace, bert.config.num_hidden_layers, "hidden_states")[token]
    states_ND = np.concatenate([hidden_D[None], hidden_D - parts.vectors])
    head = head_of(bert)
    word = head._replace(decoder=head.decoder[guess : guess + 1], bias=head.bias[guess : guess + 1])
    logits = masked_lm_logits(states_ND, word, bert.config.hidden_act, bert.config.layer_norm_eps)[:, 0]
    return parts.names, logits[0] - logits[1:]


def head_of(bert: Bert) -> MaskedLMWeights:
    if bert.weights.masked_lm is None:
        raise UserError(f"{bert.name} has no masked-language-model head: it cannot say anything")
    return bert.weights.masked_lm

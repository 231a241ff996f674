"""What would the model guess after each layer, and which parts of the state make it guess so?"""

import numpy as np

from minibert.checkpoint.parameters import MaskedLMWeights
from minibert.errors import UserError
from minibert.heads import masked_lm_logits
from minibert.model import Bert
from minibert.trace import Trace
from minibert.whatif.attribution import parts_of_states
from minibert.whatif.changes import field_of


def logit_lens(bert: Bert, trace: Trace, token: int) -> np.ndarray:
    """The masked-LM head applied to the state of one token after the embeddings and after each layer: logits_LV.

    There are layers + 1 rows, and the last is the model's output. The head was trained for this row only, so the first
    rows are uncertain (nostalgebraist, "interpreting GPT: the logit lens", 2020).
    """
    states_LD = trace.stacked("hidden_states")[:, token]
    return masked_lm_logits(states_LD, head_of(bert), bert.config.hidden_act, bert.config.layer_norm_eps)


def logit_parts(bert: Bert, trace: Trace, token: int, guess: int) -> tuple[tuple[str, ...], np.ndarray]:
    """What each part of a token's last hidden state adds to the logit of a guess (an id): names, and one number each.

        added(part) = logit(hidden) - logit(hidden - part)

    The layer norms of the encoder keep the spreads of this run. The masked-LM head, with its own norm, runs again for
    each state. The head is not linear, so these numbers do not add up to the logit. For models with a linear head, this
    is direct logit attribution (Elhage et al., "A Mathematical Framework for Transformer Circuits", 2021).
    """
    hidden_D = field_of(bert, trace, bert.config.num_hidden_layers, "hidden_states")[token]
    parts = parts_of_states(bert, trace, bert.config.num_hidden_layers)
    states_PD = np.concatenate([hidden_D[None], (hidden_D - parts.vectors[:, token]).astype(np.float32)])
    head = head_of(bert)
    word = head._replace(decoder=head.decoder[guess : guess + 1], bias=head.bias[guess : guess + 1])
    logits = masked_lm_logits(states_PD, word, bert.config.hidden_act, bert.config.layer_norm_eps)[:, 0]
    return parts.names, logits[0] - logits[1:]


def head_of(bert: Bert) -> MaskedLMWeights:
    if bert.weights.masked_lm is None:
        raise UserError(f"{bert.name} has no masked-language-model head: it cannot say anything")
    return bert.weights.masked_lm

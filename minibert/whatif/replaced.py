"""Which tokens of a text were replaced, according to a discriminator?

ELECTRA is two models. A generator fills blanks in a text, as BERT does. A discriminator, the model that people use,
reads the filled text and predicts for every token whether it was replaced (Clark et al., "ELECTRA: Pre-training Text
Encoders as Discriminators Rather Than Generators", 2020).
"""

import numpy as np

from minibert.errors import UserError
from minibert.heads import label_scores
from minibert.model import Bert, Text
from minibert.numerics import ACTIVATIONS, linear


def replaced(bert: Bert, text: Text) -> np.ndarray:
    """The probability of each token that it was replaced: [tokens].

        probability = sigmoid(act(hidden W + b) w + c)

    ValueError: the checkpoint has no such head.
    """
    head = bert.weights.discriminator
    if head is None:
        why = f"{bert.name} has no discriminator, as ELECTRA's have: it cannot tell which tokens were replaced"
        raise UserError(bert.notes.get("discriminator", why))
    (trace,) = bert.batch([text], keep=("hidden_states",))
    dense_TD = ACTIVATIONS[bert.config.hidden_act](linear(trace.hidden_states[-1], *head.dense))
    return label_scores(linear(dense_TD, *head.prediction)[:, 0], "sigmoid")

"""minibert: a BERT forward pass in plain NumPy, with every query, key, value, score and attention weight in your hands.

Read the chapters in this order: numerics, embeddings, attention, encoder, heads, model.

Arrays inside the model carry their shape in their name, a letter an axis:

    T  tokens (of all sentences, end to end)     D  hidden          V  vocabulary
    S  tokens as keys                            H  heads           L  layers
    F  feed-forward                              K  head size       N  points

so `scores_HTS` has, for each head, a row a query token and a column a key token.
"""

from minibert.checkpoint.config import BertConfig, CheckpointError
from minibert.checkpoint.tokenizer import Encoding
from minibert.model import Bert, load
from minibert.trace import LayerTrace, Trace

__all__ = ["Bert", "BertConfig", "CheckpointError", "Encoding", "LayerTrace", "Trace", "load"]

"""minibert computes BERT in plain NumPy and returns every query, key, value, score and attention weight.

Read the chapters in this order: numerics, embeddings, attention, encoder, heads, model.

Inside the model, the name of an array ends with its shape, one letter per axis:

    T  tokens (of all sentences, end to end,     D  hidden size     V  vocabulary
       or of one sentence)                       H  heads           L  layers
    S  tokens as keys                            K  head size       N  points (in viz)
    F  feed-forward size                         E  embedding size (D in most models)

So `scores_HTS` has, for each head, one row per query token and one column per key token. The equations above the code
use the same letters; `^T` after a matrix is its transpose.
"""

TYPE_CHECKING = False  # `typing` has this name too, but takes time to import
if TYPE_CHECKING:  # only editors and type checkers read this; `__getattr__` imports each name when it is first used
    from minibert.checkpoint.config import BertConfig
    from minibert.errors import CheckpointError, UserError
    from minibert.explorer import explore
    from minibert.model import Bert, load
    from minibert.tokenizer.encoding import Encoding
    from minibert.trace import LayerTrace, Trace

__version__ = "0.1.0"
__distribution__ = "minibert-numpy"  # the command checks this: other distributions may have a package of this name

__all__ = ["Bert", "BertConfig", "CheckpointError", "Encoding", "LayerTrace", "Trace", "UserError", "explore", "load"]

HOME = {
    "Bert": "minibert.model",
    "BertConfig": "minibert.checkpoint.config",
    "CheckpointError": "minibert.errors",
    "Encoding": "minibert.tokenizer.encoding",
    "LayerTrace": "minibert.trace",
    "Trace": "minibert.trace",
    "explore": "minibert.explorer",
    "UserError": "minibert.errors",
    "load": "minibert.model",
}
"""HOME maps each public name to its module. A module is imported when one of its names is first used."""


def __getattr__(name: str) -> object:
    from importlib import import_module, util

    if name in HOME:
        return getattr(import_module(HOME[name]), name)
    if name.startswith("_") or util.find_spec(f"minibert.{name}") is None:
        raise AttributeError(f"module 'minibert' has no attribute {name!r}")
    return import_module(f"minibert.{name}")  # such as minibert.whatif, without an import of its own


def __dir__() -> list[str]:
    return sorted([*(name for name in globals() if name.startswith("__")), *__all__])

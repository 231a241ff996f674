"""One vector for each text, as sentence-transformers computes it from the last hidden states.

If a model was trained for it, texts of similar meaning have vectors of similar direction: Reimers & Gurevych,
"Sentence-BERT", 2019. Most checkpoints take the mean of the tokens and scale it to length 1. Others have other
poolings, layers after the pooling, or prompts before the text.
"""

from collections.abc import Iterable

import numpy as np

from minibert.checkpoint.limits import check_texts
from minibert.checkpoint.parameters import NormWeights
from minibert.checkpoint.sentence_transformers import Dense, Module, SentenceModules
from minibert.errors import UserError
from minibert.model import Bert, Text
from minibert.numerics import ACTIVATIONS, layer_norm, linear
from minibert.tokenizer.encoding import Encoding

LAYER_NORM_EPS = 1e-5
"""That of torch.nn.LayerNorm, which sentence-transformers does not change."""


def sentence_modules(bert: Bert) -> SentenceModules:
    """The settings of this checkpoint. UserError: they cannot be obeyed."""
    if bert.sentence_modules is None:
        raise UserError(bert.notes.get("embed", f"{bert.name} has no settings for vectors of texts"))
    return bert.sentence_modules


def embed(bert: Bert, texts: Iterable[Text], prompt: str | None = None) -> np.ndarray:
    """Return one vector for each text: [N, size].

    prompt: the name of one of the checkpoint's prompts, which is put before each text; None is its default, if it has
    one. UserError: the checkpoint has no such prompt, has modules that are not computed here, or a text is too long.
    """
    settings = sentence_modules(bert)
    before = prompt_text(bert, prompt)
    encodings = (encode(bert, text, before) for text in check_texts(texts))
    skipped = 0 if settings.with_prompt or not before else prompt_tokens(bert, before)
    traces = bert.stream(encodings, keep=("hidden_states",))
    return np.array([vector(trace.hidden_states[-1], settings, skipped) for trace in traces])


def prompt_text(bert: Bert, name: str | None) -> str:
    """The text of a prompt by its name, or of the default prompt."""
    settings = sentence_modules(bert)
    name = settings.default_prompt if name is None else name
    if name is not None and name not in settings.prompts:
        known = ", ".join(settings.prompts) or "none"
        raise UserError(f"the prompt is {name!r}; the prompts of {bert.name} are: {known}")
    return "" if name is None else settings.prompts[name]


def encode(bert: Bert, text: Text, before: str = "") -> Encoding:
    """The Encoding of a text with its prompt. UserError: it has more tokens than sentence-transformers would read."""
    settings = sentence_modules(bert)
    if isinstance(text, Encoding) and before:
        raise UserError(f"the text is an Encoding, and the prompt {before!r} cannot be put before it; give the text")
    if not isinstance(text, Encoding):
        parts = (text,) if isinstance(text, str) else text
        first, *rest = (lowercase(bert, part) if settings.lowercase else part for part in parts)
        text = (before + first, rest[0]) if rest else before + first
    encoding = bert.encode(text)
    if settings.longest is not None and len(encoding) > settings.longest:
        most = f"this checkpoint makes vectors of at most {settings.longest} (max_seq_length)"
        raise UserError(f"a text has {len(encoding)} tokens, and {most}: shorten it")
    return encoding


def lowercase(bert: Bert, text: str) -> str:
    """The text in small letters, one character at a time, but for the names of special tokens such as [MASK]."""
    import re  # only needed here

    special = sorted({bert.tokenizer.token(token_id) for token_id in bert.tokenizer.roles}, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, special))})", text) if special else [text]
    return "".join(piece if piece in special else "".join(map(str.lower, piece)) for piece in pieces)


def prompt_tokens(bert: Bert, prompt: str) -> int:
    """How many tokens a prompt has alone, with [CLS] and without [SEP]: so many are left out of the pooling."""
    if not prompt.strip():
        return 1
    encoding = bert.encode(prompt)
    return len(encoding) - (encoding.roles[-1] is not None)


def vector(hidden_TD: np.ndarray, settings: SentenceModules, skipped: int = 0) -> np.ndarray:
    """Return the vector of one text from its last hidden states: pooling, then the modules after it.

    skipped: the tokens of the prompt, which are left out. hidden_TD -> [size]. UserError: no other is there.
    """
    if skipped >= len(hidden_TD):
        why = f"the prompt alone has {skipped} tokens with [CLS], and with the text there are {len(hidden_TD)}"
        raise UserError(f"no token is left to pool without those of the prompt: {why}")
    x = np.concatenate([pool(hidden_TD, kind, skipped) for kind in settings.poolings])
    for module in settings.modules:
        x = apply(module, x)
    return x[: settings.dimensions]


def pool(hidden_TD: np.ndarray, kind: str, skipped: int = 0) -> np.ndarray:
    """Make one vector of the vectors of a text's tokens: hidden_TD -> [D].

    mean                  sum_t hidden_t / T
    mean_sqrt_len_tokens  sum_t hidden_t / sqrt(T)
    weightedmean          sum_t t hidden_t / sum_t t        t counts from 1, the prompt included
    max                   the largest over the tokens, for each of the D numbers
    cls, lasttoken        the first token, the last token
    """
    kept_TD = hidden_TD[skipped:]
    places_T = np.arange(1, len(hidden_TD) + 1, dtype=hidden_TD.dtype)[skipped:]
    if kind == "mean":
        return kept_TD.mean(axis=0)
    if kind == "mean_sqrt_len_tokens":
        return kept_TD.sum(axis=0) / np.sqrt(len(kept_TD), dtype=hidden_TD.dtype)
    if kind == "weightedmean":
        return places_T @ kept_TD / places_T.sum()
    if kind == "max":
        return kept_TD.max(axis=0)
    return kept_TD[0 if kind == "cls" else -1]


def apply(module: Module, x: np.ndarray) -> np.ndarray:
    """Run a module that comes after the pooling: [in] -> [out]."""
    if isinstance(module, Dense):
        y = linear(x[None], *module.linear)
        y = np.tanh(y) if module.activation == "tanh" else ACTIVATIONS.get(module.activation, np.asarray)(y)
        return (y if module.residual is None else y + x @ module.residual.T)[0]
    if isinstance(module, NormWeights):
        return layer_norm(x[None], *module, LAYER_NORM_EPS)[0]
    return x / max(float(np.linalg.norm(x)), 1e-12)


def similarities(vectors_ND: np.ndarray, kind: str) -> np.ndarray:
    """How similar every two vectors are, by the measure that the checkpoint names: [N, N].

    cosine      x . y / (|x| |y|)
    dot         x . y
    euclidean   -|x - y|
    manhattan   -sum_i |x_i - y_i|
    """
    if kind in ("euclidean", "manhattan"):
        apart_NND = vectors_ND[:, None] - vectors_ND
        return -np.linalg.norm(apart_NND, ord=2 if kind == "euclidean" else 1, axis=-1)
    if kind != "dot":
        vectors_ND = vectors_ND / np.linalg.norm(vectors_ND, axis=-1, keepdims=True)
    return vectors_ND @ vectors_ND.T

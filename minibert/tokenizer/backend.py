"""From the settings of a tokenizer to one that works, of the `tokenizers` package. Nothing is believed unchecked."""

import json
import math
from collections.abc import Callable, Mapping

import tokenizers

from minibert.errors import CheckpointError
from minibert.files import abbreviate

STEPS = {
    "model": ("WordPiece", "BPE", "Unigram"),
    "normalizer": (
        "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "Replace", "Precompiled"
    ),
    "pre_tokenizer": (
        "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "ByteLevel", "Metaspace"
    ),
    "post_processor": ("BertProcessing", "RobertaProcessing", "TemplateProcessing", "ByteLevel"),
}  # fmt: skip
"""What a tokenizer.json may ask for. None of it can run for ever, as a regular expression from a stranger can."""

LONGEST_WORD = 1000
"""Characters. WordPiece tries every piece of a word: time grows with the square. Checkpoints have 100 or 200."""


def build_backend(settings: Mapping) -> tokenizers.Tokenizer:
    """What a tokenizer.json describes, without the padding and truncation that some have switched on."""
    model = {"type": kind_of(settings["model"]), **settings["model"]}
    check_steps({**settings, "model": model})
    empty = {"type": "WordPiece", "vocab": {}, "unk_token": "", "max_input_chars_per_word": 1}
    empty["continuing_subword_prefix"] = ""
    frame = {kind: settings.get(kind) for kind in STEPS} | {"model": empty, "added_tokens": []}
    backend = tokenizers.Tokenizer.from_str(json.dumps(frame))
    backend.model = BUILD[model["type"]](model)
    backend.add_tokens([added_token(token) for token in settings["added_tokens"]])
    return backend


def kind_of(model: Mapping) -> str:
    """How it cuts words: WordPiece, BPE or Unigram. Files of 2020 do not say it, and it shows in what they have."""
    unsaid = "BPE" if "merges" in model else "Unigram" if "unk_id" in model else "WordPiece"
    return model.get("type", unsaid)


def check_steps(settings: Mapping) -> None:
    """NotImplementedError where a step of the tokenizer is none of STEPS."""
    for kind, known in STEPS.items():
        for step in steps_of(settings.get(kind)):
            if step["type"] not in known:
                raise NotImplementedError(f"the {kind} {abbreviate(step['type'])} is not one of {', '.join(known)}")
            if step["type"] == "Replace" and (pattern(step), step.get("content")) not in REPLACED:
                raise NotImplementedError(f"the {kind} {abbreviate(step)} is none that is known of BERT's family")


REPLACED = {("``", '"'), ("''", '"'), (" {2,}", " "), (" {2,}", "▁")}
"""What a Replace may replace: ALBERT's quotation marks, and spaces in a row, by one."""


def pattern(step: Mapping) -> str:
    """What a Replace looks for."""
    return next(iter(step["pattern"].values()))


def steps_of(part: Mapping | None) -> list[Mapping]:
    """The steps of one part of a tokenizer.json: none, one, or the members of a Sequence."""
    if not part:
        return []
    if part["type"] == "Sequence":
        return part.get("normalizers") or part.get("pretokenizers") or part["processors"]
    return [part]


def build_word_piece(model: Mapping) -> tokenizers.models.WordPiece:
    """The model that cuts words, from its vocabulary (which is far quicker than by way of JSON)."""
    vocab, unknown, longest = model["vocab"], model["unk_token"], model["max_input_chars_per_word"]
    if unknown not in vocab or longest > LONGEST_WORD:
        raise ValueError(
            f"unk_token {unknown} must be in the vocabulary, max_input_chars_per_word at most {LONGEST_WORD}"
        )
    prefix = model["continuing_subword_prefix"]
    return tokenizers.models.WordPiece(
        vocab, unk_token=unknown, max_input_chars_per_word=longest, continuing_subword_prefix=prefix
    )


def build_bpe(model: Mapping) -> tokenizers.models.BPE:
    """The model that joins pairs. With a dropout, as in training, it would cut words in another way each time."""
    if model.get("dropout"):
        raise NotImplementedError(f"the dropout {abbreviate(model['dropout'])} is not 0: that is for training")
    merges = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
    given = (
        "unk_token",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "fuse_unk",
        "byte_fallback",
        "ignore_merges",
    )
    kept = {name: model[name] for name in given if model.get(name)}
    return tokenizers.models.BPE(vocab=model["vocab"], merges=merges, **kept)


def build_unigram(model: Mapping) -> tokenizers.models.Unigram:
    """The model that looks for the most probable pieces: a vocabulary of pieces, each with its log-probability."""
    pieces = [(piece, float(score)) for piece, score in model["vocab"]]
    if not all(piece and math.isfinite(score) for piece, score in pieces):
        raise ValueError("a piece of the vocabulary is empty, or its score is no number")
    return tokenizers.models.Unigram(pieces, model["unk_id"], bool(model.get("byte_fallback")))


BUILD = {"WordPiece": build_word_piece, "BPE": build_bpe, "Unigram": build_unigram}


def added_token(token: Mapping) -> tokenizers.AddedToken:
    """A token that is never cut into pieces, wherever it stands in a text."""
    return tokenizers.AddedToken(**{name: value for name, value in token.items() if name not in ("id", "__type")})


def sign_of(settings: Mapping) -> str:
    """What the vocabulary of a tokenizer.json puts before or in its pieces, "##", "bytes" or "▁"; see `pieces`."""
    if kind_of(settings["model"]) == "WordPiece":
        return "##"
    return "bytes" if any(step["type"] == "ByteLevel" for step in steps_of(settings.get("pre_tokenizer"))) else "▁"


def largest_id(backend: tokenizers.Tokenizer, settings: Mapping) -> int:
    """The largest id that the tokenizer can give. (`get_vocab` would copy all tokens.)"""
    added, vocab = backend.get_added_tokens_decoder(), settings["model"]["vocab"]
    ids = vocab.values() if isinstance(vocab, Mapping) else [len(vocab) - 1]
    return max([*ids, *added, *backend.encode("a", "a").ids])


def moved_tokens(backend: tokenizers.Tokenizer, settings: Mapping) -> list[str]:
    """Added tokens whose id is not the one in the files, which must be the next one after the vocabulary."""
    return [
        f"{abbreviate(token['content'])} is {backend.token_to_id(token['content'])}, not {abbreviate(token['id'])}"
        for token in settings["added_tokens"]
        if token.get("id") not in (None, backend.token_to_id(token["content"]))
    ]


def attempt(what: object, function: Callable, *arguments: object):
    """function(*arguments), with whatever goes wrong in it as a CheckpointError about `what`.

    The backend raises bare Exceptions, and Rust's panics are not even that.
    """
    try:
        return function(*arguments)
    except (CheckpointError, NotImplementedError, MemoryError):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # Ctrl-C, sys.exit() in a signal handler, a generator that is closed
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise CheckpointError(f"{what} is not a tokenizer that works ({problem}); get the file again") from None

"""From the settings of a tokenizer to a backend, which cuts texts. Nothing in the settings is believed unchecked.

The backend is a Tokenizer of the `tokenizers` package (`rust.py`). Where that is not installed, it is WordPiece in
plain Python (`plain.py`). For Japanese it is WordPiece on the words of MeCab (`japanese.py`).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from minibert.errors import CheckpointError
from minibert.files import abbreviate


class Backend(Protocol):
    """What minibert uses of a Tokenizer of the `tokenizers` package, under the names that it has there."""

    def encode(self, sequence: str, pair: str | None = None) -> Any:
        """A sentence or a pair as tokens: lists `ids`, `type_ids`, `offsets`, `word_ids`, `sequence_ids`."""

    def token_to_id(self, token: str) -> int | None: ...

    def id_to_token(self, id: int) -> str | None: ...

    def get_vocab(self) -> dict[str, int]:
        """All tokens with their ids, added ones too."""

    def get_vocab_size(self) -> int: ...

    def get_added_tokens_decoder(self) -> Mapping[int, Any]:
        """The added tokens by their ids, with their `content` and whether they are `special`."""

    def to_str(self) -> str:
        """The settings in JSON. Two backends with the same settings cut every text alike."""


STEPS = {
    "model": ("WordPiece", "BPE", "Unigram", "WordLevel"),
    "normalizer": (
        "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "Replace", "Precompiled"
    ),
    "pre_tokenizer": (
        "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "ByteLevel", "Metaspace"
    ),
    "post_processor": ("BertProcessing", "RobertaProcessing", "TemplateProcessing", "ByteLevel"),
}  # fmt: skip
"""The steps that a tokenizer.json may have. A regular expression is none of them: a hostile one can run for ever."""

LONGEST_WORD = 1000
"""Characters. WordPiece tries every piece of a word, so time grows with the square. Checkpoints have 100 or 200."""


def build_backend(settings: Mapping) -> Backend:
    """The tokenizer that a tokenizer.json describes, without its padding and truncation.

    NotImplementedError: it needs a step that minibert does not have, or a package that is not installed.
    """
    settings = {**settings, "model": {"type": kind_of(settings["model"]), **settings["model"]}}
    check_steps(settings)
    CHECK[settings["model"]["type"]](settings["model"])
    try:
        from minibert.tokenizer.rust import build
    except ModuleNotFoundError as error:
        if error.name != "tokenizers":
            raise
        from minibert.tokenizer.plain import PlainTokenizer

        return PlainTokenizer(settings)
    return build(settings)


def kind_of(model: Mapping) -> str:
    """WordPiece, BPE, Unigram or WordLevel. Files of 2020 do not name it; their other settings show which it is."""
    unsaid = "BPE" if "merges" in model else "Unigram" if "unk_id" in model else "WordPiece"
    return model.get("type", unsaid)


def check_steps(settings: Mapping) -> None:
    """NotImplementedError: a step of the tokenizer is none of STEPS."""
    for kind, known in STEPS.items():
        for step in steps_of(settings.get(kind)):
            if step["type"] not in known:
                raise NotImplementedError(f"the {kind} {abbreviate(step['type'])} is not one of {', '.join(known)}")
            if step["type"] == "Replace" and (pattern(step), step.get("content")) not in REPLACED:
                raise NotImplementedError(f"the {kind} {abbreviate(step)} is none that is known of BERT's family")


REPLACED = {("``", '"'), ("''", '"'), (" {2,}", " "), (" {2,}", "▁"), (r"\s{2,}|[\n\r\t]", " ")}
"""The (pattern, content) that a Replace may have: ALBERT's quotation marks, and several spaces by one."""


def pattern(step: Mapping) -> str:
    """The text or the regular expression that a Replace finds."""
    return next(iter(step["pattern"].values()))


def steps_of(part: Mapping | None) -> list[Mapping]:
    """The steps of one part of a tokenizer.json: none, one, or the members of a Sequence."""
    if not part:
        return []
    if part["type"] == "Sequence":
        return part.get("normalizers") or part.get("pretokenizers") or part["processors"]
    return [part]


def check_word_piece(model: Mapping) -> None:
    unknown, longest = model["unk_token"], model["max_input_chars_per_word"]
    if unknown not in model["vocab"] or longest > LONGEST_WORD:
        limit = f"max_input_chars_per_word at most {LONGEST_WORD}"
        raise ValueError(f"unk_token {unknown} must be in the vocabulary, {limit}")


def check_word_level(model: Mapping) -> None:
    """Each word is one token, or the unknown one."""
    if model["unk_token"] not in model["vocab"]:
        raise ValueError(f"unk_token {model['unk_token']} must be in the vocabulary")


def check_bpe(model: Mapping) -> None:
    """NotImplementedError: it has a dropout, which is for training, and cuts a word in another way each time."""
    if model.get("dropout"):
        raise NotImplementedError(f"the dropout {abbreviate(model['dropout'])} is not 0: that is for training")


def check_unigram(model: Mapping) -> None:
    """The vocabulary is pieces, each with its log-probability."""
    if not all(piece and math.isfinite(float(score)) for piece, score in model["vocab"]):
        raise ValueError("a piece of the vocabulary is empty, or its score is no number")


CHECK = {"WordPiece": check_word_piece, "BPE": check_bpe, "Unigram": check_unigram, "WordLevel": check_word_level}


def sign_of(settings: Mapping) -> str:
    """How the vocabulary marks its pieces: "##", "bytes" or "▁"; see `pieces`. Whole words are shown as with "##"."""
    before, kind = {step["type"] for step in steps_of(settings.get("pre_tokenizer"))}, kind_of(settings["model"])
    if kind == "WordPiece" or (kind == "WordLevel" and before.isdisjoint({"ByteLevel", "Metaspace"})):
        return "##"
    return "bytes" if "ByteLevel" in before else "▁"


def largest_id(backend: Backend, settings: Mapping) -> int:
    """The largest id that a text can get. (`get_vocab` would copy all tokens.)"""
    added, vocab = backend.get_added_tokens_decoder(), settings["model"]["vocab"]
    ids = vocab.values() if isinstance(vocab, Mapping) else [len(vocab) - 1]
    return max([*ids, *added, *backend.encode("a", "a").ids])


def moved_tokens(backend: Backend, settings: Mapping) -> list[str]:
    """The added tokens whose id is not that of the files. A backend gives the next id after the vocabulary."""
    return [
        f"{abbreviate(token['content'])} is {backend.token_to_id(token['content'])}, not {abbreviate(token['id'])}"
        for token in settings["added_tokens"]
        if token.get("id") not in (None, backend.token_to_id(token["content"]))
    ]


def attempt(what: object, function: Callable, *arguments: object):
    """Return function(*arguments). CheckpointError about `what`: it raised.

    The `tokenizers` package raises bare Exceptions, and a panic in Rust arrives as a BaseException.
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

"""From the pieces of the tokenizer back to words: "cap", "##y", "##bara" -> "capybara"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BROKEN = re.compile(r"(?:\\x[0-9a-f]{2})+")
"""The bytes of a character that was cut, as tokens show them: \\xf0\\x9f."""


@dataclass(frozen=True)
class Words:
    """The words of the sentences, in order. A token that belongs to no word, such as [CLS], is a word of its own.

    labels: the words.
    of_token: [N], the word of each token: 0, 1, 1, 1, 2, ...
    sentences: [W], the sentence of each word.
    special: [W], True for a token that belongs to no word.
    """

    labels: list[str]
    of_token: np.ndarray
    sentences: np.ndarray
    special: np.ndarray

    def mean(self, points: np.ndarray) -> np.ndarray:
        """Points of tokens [..., N, K] -> points of words [..., W, K], each the mean of its pieces.

        ValueError: another number of tokens.
        """
        tokens = len(self.of_token)
        if np.ndim(points) < 2 or np.shape(points)[-2] != tokens:
            raise ValueError(f"points must have shape [..., {tokens}, K], one row per token, not {[*np.shape(points)]}")
        return _mean(points, self._first(slice(0, tokens)))

    def attention(self, blocks: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Attention between words from attention between tokens, one array [..., S, S] per sentence.

        It is the sum over the pieces of the key and the mean over the pieces of the query, so each row still sums to 1.

        ValueError: blocks of other sentences.
        """
        starts = np.flatnonzero(np.diff(self.sentences[self.of_token], prepend=np.nan))
        lengths = np.diff(starts, append=len(self.of_token)).tolist()
        given = [list(np.shape(block)[-2:]) for block in blocks]
        if given != [[n, n] for n in lengths]:
            raise ValueError(f"attention must be one square per sentence, of sizes {lengths}, not {given}")
        result = []
        for block, start, length in zip(blocks, starts, lengths, strict=True):
            first = self._first(slice(start, start + length))
            result.append(_mean(np.add.reduceat(block, first, axis=-1), first))
        return result

    def _first(self, tokens: slice) -> np.ndarray:
        """The place of the first piece of each word among these tokens. The pieces of a word stand together."""
        return np.flatnonzero(np.diff(self.of_token[tokens], prepend=-1))


def _mean(rows: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The mean of rows [..., S, K] from each first one up to the next, [..., W, K]."""
    count = np.diff(first, append=np.shape(rows)[-2])[:, None]
    total = np.add.reduceat(rows, first, axis=-2)
    return (total / count).astype(total.dtype, copy=False) if total.dtype.kind == "f" else total / count


def _character(found: re.Match[str]) -> str:
    """The character with these bytes; if some bytes are missing, their escapes."""
    return bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", "backslashreplace")


def find_words(tokens: Sequence[str], words: Sequence[object], sentences: np.ndarray | None = None) -> Words:
    """The `Words` of tokens.

    tokens: [N] pieces.
    words: [N], any value that is equal for neighboring pieces of one word; None: no word.
    sentences: [N], the sentence of each token; None: one sentence.

    ValueError: not as many words and sentences as tokens.
    """
    sentences = np.zeros(len(tokens), int) if sentences is None else np.asarray(sentences)
    if not len(tokens) == len(words) == len(sentences):
        given = f"{len(tokens)}, {len(words)} and {len(sentences)}"
        raise ValueError(f"tokens, words and sentences must have one entry per token each, not {given}")
    labels: list[str] = []
    of_token, first = [], []
    before = None
    for place, (token, word, sentence) in enumerate(zip(tokens, words, sentences, strict=True)):
        if word is not None and (sentence, word) == before:
            labels[-1] = labels[-1].removesuffix("▁") + token.removeprefix("##")  # "▁": a space, before a word
        else:
            labels.append(token)
            first.append(place)
        of_token.append(len(labels) - 1)
        before = None if word is None else (sentence, word)
    labels = [BROKEN.sub(_character, label) for label in labels]
    special = np.array([words[place] is None for place in first], bool)
    return Words(labels, np.array(of_token, int), sentences[first], special)

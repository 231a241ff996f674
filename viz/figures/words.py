"""From pieces back to words: "cap", "##y", "##bara" -> "capybara"."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Words:
    """The words of the sentences, in order; a token that belongs to no word, such as [CLS], stands for itself.

    labels: the words.  of_token: [N], the word of each token.  sentences: [W], the sentence of each word.
    special: [W], whether the word is such a lone token.
    """

    labels: list[str]
    of_token: np.ndarray
    sentences: np.ndarray
    special: np.ndarray

    def mean(self, points: np.ndarray) -> np.ndarray:
        """Points of tokens [..., N, K] -> points of words [..., W, K], each the mean of its pieces."""
        return self._share() @ points

    def attention(self, blocks: list[np.ndarray]) -> list[np.ndarray]:
        """Attention between tokens, [..., S, S] a sentence -> between words: summed over key pieces, since attention is
        shared out among them; averaged over query pieces, so that each row still sums to 1."""
        result, start = [], 0
        for block in blocks:
            tokens = slice(start, start + block.shape[-1])
            words = np.unique(self.of_token[tokens])
            share = self._share()[words, tokens]
            result.append(share @ block @ (share > 0).T)
            start = tokens.stop
        return result

    def _share(self) -> np.ndarray:
        """[W, N], rows sum to 1."""
        belongs = np.arange(len(self.labels))[:, None] == self.of_token
        return (belongs / belongs.sum(axis=1, keepdims=True)).astype(np.float32)


def find_words(tokens: Sequence[str], words: Sequence[object], sentences: np.ndarray | None = None) -> Words:
    """tokens: [N] pieces. words: [N] anything that is equal for neighbouring pieces of one word; None: no word.
    sentences: [N], the sentence of each token; None: one sentence."""
    sentences = np.zeros(len(tokens), int) if sentences is None else np.asarray(sentences)
    labels, of_token, first = [], [], []
    before = None
    for place, (token, word, sentence) in enumerate(zip(tokens, words, sentences, strict=True)):
        if word is not None and (sentence, word) == before:
            labels[-1] += token.removeprefix("##")
        else:
            labels.append(token)
            first.append(place)
        of_token.append(len(labels) - 1)
        before = None if word is None else (sentence, word)
    special = np.array([words[place] is None for place in first], bool)
    return Words(labels, np.array(of_token), sentences[first], special)

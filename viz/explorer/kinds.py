"""The kind of a head: the one place that clearly gets its attention, and the numbers that show it.

Special tokens (those that are no piece of a word, such as [CLS]) are left out as queries and as keys, since they get
most of the attention of many heads. The kind is where the rest goes.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REACH = 10
CLEAR = 0.4
"""The share of a head's attention that one place must get to name the head."""
OTHER = 0.75
"""The same for the other sentence of a pair, which has about half of all words."""
BROAD = 0.8
"""The share of the largest possible entropy from which on a head is called broad."""
FEWEST = 8
"""The number of queries that a name needs, or half of all where there are fewer."""
OFFSETS = (-1, 1, 0, *(sign * step for step in range(2, REACH + 1) for sign in (-1, 1)))
PLACES = (*OFFSETS, "same", "punctuation", "other")


@dataclass(frozen=True)
class Kinds:
    """names: one per head, an offset as a string ("-1") or a word of PLACES, "special", "broad" or "mixed".

    share: [heads], the share of that place in the attention from words to words.
    left: [heads], the share of words, not special tokens, in the attention of words.
    queries: [heads], how many queries have such a place.
    best: [heads], the sentence in which the kind is clearest.
    """

    names: list[str]
    share: np.ndarray
    left: np.ndarray
    queries: np.ndarray
    best: np.ndarray


def kinds(
    attention: Sequence[np.ndarray],
    tokens: Sequence[Sequence[str]],
    words: Sequence[Sequence],
    segments: Sequence[Sequence[int]],
) -> Kinds:
    """attention: per sentence [H, T, T]; tokens, words (None for special tokens), segments: per sentence [T]."""
    heads = len(attention[0])
    given = np.zeros((heads, len(PLACES), len(tokens)))  # attention that each place of each sentence gets
    spent = np.zeros_like(given)  # by the same queries, on all words
    asked = np.zeros((len(PLACES), len(tokens)))  # by how many queries
    all_words, all_queries, surprise, largest = np.zeros(heads), 0, np.zeros(heads), 0.0
    for s, weights in enumerate(attention):
        word = np.array([w is not None for w in words[s]])
        weights = weights[:, word][:, :, word].astype(np.float64)  # word queries, word keys
        on_words = weights.sum(axis=-1)
        all_words, all_queries = all_words + on_words.sum(axis=-1), all_queries + len(on_words[0])
        share = weights / np.maximum(on_words, 1e-12)[..., None]
        surprise -= np.einsum("hqk,hqk->h", share, np.log2(np.maximum(share, 1e-12)))
        largest += word.sum() * np.log2(max(1, word.sum()))
        for p, mask in enumerate(places(tokens[s], words[s], segments[s], word)):
            asking = mask.any(axis=-1)
            given[:, p, s] = np.einsum("hqk,qk->h", weights, mask)
            spent[:, p, s] = on_words[:, asking].sum(axis=-1)
            asked[p, s] = asking.sum()
    share = given.sum(axis=-1) / np.maximum(spent.sum(axis=-1), 1e-12)
    queries = asked.sum(axis=-1)
    needed = np.where(np.array(PLACES) == "other", OTHER, CLEAR)
    clear = (share >= needed) & (queries >= min(FEWEST, max(1, all_queries // 2)))
    place = np.where(clear, share, -1).argmax(axis=-1)
    left = all_words / max(1, all_queries)
    names = []
    for h in range(heads):
        if clear[h, place[h]]:
            names.append(str(PLACES[place[h]]))
        elif left[h] <= 1 - CLEAR:
            names.append("special")
        else:
            names.append("broad" if surprise[h] >= BROAD * largest else "mixed")
    here = np.arange(heads)
    enough = asked[place] >= np.minimum(4, asked[place].max(axis=-1, keepdims=True))
    each = np.where(enough, given[here, place] / np.maximum(spent[here, place], 1e-12), -1)
    return Kinds(names, share[here, place], left, queries[place].astype(int), each.argmax(axis=-1))


def places(tokens: Sequence[str], words: Sequence, segments: Sequence[int], word: np.ndarray):
    """For each of PLACES a mask [queries, keys] of the words of a sentence: which keys lie there."""
    position = np.flatnonzero(word)
    offset = position - position[:, None]
    for step in OFFSETS:
        yield offset == step
    names = np.array([str(token) for token, of_word in zip(tokens, word, strict=True) if of_word], dtype=object)
    twin = (names == names[:, None]) & (offset != 0)
    marks = np.array([is_punctuation(name) for name in names], bool)
    twin[marks] = False  # a comma is no word that is said again
    yield twin
    yield np.broadcast_to(marks, twin.shape) & (offset != 0)
    segment = np.array(segments)[position]
    yield segment != segment[:, None]


def is_punctuation(token: str) -> bool:
    return bool(token) and all(unicodedata.category(letter)[0] in "PS" for letter in token)

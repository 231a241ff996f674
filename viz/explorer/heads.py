"""What the page has of each head: its points in every picture, scores, lengths, averages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

import viz.explorer.pack as pack
from viz.explorer.columns import LayerNumbers, by_position
from viz.explorer.kinds import kinds
from viz.explorer.sentence import Sentence
from viz.explorer.size import Contents
from viz.explorer.tour import closeness
from viz.geometry.attention_plane import AttentionPlane
from viz.geometry.normalize import METHODS, Normalized, normalize
from viz.geometry.pca import PcaPlane
from viz.geometry.sentences import softmax
from viz.measures.habits import habits
from viz.measures.held import Held, held
from viz.measures.measure import measure_all
from viz.measures.parking import Parking, parking

Packed = dict[str, Any]
"""One head as the page's data has it."""


@dataclass(frozen=True)
class Picture:
    """All heads of a layer, moved and drawn with three coordinates.

    moved   the move and its plane, which may have fewer coordinates: the others are 0
    sign    [H, 3] -1 where the picture is mirrored along that axis
    places  [H, 2 N, 3] all queries, then all keys
    """

    moved: Normalized
    sign: np.ndarray
    places: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """The share of each axis in the variance, [H, 3]; NaN where the axes were not chosen for it."""
        if isinstance(self.moved.plane, PcaPlane):
            return in_three(self.moved.plane.explained_variance_ratio, -1)
        return np.full(self.sign.shape, np.nan)

    def maps(self, head: int) -> dict[str, str]:
        """What lays other tokens into the same picture, as `Normalized.apply` and the plane do.

            x = query_map q + query_offset        x = key_map k + key_offset + lift sqrt(R^2 - |k + a|^2)

        a is the translation, R the radius of the keys' sphere. lift is empty where they lie on none.
        """
        plane = cast(PcaPlane | AttentionPlane, self.moved.plane)
        scale, translation = self.moved.scale[head], self.moved.translation[head]
        K = len(translation)
        key_map = plane.key_map[head]
        maps = {
            "query_map": plane.query_map[head, :, :K] * scale,
            "query_offset": plane.query_offset[head],
            "key_map": key_map[:, :K] / scale,
            "key_offset": plane.key_offset[head] + key_map[:, :K] @ translation / scale,
            "lift": key_map[:, K:] / scale,
        }
        signed = {name: (in_three(array, 0).T * self.sign[head]).T for name, array in maps.items()}
        return {name: pack.float32(array) for name, array in (signed | {"translation": translation}).items()}


def explore_layer(sentences: Sequence[Sentence], layer: int, contents: Contents) -> tuple[LayerNumbers, list[Packed]]:
    """The numbers of the heads of one layer, and each head packed."""
    query, key = [s.query[layer] for s in sentences], [s.key[layer] for s in sentences]
    root = math.sqrt(query[0].shape[-1])
    scores = [q @ k.mT / root for q, k in zip(query, key, strict=True)]
    attention = [softmax(s) for s in scores]
    tokens = [s.tokens for s in sentences]
    sentence_of = np.repeat(np.arange(len(tokens)), [len(t) for t in tokens])
    query_HNK, key_HNK = np.concatenate(query, axis=1), np.concatenate(key, axis=1)
    count = len(sentence_of)

    pictures = draw(query_HNK, key_HNK, sentence_of, attention, contents.methods)
    moved = [flat(p.moved) for p in pictures.values()]
    is_word = np.concatenate([[word is not None for word in s.words] for s in sentences])
    measures, of_words = (measure_all(moved, attention, sentence_of, words) for words in (None, is_word))
    first, *others = [habits(a, s.tokens, s.roles or None) for a, s in zip(attention, sentences, strict=True)]
    habit = sum(others, first)
    every_token = [token for sentence in tokens for token in sentence]
    numbers = LayerNumbers(
        habits=habit,
        kinds=kinds(attention, tokens, [s.words for s in sentences], [s.segments for s in sentences]),
        measures=dict(zip(pictures, measures, strict=True)),
        measures_words=dict(zip(pictures, of_words, strict=True)),
        held={name: held_in(query, key, p, sentence_of) for name, p in pictures.items()},
        held_words={name: held_in(query, key, p, np.where(is_word, sentence_of, -1)) for name, p in pictures.items()},
        parking=parking_in(attention, sentences, layer),
        closeness={name: closeness(p.places[:, count:, :2], every_token) for name, p in pictures.items()},
        scales={name: p.moved.scale for name, p in pictures.items()},
        translations={name: np.linalg.norm(p.moved.translation, axis=-1) for name, p in pictures.items()},
        variances={name: p.variance[:, :2].sum(axis=-1) for name, p in pictures.items()},
    )

    norms = np.linalg.norm(np.concatenate([query_HNK, key_HNK], axis=1), axis=-1)
    average = by_position(attention, contents.across)
    packed = []
    for head in range(len(query_HNK)):
        is_whole = contents.whole[:, layer, head]
        inner = is_whole[sentence_of]
        whole = np.flatnonzero(is_whole).tolist()
        vectors = np.stack([query_HNK[head, inner], key_HNK[head, inner]])
        data = pack_pictures(pictures, head, inner, contents) | pack_leans(pictures, head, vectors)
        data["longest"] = float(norms[head].max())
        data["norms"] = pack.unsigned(norms[head], data["longest"])
        data["scores"] = pack.float32(end_to_end([scores[s][head] for s in whole]))
        data["relative"] = pack.unsigned(habit.by_offset[head], 1)
        data["average"] = pack.unsigned(average[head], 1)
        lengths = [sentences[s].value_length for s in whole]
        if sentences[0].value_length is not None:
            data["values"] = pack.float32(end_to_end([v[layer, head] for v in lengths if v is not None]))
        sent = [sentences[s].moved_length for s in whole]
        if sentences[0].moved_length is not None:
            data["moved"] = pack.ratios(end_to_end([v[layer, head] for v in sent if v is not None]))
        if contents.vectors:
            data["steepest"] = float(np.abs(vectors).max(initial=0))
            data["vectors"] = pack.signed(vectors, data["steepest"])
        packed.append(data)
    return numbers, packed


def held_in(query: Sequence[np.ndarray], key: Sequence[np.ndarray], picture: Picture, sentence_of: np.ndarray) -> Held:
    """What a picture holds of the scores of all sentences. sentence_of: [N]; -1 for tokens that are left out."""
    query_HNK, key_HNK = np.concatenate(query, axis=1), np.concatenate(key, axis=1)
    x, y = np.split(picture.places[..., :2], 2, axis=1)
    places = [np.flatnonzero(sentence_of == number) for number in range(len(query))]
    first, *others = (
        held(*(a[:, at] for a in (query_HNK, key_HNK, x, y))) for at in places if len(at) > 1 or at is places[0]
    )
    return sum(others, first)


def parking_in(attention: Sequence[np.ndarray], sentences: Sequence[Sentence], layer: int) -> Parking | None:
    """What the words of all sentences park; None where it is not known how long what they are sent is."""
    found = [
        parking(weights, s.moved_length[layer], np.array([word is None for word in s.words]))
        for weights, s in zip(attention, sentences, strict=True)
        if s.moved_length is not None
    ]
    return sum(found[1:], found[0]) if found else None


def draw(
    query: np.ndarray, key: np.ndarray, sentence_of: np.ndarray, attention: list[np.ndarray], methods: Sequence[str]
) -> dict[str, Picture]:
    """The pictures of all heads of a layer, query and key [H, N, K], each mirrored to look most like the first.

    A principal component may point either way; points that only swap sides would say nothing when one picture moves
    into the other.
    """
    components = min(3, 2 * query.shape[1], query.shape[-1])
    pictures: dict[str, Picture] = {}
    for method in methods:
        if method in METHODS:
            moved = normalize(query, key, sentence_of, method, components=components, attention=attention)
        else:
            moved = normalize(query, key, sentence_of, "raw", plane="attention", attention=attention)
        places = in_three(np.concatenate([moved.query_drawn, moved.key_drawn], axis=-2), -1)
        first = pictures[methods[0]].places if pictures else places
        sign = np.where(np.einsum("hnc,hnc->hc", places, first) < 0, -1, 1).astype(places.dtype)
        pictures[method] = Picture(moved, sign, places * sign[:, None])
    return pictures


def flat(moved: Normalized) -> Normalized:
    """With two components, as it is measured."""
    if not isinstance(moved.plane, PcaPlane):
        return moved  # the attention plane is fitted flat
    return replace(moved, plane=replace(moved.plane, components=moved.plane.components[:, :2]))


def in_three(array: np.ndarray, axis: int) -> np.ndarray:
    """The array with zeros up to a length of 3 along the axis."""
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, 3 - array.shape[axis])
    return np.pad(array, widths)


def pack_pictures(pictures: dict[str, Picture], head: int, inner: np.ndarray, contents: Contents) -> Packed:
    """The points of a head in each picture. inner: [N] whether the page has the token in every picture."""
    names = ("xy", "z", "extent", "variance", "scale", "radius", *(["move"] if contents.moves else []))
    data: Packed = {name: {} for name in names}
    for method, picture in pictures.items():
        places, variance, radius = picture.places[head], picture.variance[head], picture.moved.radius
        largest = float(np.abs(places).max())
        sides = places.reshape(2, -1, 3)
        data["xy"][method] = pack.signed(sides[:, :, :2] if method == contents.drawn else sides[:, inner, :2], largest)
        data["z"][method] = pack.signed(sides[:, inner, 2], largest)
        data["extent"][method] = largest
        data["variance"][method] = None if np.isnan(variance[0]) else variance.round(4).tolist()
        data["scale"][method] = float(picture.moved.scale[head])
        data["radius"][method] = None if radius is None else float(radius[head])
        if contents.moves:
            data["move"][method] = picture.maps(head)
    return data


def pack_leans(pictures: dict[str, Picture], head: int, vectors: np.ndarray) -> Packed:
    """How each translation a changes dot products and lengths: q . a and k . a of each token; None where a is 0.

    With them, |q|, |k| and q . k the page computes every distance in the full space. vectors: queries and keys.
    """
    leans: dict[str, dict[str, Any] | None] = {}
    for method, picture in pictures.items():
        a = picture.moved.translation[head]
        numbers = vectors @ a
        largest = float(np.abs(numbers).max(initial=0))
        lean = {"largest": largest, "square": float(a @ a), "numbers": pack.signed(numbers, largest)}
        leans[method] = lean if a.any() else None
    return {"lean": leans}


def end_to_end(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0)

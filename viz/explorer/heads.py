"""What the page holds of each head: its points in every picture, scores, lengths, averages."""

import math
from dataclasses import replace

import numpy as np

from viz.explorer import pack
from viz.explorer.columns import by_position
from viz.explorer.facts import closeness
from viz.explorer.kinds import kinds
from viz.geometry.attention_plane import AttentionPlane
from viz.geometry.normalize import METHODS, Normalized, normalize
from viz.geometry.sentences import softmax
from viz.measures.habits import habits
from viz.measures.measure import measure_all

PICTURES = (*METHODS, "attention")
"""The moves, each drawn in the plane of its principal components, and the attention plane."""


def explore_layer(sentences, query, key, lengths, kept, drawn, with_vectors, with_moves, across, methods=PICTURES):
    """One layer: what is known of its heads, and each head packed.

    sentences: (tokens, words, segments) of all sentences, each a list of one entry per sentence.
    query, key: [H, T, K] per sentence; lengths: [H, T] per sentence, or None.
    kept: [sentences, H] whether the page holds the scores of the sentence in that head.
    """
    tokens, words, segments = sentences
    root = math.sqrt(query[0].shape[-1])
    scores = [q @ k.mT / root for q, k in zip(query, key, strict=True)]
    attention = [softmax(s) for s in scores]
    sizes = np.array([len(t) for t in tokens])
    sentence_of = np.repeat(np.arange(len(tokens)), sizes)
    query_HNK, key_HNK = np.concatenate(query, axis=1), np.concatenate(key, axis=1)
    count = len(sentence_of)

    components = min(3, 2 * count, query_HNK.shape[-1])
    options = {"components": components, "attention": attention}
    moved = [normalize(query_HNK, key_HNK, sentence_of, method, **options) for method in METHODS]
    flat = [replace(m, plane=replace(m.plane, components=m.plane.components[:, :2])) for m in moved]
    moved = [drawn_in_three(m) for m in moved]
    if "attention" in methods:
        last = normalize(query_HNK, key_HNK, sentence_of, "raw", plane="attention", attention=attention)
        flat.append(last)
        moved.append(replace(last, plane=attention_in_three(last.plane)))
    measures = dict(zip(methods, measure_all(flat, attention, sentence_of), strict=True))
    first, *others = moved
    moved = dict(zip(methods, [first, *(facing(other, first) for other in others)], strict=True))
    pictures = {method: places(m) for method, m in moved.items()}
    shares = {method: variance(m) for method, m in moved.items()}

    norms = np.linalg.norm(np.concatenate([query_HNK, key_HNK], axis=1), axis=-1)
    each = [habits(a, t) for a, t in zip(attention, tokens, strict=True)]
    habit = sum(each[1:], each[0])
    average = by_position(attention, across)
    packed = []
    for head in range(len(query_HNK)):
        inner = kept[sentence_of, head]
        whole = [s for s in range(len(tokens)) if kept[s, head]]
        data = {"xy": {}, "z": {}, "extent": {}, "variance": {}, "scale": {}, "radius": {}, "lean": {}}
        for method, m in moved.items():
            points = pictures[method][head]
            largest = float(np.abs(points).max())
            sides = points.reshape(2, count, 3)
            data["xy"][method] = pack.signed(sides[:, :, :2] if method == drawn else sides[:, inner, :2], largest)
            data["z"][method] = pack.signed(sides[:, inner, 2], largest)
            data["extent"][method] = largest
            data["variance"][method] = (
                None if np.isnan(shares[method][head, 0]) else shares[method][head].round(4).tolist()
            )
            data["scale"][method] = float(m.scale[head])
            data["radius"][method] = None if m.radius is None else float(m.radius[head])
            data["lean"][method] = lean(m, query_HNK, key_HNK, head, inner)
        data["longest"] = float(norms[head].max())
        data["norms"] = pack.unsigned(norms[head], data["longest"])
        data["scores"] = pack.float32(joined([scores[s][head].ravel() for s in whole]))
        data["relative"] = pack.unsigned(habit.by_offset[head], 1)
        data["average"] = pack.unsigned(average[head], 1)
        if lengths:
            data["values"] = pack.float32(joined([lengths[s][head] for s in whole]))
        if with_vectors:
            vectors = np.stack([query_HNK[head, inner], key_HNK[head, inner]])
            data["steepest"] = float(np.abs(vectors).max(initial=0))
            data["vectors"] = pack.signed(vectors, data["steepest"])
        if with_moves:
            data["move"] = {method: move(m, head) for method, m in moved.items()}
        packed.append(data)
    every_token = [token for sentence in tokens for token in sentence]
    found = {
        "habits": habit,
        "kinds": kinds(attention, tokens, words, segments),
        "measures": measures,
        "closeness": {m: closeness(picture[:, count:, :2], every_token) for m, picture in pictures.items()},
        "scales": {name: m.scale for name, m in moved.items()},
        "translations": {name: np.linalg.norm(m.translation, axis=-1) for name, m in moved.items()},
        "variances": {name: share[..., :2].sum(axis=-1) for name, share in shares.items()},
    }
    return found, packed


def lean(m: Normalized, query, key, head: int, inner) -> dict | None:
    """How the translation a changes dot products and lengths: q . a and k . a of each token; None without one.

    With them, |q|, |k| and q . k the page works out every distance in the full space.
    """
    a = m.translation[head]
    if not a.any():
        return None
    numbers = np.stack([query[head, inner] @ a, key[head, inner] @ a])
    largest = float(np.abs(numbers).max(initial=0))
    return {"largest": largest, "square": float(a @ a), "numbers": pack.signed(numbers, largest)}


def move(m: Normalized, head: int) -> dict:
    """All that it takes to lay other tokens into the same picture, as `Normalized.apply` and the plane do."""
    if isinstance(m.plane, AttentionPlane):
        maps = ("query_map", "query_offset", "key_map", "key_offset")
        return {name: pack.float32(getattr(m.plane, name)[head]) for name in maps}
    return {
        "translation": pack.float32(m.translation[head]),
        "mean": pack.float32(m.plane.mean[head]),
        "axes": pack.float32(m.plane.components[head]),
    }


def joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)


def drawn_in_three(m: Normalized) -> Normalized:
    """With three components; those that there are not are 0."""
    plane = m.plane
    missing = 3 - plane.components.shape[-2]
    plane = replace(
        plane,
        components=np.pad(plane.components, ((0, 0), (0, missing), (0, 0))),
        explained_variance_ratio=np.pad(plane.explained_variance_ratio, ((0, 0), (0, missing))),
    )
    return replace(m, plane=plane)


def attention_in_three(plane: AttentionPlane) -> AttentionPlane:
    """With a third coordinate, 0: the attention plane is fitted flat."""
    rows = ((0, 0), (0, 1), (0, 0))
    return replace(
        plane,
        query_map=np.pad(plane.query_map, rows),
        key_map=np.pad(plane.key_map, rows),
        query_offset=np.pad(plane.query_offset, rows[:2]),
        key_offset=np.pad(plane.key_offset, rows[:2]),
    )


def variance(m: Normalized) -> np.ndarray:
    """The share of each axis in the variance, [H, 3]; NaN where the axes are chosen for something else."""
    if isinstance(m.plane, AttentionPlane):
        return np.full((len(m.query), 3), np.nan)
    return m.plane.explained_variance_ratio


def facing(m: Normalized, other: Normalized) -> Normalized:
    """The picture mirrored, axis by axis, to look most like another: a component may point either way, and points that
    only swap sides would say nothing when one picture moves into the other."""
    agree = np.einsum("hnc,hnc->hc", places(m), places(other))
    sign = np.where(agree < 0, -1, 1).astype(m.query.dtype)
    if isinstance(m.plane, AttentionPlane):
        names = ("query_map", "key_map", "query_offset", "key_offset")
        turned = {n: getattr(m.plane, n) * (sign[:, :, None] if n.endswith("map") else sign) for n in names}
        return replace(m, plane=replace(m.plane, **turned))
    return replace(m, plane=replace(m.plane, components=m.plane.components * sign[:, :, None]))


def places(m: Normalized) -> np.ndarray:
    """All queries, then all keys, in the picture: [H, 2 N, 3]."""
    return np.concatenate([m.query_drawn, m.key_drawn], axis=-2)

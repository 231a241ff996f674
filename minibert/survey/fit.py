"""Queries and keys of the sample, moved in every way."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import viz
from minibert.speed.cores import one_thread, parallel_map, workers
from minibert.survey.sample import Heads, Sample
from minibert.terminal import progress

METHODS = ("raw", "paper", "exact")

Region = Any
"""Some layers and heads, as `np.ix_` gives them."""


def fit(
    sample: Sample,
    where: Heads,
    methods: Sequence[str] = METHODS,
    *,
    scope: str = "head",
    scale: float | None = None,
    distance: str = "euclidean",
    weight: str | None = "attention",
    dims: int = 2,
    plane: str = "pca",
    seed: int = 0,
) -> list[viz.Normalized]:
    """The sample normalised by each of the methods, [layers, heads]; and by another plane than that of PCA, raw.

    scope, scale, distance, weight, plane, seed: see `viz.normalize`. dims: the dimensions of the plane, 2 or 3. With
    the scope "layer" or "model" the fit takes in heads and layers beyond those that are asked for.
    """
    options: dict[str, Any] = {"scale": scale, "distance": distance, "weight": weight, "components": dims}

    def moved(method: str) -> viz.Normalized:
        return normalized(sample, where, method, scope, weight == "attention", **options)

    most = workers()
    with one_thread():
        ways = parallel_map(moved, methods, most)
    if plane != "pca":
        ways.append(fit_plane(sample, where, scope, components=dims, plane=plane, seed=seed))
    return ways


def fit_plane(sample: Sample, where: Heads, scope: str, **options: Any) -> viz.Normalized:
    """The sample, raw, in a plane that takes long: layer by layer where the layers do not share it."""
    pieces = [where] if scope == "model" else [Heads([layer], where.heads) for layer in where.layers]
    step, found = max(1, workers()), []
    with progress(len(where.layers), "layers") as bar:
        for start in range(0, len(pieces), step):
            some = pieces[start : start + step]
            with one_thread():
                found += parallel_map(lambda piece: normalized(sample, piece, "raw", scope, **options), some, step)
            bar.update(sum(len(piece.layers) for piece in some))
    return found[0].beside(*found[1:])


def normalized(
    sample: Sample, where: Heads, method: str, scope: str, with_attention: bool = True, **options: Any
) -> viz.Normalized:
    """Some layers and heads, normalised with all that share a move with them."""
    region, inside = regions(sample, where, scope)
    attention = [block[region] for block in sample.attention] if with_attention else None
    query, key = sample.query[region], sample.key[region]
    return viz.normalize(query, key, sample.sentences, method, attention=attention, scope=scope, **options)[inside]


def regions(sample: Sample, where: Heads, scope: str) -> tuple[Region, Region]:
    """The layers and heads that share something with those asked for, and where among them these are."""
    rows = range(len(sample.query)) if scope == "model" else where.layers
    columns = where.heads if scope == "head" else range(sample.query.shape[1])
    inside = np.ix_([rows.index(layer) for layer in where.layers], [columns.index(head) for head in where.heads])
    return np.ix_(rows, columns), inside

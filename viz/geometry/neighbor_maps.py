"""t-SNE and UMAP, the maps of AttentionViz: neighbors in the whole space stay neighbors in the picture.

They are no projections: what is far apart in the picture may be near in the space, and a token that was not fitted has
no place. They need packages of their own, openTSNE and umap-learn: pip install 'minibert-numpy[maps]'.
"""

import importlib
from types import ModuleType

import numpy as np

from viz.errors import InputError
from viz.geometry.attention_plane import upright_points
from viz.geometry.descent import Progress
from viz.geometry.unfolding import Placement

PACKAGES = {"tsne": ("openTSNE", "openTSNE"), "umap": ("umap", "umap-learn")}
"""For each kind, the module and the name of its package."""
PERPLEXITY = 30
"""Roughly the number of neighbors that count, as in the paper; fewer for less than three times as many points."""
NEIGHBORS = 15
"""The default of UMAP."""


def neighbor_map(
    kind: str, query: np.ndarray, key: np.ndarray, components: int, seed: int, progress: Progress
) -> Placement:
    """Places for queries and keys [G, N, K], each of the G heads in a map of its own. kind: "tsne" or "umap".

    InputError: the package is not installed.
    """
    package = package_of(kind)
    places, fit = [], fit_tsne if kind == "tsne" else fit_umap
    for head in progress(range(len(query))):
        points = np.concatenate([query[head], key[head]])
        places.append(fit(package, points, components, seed).astype(query.dtype))
    x, y = np.split(np.stack(places), 2, axis=1)
    x, y = upright_points(x, y)
    return Placement(kind, x, y, None)


def package_of(kind: str) -> ModuleType:
    """The package that computes this kind of map. InputError: it is not installed."""
    module, name = PACKAGES[kind]
    try:
        return importlib.import_module(module)
    except ImportError:
        raise InputError(f"plane {kind!r} needs {name}: pip install 'minibert-numpy[maps]'") from None


def fit_tsne(package: ModuleType, points: np.ndarray, components: int, seed: int) -> np.ndarray:
    """From points [M, K] to places [M, C], the same for the same seed."""
    perplexity = min(PERPLEXITY, max(1.0, (len(points) - 1) / 3))
    method = "fft" if components < 3 and len(points) > 2000 else "bh"
    tsne = package.TSNE(
        n_components=components, perplexity=perplexity, random_state=seed, n_jobs=1, negative_gradient_method=method
    )
    return np.asarray(tsne.fit(points))


def fit_umap(package: ModuleType, points: np.ndarray, components: int, seed: int) -> np.ndarray:
    """From points [M, K] to places [M, C], the same for the same seed."""
    neighbors = min(NEIGHBORS, len(points) - 1)
    umap = package.UMAP(n_components=components, n_neighbors=neighbors, random_state=seed, n_jobs=1, init="pca")
    return np.asarray(umap.fit_transform(points))

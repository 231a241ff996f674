"""t-SNE and UMAP, with which AttentionViz draws: neighbours in the whole space stay neighbours in the picture.

No projections: what is far apart in the picture may be near in the space, and tokens that were not given have no place.
They come from packages of their own, openTSNE and umap-learn: pip install 'minibert-numpy[maps]'.
"""

import importlib
from collections.abc import Callable, Iterable
from types import ModuleType

import numpy as np

from viz.geometry.attention_plane import positive_largest, principal_axes
from viz.geometry.unfolding import Placement

PACKAGES = {"tsne": ("openTSNE", "openTSNE"), "umap": ("umap", "umap-learn")}
"""For each kind, the module and the name it is installed by."""
PERPLEXITY = 30
"""How many neighbours count, roughly; as in the original. Fewer where there are not three times as many points."""
NEIGHBOURS = 15
"""UMAP's own default."""


def neighbour_map(
    kind: str,
    query: np.ndarray,
    key: np.ndarray,
    *,
    components: int = 2,
    seed: int = 0,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Placement:
    """Places for queries and keys [G, N, K] of each of G heads together. kind: "tsne" or "umap".

    ImportError: the package is not installed.
    """
    package = package_of(kind)
    places = []
    for head in progress(range(len(query))):
        points = np.concatenate([query[head], key[head]])
        fit = fit_tsne if kind == "tsne" else fit_umap
        places.append(fit(package, points, components, seed).astype(query.dtype))
    x, y = np.split(np.stack(places), 2, axis=1)
    centre, turn = principal_axes(x, y)
    x, y = (x - centre) @ turn, (y - centre) @ turn
    signs = positive_largest(np.concatenate([x, y], axis=-2))
    return Placement(kind, x * signs, y * signs, None)


def package_of(kind: str) -> ModuleType:
    """The package that draws this kind of map. ImportError: it is not installed, and how to install it."""
    module, name = PACKAGES[kind]
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f"plane {kind!r} needs {name}: pip install 'minibert-numpy[maps]'") from None


def fit_tsne(package: ModuleType, points: np.ndarray, components: int, seed: int) -> np.ndarray:
    """points [M, K] -> places [M, C], the same for the same seed."""
    perplexity = min(PERPLEXITY, max(1.0, (len(points) - 1) / 3))
    method = "fft" if components < 3 and len(points) > 2000 else "bh"
    if components > 2:
        method = "bh"
    tsne = package.TSNE(
        n_components=components, perplexity=perplexity, random_state=seed, n_jobs=1, negative_gradient_method=method
    )
    return np.asarray(tsne.fit(points))


def fit_umap(package: ModuleType, points: np.ndarray, components: int, seed: int) -> np.ndarray:
    """points [M, K] -> places [M, C], the same for the same seed."""
    neighbours = min(NEIGHBOURS, len(points) - 1)
    umap = package.UMAP(n_components=components, n_neighbors=neighbours, random_state=seed, n_jobs=1, init="pca")
    return np.asarray(umap.fit_transform(points))

"""What a survey found, head by head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import viz
from minibert.survey.sample import Run, Sample
from minibert.terminal import rounded
from viz.geometry.pca import PcaPlane

HABITS = ("to_self", "to_previous", "to_next", "to_cls", "to_sep", "entropy")


@dataclass(frozen=True)
class Survey(Run):
    """What was measured of some heads, in a sample and in a whole corpus. Arrays are [layers, heads]."""

    model: str
    """its name"""
    sample: Sample
    """the sentences that were fitted, and that are drawn"""
    layers: Sequence[int]
    heads: Sequence[int]
    ways: list[viz.Normalized]
    """the sample normalised: raw, paper, exact, and raw in another plane where one was asked for"""
    measured: list[viz.Measures]
    """the measures of each way"""
    habits: viz.Habits
    """where the heads look: to the previous token, to [SEP] ..."""
    scope: str
    """what shares one move and plane: "head", "layer" or "model" """
    dims: int
    """the dimensions of the plane"""
    seed: int

    @property
    def single(self) -> bool:
        """Whether it is of one head alone."""
        return len(self.layers) * len(self.heads) == 1

    @property
    def pairs(self) -> list[tuple[viz.Normalized, viz.Measures]]:
        """Each way with its measures."""
        return list(zip(self.ways, self.measured, strict=True))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """heads.csv: a row per head, with every measure of every way, of six digits."""
        values = {f"{way.name}_{name}": x for way, found in self.pairs for name, x in self.columns(way, found)}
        values |= {name: getattr(self.habits, name) for name in HABITS}
        rows: list[dict[str, Any]] = []
        for i, j in np.ndindex(len(self.layers), len(self.heads)):
            numbers = {name: rounded(float(value[i, j])) for name, value in values.items()}
            rows.append({"layer": self.layers[i], "head": self.heads[j]} | numbers | {"sentences": self.done})
        return rows

    def columns(self, way: viz.Normalized, found: viz.Measures) -> Iterator[tuple[str, np.ndarray]]:
        """The measures of one way, by name; for a plane that is not PCA's, those in the plane alone."""
        spaces = [(f"{self.dims}d", found.plane)]
        if isinstance(way.plane, PcaPlane):
            yield "scale", way.scale
            yield "translation_norm", np.linalg.norm(way.translation, axis=-1)
            yield "explained_variance", way.plane.explained_variance_ratio.sum(axis=-1)
            yield "correlation", found.pairs.correlation
            yield "weighted_correlation", found.close_pairs.correlation
            spaces = [("full", found.space), *spaces]
        for space, near in spaces:
            yield f"nearest1_{space}", near.nearest1
            yield f"nearest3_{space}", near.nearest3
            yield f"rank_correlation_{space}", near.rank_correlation
        if way.plane.is_attention:
            yield "lost_nats", found.lost

"""What a survey found, head by head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import viz
from minibert.survey.firing import Firing
from minibert.survey.measure import Seen
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
    seen: list[Seen]
    """what was measured of each way"""
    habits: viz.Habits
    """where the heads look: to the previous token, to [SEP] ..."""
    parked: viz.Parking
    """what words give to special tokens, and what is moved from there"""
    fired: Firing | None
    """the strongest pairs of words of each head, and examples; None where they were not asked for"""
    scope: str
    """what shares one move and plane: "head", "layer" or "model" """
    held_step: int
    """what the planes hold was measured in every so manieth line"""
    dims: int
    """the dimensions of the plane"""
    seed: int

    @property
    def single(self) -> bool:
        """Whether it is of one head alone."""
        return len(self.layers) * len(self.heads) == 1

    @property
    def among_words(self) -> bool:
        """Whether moves and planes were fitted to words alone, and the pictures have no special tokens."""
        return self.sample.among_words

    @property
    def measured(self) -> list[viz.Measures]:
        """The measures of each way, of all tokens, or among words if that is what was fitted."""
        return [seen.words if self.among_words else seen.every for seen in self.seen]

    @property
    def held(self) -> list[viz.Held]:
        """How much each plane holds, likewise."""
        return [seen.held_words if self.among_words else seen.held for seen in self.seen]

    @property
    def each(self) -> list[tuple[viz.Normalized, Seen]]:
        """Each way with what was seen of it."""
        return list(zip(self.ways, self.seen, strict=True))

    @property
    def pairs(self) -> list[tuple[viz.Normalized, viz.Measures]]:
        """Each way with its measures."""
        return list(zip(self.ways, self.measured, strict=True))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """heads.csv: a row per head, with every measure of every way, of six digits."""
        values: dict[str, np.ndarray] = {}
        for way, seen in self.each:
            of_way = [*self.columns(way, seen.every), *self.among_columns(way, seen)]
            values |= {f"{way.name}_{name}": x for name, x in of_way}
        values |= {name: getattr(self.habits, name) for name in HABITS}
        values |= {"parked": self.parked.parked, "parked_moved": self.parked.moved}
        for name, held in (("", self.seen[0].held), ("_words", self.seen[0].held_words)):
            values[f"bound_{self.dims}d{name}"] = held.bound(self.dims)
            values[f"dimensions_90{name}"] = held.dimensions(0.9)
        kinds = self.parked.kinds
        rows: list[dict[str, Any]] = []
        for i, j in np.ndindex(len(self.layers), len(self.heads)):
            numbers = {name: number(value[i, j]) for name, value in values.items()}
            head = {"layer": self.layers[i], "head": self.heads[j]}
            rows.append(head | numbers | {"parking": str(kinds[i, j]), "sentences": self.done})
        return rows

    def among_columns(self, way: viz.Normalized, seen: Seen) -> Iterator[tuple[str, np.ndarray]]:
        """What the plane of one way holds, and the measures of nearness among words."""
        space = f"{self.dims}d"
        yield f"holds_{space}", seen.held.share
        yield f"holds_{space}_words", seen.held_words.share
        if way.plane.is_attention:  # it may have been measured in other sentences than the rest
            yield f"bound_{space}", seen.held.bound(self.dims)
            yield f"bound_{space}_words", seen.held_words.bound(self.dims)
            yield "lost_nats_words", seen.words.lost
        spaces = [(space, seen.words.plane)]
        if isinstance(way.plane, PcaPlane):
            spaces = [("full", seen.words.space), *spaces]
        for space, near in spaces:
            yield f"nearest1_{space}_words", near.nearest1
            yield f"nearest3_{space}_words", near.nearest3
            yield f"rank_correlation_{space}_words", near.rank_correlation

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


def number(x: Any) -> float | None:
    """The number in six digits; None, an empty cell, where there was nothing to measure."""
    return None if np.isnan(x) else rounded(float(x))

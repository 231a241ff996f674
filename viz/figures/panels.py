"""The panels of a figure of one head: the same tokens, normalized in one or several ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from viz.figures.attention_lines import Lines
from viz.geometry.normalize import Normalized

Given = TypeVar("Given")

METHODS = {
    "raw": "raw: the vectors as the model has them",
    "paper": "paper: keys moved onto the centre of the queries, then queries times c, keys divided by c (AttentionViz)",
    "exact": "exact: one more coordinate, so that in full space the nearer of two keys always has more attention",
    "attention": "attention: two linear maps, one for queries and one for keys, such that nearness is attention",
    "unfold": "unfold: places chosen such that nearness is attention; no projection",
    "tsne": "tsne: t-SNE, where neighbours stay neighbours; no projection",
    "umap": "umap: UMAP, where neighbours stay neighbours; no projection",
}
"""What is written about each method or plane below a figure."""


@dataclass(frozen=True)
class Panel:
    """One head: the places of its queries and keys, and what is drawn and written there.

    query, key: places in the plane, [N, C].
    title, note: above the panel. lines: in grey. link: in red.
    """

    normalized: Normalized
    query: np.ndarray
    key: np.ndarray
    title: str
    note: str = ""
    lines: Lines | None = None
    link: Lines | None = None

    @property
    def flat(self) -> bool:
        return self.query.shape[-1] == 2


def of_one_head(panels: Normalized | Sequence[Normalized]) -> list[Normalized]:
    """The panels as a list.

    ValueError: a panel of many heads, or panels of different tokens or dimensions.
    """
    panels = [panels] if isinstance(panels, Normalized) else list(panels)
    if not panels:
        raise ValueError("panels is empty; expected at least one head, normalised")
    for panel in panels:
        if panel.query.ndim != 2:
            heads, first = list(panel.query.shape[:-2]), ", ".join("0" * (panel.query.ndim - 2))
            raise ValueError(f"a panel is of many heads, {heads}; choose one first, such as normalized[{first}]")
    if len({len(panel.query) for panel in panels}) != 1:
        raise ValueError(f"panels must be of the same tokens, not of {[len(panel.query) for panel in panels]}")
    if len({panel.query_drawn.shape[-1] for panel in panels}) != 1:
        raise ValueError("panels must all have two or all three components")
    return panels


def for_each(name: str, given: Sequence[Given], count: int) -> Sequence[Given]:
    """What is given for each of so many panels. ValueError: it is not one for each."""
    if len(given) != count:
        raise ValueError(f"{name} must be one for each of the {count} panels, not {len(given)}")
    return given

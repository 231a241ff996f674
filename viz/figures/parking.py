"""Parked attention of all heads: the share that words give to special tokens, against the share that is moved."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from viz.figures import canvas
from viz.figures.grid import check_heads
from viz.figures.label_placement import place_labels
from viz.figures.style import FAINT, INK, LINK, RULE, SMALL, WIDTH, in_house_style
from viz.measures.parking import NO_OP, PARKS, Parking

LEAST_LABELS, MOST_LABELS = 3, 40
"""Heads that are named: those that park most, all that park if they are not too many."""


@in_house_style
def parking_figure(
    parked: Parking,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    *,
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """One dot per head, [L, H], lighter in earlier layers. Heads that park most are named "layer.head".

    layers, heads: their numbers; None: from 0. width: of the figure, in inches.

    ValueError: not of so many layers and heads, or no sentence had a word.
    """
    layers, heads = check_heads("parked", parked.parked.shape, layers, heads)
    x, y, kinds = parked.parked.ravel(), parked.moved.ravel(), parked.kinds.ravel()
    if np.isnan(x).any() or np.isnan(y).any():
        raise ValueError("parked has heads without a word; expected at least one sentence with words")
    layer, head = (n.ravel() for n in np.meshgrid(layers, heads, indexing="ij"))
    depth = np.repeat(np.linspace(0.35, 1, len(layers)), len(heads))
    looks = {"": ("o", INK), "no-op": ("s", "#3b55c9"), "broadcast": ("^", LINK)}
    names = {"": "parks no more than half", "no-op": "no-op", "broadcast": "broadcast"}
    keys = [
        canvas.dot(color, mark, f"{names[kind]}: {counted(int((kinds == kind).sum()))}")
        for kind, (mark, color) in looks.items()
    ]
    caption = (
        "Across: the mean share of its attention that a word gives to special tokens, such as [CLS] and [SEP]. Up: the "
        "share of the lengths |attention value W_O| of all that words are sent which comes from special tokens. On the "
        "upper line both are equal. A head to the right of the dashed line parks. Below the lower line it is a no-op: "
        f"less than {NO_OP:g} of the parked share is moved. Above it is a broadcast. Later layers are darker."
    )
    layout = canvas.Layout(1, 1, width, ratio=0.62, margins=(0.5, 0.15, 0.1, 0.4))
    figure, (axes,) = canvas.page(layout, title=title, caption=caption, keys=keys)
    axes.plot([0, 1], [0, 1], color=RULE, lw=0.7, zorder=0)
    axes.plot([PARKS, 1], [PARKS * NO_OP, NO_OP], color=FAINT, lw=0.7, zorder=0)
    axes.axvline(PARKS, color=FAINT, lw=0.7, ls=(0, (3, 3)), zorder=0)
    for kind, (mark, color) in looks.items():
        some = kinds == kind
        if not some.any():
            continue
        axes.scatter(x[some], y[some], s=14, marker=mark, color=color, alpha=depth[some], lw=0, zorder=3)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, max(0.3, 1.08 * float(y.max())))
    axes.set_xlabel("parked: attention that words give to special tokens", fontsize=SMALL)
    axes.set_ylabel("moved from special tokens", fontsize=SMALL)
    count = min(max(LEAST_LABELS, int((kinds != "").sum())), MOST_LABELS)
    named = np.argsort(-x, kind="stable")[:count]
    place_labels(
        axes,
        np.stack([x, y], axis=-1)[named],
        [f"{layer[i]}.{head[i]}" for i in named],
        [looks[kinds[i]][1] for i in named],
        among=np.stack([x, y], axis=-1),
    )
    return figure


def counted(heads: int) -> str:
    """ "1 head", "3 heads"."""
    return f"{heads} head{'s' * (heads != 1)}"

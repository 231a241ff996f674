"""All heads at once: the matrix view of AttentionViz, and all layers in one plane."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from viz.figures import canvas, style
from viz.figures.attention_lines import Lines
from viz.figures.grid import Grid, check_heads, grid_page
from viz.figures.style import FAINT, INK, KEY, KEY_MARK, LINE, LINK, NORMAL, QUERY, QUERY_MARK, SMALL, WIDTH
from viz.geometry.normalize import Normalized
from viz.geometry.pca import PcaPlane
from viz.geometry.unfolding import Placement

MOST_DOTS = 300  # of one kind in a small panel; more would only blacken it
MOST_DOTS_OF_ALL = 3000
MOST_LAYERS_NAMED = 8
LinesOfHeads = Mapping[tuple[int, int], Lines]
"""(row, column) -> the lines of that head."""
KINDS = ((QUERY, QUERY_MARK), (KEY, KEY_MARK))


@style.in_house_style
def matrix_figure(
    normalized: Normalized | Sequence[Normalized],
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    lines: LinesOfHeads | None = None,
    link: Lines | None = None,
    *,
    nearest: np.ndarray | Sequence[np.ndarray] | None = None,
    titles: Sequence[str] = (),
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Queries and keys of many heads, a small plane each: rows are layers, columns heads.

    Every panel has equal units. Panels that show one plane (scope "layer" or "model") have the same limits. If there
    are three dimensions, the first two are drawn.

    normalized: with queries [L, H, N, K]; or several of the same tokens, to be drawn side by side.
    layers, heads: their numbers; None: from 0.
    lines: (row, column) -> `Lines` to draw there. link: with attention [L, H, lines], drawn in red.
    nearest: [L, H], the share of queries whose most attended key is the nearest in the plane, one for each of several.
    It is written above each panel, and the panel is tinted by it.
    titles: one for each of several. width: of the figure, in inches.

    ValueError: `normalized` or `nearest` is not of as many layers and heads, or `nearest` or `titles` not as many.
    """
    if isinstance(normalized, Normalized):
        normalized, nearest = [normalized], None if nearest is None else [np.asarray(nearest)]
    several = list(normalized)
    shares: list[np.ndarray | None] = [None] * len(several) if nearest is None else list(nearest)
    if len(shares) != len(several) or len(titles) not in (0, len(several)):
        raise ValueError(f"nearest and titles must be one for each of the {len(several)}, or left out")
    for one, share in zip(several, shares, strict=True):
        layers, heads = check_heads("normalized", one.query.shape[:-2], layers, heads)
        if share is not None:
            check_heads("nearest", np.shape(share), layers, heads)
    layers, heads = layers or [], heads or []
    columns = len(several) * len(heads)
    roomy = (width - 0.3) / columns > 0.55  # for two numbers over a panel
    said = dict.fromkeys(_matrix_caption(*pair, roomy) for pair in zip(several, shares, strict=True))
    grid = Grid(layers, [*heads] * len(several), width, strip=0.12, blocks=titles)
    figure, panels = grid_page(grid, title=title, caption="; ".join(said), keys=_matrix_keys(lines, link))
    small = min(1.0, width / columns / 0.8)
    for number, (one, share) in enumerate(zip(several, shares, strict=True)):
        part = panels[:, number * len(heads) : (number + 1) * len(heads)]
        _draw_matrix(part, one, lines, link, small)
        _write_above(part, one, share, roomy)
    return figure


def _draw_matrix(
    panels: np.ndarray, normalized: Normalized, lines: LinesOfHeads | None, link: Lines | None, small: float
) -> None:
    """The points and lines of one panel per head. small: the size of dots and lines, 1 or less."""
    query, key = (points[..., :2] for points in (normalized.query_drawn, normalized.key_drawn))
    within, step = one_plane(normalized), _step(normalized)
    size = small * (5 if query.shape[-2] <= 40 else 2)
    for place, axes in np.ndenumerate(panels):
        q, k = query[place], key[place]
        same = within == within[place]
        canvas.equal_axes(axes, np.concatenate([*query[same], *key[same]]), margin=0.06)
        grey, red = (lines or {}).get(place), None if link is None else link[place]
        for some, color, thinnest, zorder in ((grey, LINE, 0.1, 1), (red, LINK, 0.3, 3)):
            if some is not None:
                segments = list(np.stack([q[some.query], k[some.key]], axis=1))
                widths = thinnest + 1.2 * small * some.attention
                axes.add_collection(LineCollection(segments, colors=color, linewidths=widths, alpha=0.7, zorder=zorder))
        for points, (color, mark) in zip((q, k), KINDS, strict=True):
            axes.scatter(*points[::step].T, s=size, c=color, marker=mark, lw=0, alpha=0.7, rasterized=True, zorder=2)


def _write_above(panels: np.ndarray, normalized: Normalized, nearest: np.ndarray | None, roomy: bool) -> None:
    """The share nearest@1 above each panel, which is also its tint, and what the plane shows where there is room."""
    said, _ = _said_of_plane(normalized)
    for place, axes in np.ndenumerate(panels):
        if nearest is None:
            _over(axes, str(said[place]), "left", INK)
            continue
        share, wide = float(nearest[place]), canvas.size_of(axes)[0] > 0.26
        axes.set_facecolor(_tint(share))
        _over(axes, f"{share:.0%}" if wide else f"{100 * share:.0f}", "left", INK)
        if roomy:
            _over(axes, str(said[place]), "right", FAINT)


@style.in_house_style
def layers_figure(
    normalized: Normalized, layers: Sequence[int] | None = None, *, title: str = "", width: float = WIDTH
) -> Figure:
    """Queries and keys of all layers in one plane; then queries alone and keys alone, in the colors of their layers.

    All panels have the same axes.

    normalized: with queries [L, H, N, K], of scope "model".
    layers: their numbers; None: from 0.
    width: of the figure, in inches.

    ValueError: heads with planes of their own, or not as many layers.
    """
    shape = list(normalized.query.shape[:-2])
    if len(shape) != 2 or (layers is not None and shape[0] != len(layers)):
        count = "L" if layers is None else len(layers)
        raise ValueError(f"normalized is of heads {shape}; expected [{count}, H], one row per layer")
    if one_plane(normalized).any():
        why = "these heads have planes of their own, but one picture shows one plane"
        raise ValueError(f"{why}; use normalize(..., scope='model')")
    layers = range(shape[0]) if layers is None else layers
    step = -(-normalized.query[..., 0].size // MOST_DOTS_OF_ALL)
    query, key = (
        points[..., :2].reshape(len(layers), -1, 2)[:, ::step]
        for points in (normalized.query_drawn, normalized.key_drawn)
    )
    by_layer = style.LAYERS(np.linspace(0, 1, len(layers)))
    tints = np.repeat(by_layer, query.shape[1], axis=0)
    query, key = query.reshape(-1, 2), key.reshape(-1, 2)
    keys = canvas.query_and_key()
    caption = "All panels show one plane for all heads of all layers, the one in which the points vary most."
    caption += f" 1 point in {step} is drawn." if step > 1 else ""
    margins = (0.42, 0.48, 0.22, 0.4)
    layout = canvas.Layout(3, canvas.columns_for(3, width), width, margins=margins, gaps=(0.2, 0.65))
    figure, panels = canvas.page(layout, title=title, caption=caption, keys=keys)
    of_all = [(query, QUERY, QUERY_MARK), (key, KEY, KEY_MARK)]
    drawn = (of_all, [(query, tints, QUERY_MARK)], [(key, tints, KEY_MARK)])
    names = ("queries and keys of all heads", "queries by layer", "keys by layer")
    across, up = normalized[0, 0].plane.axis_names[:2]
    for place, (axes, name, kinds) in enumerate(zip(panels, names, drawn, strict=True)):
        canvas.equal_axes(axes, np.concatenate([query, key]), margin=0.03)
        _scatter_mixed(axes, kinds)
        axes.set_title(name, fontsize=NORMAL)
        canvas.name_axes(axes, across, up, first=place % layout.columns == 0)
    canvas.colorbar(_layer_colors(len(layers)), panels[layout.columns - 1], "layer")
    named = np.unique(np.linspace(0, len(layers) - 1, min(len(layers), MOST_LAYERS_NAMED)).round().astype(int))
    figure.axes[-1].set_yticks(named, [layers[i] for i in named])
    figure.axes[-1].minorticks_off()
    return figure


def _layer_colors(count: int) -> ScalarMappable:
    """The colors of the layers, for a colorbar with a step for each."""
    norm = BoundaryNorm(np.arange(count + 1) - 0.5, count)
    return ScalarMappable(norm, ListedColormap(style.LAYERS(np.linspace(0, 1, count))))


def _scatter_mixed(axes: Any, kinds: list[tuple[np.ndarray, str | np.ndarray, str]]) -> None:
    """Points of several kinds (places, one color or one for each, mark) in random order: no kind covers another."""
    order = np.random.default_rng(0).permutation(len(kinds[0][0]))
    for part in np.array_split(order, 10) if len(kinds) > 1 else [order]:
        for points, colors, mark in kinds:
            color = colors if isinstance(colors, str) else colors[part]
            axes.scatter(*points[part].T, s=2.5, c=color, marker=mark, lw=0, alpha=0.6, rasterized=True)


def one_plane(normalized: Normalized) -> np.ndarray:
    """[L, H]: heads that share a plane have the same number, from 0."""
    plane = normalized.plane
    if isinstance(plane, Placement):  # each head has places of its own
        return np.arange(normalized.scale.size).reshape(normalized.scale.shape)
    offsets = [plane.query_offset[..., None], plane.key_offset[..., None]]
    planes = np.concatenate([plane.query_map, plane.key_map, *offsets], axis=-1)
    _, number = np.unique(planes.reshape(-1, planes.shape[-2] * planes.shape[-1]), axis=0, return_inverse=True)
    return number.reshape(planes.shape[:-2])


def _tint(share: float) -> tuple[float, ...]:
    """White for 0, a light indigo for 1."""
    return tuple(1 - 0.45 * share * (1 - channel) for channel in to_rgb(style.ATTENTION(0.5)))


def _over(axes: Axes, text: str, side: str, color: str) -> None:
    """A small text above a corner of small axes."""
    corner = (0.0 if side == "left" else 1.0, 1)
    where: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(text, corner, (0, 1), ha=side, va="bottom", fontsize=SMALL, color=color, **where)


def _matrix_keys(lines: LinesOfHeads | None, link: Lines | None) -> list[Line2D]:
    keys = canvas.query_and_key()
    if lines:
        how = next(iter(lines.values())).how
        keys.append(Line2D([], [], color=LINE, lw=1, label=f"{how}; width: attention"))
    if link is not None:
        keys.append(Line2D([], [], color=LINK, lw=1, label=link.how))
    return keys


def _step(normalized: Normalized) -> int:
    """1 if all tokens are drawn, 2 for every second, and so on."""
    return -(-normalized.query.shape[-2] // MOST_DOTS)


def _said_of_plane(normalized: Normalized) -> tuple[np.ndarray, str]:
    """What is written above each panel about its plane, [L, H], and what that is."""
    plane, heads = normalized.plane, normalized.scale.shape
    if isinstance(plane, PcaPlane):
        shares = plane.explained_variance_ratio[..., :2].sum(axis=-1)
        said, share = [f"{x:.0%}" for x in shares.ravel()], "share of the variance that is drawn"
    elif plane.lost is not None:
        said, share = [f"{x:.2f}" for x in plane.lost.ravel()], "nats of attention that the picture loses"
    else:
        said, share = [""] * normalized.scale.size, "nothing"
    return np.array(said, object).reshape(heads), share


def _matrix_caption(normalized: Normalized, nearest: np.ndarray | None, roomy: bool) -> str:
    _, share = _said_of_plane(normalized)
    within, step, dimensions = one_plane(normalized), _step(normalized), normalized.query_drawn.shape[-1]
    if nearest is not None:
        where = "the plane" if dimensions == 2 else f"{dimensions}-D, of which two dimensions are drawn"
        said = f"Above each panel, and as its tint: % of queries whose most attended key is the nearest in {where}"
        said += f"; right: {share}." if roomy else "."
    else:
        said = f"Above each panel: {share}."
    if step > 1:
        said += f" 1 token in {step} is drawn."
    kinds = len(np.unique(within))
    if kinds == 1 and within.size > 1:
        return said + " All panels show one plane, with the same axes."
    if kinds == len(within) and within.shape[1] > 1:
        return said + " The panels of a layer show one plane, with the same axes."
    return said + " Each panel has a plane, and so axes, of its own." * (within.size > 1)

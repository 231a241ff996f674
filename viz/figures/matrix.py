"""All heads at once: the matrix view of AttentionViz, and all layers in one plane."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from viz.figures import canvas
from viz.figures.grid import check_heads, grid_page
from viz.figures.lines import Lines
from viz.figures.style import (
    ATTENTION,
    FAINT,
    INK,
    KEY,
    KEY_MARK,
    LAYERS,
    LINE,
    LINK,
    NORMAL,
    QUERY,
    QUERY_MARK,
    SMALL,
    WIDTH,
    in_house_style,
)
from viz.geometry.normalize import Normalized

MOST_DOTS = 300  # dots of one kind in a small panel; more would only blacken it
MOST_DOTS_OF_ALL = 3000
MOST_LAYERS_NAMED = 8


@in_house_style
def matrix_figure(
    normalized: Normalized | Sequence[Normalized],
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    lines: Mapping[tuple[int, int], Lines] | None = None,
    link: Lines | None = None,
    *,
    nearest: np.ndarray | Sequence[np.ndarray] | None = None,
    titles: Sequence[str] = (),
    title: str = "",
    width: float = WIDTH,
) -> Figure:
    """Queries and keys of many heads, a small plane each: rows are layers, columns heads.

    normalized: of shape [L, H, N, K] before the plane; or several of the same tokens, to be drawn side by side.
    layers, heads: their numbers; None: from 0.
    lines: (row, column) -> `Lines` to draw there. link: with attention [L, H, lines], drawn in red.
    nearest: [L, H], the share of queries whose most attended key is the nearest in the plane, one for each of several;
        written over each panel, and tinting it.
    titles: of several, one each. width: of the figure, in inches.
    Every panel has equal units. Panels that show one plane (scope "layer" or "model") have the same limits. Of three
    dimensions the first two are drawn.

    ValueError: `normalized` or `nearest` is not of as many layers and heads, or `nearest` or `titles` not as many.
    """
    if isinstance(normalized, Normalized):
        normalized, nearest = [normalized], [nearest]
    ways = list(normalized)
    shares = [None] * len(ways) if nearest is None else list(nearest)
    if len(shares) != len(ways) or len(titles) not in (0, len(ways)):
        raise ValueError(f"nearest and titles must be one for each of the {len(ways)}, or left out")
    for way, share in zip(ways, shares, strict=True):
        layers, heads = check_heads("normalized", way.query.shape[:-2], layers, heads)
        if share is not None:
            check_heads("nearest", np.shape(share), layers, heads)
    columns = len(ways) * len(heads)
    roomy = (width - 0.3) / columns > 0.55  # for two numbers over a panel
    said = "; ".join(dict.fromkeys(_matrix_caption(*pair, roomy) for pair in zip(ways, shares, strict=True)))
    figure, grid = grid_page(
        layers,
        [*heads] * len(ways),
        blocks=titles,
        title=title,
        caption=said,
        keys=_matrix_keys(lines, link),
        width=width,
        strip=0.12,
    )
    for number, (way, share) in enumerate(zip(ways, shares, strict=True)):
        part = grid[:, number * len(heads) : (number + 1) * len(heads)]
        _draw_matrix(part, way, share, lines, link, roomy, min(1.0, width / columns / 0.8))
    return figure


def _draw_matrix(grid, normalized, nearest, lines, link, roomy, small):
    """One panel per head; small: how small dots and lines are to be, 1 or less."""
    said, _ = _said_of_plane(normalized)
    query, key = (points[..., :2] for points in (normalized.query_drawn, normalized.key_drawn))
    within, step = one_plane(normalized), _thinned(normalized)
    size = small * (5 if query.shape[-2] <= 40 else 2)
    for place, axes in np.ndenumerate(grid):
        q, k = query[place], key[place]
        same = within == within[place]
        canvas.equal_axes(axes, np.concatenate([*query[same], *key[same]]), margin=0.06)
        for some, color in ((None if lines is None else lines.get(place), LINE), (link and link[place], LINK)):
            if some is not None:
                segments = np.stack([q[some.query], k[some.key]], axis=1)
                widths = (0.1 if color == LINE else 0.3) + 1.2 * small * some.attention
                zorder = 1 if color == LINE else 3
                axes.add_collection(LineCollection(segments, colors=color, linewidths=widths, alpha=0.7, zorder=zorder))
        for points, color, mark in ((q, QUERY, QUERY_MARK), (k, KEY, KEY_MARK)):
            axes.scatter(*points[::step].T, s=size, c=color, marker=mark, lw=0, alpha=0.7, rasterized=True, zorder=2)
        if nearest is not None:
            axes.set_facecolor(_tint(nearest[place]))
            wide = axes.get_position().width * axes.figure.get_figwidth() > 0.26
            _over(axes, f"{nearest[place]:.0%}" if wide else f"{100 * nearest[place]:.0f}", "left", INK)
        if nearest is None:
            _over(axes, said[place], "left", INK)
        elif roomy:
            _over(axes, said[place], "right", FAINT)


@in_house_style
def layers_figure(
    normalized: Normalized, layers: Sequence[int] | None = None, *, title: str = "", width: float = WIDTH
) -> Figure:
    """Queries and keys of all layers in one plane; then each kind alone, coloured by layer. The axes are the same.

    normalized: of shape [L, H, N, K] before the plane, which is one for all: of scope "model". layers: their numbers;
    None: from 0. width: of the figure, in inches.

    ValueError: heads with planes of their own, or not as many layers.
    """
    shape = list(normalized.query.shape[:-2])
    if len(shape) != 2 or (layers is not None and shape[0] != len(layers)):
        count = "L" if layers is None else len(layers)
        raise ValueError(f"normalized is of heads {shape}; expected [{count}, H], one row per layer")
    if one_plane(normalized).any():
        raise ValueError(
            "these heads have planes of their own, but one picture shows one plane; use normalize(..., scope='model')"
        )
    layers = range(shape[0]) if layers is None else layers
    query, key = normalized.query_drawn, normalized.key_drawn
    shares = normalized.plane.explained_variance_ratio[0, 0]
    step = -(-query[..., 0].size // MOST_DOTS_OF_ALL)
    query, key = (points[..., :2].reshape(len(layers), -1, 2)[:, ::step] for points in (query, key))
    by_layer = LAYERS(np.linspace(0, 1, len(layers)))
    tints = np.repeat(by_layer, query.shape[1], axis=0)
    query, key = query.reshape(-1, 2), key.reshape(-1, 2)
    panels = (  # name, and what is drawn: points, their colours, their mark
        ("queries and keys of all heads", ((query, QUERY, QUERY_MARK), (key, KEY, KEY_MARK))),
        ("queries by layer", ((query, tints, QUERY_MARK),)),
        ("keys by layer", ((key, tints, KEY_MARK),)),
    )
    several = len(layers) > 1
    thinned = f" 1 point in {step} is drawn." if step > 1 else ""
    caption = "One plane for all heads of all layers, the one in which the points vary most; all panels have its axes."
    keys = canvas.query_and_key()
    named = np.unique(np.linspace(0, len(layers) - 1, min(len(layers), MOST_LAYERS_NAMED)).round().astype(int))
    keys += [canvas.dot(by_layer[i], "s", f"layer {layers[i]}") for i in named if several]
    columns = canvas.columns_for(3, width)
    figure, grid = canvas.page(
        -(-3 // columns),
        columns,
        width=width,
        title=title,
        caption=caption + thinned,
        keys=keys,
        left=0.42,
        right=0.06,
        above=0.22,
        below=0.4,
        gaps=(0.2, 0.65),
    )
    for place, (name, drawn) in enumerate(panels):
        axes = grid.ravel()[place]
        canvas.equal_axes(axes, np.concatenate([query, key]), margin=0.03)
        order = np.random.default_rng(0).permutation(len(query))  # so that none covers the others
        for part in np.array_split(order, 10) if len(drawn) > 1 else [order]:
            for points, colors, mark in drawn:
                color = colors if isinstance(colors, str) else colors[part]
                axes.scatter(*points[part].T, s=2.5, c=color, marker=mark, lw=0, alpha=0.6, rasterized=True)
        axes.set_title(name, fontsize=NORMAL)
        axes.set_xlabel(f"component 1 ({shares[0]:.0%} of variance)", fontsize=SMALL)
        if place % columns == 0:
            axes.set_ylabel(f"component 2 ({shares[1]:.0%} of variance)", fontsize=SMALL)
        else:
            axes.set_yticklabels([])
    for axes in grid.ravel()[3:]:
        axes.remove()
    return figure


def one_plane(normalized: Normalized) -> np.ndarray:
    """[L, H]: heads that share a plane have the same number, from 0."""
    if not normalized.has_map:  # places of their own
        return np.arange(normalized.scale.size).reshape(normalized.scale.shape)
    plane = normalized.plane
    offsets = [plane.query_offset[..., None], plane.key_offset[..., None]]
    planes = np.concatenate([plane.query_map, plane.key_map, *offsets], axis=-1)
    _, number = np.unique(planes.reshape(-1, planes.shape[-2] * planes.shape[-1]), axis=0, return_inverse=True)
    return number.reshape(planes.shape[:-2])


def _tint(share):
    """White for 0, a light indigo for 1."""
    return tuple(1 - 0.45 * share * (1 - channel) for channel in to_rgb(ATTENTION(0.5)))


def _over(axes, text, side, color):
    """A small text over a corner of small axes."""
    x = 0.0 if side == "left" else 1.0
    axes.annotate(
        text,
        (x, 1),
        (0, 1),
        xycoords="axes fraction",
        textcoords="offset points",
        ha=side,
        va="bottom",
        fontsize=SMALL,
        color=color,
        annotation_clip=False,
    )


def _matrix_keys(lines, link):
    keys = canvas.query_and_key()
    if lines:
        how = next(iter(lines.values())).how
        keys.append(Line2D([], [], color=LINE, lw=1, label=f"{how}; width: attention"))
    if link is not None:
        keys.append(Line2D([], [], color=LINK, lw=1, label=link.how))
    return keys


def _thinned(normalized):
    """Every how many tokens one is drawn."""
    return -(-normalized.query.shape[-2] // MOST_DOTS)


def _said_of_plane(normalized):
    """What is written over each panel about its plane, [L, H], and in words what that is."""
    plane, heads = normalized.plane, normalized.scale.shape
    if plane.kind == "pca":
        shares = plane.explained_variance_ratio[..., :2].sum(axis=-1)
        said, share = [f"{x:.0%}" for x in shares.ravel()], "share of the variance that is drawn"
    elif plane.is_attention:
        said, share = [f"{x:.2f}" for x in plane.lost.ravel()], "nats of attention that the picture loses"
    else:
        said, share = [""] * normalized.scale.size, "nothing"
    return np.array(said, object).reshape(heads), share


def _matrix_caption(normalized, nearest, roomy):
    _, share = _said_of_plane(normalized)
    within, step, dimensions = one_plane(normalized), _thinned(normalized), normalized.query_drawn.shape[-1]
    if nearest is not None:
        where = "the plane" if dimensions == 2 else f"{dimensions}-D, of which two dimensions are drawn"
        said = f"Over each panel, and as its tint: % of queries whose most attended key is the nearest in {where}"
        said += f"; right: {share}." if roomy else "."
    else:
        said = f"Over each panel: {share}."
    if step > 1:
        said += f" 1 token in {step} is drawn."
    kinds = len(np.unique(within))
    if kinds == 1 and within.size > 1:
        return said + " All panels show one plane, with the same axes."
    if kinds == len(within) and within.shape[1] > 1:
        return said + " The panels of a layer show one plane, with the same axes."
    return said + " Each panel has a plane, and so axes, of its own." * (within.size > 1)

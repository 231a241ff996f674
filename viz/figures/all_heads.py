"""All heads at once: the matrix view of AttentionViz, attention maps, heatmaps, and all layers in one plane."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from viz.figures import canvas
from viz.figures.lines import Lines
from viz.figures.style import in_house_style
from viz.geometry.normalize import Normalized
from viz.measures.habits import OFFSETS

MOST_DOTS = 400  # dots of one kind in a small panel; more would only blacken it


@in_house_style
def matrix_figure(
    normalized: Normalized,
    layers: Sequence[int],
    heads: Sequence[int],
    lines: Mapping | None = None,
    link: Lines | None = None,
    *,
    title: str = "",
) -> Figure:
    """Queries and keys of many heads, a small plane each: rows are layers, columns heads.

    normalized: of shape [L, H, N, K] before the plane. lines: (row, column) -> `Lines` to draw there, where wanted.
    link: with attention [L, H, lines], drawn in red.
    Every panel has equal units. Panels that show one plane (scope "layer" or "model") have the same limits.

    ValueError: `normalized` is not of as many layers and heads.
    """
    _check_heads("normalized", normalized.query.shape[:-2], layers, heads)
    figure, grid = _grid(layers, heads, title, below=0.35)
    shares = normalized.plane.explained_variance_ratio[..., :2].sum(axis=-1)
    query, key = normalized.query_drawn[..., :2], normalized.key_drawn[..., :2]
    within = _one_plane(normalized)
    step = -(-query.shape[-2] // MOST_DOTS)
    size = 7 if query.shape[-2] <= 60 else 3
    for place in np.ndindex(grid.shape):
        axes = grid[place]
        q, k = query[place], key[place]
        same = within == within[place]
        canvas.equal_axes(axes, np.concatenate([*query[same], *key[same]]), margin=0.06)
        if lines is not None:
            chosen = lines[place]
            segments = np.stack([q[chosen.query], k[chosen.key]], axis=1)
            widths = 0.15 + 1.5 * chosen.attention
            axes.add_collection(LineCollection(segments, colors=canvas.LINE, linewidths=widths, alpha=0.6, zorder=1))
        if link is not None:
            segments = np.stack([q[link.query], k[link.key]], axis=1)
            widths = 0.3 + 1.5 * link.attention[place]
            axes.add_collection(LineCollection(segments, colors=canvas.LINK, linewidths=widths, zorder=3))
        axes.scatter(*q[::step].T, s=size, c=canvas.QUERY, marker="o", linewidths=0, alpha=0.8, rasterized=True)
        axes.scatter(*k[::step].T, s=size, c=canvas.KEY, marker="s", linewidths=0, alpha=0.8, rasterized=True)
        _corner(axes, f"{shares[place]:.0%}", "right", "bottom")
    handles = [_dot(canvas.QUERY, "o", "query"), _dot(canvas.KEY, "s", "key")]
    if lines is not None:
        how = next(iter(lines.values())).how
        handles.append(Line2D([], [], color=canvas.LINE, lw=1.5, label=f"{how}; width: attention"))
    if link is not None:
        handles.append(Line2D([], [], color=canvas.LINK, lw=1.5, label=link.how))
    if step > 1:
        handles.append(Line2D([], [], ls="", label=f"1 token in {step} drawn"))
    handles.append(Line2D([], [], ls="", label="in the corner: share of the variance"))
    figure.legend(handles=handles, loc="lower center", ncols=5, fontsize=8, frameon=False, handlelength=1.5)
    return figure


@in_house_style
def attention_sheet(attention: np.ndarray, layers: Sequence[int], heads: Sequence[int], *, title: str = "") -> Figure:
    """Attention maps of many heads, [L, H, S, S]: rows are layers, columns heads; in a map, row query, column key."""
    figure, grid = _grid(layers, heads, title, right=0.7, below=0.3)
    for place in np.ndindex(grid.shape):
        image = grid[place].imshow(attention[place], cmap=canvas.ATTENTION, vmin=0, vmax=1, interpolation="nearest")
    canvas.bar_beside(figure, grid[-1, -1], image, "attention", up_to=grid[0, -1])
    _note(figure, "in each map: a row a query, a column a key, both in the order of the text")
    return figure


@in_house_style
def layers_figure(normalized: Normalized, layers: Sequence[int], *, title: str = "") -> Figure:
    """Queries and keys of all layers in one plane; then each kind alone, as large as fits, coloured by layer.

    normalized: of shape [L, H, N, K] before the plane, of scope "model", where the plane is one.
    """
    if normalized.query.ndim != 4 or len(normalized.query) != len(layers):
        given = list(normalized.query.shape[:-2])
        raise ValueError(f"normalized is of heads {given}; expected [{len(layers)}, H], one row per layer")
    if _one_plane(normalized).any():
        raise ValueError(
            "these heads have planes of their own, but one picture shows one plane; use normalize(..., scope='model')"
        )
    figure = canvas.new_figure(16.2, 5.9)
    query, key = normalized.query_drawn, normalized.key_drawn
    shares = normalized.plane.explained_variance_ratio[0, 0]
    step = -(-query.shape[1] * query.shape[2] // 1500)  # of the points of a layer
    query, key = (points[..., :2].reshape(len(layers), -1, 2)[:, ::step] for points in (query, key))
    by_layer = colormaps["viridis"](np.linspace(0, 0.95, len(layers)))
    tints = np.repeat(by_layer, query.shape[1], axis=0)
    query, key = query.reshape(-1, 2), key.reshape(-1, 2)
    kinds = np.repeat(to_rgba_array([canvas.QUERY, canvas.KEY]), len(query), axis=0)
    thinned = f", 1 in {step}" if step > 1 else ""
    panels = (
        ("queries and keys of all heads", np.concatenate([query, key]), kinds),
        ("queries alone, by layer", query, tints),
        ("keys alone, by layer", key, tints),
    )
    for place, (name, points, colors) in enumerate(panels):
        axes = figure.add_axes(((0.65 + 5.0 * place) / 16.2, 0.1, 4.5 / 16.2, 0.76))
        canvas.equal_axes(axes, points, margin=0.05)
        order = np.random.default_rng(0).permutation(len(points))  # so that none covers the others
        axes.scatter(*points[order].T, s=6, c=colors[order], linewidths=0, alpha=0.7, rasterized=True)
        axes.set_title(name + thinned, fontsize=10)
        axes.set_xlabel(f"component 1 ({shares[0]:.0%} of variance)", fontsize=9)
        if place == 0:
            axes.set_ylabel(f"component 2 ({shares[1]:.0%} of variance)", fontsize=9)
            handles = [_dot(canvas.QUERY, "o", "query"), _dot(canvas.KEY, "o", "key")]
            axes.legend(handles=handles, fontsize=8, framealpha=0.8)
        axes.tick_params(labelsize=7)
    handles = [_dot(color, "o", str(layer)) for color, layer in zip(by_layer, layers, strict=True)]
    figure.legend(handles=handles, title="layer", loc="center right", fontsize=8, frameon=False)
    canvas.title(figure, title, fontsize=12, y=0.975)
    return figure


@in_house_style
def heatmap_figure(
    maps: Mapping[str, np.ndarray],
    layers: Sequence[int],
    heads: Sequence[int],
    *,
    limits: Mapping[str, tuple[float, float]] | None = None,
    columns: int = 3,
    title: str = "",
) -> Figure:
    """One heatmap [L, H] per name: rows are layers, columns heads. limits: of colours; else from 0 to the highest, or
    where there are values below 0, as far below as above."""
    if not maps:
        raise ValueError("maps is empty; expected at least one array [layers, heads] with its name")
    maps = {name: np.asarray(values) for name, values in maps.items()}
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    cell = 0.4 if len(heads) <= 6 else 0.33
    wide, high = max(cell * len(heads), 1.8), max(cell * len(layers), 1.2)
    across, down = wide + 1.25, high + 0.85
    figure = canvas.new_figure(across * columns + 0.2, down * rows + 0.6)
    for place, (name, values) in enumerate(maps.items()):
        row, column = divmod(place, columns)
        left, bottom = across * column + 0.55, figure.get_figheight() - 0.6 - down * (row + 1) + 0.45
        box = np.array([left, bottom, wide, high]) / np.tile(figure.get_size_inches(), 2)
        axes = figure.add_axes(tuple(box))
        _check_heads(f"map {name!r}", values.shape, layers, heads)
        low, top = (limits or {}).get(name) or _limits(values)
        cmap = canvas.DIFFERENCE if low < 0 else canvas.ATTENTION
        image = axes.imshow(values, cmap=cmap, vmin=low, vmax=top, aspect="auto", interpolation="nearest")
        axes.set_xticks(range(len(heads)), heads)
        axes.set_yticks(range(len(layers)), layers)
        axes.tick_params(labelsize=7, length=0)
        axes.set_xlabel("head", fontsize=8)
        axes.set_ylabel("layer", fontsize=8)
        axes.set_title(f"{name}\nmean {values.mean():.2f}", fontsize=9)
        for (i, j), value in np.ndenumerate(values):
            r, g, b, _ = image.cmap(image.norm(value))
            ink = "black" if 0.3 * r + 0.59 * g + 0.11 * b > 0.5 else "white"
            axes.text(j, i, _short(value), ha="center", va="center", fontsize=5.5, color=ink)
        canvas.bar_beside(figure, axes, image)
    canvas.title(figure, title, fontsize=11, y=1 - 0.12 / figure.get_figheight())
    return figure


@in_house_style
def positions_figure(by_offset: np.ndarray, layers: Sequence[int], heads: Sequence[int], *, title: str = "") -> Figure:
    """Mean attention by relative position, [L, H, offsets], a small bar chart a head; the highest bar is named."""
    figure, grid = _grid(layers, heads, title, below=0.3)
    top = by_offset.max()
    for place in np.ndindex(grid.shape):
        values = by_offset[place]
        high = values.argmax()
        axes = grid[place]
        axes.stairs(values, np.arange(len(OFFSETS) + 1) + OFFSETS[0] - 0.5, fill=True, color="#9aa5b1")
        axes.bar(OFFSETS[high], values[high], width=1, color=canvas.KEY)
        axes.axvline(0, color="black", lw=0.3, zorder=0)
        axes.set_xlim(OFFSETS[0] - 0.5, OFFSETS[-1] + 0.5)
        axes.set_ylim(0, 1.05 * top)
        name = f"{_signed(OFFSETS[high])}: {values[high]:.2f}"
        _corner(axes, name, "right" if OFFSETS[high] < 0 else "left", "top")  # away from the bar
    span = f"{_signed(OFFSETS[0])} to {_signed(OFFSETS[-1])}"
    _note(figure, f"x: place of the key less that of the query, {span}; y: mean attention, 0 to {top:.2f}")
    return figure


def _check_heads(name, shape, layers, heads):
    if tuple(shape) != (len(layers), len(heads)):
        raise ValueError(
            f"{name} is of heads {list(shape)}; expected [{len(layers)}, {len(heads)}], as many as layers and heads"
        )


def _one_plane(normalized):
    """[L, H]: heads that share a plane have the same number."""
    planes = [normalized.plane.mean[..., None, :], normalized.plane.components]
    planes = np.concatenate(planes, axis=-2)
    _, number = np.unique(planes.reshape(-1, planes.shape[-2] * planes.shape[-1]), axis=0, return_inverse=True)
    return number.reshape(planes.shape[:-2])


def _grid(layers, heads, title, below=0.0, right=0.0):
    """A figure with one small square of axes for each layer and head, rows and columns named."""
    cell = {True: 1.7, False: 1.05}[len(heads) <= 6]
    left, top = 0.55, 0.62
    width, height = left + right + 0.1 + cell * len(heads), top + below + 0.1 + cell * len(layers)
    width = max(width, 6.0)  # room for the title
    cell_across = (width - left - right - 0.1) / len(heads)
    figure = canvas.new_figure(width, height)
    grid = np.empty((len(layers), len(heads)), object)
    for row, column in np.ndindex(grid.shape):
        x, y = left + cell_across * column, height - top - cell * (row + 1)
        box = (x / width, y / height, 0.94 * cell_across / width, 0.94 * cell / height)
        axes = grid[row, column] = figure.add_axes(box)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_linewidth(0.4)
        if row == 0:
            axes.set_title(f"head {heads[column]}", fontsize=7, pad=3)
        if column == 0:
            axes.set_ylabel(f"layer {layers[row]}", fontsize=7)
    canvas.title(figure, title, fontsize=10, y=1 - 0.12 / height)
    return figure, grid


def _dot(color, marker, label):
    return Line2D([], [], color=color, marker=marker, ls="", label=label)


def _corner(axes, text, across, up):
    """A small text in a corner of small axes."""
    at = {"left": 0.04, "right": 0.96, "bottom": 0.04, "top": 0.95}
    rim = [withStroke(linewidth=1.5, foreground="white")]
    axes.text(
        at[across], at[up], text, ha=across, va=up, fontsize=5.5, path_effects=rim, transform=axes.transAxes, zorder=5
    )


def _note(figure, text):
    figure.text(0.5, 0.1 / figure.get_figheight(), text, ha="center", fontsize=8)


def _signed(offset):
    return f"{offset:+d}".replace("-", "−") if offset else "0"


def _limits(values):
    """Of colours: from 0 up, or the same on both sides of 0."""
    most = float(np.abs(values).max()) or 1.0
    return (-most, most) if values.min() < 0 else (0.0, most)


def _short(value):
    """0.73 -> .73, 1 -> 1, -0.5 -> −.50, 12.3 -> 12: so that it fits into its cell."""
    digits = 2 if abs(value) < 0.995 else 1 if abs(value) < 9.95 else 0
    number = f"{value:.{digits}f}"
    number = number.removesuffix(".0") if digits < 2 else number.replace("0.", ".", 1)
    return number.removeprefix("-") if float(number) == 0 else number.replace("-", "−")

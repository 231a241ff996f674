"""What was measured of every head, as rows for heads.csv and as lines to print."""

import numpy as np


def head_rows(ways, measured, habits, layers, heads, dims) -> list[dict]:
    """heads.csv: one row per head, every measure of every way; of a plane that is not PCA's, what is seen in it."""
    rows = []
    for i, j in np.ndindex(len(layers), len(heads)):
        row = {"layer": layers[i], "head": heads[j]}
        for way, result in zip(ways, measured, strict=True):
            values, spaces = {}, ((f"{dims}d", result.plane),)
            if way.plane.kind == "pca":
                values = {
                    "scale": way.scale,
                    "translation_norm": np.linalg.norm(way.translation, axis=-1),
                    "explained_variance": way.plane.explained_variance_ratio.sum(axis=-1),
                    "correlation": result.pairs.correlation,
                    "weighted_correlation": result.close_pairs.correlation,
                }
                spaces = (("full", result.space), *spaces)
            for space, near in spaces:
                values[f"nearest1_{space}"] = near.nearest1
                values[f"nearest3_{space}"] = near.nearest3
                values[f"rank_correlation_{space}"] = near.rank_correlation
            if way.plane.is_attention:
                values["lost_nats"] = result.lost
            row |= {f"{way.name}_{name}": f"{value[i, j]:.6g}" for name, value in values.items()}
        for name in ("to_self", "to_previous", "to_next", "to_cls", "to_sep", "entropy"):
            row[name] = f"{getattr(habits, name)[i, j]:.6g}"
        rows.append(row)
    return rows


def head_table(ways, measured, layers, heads, dims) -> str:
    """What is printed: one line per head, before and after; for several heads their means, method by method."""
    moved = [(way, result) for way, result in zip(ways, measured, strict=True) if way.plane.kind == "pca"]
    others = [(way, result) for way, result in zip(ways, measured, strict=True) if way.plane.kind != "pca"]
    scaled = [(way, result) for way, result in moved if way.method != "raw"]
    groups = [  # heading, what stands in it, of which ways
        ("scale", lambda way, result: way.scale, scaled),
        ("correlation", lambda way, result: result.pairs.correlation, moved),
        (f"nearest@1 in {dims}-D", lambda way, result: result.plane.nearest1, moved + others),
        ("nearest@1 in full", lambda way, result: result.space.nearest1, moved),
        ("nats lost", lambda way, result: result.lost, [pair for pair in others if pair[0].plane.is_attention]),
    ]
    headings, names, widths, cells = " " * 5, " head", [], []
    for heading, value, pairs in groups:
        some = [max(7, len(way.name) + 2, (len(heading) + 2) // len(pairs)) for way, _ in pairs]
        headings += heading.rjust(sum(some)) if pairs else ""
        names += "".join(way.name.rjust(width) for (way, _), width in zip(pairs, some, strict=True))
        widths += some
        cells += [value(way, result) for way, result in pairs]
    lines = [headings, names]
    for i, j in np.ndindex(len(layers), len(heads)):
        doubts = [f"{way.method}: {way[i, j].doubt}" for way, _ in scaled if way[i, j].doubt]
        line = "".join(f"{cell[i, j]:z{width}.2f}" for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{f'{layers[i]}.{heads[j]}':>5}{line}" + "  " * bool(doubts) + "; ".join(doubts))
    if len(layers) * len(heads) > 1:
        lines += ["", *mean_table(moved, others, len(layers) * len(heads), dims)]
    return "\n".join(lines)


def mean_table(moved: list[tuple], others: list[tuple], heads: int, dims: int) -> list[str]:
    """Means over the heads, one line per way."""
    indent = max(5, *(len(way.name) for way, _ in moved + others))
    lines = [
        f"mean over {heads} heads",
        " " * (indent - 5) + "       nearest@1     nearest@3     rank corr.      corr.  weighted  explained",
        " " * (indent - 5)
        + f"        full {dims}-D      full {dims}-D      full {dims}-D               corr.   variance",
    ]
    for way, result in moved:
        near = [(s.nearest1, s.nearest3, s.rank_correlation) for s in (result.space, result.plane)]
        cells = [value.mean() for pair in zip(*near, strict=True) for value in pair]
        cells += [result.pairs.correlation.mean(), result.close_pairs.correlation.mean()]
        cells.append(way.plane.explained_variance_ratio.sum(axis=-1).mean())
        lines.append(f"{way.name:>{indent}}" + "".join(f"{c:7.2f}" for c in cells))
    for way, result in others:
        near = result.plane
        cells = [value.mean() for value in (near.nearest1, near.nearest3, near.rank_correlation)]
        lost = f"   {result.lost.mean():.2f} nats lost" if way.plane.is_attention else ""
        lines.append(f"{way.name:>{indent}}" + "".join(f"{'':7}{c:7.2f}" for c in cells) + lost)
    return lines

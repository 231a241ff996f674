"""The numbers of each head, and the columns by which the page marks and orders the heads.

The columns are those of the `heads.csv` that `minibert viz` writes, under the same names, and one more, the kind of
head.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from viz.explorer.kinds import BROAD, CLEAR, OFFSETS, PLACES, Kinds
from viz.measures.habits import Habits
from viz.measures.held import Held
from viz.measures.measure import Measures
from viz.measures.parking import KINDS, NO_OP, PARKS, Parking

HABITS = ("to_previous", "to_next", "to_self", "to_cls", "to_sep")
ORDER = (*map(str, PLACES), "special", "broad", "mixed")
NO_PARKING = "words"
"""The name for a head that does not park."""


@dataclass(frozen=True)
class LayerNumbers:
    """The numbers of the H heads of one layer.

    measures      for each picture, whether attention ends up near
    held          for each picture, how much of the scores it holds in 2-D, and how much any could
    measures_words, held_words  the same among words
    parking       what words park on special tokens; None: it is not known what the heads move
    closeness     for each picture, see `viz.explorer.tour.closeness`
    scales        for each picture the scale c
    translations  for each picture the length of the translation
    variances     for each picture the share of the variance that its two axes show; NaN where they were not chosen so
    """

    habits: Habits
    kinds: Kinds
    measures: dict[str, Measures]
    measures_words: dict[str, Measures]
    held: dict[str, Held]
    held_words: dict[str, Held]
    parking: Parking | None
    closeness: dict[str, np.ndarray]
    scales: dict[str, np.ndarray]
    translations: dict[str, np.ndarray]
    variances: dict[str, np.ndarray]


def by_position(attention: Sequence[np.ndarray], across: int) -> np.ndarray:
    """Mean attention of the query at position i to the key at position j over the sentences that have both,
    for the first `across` positions: [..., across, across]."""
    total = np.zeros((*attention[0].shape[:-2], across, across))
    count = np.zeros((across, across))
    for weights in attention:
        size = min(across, weights.shape[-1])
        total[..., :size, :size] += weights[..., :size, :size]
        count[:size, :size] += 1
    return total / np.maximum(count, 1)


def kind_label(name: str, words: Mapping[str, str]) -> str:
    """The label of a kind: "previous", "2 after", "same word"."""
    if name in map(str, OFFSETS) and abs(int(name)) > 1:
        return words["kind_after" if int(name) > 0 else "kind_before"].format(count=abs(int(name)))
    return words[f"kind_{name}"]


def columns(layers: Sequence[LayerNumbers], words: Mapping[str, str]) -> list[dict[str, Any]]:
    """All columns of all heads, as the page's data has them."""
    names = [name for layer in layers for name in layer.kinds.names]
    result: list[dict[str, Any]] = []

    def label(name: str, names: Sequence[str], order: Sequence[str], **about: float) -> None:
        known = [one for one in order if one in names]
        result.append(
            {
                "name": name,
                "label": words[f"column_{name}"],
                "about": words[f"about_{name}"].format(**{key: f"{100 * share:.0f} %" for key, share in about.items()}),
                "kinds": known,
                "labels": [kind_label(one, words) for one in known],
                "values": [known.index(one) for one in names],
            }
        )

    def add(name: str, text: str, values: Sequence[np.ndarray | float], **fields: str) -> None:
        plain = np.concatenate([np.ravel(np.asarray(v, float)) for v in values]).tolist()
        rounded = [round(x, 5) if np.isfinite(x) else None for x in plain]
        if all(x is None for x in rounded):
            return  # such as the variance explained by axes that were not chosen for it
        title, about = words[f"column_{text}"].format(**fields), words[f"about_{text}"].format(**fields)
        result.append({"name": name, "label": title, "about": about, "digits": 2, "values": rounded})

    label("kind", names, ORDER, clear=CLEAR, broad=BROAD)
    for name in (*HABITS, "entropy"):
        add(name, name, [getattr(layer.habits, name) for layer in layers])
    add("parked", "parked", [1 - layer.kinds.left for layer in layers])
    parkings = [layer.parking for layer in layers if layer.parking is not None]
    if parkings:
        add("parked_moved", "parked_moved", [parking.moved for parking in parkings])
        parked = [name or NO_PARKING for parking in parkings for name in parking.kinds.tolist()]
        label("parking", parked, (*KINDS, NO_PARKING), parks=PARKS, little=NO_OP)
    for suffix, part in (("", "held"), ("_words", "held_words")):
        first = [next(iter(getattr(layer, part).values())) for layer in layers]
        fields = {"among": words["among_words"] if suffix else ""}
        add(f"bound_2d{suffix}", "bound", [held.bound(2) for held in first], **fields)
        add(f"dimensions_90{suffix}", "dimensions", [held.dimensions(0.9) for held in first], **fields)
    for method in layers[0].measures:
        move = words[f"method_{method}"]
        m = [layer.measures[method] for layer in layers]
        for suffix in ("", "_words"):
            among = words["among_words"] if suffix else ""
            of = [getattr(layer, f"measures{suffix}")[method] for layer in layers]
            for where, space in (("2d", "plane"), ("full", "space")):
                fields = {"method": move, "where": words[f"where_{where}"] + among}
                for name in ("nearest1", "nearest3", "rank_correlation"):
                    values = [getattr(getattr(x, space), name) for x in of]
                    add(f"{method}_{name}_{where}{suffix}", name, values, **fields)
            shares = [getattr(layer, f"held{suffix}")[method].share for layer in layers]
            add(f"{method}_holds_2d{suffix}", "holds", shares, method=move, among=among)
        add(f"{method}_correlation", "correlation", [x.pairs.correlation for x in m], method=move)
        add(f"{method}_weighted_correlation", "weighted", [x.close_pairs.correlation for x in m], method=move)
        for name, part in (
            ("explained_variance", "variances"),
            ("scale", "scales"),
            ("translation_norm", "translations"),
        ):
            add(f"{method}_{name}", name, [getattr(layer, part)[method] for layer in layers], method=move)
    return result


def evidence(layers: Sequence[LayerNumbers]) -> list[dict[str, float]]:
    """For each head the numbers that its kind rests on."""
    return [
        {"share": round(float(s), 4), "left": round(float(w), 4), "queries": int(q), "best": int(b)}
        for k in (layer.kinds for layer in layers)
        for s, w, q, b in zip(k.share, k.left, k.queries, k.best, strict=True)
    ]

"""What each head does, in numbers: the columns by which the page marks and orders the heads. They are those of the
`heads.csv` that `minibert viz` writes, under the same names, and one more, the kind of head."""

from collections.abc import Sequence

import numpy as np

from viz.explorer.kinds import BROAD, CLEAR, OFFSETS, PLACES

HABITS = ("to_previous", "to_next", "to_self", "to_cls", "to_sep")
ORDER = (*map(str, PLACES), "special", "broad", "mixed")


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


def kind_label(name: str, words: dict[str, str]) -> str:
    """How a kind is called: "previous", "2 after", "same word"."""
    if name in map(str, OFFSETS) and abs(int(name)) > 1:
        return words["kind_after" if int(name) > 0 else "kind_before"].format(count=abs(int(name)))
    return words[f"kind_{name}"]


def columns(layers: Sequence[dict], words: dict[str, str]) -> list[dict]:
    """All columns of all heads as the page wants them. layers: per layer what `explore_layer` found."""
    names = [name for layer in layers for name in layer["kinds"].names]
    known = [name for name in ORDER if name in names]
    kind = {
        "name": "kind",
        "label": words["column_kind"],
        "about": words["about_kind"].format(clear=f"{100 * CLEAR:.0f} %", broad=f"{100 * BROAD:.0f} %"),
        "kinds": known,
        "labels": [kind_label(name, words) for name in known],
        "values": [known.index(name) for name in names],
    }
    result = [kind]

    def add(name: str, text: str, values, digits: int = 2, **place: str) -> None:
        plain = np.concatenate([np.ravel(np.asarray(v, float)) for v in values]).tolist()
        plain = [round(x, 5) if np.isfinite(x) else None for x in plain]
        if all(x is None for x in plain):
            return  # such as the variance explained by axes that were not chosen for it
        label, about = words[f"column_{text}"].format(**place), words[f"about_{text}"].format(**place)
        result.append({"name": name, "label": label, "about": about, "digits": digits, "values": plain})

    for name in (*HABITS, "entropy"):
        add(name, name, [getattr(layer["habits"], name) for layer in layers])
    for method in layers[0]["measures"]:
        called = words[f"method_{method}"]
        m = [layer["measures"][method] for layer in layers]
        for where, space in (("2d", "plane"), ("full", "space")):
            place = {"method": called, "where": words[f"where_{where}"]}
            for name in ("nearest1", "nearest3", "rank_correlation"):
                add(f"{method}_{name}_{where}", name, [getattr(getattr(x, space), name) for x in m], **place)
        add(f"{method}_correlation", "correlation", [x.pairs.correlation for x in m], method=called)
        add(f"{method}_weighted_correlation", "weighted", [x.close_pairs.correlation for x in m], method=called)
        for name, part in (
            ("explained_variance", "variances"),
            ("scale", "scales"),
            ("translation_norm", "translations"),
        ):
            add(f"{method}_{name}", name, [layer[part][method] for layer in layers], method=called)
    return result


def evidence(layers: Sequence[dict]) -> list[dict]:
    """Per head what its kind rests on."""
    return [
        {"share": round(float(s), 4), "left": round(float(w), 4), "queries": int(q), "best": int(b)}
        for k in (layer["kinds"] for layer in layers)
        for s, w, q, b in zip(k.share, k.left, k.queries, k.best, strict=True)
    ]

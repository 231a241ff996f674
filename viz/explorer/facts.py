"""What the guided tour says of this page's heads, in numbers, so that every answer is true of what is shown."""

from collections.abc import Mapping, Sequence

import numpy as np

from viz.explorer.tour import WORDS


def facts(
    found: Sequence[dict], drawn: str, query: np.ndarray, key: np.ndarray, words: Sequence, told: Mapping | None
) -> dict[str, object]:
    """found: per layer what `explore_layer` found. drawn: the first picture. query, key, words: of the first sentence,
    [layers, heads, T, K] and [T]. told: what a live model says, see `viz.explorer.model`."""
    layer, head = most(found, lambda one: one["habits"].to_previous)
    result = {"layer": layer, "head": head, "previous": percent(found[layer]["habits"].to_previous[head])}
    if found[layer]["kinds"].names[head] == "-1":
        result["clear"] = True
    result |= far_keys(found, query, key, words)
    close = [one["closeness"][drawn] for one in found]
    if np.isfinite(close).all():
        for name, sign in (("close", -1), ("apart", 1)):
            at, number = most(close, lambda ratios, sign=sign: sign * ratios)
            result |= {name: f"{at}.{number}", f"{name}_ratio": f"{close[at][number]:.1f}"}
    if told:
        shares, across = told["shares"], told["across"]
        worst = min(shares, key=shares.get)
        across_layer, across_head = max(across, key=across.get).split(".")
        pair_query, pair_key, pair_share = told["strongest"][f"{across_layer}.{across_head}"]
        result |= {
            "guess": told["guess"],
            "with_all": percent(shares[""]),
            "without": percent(shares[f"{layer}.{head}"]),
            "worst": worst,
            "without_worst": percent(shares[worst]),
            "across_layer": across_layer,
            "across_head": across_head,
            "across_share": percent(across[f"{across_layer}.{across_head}"]),
            "across_previous": percent(across[f"{layer}.{head}"]),
            "across_even": percent(told["even"]),
            "pair_query": pair_query,
            "pair_key": pair_key,
            "pair_share": percent(pair_share),
            "lens_layer": first_right(told),
            "lens_last": len(told["lens"]) - 2,
            "lens": ", ".join(f"{word} {percent(share)}" for word, share in told["lens"]),
        }
    return result


def far_keys(found: Sequence[dict], query: np.ndarray, key: np.ndarray, words: Sequence) -> dict[str, object]:
    """The head in which the most attended key is least often the nearest one as the model has them, with a query of the
    first sentence of which that is so; nothing where there is none."""
    layer, head = most(found, lambda one: -one["measures"]["raw"].space.nearest1)
    q, k = query[layer, head], key[layer, head]
    distance = np.linalg.norm(q[:, None] - k[None], axis=-1)
    differs = distance.argmin(axis=1) != (q @ k.T).argmax(axis=1)
    choice = [i for i, word in enumerate(words) if word is not None and differs[i]]
    measures = {name: found[layer]["measures"][name] for name in ("raw", "exact")}
    if not choice or measures["exact"].plane.nearest1[head] == 1:
        return {}
    return {
        "far": f"layer={layer}&head={head}",
        "far_head": f"{layer}.{head}",
        "far_query": choice[0],
        "far_raw": percent(measures["raw"].space.nearest1[head]),
        "far_flat": percent(measures["exact"].plane.nearest1[head]),
    }


def most(found: Sequence, value) -> tuple[int, int]:
    """Layer and head of the largest value."""
    layer, head = np.unravel_index(np.stack([value(one) for one in found]).argmax(), (len(found), len(value(found[0]))))
    return int(layer), int(head)


def closeness(keys: np.ndarray, tokens: Sequence[str]) -> np.ndarray:
    """How far apart the keys of the tour's words are in a picture, as a share of how far any two keys are.

    Both are roots of mean squares: keys [H, N, 2] -> [H]; NaN where fewer than two of the words are among the tokens.
    """
    sought = np.isin(tokens, WORDS)
    if len(set(np.asarray(tokens)[sought])) < 2:
        return np.full(len(keys), np.nan)

    def apart(points):
        return np.sqrt(2 * points.var(axis=1, ddof=1).sum(axis=-1))

    return apart(keys[:, sought]) / np.maximum(apart(keys), 1e-12)


def first_right(told: Mapping) -> int:
    """The layer after which, and after all that follow, the likeliest word is the one of the end."""
    wrong = [place for place, (word, _) in enumerate(told["lens"]) if word != told["guess"]]
    return max(wrong, default=0)  # place 0: the embeddings, place 1: after layer 0


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"

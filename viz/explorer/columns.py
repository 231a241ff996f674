"""What each head does, in numbers: the columns by which the page marks and orders the heads. They are those of the
`heads.csv` that `minibert viz` writes, under the same names (but none for raw), and one more, the kind of head."""

from collections.abc import Sequence

import numpy as np

from viz.measures.habits import Habits
from viz.measures.measure import Measures

PLACES = (
    ("to_previous", "previous", "mean attention to the token before the query"),
    ("to_next", "next", "mean attention to the token after the query"),
    ("to_self", "self", "mean attention of a token to itself"),
    ("to_cls", "[CLS]", "mean attention to [CLS]"),
    ("to_sep", "[SEP]", "mean attention to [SEP] (to all of them together)"),
)
KINDS = (*(name for _, name, _ in PLACES), "broad", "mixed")
CLEAR = 0.4
"""A head that gives this much of its attention to one place on average is named after it."""
BROAD = 0.8
"""A head whose attention has this share of the largest entropy possible looks everywhere."""


def kind(habits: Habits, sizes: np.ndarray) -> np.ndarray:
    """The place in KINDS of each head: the place it clearly looks at most, else broad or mixed.

    sizes: how many tokens each sentence has; the largest entropy possible is the mean of log2 of them over queries.
    """
    places = np.stack([getattr(habits, name) for name, _, _ in PLACES])
    largest = np.average(np.log2(sizes), weights=sizes)
    other = np.where(habits.entropy >= BROAD * largest, KINDS.index("broad"), KINDS.index("mixed"))
    return np.where(places.max(axis=0) >= CLEAR, places.argmax(axis=0), other)


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


def columns(
    habits: Habits,
    sizes: np.ndarray,
    measures: dict[str, Measures],
    scales: dict[str, np.ndarray],
    translations: dict[str, np.ndarray],
    variances: dict[str, np.ndarray],
) -> list[dict]:
    """All columns of some heads as the page wants them; arrays [heads] become lists.

    variances: the share of the variance that the 2-D picture of each method shows.
    """
    result = [
        {
            "name": "kind",
            "label": "kind of head",
            "about": f"what gets at least {CLEAR} of the attention on average: the previous or next token, the token "
            f"itself, [CLS], [SEP]; else broad (entropy at least {BROAD} of the largest possible) or mixed",
            "labels": list(KINDS),
            "values": kind(habits, sizes).ravel().tolist(),
        }
    ]

    def add(name: str, label: str, about: str, values: np.ndarray, digits: int = 2) -> None:
        plain = [round(x, 5) if np.isfinite(x) else None for x in np.asarray(values, float).ravel().tolist()]
        result.append({"name": name, "label": label, "about": about, "digits": digits, "values": plain})

    for name, place, about in PLACES:
        add(name, f"attention to {place}", about, getattr(habits, name))
    entropy = "mean entropy of a query's attention: 0 looks at one key, a high one looks everywhere"
    add("entropy", "entropy (bits)", entropy, habits.entropy)
    for method, m in measures.items():
        for where, space, seen in (("2d", m.plane, "in the 2-D picture"), ("full", m.space, "in the full space")):
            short = {"2d": "2-D", "full": "full"}[where]
            most = f"queries whose most attended key is the nearest {seen}, method {method}"
            three = f"queries whose most attended key is among the 3 nearest {seen}, method {method}"
            rank = f"Spearman's correlation of attention and nearness {seen}, method {method}, mean over queries"
            add(f"{method}_nearest1_{where}", f"nearest@1 {short}, {method}", most, space.nearest1)
            add(f"{method}_nearest3_{where}", f"nearest@3 {short}, {method}", three, space.nearest3)
            add(f"{method}_rank_correlation_{where}", f"rank corr. {short}, {method}", rank, space.rank_correlation)
        about = f"Pearson's correlation of dot product and distance over all pairs, method {method}"
        add(f"{method}_correlation", f"correlation, {method}", about, m.pairs.correlation)
        about = f"the same, the closest pairs weighted most, method {method}"
        add(f"{method}_weighted_correlation", f"weighted corr., {method}", about, m.close_pairs.correlation)
        about = f"share of the variance that the 2-D picture shows, method {method}"
        add(f"{method}_explained_variance", f"explained var., {method}", about, variances[method])
        add(f"{method}_scale", f"scale c, {method}", f"by which {method} stretches queries", scales[method])
        about = f"length of what {method} adds to every key"
        add(f"{method}_translation_norm", f"translation, {method}", about, translations[method])
    return result

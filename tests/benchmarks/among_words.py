"""Is nearness attention for the queries that attend to words? By plane, on sentences that were not fitted.

    python -m tests.benchmarks.among_words                         the tables of viz/README.md
    python -m tests.benchmarks.among_words --models tiny --splits 2

The sentences are tests/sentences.txt: 30 of the 50 are fitted, 20 measured, in random splits. Each number is a mean
over heads, then over splits, with the 95 % interval of Student's t over the splits. Unfolding is of the 20 sentences
themselves, since it has no map. Planes are fitted to all tokens, or among words.
"""

import argparse
from pathlib import Path

import numpy as np
import scipy.stats

import minibert
import viz
from minibert.survey.sample import Sample, gather
from minibert.whatif.moved import lengths, output_squares
from tests.material import find_minilm
from viz.geometry.sentences import sentence_spans

SENTENCES = Path(__file__).parents[1] / "sentences.txt"
WAYS = {
    "PCA of exact": {"method": "exact"},
    "attention plane": {"method": "raw", "plane": "attention"},
    "unfolding": {"method": "raw", "plane": "unfold"},
}
COLUMNS = ("all", "parked", "to a word", "among words", "rank corr., words", "nats, words", "held", "bound")


def found_in(n: viz.Normalized, sample: Sample, words: np.ndarray) -> dict[str, float]:
    """The numbers of one row: n is the sample, moved and drawn; words: [N], which tokens are words."""
    spans = sentence_spans(sample.sentences, len(words))
    hits, special, whole = [], [], viz.measure(n, sample.attention, sample.sentences)
    for s, attention in zip(spans, sample.attention, strict=True):
        x, y = n.query_drawn[..., s, :], n.key_drawn[..., s, :]
        near = np.square(x[..., :, None, :] - y[..., None, :, :]).sum(axis=-1).argmin(axis=-1)
        best = attention.argmax(axis=-1)
        hits.append((near == best)[..., words[s]])
        special.append(~words[s][best][..., words[s]])
    hit, parked = np.concatenate(hits, axis=-1), np.concatenate(special, axis=-1)
    among = viz.measure(n, sample.attention, sample.sentences, words)
    flat = [
        viz.held(*(a[..., np.flatnonzero(words[s]) + s.start, :] for a in (n.query, n.key, n.query_drawn, n.key_drawn)))
        for s in spans
    ]
    held = sum(flat[1:], flat[0])
    return {
        "all": float(whole.plane.nearest1.mean()),
        "parked": float(hit[parked].mean()) if parked.any() else np.nan,
        "to a word": float(hit[~parked].mean()),
        "among words": float(among.plane.nearest1.mean()),
        "rank corr., words": float(among.plane.rank_correlation.mean()),
        "nats, words": float(among.lost.mean()),
        "held": float(held.share.mean()),
        "bound": float(held.bound(n.query_drawn.shape[-1]).mean()),
    }


def split(bert: minibert.Bert, texts: list[str], seed: int, dims: int, name: str, fit_words: bool) -> dict[str, float]:
    """The numbers of one plane for one split."""
    order = np.random.default_rng(seed).permutation(len(texts))
    some, rest = ([bert.encode(texts[i]) for i in sorted(part)] for part in (order[:30], order[30:]))
    other = gather(bert, rest)
    fitted = gather(bert, rest if name == "unfolding" else some, fit_words)
    options = WAYS[name] | {"attention": fitted.attention, "components": dims}
    n = viz.normalize(fitted.query, fitted.key, fitted.sentences, **options)
    if name == "unfolding":
        return found_in(n, fitted, fitted.is_word)
    return found_in(n.apply(other.query, other.key, other.sentences), other, other.is_word)


def interval(values: list[float]) -> str:
    """Their mean and half of its 95 % interval; of one split the number alone."""
    if len(values) == 1 or np.isnan(values).any():
        return f"{np.mean(values):.2f}"
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.2f} ± {half:.2f}"


def parking(name: str, bert: minibert.Bert, texts: list[str]) -> None:
    """Print how much each head parks, and how much it moves from there."""
    where = range(bert.config.num_attention_heads)
    total = None
    for trace in bert.batch(texts):
        special = np.array([word is None for word in trace.words])
        outputs = np.stack([output_squares(bert, layer, where) for layer in range(len(trace.layers))])
        one = viz.parking(trace.stacked("attention"), lengths(trace.stacked("value"), outputs), special)
        total = one if total is None else total + one
    parks = total.kinds != ""
    print(f"{name}: {total.kinds.size} heads, {parks.sum()} park; {(total.kinds == 'no-op').sum()} of them are no-ops;")
    moved = f", moved {np.median(total.moved[parks]):.2f} in the median" if parks.any() else ""
    print(f"  mean parked {total.parked.mean():.2f}, mean moved {total.moved.mean():.2f}; of those that park{moved}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ("tiny", "tiny-sentiment", "MiniLM")
    parser.add_argument("--models", nargs="+", choices=known, default=list(known))
    parser.add_argument("--splits", type=int, default=5)
    args = parser.parse_args()
    texts = SENTENCES.read_text(encoding="utf-8").splitlines()
    for name in args.models:
        bert = minibert.load(find_minilm() if name == "MiniLM" else name)
        parking(name, bert, texts)
        print(f"| {name} | fitted to | " + " | ".join(COLUMNS) + " |")
        for dims in (2, 3):
            for way in WAYS:
                for fit_words in (False, True):
                    rows = [split(bert, texts, seed, dims, way, fit_words) for seed in range(args.splits)]
                    cells = [interval([row[column] for row in rows]) for column in COLUMNS]
                    what = "words" if fit_words else "all"
                    print(f"| {way}, {dims}-D | {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

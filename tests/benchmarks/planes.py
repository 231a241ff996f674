"""How much of attention fits into a plane: nearest@1 and nats lost, on sentences that were not fitted, by each plane.

    python -m tests.benchmarks.planes              the table, with the seconds for all heads of each model
    python -m tests.benchmarks.planes --limit      how low a linear map can go in 2-D, by many starts
    python -m tests.benchmarks.planes --large      144 heads of BERT-base's shape, 1,000 tokens
    python -m tests.benchmarks.planes --weights    what scale "paper" chooses on each half of the sentences, by weight

The sentences are tests/sentences.txt: 30 of the 50 are fitted, 20 measured, for five random splits; means over heads.
Unfolding is of one sentence, and measured on it. `--maps` adds t-SNE and UMAP, measured on what they were fitted to.
"""

import argparse
import time
from pathlib import Path

import numpy as np

import minibert
import viz
from tests.material import find_minilm
from viz.geometry.attention_plane import DECAY, SHARPER, attention_batches, attention_plane, picture_loss
from viz.geometry.distances import square_distances
from viz.geometry.sentences import sentence_spans

SENTENCES = Path(__file__).parents[1] / "sentences.txt"
HALVES = 5
DEFAULT = "The brown capybara is sleeping now."


def laid_out(traces: list) -> tuple:
    """Queries and keys [L H, N, K], attention [L H, S, S] of each, and the sentence of each token."""
    query, key = (
        np.concatenate([np.stack([getattr(layer, name) for layer in trace.layers]) for trace in traces], axis=-2)
        for name in ("query", "key")
    )
    attention = [np.stack([layer.attention for layer in trace.layers]) for trace in traces]
    sentences = np.repeat(np.arange(len(traces)), [len(trace.tokens) for trace in traces])
    flat = [x.reshape(-1, *x.shape[2:]) for x in (query, key, *attention)]
    return flat[0], flat[1], flat[2:], sentences


def ways_of(components: int) -> dict:
    return {
        "raw, PCA": {"method": "raw"},
        "paper, PCA": {"method": "paper"},
        "exact, PCA": {"method": "exact"},
        "attention plane": {"method": "raw", "plane": "attention"},
    }


def table(name: str, traces: list, splits: int, maps: bool) -> None:
    for components in (2, 3):
        for way, options in ways_of(components).items():
            fitted, other, lost, seconds = [], [], [], 0.0
            for seed in range(splits):
                order = np.random.default_rng(seed).permutation(len(traces))
                some, rest = ([traces[i] for i in sorted(part)] for part in (order[:30], order[30:]))
                query, key, attention, sentences = laid_out(some)
                start = time.perf_counter()
                n = viz.normalize(query, key, sentences, components=components, **options)
                seconds += time.perf_counter() - start
                fitted.append(viz.measure(n, attention, sentences).plane.nearest1.mean())
                query, key, attention, sentences = laid_out(rest)
                found = viz.measure(n.apply(query, key, sentences), attention, sentences)
                other.append(found.plane.nearest1.mean())
                lost.append(found.lost.mean())
            spread = f"{min(other):.3f} to {max(other):.3f}"
            nats = "" if np.isnan(lost).any() else f"{np.mean(lost):.2f}"
            row(name, f"{components}-D", way, np.mean(fitted), np.mean(other), spread, nats, seconds / splits)
        query, key, attention, sentences = laid_out([minibert_trace(name, DEFAULT)])
        for way in ("unfold", "tsne", "umap")[: 3 if maps else 1]:
            start = time.perf_counter()
            n = viz.normalize(query, key, sentences, "raw", components=components, plane=way)
            seconds, found = time.perf_counter() - start, viz.measure(n, attention, sentences)
            nats = "" if np.isnan(found.lost).any() else f"{found.lost.mean():.2f}"
            row(name, f"{components}-D", f"{way}, one sentence", found.plane.nearest1.mean(), "", "", nats, seconds)


def minibert_trace(name: str, text: str):
    return minibert.load(name if name == "tiny" else find_minilm())(text)


def limit(name: str, traces: list, starts: int) -> None:
    """The lowest loss on the fitted sentences that any of many starts reaches, without price and sharpening, beside
    that of the first start alone and that of the plane as it is fitted; and what each loses on the other sentences."""
    order = np.random.default_rng(0).permutation(len(traces))
    (query, key, spans), others = (
        (q, k, sentence_spans(sentences, q.shape[1]))
        for q, k, _, sentences in (laid_out([traces[i] for i in sorted(part)]) for part in (order[:30], order[30:]))
    )
    random, alone = np.random.default_rng(0), {"sharper": 1, "decay": 0}
    found = {f"as it is fitted (sharper {SHARPER:g}, decay {DECAY:g})": attention_plane(query, key, spans)}
    found["sharper alone, no price"] = attention_plane(query, key, spans, decay=0, steps=200)
    found["price alone, not sharper"] = attention_plane(query, key, spans, sharper=1)
    found["the loss alone"] = attention_plane(query, key, spans, **alone, steps=200)
    best = found["the loss alone"].lost
    for _ in range(starts):
        # queries and keys turned and stretched at random: the same family of drawings, begun elsewhere
        size = query.shape[-1]
        mix = np.linalg.qr(random.normal(size=(len(query), size, size)))[0] * random.lognormal(
            0, 1, (len(query), 1, size)
        )
        other = np.linalg.inv(mix).mT
        mixed = (x.astype(np.float32) for x in (query @ mix, key @ other))
        best = np.minimum(best, attention_plane(*mixed, spans, **alone, steps=200).lost)
    print(f"{name}, 2-D, nats lost on the fitted sentences and on the others, nearest@1 on both, mean over heads:")
    for how, plane in found.items():
        (lost, first), (lost_there, first_there) = (on(plane, *some) for some in ((query, key, spans), others))
        print(f"  {how:42} {lost:.4f}  {lost_there:.4f}  {first:.3f}  {first_there:.3f}")
    print(f"  {f'the loss alone, best of {starts + 1} starts':42} {best.mean():.4f}", flush=True)


def on(plane, query: np.ndarray, key: np.ndarray, spans: list[slice]) -> tuple[float, float]:
    """What a plane loses of the attention of these sentences, and nearest@1 in it; means over heads."""
    rows = attention_batches(query, key, spans, None, np.sqrt(query.shape[-1]), 1.0)
    x, y = plane.draw_queries(query), plane.draw_keys(key)
    queries = sum(some.query.size for some in rows)
    hits = 0
    for some in rows:
        near = square_distances(x[:, some.query], y[:, some.key]).argmin(axis=-1)
        hits += (near == some.attention.argmax(axis=-1)).sum() / len(query)
    return picture_loss(x, y, rows, queries)[0].mean(), hits / queries


def large() -> None:
    random = np.random.default_rng(0)
    query, key = random.normal(size=(2, 144, 1000, 64)).astype(np.float32) * 1.5
    for length in (20, 100, 500):
        start = time.perf_counter()
        viz.normalize(query, key, np.arange(1000) // length, "raw", plane="attention")
        seconds = time.perf_counter() - start
        print(f"144 heads, 1,000 tokens in sentences of {length}: {seconds:.1f} s", flush=True)


def weights(name: str, traces: list) -> None:
    """log2 of c on one half against the other half, for random halves: how far apart, and how alike over heads; and
    what the c of one half is worth on the other, in full and in 2-D."""
    halves = []
    for seed in range(HALVES):
        order = np.random.default_rng(seed).permutation(len(traces))
        halves.append([laid_out([traces[i] for i in sorted(part)]) for part in (order[::2], order[1::2])])
    print(
        "| model | weight | distance | octaves apart | alike over heads | at the edge | rank correlation | nearest@1 |"
    )
    for distance in ("euclidean", "pca"):
        for weight in ("closeness", "attention", None):
            told = []
            for pair in halves:
                found = [
                    viz.normalize(q, k, s, "paper", distance=distance, weight=weight, attention=a)
                    for q, k, a, s in pair
                ]
                one, other = (np.log2(n.scale) for n in found)
                q, k, a, s = pair[1]
                there = viz.measure(found[0].apply(q, k, s), a, s)
                told.append([np.abs(one - other).mean(), np.corrcoef(one, other)[0, 1], found[0].search.at_edge.mean()])
                told[-1] += [x.rank_correlation.mean() for x in (there.space, there.plane)]
                told[-1] += [x.nearest1.mean() for x in (there.space, there.plane)]
            apart, alike, edge, *worth = np.mean(told, axis=0)
            ranks, first = (", ".join(f"{x:.2f}" for x in worth[i : i + 2]) for i in (0, 2))
            row(name, weight, distance, apart, alike, edge, ranks, first)


def row(*cells) -> None:
    print("| " + " | ".join(f"{c:.3f}" if isinstance(c, float) else str(c) for c in cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=("tiny", "MiniLM"), default=["tiny", "MiniLM"])
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--maps", action="store_true")
    parser.add_argument("--limit", type=int, nargs="?", const=10, metavar="STARTS")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--weights", action="store_true")
    args = parser.parse_args()
    if args.large:
        return large()
    if not (args.limit or args.weights):
        print("| model | | plane | nearest@1, fitted | other sentences | of the splits | nats lost there | seconds |")
    texts = SENTENCES.read_text(encoding="utf-8").splitlines()
    for name in args.models:
        traces = minibert.load(name if name == "tiny" else find_minilm()).batch(texts)
        if args.limit:
            limit(name, traces, args.limit)
        elif args.weights:
            weights(name, traces)
        else:
            table(name, traces, args.splits, args.maps)
    return None


if __name__ == "__main__":
    main()

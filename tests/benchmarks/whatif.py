"""What it costs to switch off every head in turn, in forward passes.

    python -m tests.benchmarks.whatif

144 heads of a BERT-base shape at 12 tokens: a run is resumed behind each head, and the heads of a layer are one batch.
Both ways take turns; medians over the rounds.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import minibert
from minibert.whatif.changes import resume_each
from minibert.whatif.heads import without_columns
from tests.benchmarks.forward import make_bert_base, sentences

KEEP = ("context", "hidden_states")


def all_heads(bert: minibert.Bert, encoding: minibert.Encoding) -> None:
    (trace,) = bert.batch([encoding], keep=KEEP)
    for layer, part in enumerate(trace.layers):
        heads = range(bert.config.num_attention_heads)
        changed = [without_columns(part.context, head, bert.config.head_size) for head in heads]
        resume_each(bert, trace, layer, "context", changed)


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        make_bert_base(Path(scratch))
        bert = minibert.load(Path(scratch))
        encoding = minibert.Encoding.from_ids(sentences([args.tokens])[0])
        heads = bert.config.num_hidden_layers * bert.config.num_attention_heads

        def passes() -> None:
            for _ in range(heads // 12):
                bert.batch([encoding], keep=("hidden_states",))

        passes()
        times = [(seconds(lambda: all_heads(bert, encoding)), 12 * seconds(passes)) for _ in range(args.rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"{args.tokens} tokens; every head of {heads} off in turn: {ours:.2f} s; {heads} passes: {theirs:.2f} s")
    print(f"{ours / theirs:.0%} of so many forward passes")


if __name__ == "__main__":
    main()

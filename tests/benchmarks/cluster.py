"""What a second worker is worth, and what a worker holds: `minibert viz --file` in one process and shared out.

    pip install -e . --group bench
    python -m tests.benchmarks.cluster TEXT --sentences 20000 --rounds 3
    python -m tests.benchmarks.cluster TEXT --memory 2000 20000

TEXT is a file with a sentence per line, of which the first so many are taken. Each row is of a process of its own; all
processes have one thread of BLAS. Rounds go through one process, one worker and all workers in turn.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import find_minilm

CODE = """
import resource, sys, time
from pathlib import Path
import minibert
from minibert.corpus.passes import hands_of, look_through
from minibert.survey.sample import Heads, gather
from minibert.survey.fit import METHODS, fit
from minibert.survey.measure import measure
from minibert.corpus.lines import Corpus

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

if __name__ == "__main__":
    model, text, workers = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) or None
    clock = [time.perf_counter()]
    bert, corpus = minibert.load(model), Corpus(path=text)
    where = Heads(range(bert.config.num_hidden_layers), range(bert.config.num_attention_heads))
    with hands_of(workers, None, bert) as hands:
        clock.append(time.perf_counter())
        found = look_through(hands, corpus, points=1000, seed=0, skip_bad=True)
        clock.append(time.perf_counter())
        sample = gather(bert, found.sample)
        ways = fit(sample, where, METHODS)
        clock.append(time.perf_counter())
        queries = max(1, 5000 // found.sentences)
        lines = found.sentences + found.skipped
        measured, _, done = measure(hands, corpus, lines, ways, where, queries, skip_bad=True, sample=sample)
        clock.append(time.perf_counter())
        memory = [peak()] if workers is None else hands.client.run(peak).values()
    steps = [b - a for a, b in zip(clock, clock[1:])]
    print(done, clock[-1] - clock[0], *steps, max(memory), float(measured[0].plane.nearest1.mean()))
"""


def row(model: str, text: Path, sentences: int, workers: int) -> list[float]:
    """Prints what a run took, and returns it."""
    with tempfile.TemporaryDirectory() as scratch:
        code, some = Path(scratch) / "code.py", Path(scratch) / "some.txt"
        code.write_text(CODE, encoding="utf-8")
        with text.open(encoding="utf-8") as lines:
            some.write_text("".join(line for line, _ in zip(lines, range(sentences), strict=False)), encoding="utf-8")
        command = [sys.executable, str(code), model, str(some), str(workers)]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
    done, *numbers = map(float, printed.split())
    who = f"{workers} workers" if workers else "one process"
    cells = [f"{x:.1f}" for x in numbers[:-2]] + [f"{numbers[-2]:.0f}", f"{numbers[-1]:.6f}"]
    print(f"| {who} | {done:,.0f} | {' | '.join(cells)} |", flush=True)
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--model", default=str(find_minilm()), help="default: all-MiniLM-L6-v2")
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory", nargs="*", type=int, help="instead: so many sentences, and what workers held")
    args = parser.parse_args()
    print("| | sentences | all, s | begin | first pass | fit | measure | MB a process | nearest@1, raw, 2-D |")
    print("| --- " * 9 + "|")
    if args.memory:
        for count in args.memory:
            row(args.model, args.text, count, args.workers)
        return
    rounds = [
        [row(args.model, args.text, args.sentences, workers) for workers in (0, 1, args.workers)]
        for _ in range(args.rounds)
    ]
    for name, which in (("one process", 0), ("one worker", 1)):
        whole, measuring = (sorted(one[which][step] / one[2][step] for one in rounds) for step in (0, 4))
        print(f"\n{args.workers} workers against {name}: {statistics.median(whole):.2f} times as fast ", end="")
        print(f"({whole[0]:.2f} to {whole[-1]:.2f}), measuring {statistics.median(measuring):.2f} times")


if __name__ == "__main__":
    main()

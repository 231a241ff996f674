"""What many sentences cost: time a sentence and peak memory, of `bert.stream` and of `minibert viz --file`, in parts.

    pip install -e . --group bench
    python -m tests.benchmarks.scale

Each number is from a process of its own. Sentences have 5 to 25 words, drawn at random from those of the tests.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.material import find_minilm

WORDS = (Path(__file__).parents[1] / "sentences.txt").read_text(encoding="utf-8").split()

STREAM = """
import sys, time
import minibert
bert = minibert.load(sys.argv[1])
start = time.perf_counter()
with open(sys.argv[2], encoding="utf-8") as lines:
    for trace in bert.stream(line.strip() for line in lines):
        pass
print(time.perf_counter() - start)
"""

ANALYSIS = """
import sys, time
from pathlib import Path
import minibert, viz
from minibert.survey.experiment import MOST_QUERIES
from minibert.corpus.passes import look_through
from minibert.survey.sample import Heads, gather
from minibert.survey.fit import METHODS, fit
from minibert.survey.measure import measure
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus
from minibert.speed.cores import one_thread

class Clocked:
    seconds = 0
    def stream(self, texts):
        traces = iter(bert.stream(texts))
        while True:
            start = time.perf_counter()
            trace = next(traces, None)
            self.seconds += time.perf_counter() - start
            if trace is None:
                return
            yield trace

bert, clocked = minibert.load(sys.argv[1]), Clocked()
Clocked.encode, hands, corpus = bert.encode, Here(clocked), Corpus(path=Path(sys.argv[2]))
found = look_through(hands, corpus, points=1000, seed=0, skip_bad=False)
sample = gather(bert, found.sample)
where = Heads(range(bert.config.num_hidden_layers), range(bert.config.num_attention_heads))
start = time.perf_counter()
ways = fit(sample, where, METHODS)
with one_thread():
    lines = found.sentences + found.skipped
    measure(hands, corpus, lines, ways, where, max(1, MOST_QUERIES // found.sentences), sample=sample)
print(clocked.seconds, time.perf_counter() - start - clocked.seconds)
"""


def write_sentences(path: Path, count: int) -> None:
    choose = random.Random(0)
    path.write_text("".join(" ".join(choose.choices(WORDS, k=choose.randint(5, 25))) + "\n" for _ in range(count)))


def run(command: list[str]) -> tuple[str, float, float]:
    """What a process printed, its seconds, and its peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"this failed: {' '.join(command)}")
    return printed, seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: all-MiniLM-L6-v2")
    parser.add_argument("--sentences", nargs="+", type=int, default=[100, 1_000, 10_000])
    parser.add_argument("--viz-sentences", nargs="*", type=int, default=[100, 1_000])
    args = parser.parse_args()
    model = args.model or str(find_minilm())

    print("| | sentences | seconds | ms a sentence | peak memory, MB |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        path, out = Path(scratch) / "sentences.txt", Path(scratch) / "out"
        for count in args.sentences:
            write_sentences(path, count)
            printed, _, memory = run([sys.executable, "-c", STREAM, model, str(path)])
            row("`bert.stream`", count, float(printed), memory)
        for count in args.viz_sentences:
            write_sentences(path, count)
            printed, _, memory = run([sys.executable, "-c", ANALYSIS, model, str(path)])
            forward, analysis = map(float, printed.split())
            row("of `minibert viz --file`: forward passes", count, forward, memory)
            row("of `minibert viz --file`: fit and measure", count, analysis, memory)
            command = [sys.executable, "-m", "minibert.commands.main", "viz", "--file", str(path), "--model", model]
            _, seconds, memory = run([*command, "--out", str(out)])
            row("all of `minibert viz --file`, pictures too", count, seconds, memory)


def row(what: str, count: int, seconds: float, memory: float) -> None:
    print(f"| {what} | {count:,} | {seconds:.1f} | {seconds / count * 1e3:.2f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()

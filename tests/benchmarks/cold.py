"""From nothing to the first attention map: whole processes, their time and their peak memory.

    pip install -e . --group bench
    python -m tests.benchmarks.cold

Ours against the shortest `transformers` script that prints the same: same checkpoint, same sentence, both from files
that were read before. The processes take turns; a number is the median over the rounds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

from tests.benchmarks.quiet import DISTURBED, PATIENCE, cpu_seconds
from tests.material import find_minilm

TEXT = "The brown capybara is sleeping now."

SCRIPTS = {
    "minibert": """
import minibert
bert = minibert.load({folder!r})
print(bert({text!r}).layers[0].attention[0])
""",
    "transformers": """
from transformers import AutoModel, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({folder!r})
model = AutoModel.from_pretrained({folder!r}, attn_implementation="eager")
print(model(**tokenizer({text!r}, return_tensors="pt"), output_attentions=True).attentions[0][0, 0])
""",
}


def run(script: str) -> tuple[float, float]:
    """Seconds, and peak memory in MB, of a process from its start to its end; once more if others had the processor."""
    for _ in range(PATIENCE):
        others, start = cpu_seconds(), time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        others = cpu_seconds() - others - usage.ru_utime - usage.ru_stime
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"this failed; run it by hand:\n{script}")
        if others < max(DISTURBED * seconds, 0.03):  # the system counts in hundredths
            break
        time.sleep(1)
    else:
        print("disturbed", file=sys.stderr)
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    args = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1"}
    folder = str(find_minilm())

    measured = {name: [] for name in SCRIPTS}
    for turn in range(args.rounds + 1):
        for name, script in SCRIPTS.items():
            result = run(script.format(folder=folder, text=TEXT))
            if turn:  # the first time, files come from the disk
                measured[name].append(result)
    middle = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in measured.items()
    }

    print("| all-MiniLM-L6-v2, one sentence | seconds | peak memory, MB |")
    print("| --- | --- | --- |")
    for name, (seconds, memory) in middle.items():
        print(f"| {name} | {seconds:.2f} | {memory:.0f} |")
    seconds, memory = (theirs / ours for ours, theirs in zip(middle["minibert"], middle["transformers"], strict=True))
    print(f"| transformers / minibert | {seconds:.1f} | {memory:.1f} |")
    print(f"\nMedians of {args.rounds} rounds.")


if __name__ == "__main__":
    main()

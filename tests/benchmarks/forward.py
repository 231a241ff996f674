"""How long a forward pass takes, against `transformers` and ONNX Runtime: one table.

    pip install -e . --group bench
    python -m tests.benchmarks.forward

Every contender lives in a process of its own, with its own threads, and all of them take turns: in each round each runs
the workload once to wake up and then for a while, one after another, never two at once. If something else had the
processor meanwhile, that turn is taken again. A time is the median over the rounds, a ratio is theirs / ours, so more
is better for us. For sentences of unlike length the others are given what they need, padding and a mask.

`transformers` with the eager attention returns attention, and so do we beside it; the next two do not, and are held
against ours without. TransformerLens joins where `pip install transformer-lens` has been run: its `run_with_cache`
keeps every intermediate, and so do we beside it. The share of peak is that of the products of the model (no padding
counted) in ours without attention, of what one large `np.matmul` reaches in the same minutes. "Products alone" is how
long NumPy takes for these products and nothing else, taken as ours takes them: what is left above it is all that the
rest can save.

    python -m tests.benchmarks.forward --beside ../older-checkout ../oldest-checkout

also runs other checkouts of this project, each with its own code, and prints how much of their time ours takes.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests.benchmarks.quiet import DISTURBED, PATIENCE, cpu_seconds
from tests.material import find_minilm

MODELS = {"BERT-base": "a BERT-base shape, random weights", "MiniLM": "all-MiniLM-L6-v2"}
CONTENDERS = ("ours with attention", "ours", "eager", "sdpa", "onnx", "products", "matmul")
LENS = ("ours with everything", "lens")
"""Two more, where TransformerLens is installed."""
WORKLOADS = {
    "1 x 12": [12],
    "1 x 128": [128],
    "1 x 512": [512],
    "8 x 128": [128] * 8,
    "32 x 5-60": np.random.default_rng(0).integers(5, 61, 32).tolist(),
}
LEAST_SECONDS = 0.3
"""How long a contender runs at a time, if one run is shorter."""
PEAK_SIZE = 3000
BESIDE = " in "
"""Between the name of a contender and the other checkout whose code it runs."""


def sentences(lengths: list[int]) -> list[list[int]]:
    random = np.random.default_rng(1)
    return [[101, *random.integers(1000, 30000, length - 2).tolist(), 102] for length in lengths]


def make_bert_base(folder: Path) -> None:
    """A checkpoint in the shape of BERT-base with random weights, 440 MB, and a tokenizer."""
    import torch
    import transformers

    torch.manual_seed(0)
    transformers.BertModel(transformers.BertConfig()).save_pretrained(folder)
    shutil.copy(find_minilm() / "tokenizer.json", folder)


# --- the contenders: each gives a function from sentences to a function that runs them, and returns the pooled vectors


def ours(folder: str, keep: tuple[str, ...]):
    import minibert

    bert = minibert.load(folder)

    def prepare(ids: list[list[int]]):
        encodings = [
            minibert.Encoding(
                text="",
                tokens=("",) * len(sentence),
                input_ids=tuple(sentence),
                token_type_ids=(0,) * len(sentence),
                words=(None,) * len(sentence),
            )
            for sentence in ids
        ]
        return lambda: np.stack([trace.pooled for trace in bert.batch(encodings, keep)])

    return prepare


def padded(ids: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    longest = max(map(len, ids))
    rows = np.array([sentence + [0] * (longest - len(sentence)) for sentence in ids], dtype=np.int64)
    mask = np.array([[1] * len(sentence) + [0] * (longest - len(sentence)) for sentence in ids], dtype=np.int64)
    return rows, mask


def pytorch(folder: str, attention: str):
    import torch
    import transformers

    model = transformers.BertModel.from_pretrained(folder, attn_implementation=attention, dtype=torch.float32).eval()

    def prepare(ids: list[list[int]]):
        rows, mask = map(torch.from_numpy, padded(ids))
        inputs = {"input_ids": rows} | ({"attention_mask": mask} if not mask.all() else {})

        def run() -> np.ndarray:
            with torch.inference_mode():
                output = model(**inputs, output_attentions=attention == "eager")
            return output.pooler_output.numpy()

        return run

    return prepare


def lens(folder: str):
    """TransformerLens takes no BERT without a head: the smallest is that for the next sentence, two numbers."""
    import torch
    import transformers
    from transformer_lens.model_bridge import TransformerBridge

    kind = transformers.BertForNextSentencePrediction
    model = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    bridge = TransformerBridge.boot_transformers(folder, hf_model=model, device="cpu")

    def prepare(ids: list[list[int]]):
        rows, mask = map(torch.from_numpy, padded(ids))

        def run() -> np.ndarray:
            with torch.inference_mode():
                _, cache = bridge.run_with_cache(rows, attention_mask=mask)
            return cache["pooler.hook_out"].numpy()

        return run

    return prepare


def onnx(folder: str):
    """ONNX Runtime as it comes: all of its own optimisations of the graph that torch exports."""
    import onnxruntime

    path = Path(folder) / "model.onnx"
    if not path.is_file():
        export(folder, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def prepare(ids: list[list[int]]):
        rows, mask = padded(ids)
        return lambda: session.run(None, {"input_ids": rows, "attention_mask": mask})[1]

    return prepare


def export(folder: str, path: Path) -> None:
    import torch
    import transformers

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager")

        def forward(self, input_ids, attention_mask):
            output = self.model(input_ids=input_ids, attention_mask=attention_mask)
            return output.last_hidden_state, output.pooler_output

    ids = torch.ones(2, 9, dtype=torch.int64)
    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in (*names, "hidden")}
    torch.onnx.export(
        Outputs().eval(),
        (ids, ids),
        path,
        dynamo=False,
        opset_version=17,
        input_names=names,
        output_names=["hidden", "pooled"],
        dynamic_axes=axes,
    )


def products(folder: str):
    """The matrix products of our forward pass, taken and shared out as there, of vectors that mean nothing."""
    import minibert
    from minibert.attention import split_heads
    from minibert.speed.cores import share_out
    from minibert.speed.twins import FEW

    bert = minibert.load(folder)
    most = sum(max(WORKLOADS.values(), key=sum))
    vectors_TD = np.random.default_rng(0).normal(size=(most, bert.config.hidden_size)).astype(np.float32)

    def product(x_TD: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return (weight @ x_TD.T).T if len(x_TD) <= FEW else x_TD @ weight.T

    def forward(ids: list[list[int]]) -> list[None]:
        ends = np.cumsum([len(sentence) for sentence in ids])
        hidden_TD = vectors_TD[: ends[-1]]
        for layer in bert.weights.layers:
            projected = (product(hidden_TD, weight) for weight, _ in layer.attention)
            query_HTK, key_HTK, value_HTK = (split_heads(x, bert.config.num_attention_heads) for x in projected)
            for sentence, end in zip(ids, ends, strict=True):
                rows = slice(end - len(sentence), end)
                query_HTK[:, rows] @ key_HTK[:, rows].mT @ value_HTK[:, rows]
            product(hidden_TD, layer.attention_output.weight)
            product(product(hidden_TD, layer.intermediate.weight), layer.output.weight)
        return [None] * len(ids)

    return lambda ids: lambda: share_out(forward, ids)


def matmul():
    a, b = np.random.default_rng(0).normal(size=(2, PEAK_SIZE, PEAK_SIZE)).astype(np.float32)
    return lambda ids: lambda: a @ b


def contender(name: str, folder: str):
    if name.startswith("ours"):
        from minibert.trace import DEFAULT

        keep = ("hidden_states", "pooled")
        if name == "ours with everything":  # what each head adds is not among what TransformerLens keeps
            keep = (*DEFAULT, "intermediate")
        return ours(folder, ("attention", *keep) if name == "ours with attention" else keep)
    if name == "lens":
        return lens(folder)
    if name == "matmul":
        return matmul()
    if name == "products":
        return products(folder)
    return onnx(folder) if name == "onnx" else pytorch(folder, name)


# --- taking turns ---------------------------------------------------------------------------------------------------


def serve(name: str, folder: str) -> None:
    """The process of one contender: a line with sentence lengths comes in, a line with seconds goes out.

    Beside the seconds, "others": how much of a core other processes had.
    """
    prepare = contender(name, folder)
    print("ready", flush=True)
    for line in sys.stdin:
        run = prepare(sentences(json.loads(line)))
        result = run()
        others = cpu_seconds() - time.process_time()
        times, begin = [], time.perf_counter()
        while not times or time.perf_counter() - begin < LEAST_SECONDS:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        others = cpu_seconds() - time.process_time() - others
        answer = {"seconds": statistics.median(times), "others": others / (time.perf_counter() - begin)}
        if name not in ("matmul", "products"):
            answer["pooled"] = result[:, :4].tolist()
        print(json.dumps(answer), flush=True)


class Process:
    """A contender in its own process. disturbed: how many of its turns count though others had the processor."""

    def __init__(self, name: str, folder: Path) -> None:
        self.disturbed = 0
        contender, _, checkout = name.partition(BESIDE)
        where = Path(checkout).resolve() if checkout else Path.cwd()
        command = [sys.executable, "-m", "tests.benchmarks.forward", "--serve", contender, str(folder)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self.process = subprocess.Popen(command, cwd=where, env=os.environ | {"PYTHONPATH": str(where)}, **pipes)
        while (line := self.process.stdout.readline()) != "ready\n":
            if not line:
                raise SystemExit(f"{name} did not start; try: {' '.join(command)}")

    def run(self, lengths: list[int]) -> dict:
        for _ in range(PATIENCE):
            print(json.dumps(lengths), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
            if answer["others"] < DISTURBED:
                return answer
            time.sleep(1)
        self.disturbed += 1
        return answer

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def measure(folder: Path, names: list[str], workloads: list[str], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of every round, by workload and contender."""
    processes = {name: Process(name, folder) for name in names}
    seconds = {workload: {name: [] for name in names} for workload in workloads}
    for turn in range(rounds):
        for workload in workloads:
            pooled = {}
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                answer = processes[name].run(WORKLOADS[workload])
                seconds[workload][name].append(answer["seconds"])
                if "pooled" in answer:
                    pooled[name] = np.array(answer["pooled"])
            for name, values in pooled.items():
                np.testing.assert_allclose(values, pooled["ours"], atol=1e-4, err_msg=f"{name}, {workload}")
        print(f"\rround {turn + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for name, process in processes.items():
        process.close()
        if process.disturbed:
            print(f"{process.disturbed} of {rounds * len(workloads)} turns of {name} were disturbed")
    return seconds


def operations(folder: Path, lengths: list[int]) -> int:
    """Multiplications and additions of the matrix products: four D x D and two D x F a layer, scores and context."""
    config = json.loads((folder / "config.json").read_text())
    hidden, inner, layers = (config[name] for name in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    weights = 4 * hidden**2 + 2 * hidden * inner
    return sum(2 * layers * (length * weights + 2 * length**2 * hidden) for length in lengths)


def table(title: str, folder: Path, seconds: dict[str, dict[str, list[float]]]) -> str:
    titles = [
        "sentences x tokens",
        "ours with attention, ms",
        "eager / ours",
        "ours, ms",
        "sdpa / ours",
        "ONNX Runtime / ours",
        "products alone, ms",
        "GFLOP/s",
        "share of peak",
    ]
    with_lens = all("lens" in times for times in seconds.values())
    if with_lens:
        titles += ["ours with everything, ms", "TransformerLens / ours"]
    lines = [f"**{title}**", "", f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]
    peak = 2 * PEAK_SIZE**3 / statistics.median(t for times in seconds.values() for t in times["matmul"]) / 1e9
    for workload, times in seconds.items():
        middle = {name: statistics.median(values) for name, values in times.items()}
        rate = operations(folder, WORKLOADS[workload]) / middle["ours"] / 1e9

        def against(theirs: str, our: str, middle: dict[str, float] = middle) -> str:
            return f"{middle[theirs] / middle[our]:.2f}" if theirs in middle else "-"

        cells = [
            workload,
            f"{middle['ours with attention'] * 1e3:.1f}",
            against("eager", "ours with attention"),
            f"{middle['ours'] * 1e3:.1f}",
            against("sdpa", "ours"),
            against("onnx", "ours"),
            f"{middle['products'] * 1e3:.1f}",
            f"{rate:.0f}",
            f"{rate / peak:.0%}",
        ]
        if with_lens:
            cells += [f"{middle['ours with everything'] * 1e3:.1f}", against("lens", "ours with everything")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"One np.matmul of two {PEAK_SIZE} x {PEAK_SIZE} matrices: {peak:.0f} GFLOP/s."])


def beside(title: str, seconds: dict[str, dict[str, list[float]]]) -> str:
    """How much of the time of other checkouts ours takes, on each workload."""
    others = [name for name in next(iter(seconds.values())) if BESIDE in name]
    titles = ["sentences x tokens", *(f"ours / {name}" for name in others)]
    lines = [f"**{title}**", "", f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]
    for workload, times in seconds.items():
        pairs = [zip(times[name.partition(BESIDE)[0]], times[name], strict=True) for name in others]
        ratios = [statistics.median(our / their for our, their in each) for each in pairs]
        lines.append(f"| {' | '.join([workload, *(f'{ratio:.2f}' for ratio in ratios)])} |")
    return "\n".join(lines)


def machine() -> str:
    """What it ran on, for the line under a table."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    packages = ("numpy", "torch", "transformers", "onnxruntime", "transformer-lens", "threadpoolctl")
    versions = []
    for package in packages:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {package}")
    cores = len(os.sched_getaffinity(0))
    return f"{names[0]}, {cores} cores, Linux, Python {platform.python_version()}, {', '.join(versions)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument(
        "--without", nargs="+", choices=(*CONTENDERS[2:5], "lens"), default=[], help="contenders to leave out"
    )
    parser.add_argument("--beside", nargs="+", default=[], metavar="FOLDER", help="other checkouts of this project")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(*args.serve)

    lens_too = find_spec("transformer_lens") and "lens" not in args.without
    names = [name for name in CONTENDERS + (LENS if lens_too else ()) if name not in args.without]
    names += [f"{name}{BESIDE}{checkout}" for checkout in args.beside for name in ("ours", "ours with attention")]
    for model in args.models:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "model"
            if model == "BERT-base":
                make_bert_base(folder)
            else:
                shutil.copytree(find_minilm(), folder)
            seconds = measure(folder, names, args.workloads, args.rounds)
            print(table(MODELS[model], folder, seconds), end="\n\n")
            if args.beside:
                print(beside(MODELS[model], seconds), end="\n\n")
    print(f"Medians of {args.rounds} rounds; {machine()}.")


if __name__ == "__main__":
    main()

"""How equal to `transformers`? The largest error of every array of a Trace, model by model, as a table.

    python -m tests.reference.errors

Each sentence of tests/sentences.txt alone, and a pair; float32 against float32 with the eager attention. In brackets
the error as a share of the largest number of that array.
"""

import tempfile
from pathlib import Path

import numpy as np

import minibert
from tests.material import SENTENCES, find_minilm
from tests.reference.oracle import random_checkpoint, reference_model, reference_trace

ARRAYS = ("hidden_states", "query", "key", "value", "scores", "attention", "context", "pooled", "logits")
RANDOM = 12


def errors(folder: Path, texts: list, found: dict[str, tuple[float, float]]) -> None:
    """Add what the model in the folder gives to `found`: by array, the largest error and the largest number."""
    bert, model = minibert.load(folder), reference_model(folder)
    for text in texts:
        encoding = bert.encode(text)
        trace, expected = bert(encoding), reference_trace(model, encoding)
        ours = {f"hidden_states.{i}": state for i, state in enumerate(trace.hidden_states)}
        for i, layer in enumerate(trace.layers):
            ours |= {f"layers.{i}.{name}": getattr(layer, name) for name in ARRAYS[1:7]}
        if trace.pooled is not None:
            ours["pooled"] = trace.pooled
        if bert.weights.masked_lm is not None:
            ours["logits"] = bert.logits(encoding)
        for path, array in ours.items():
            name = next(name for name in ARRAYS if name in path.split("."))
            error, largest = found.get(name, (0.0, 0.0))
            error = max(error, float(np.abs(array - expected[path]).max()))
            found[name] = error, max(largest, float(np.abs(expected[path]).max()))


def main() -> None:
    texts = SENTENCES.read_text(encoding="utf-8").splitlines()
    texts = [*texts, (texts[0], texts[1])]
    columns = {"tiny": {}, "all-MiniLM-L6-v2": {}, f"{RANDOM} random shapes": {}}
    errors(Path(minibert.__file__).parent / "models" / "tiny", texts, columns["tiny"])
    errors(find_minilm(), texts, columns["all-MiniLM-L6-v2"])
    for seed in range(RANDOM):
        with tempfile.TemporaryDirectory() as folder:
            random_checkpoint(Path(folder), seed, "BertForPreTraining")
            errors(Path(folder), ["a cat saw the dog, twice!"], columns[f"{RANDOM} random shapes"])
    print(f"| largest error of | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name in ARRAYS:
        cells = []
        for found in columns.values():
            error, largest = found.get(name, (0.0, 0.0))
            cells.append(f"{error:.0e} ({error / largest:.0e})" if name in found else "none there")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

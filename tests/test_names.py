"""Names held against shapes: every array called `something_ABC` in a call of the model has one axis a letter."""

import re
import sys
from pathlib import Path

import numpy as np

import minibert

PACKAGE = str(Path(minibert.__file__).parent)
SHAPED = re.compile(r"_([A-Z]+)$")


def test_shapes_in_names_are_true(minilm, sentences):
    config = minilm.config
    texts = [*sentences[:2], (sentences[3], sentences[4])]
    lengths = [len(minilm.tokenizer.encode(text)) for text in texts]
    sizes = {
        "T": {*lengths, sum(lengths)},
        "S": set(lengths),
        "D": {config.hidden_size},
        "H": {config.num_attention_heads},
        "K": {config.head_size},
        "F": {config.intermediate_size},
        "V": {config.vocab_size},
    }
    seen = set()

    def check(frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        for name, value in frame.f_locals.items():
            letters = SHAPED.search(name)
            if letters and isinstance(value, np.ndarray):
                assert value.ndim == len(letters[1]), f"{frame.f_code.co_name}: {name} has shape {value.shape}"
                for letter, size in zip(letters[1], value.shape, strict=True):
                    assert size in sizes[letter], f"{frame.f_code.co_name}: {name} has shape {value.shape}"
                seen.add(name)
        return check

    sys.settrace(check)
    try:
        minilm.batch(texts)
    finally:
        sys.settrace(None)
    assert seen >= {"hidden_TD", "query_HTK", "key_HSK", "scores_HTS", "attention_HTS", "context_HTK", "inner_TF"}


def test_the_legend_explains_every_letter_in_use():
    legend = set(re.findall(r"(?<![a-z])([A-Z])  [a-z]", minibert.__doc__))
    used = set()
    for path in Path(PACKAGE).glob("*.py"):
        for letters in re.findall(r"\b[a-z]+_([A-Z]+)\b", path.read_text(encoding="utf-8")):
            used |= set(letters)
    assert used and used <= legend

"""Names held against shapes: every array called `something_ABC` in a call of the model has one axis a letter."""

import re
from pathlib import Path

import minibert
from minibert.read.recorder import SHAPED, watching

PACKAGE = str(Path(minibert.__file__).parent)


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
        "E": {config.embedding_size or config.hidden_size},
    }
    with watching({str(path) for path in Path(PACKAGE).rglob("*.py")}) as recording:
        minilm.batch(texts)
    seen = set()
    for call, name, number in recording.named():
        letters, shape = SHAPED.search(name), recording.arrays[number].shape
        if letters:
            assert len(shape) == len(letters[1]), f"{call.name}: {name} has shape {shape}"
            for letter, size in zip(letters[1], shape, strict=True):
                assert size in sizes[letter], f"{call.name}: {name} has shape {shape}"
            seen.add(name)
    assert seen >= {
        "hidden_TD",
        "query_HTK",
        "key_HSK",
        "scores_HTS",
        "attention_HTS",
        "context_HTK",
        "intermediate_TF",
    }


def test_the_legend_explains_every_letter_in_use():
    legend = set(re.findall(r"(?<![a-z])([A-Z])  [a-z]", minibert.__doc__))
    used = set()
    for path in Path(PACKAGE).glob("*.py"):
        for letters in re.findall(r"\b[a-z]+_([A-Z]+)\b", path.read_text(encoding="utf-8")):
            used |= set(letters)
    assert used and used <= legend

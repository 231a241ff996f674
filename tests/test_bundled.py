"""The bundled models: small, whole, what `transformers` computes from the same folder, and what their cards say."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import transformers
from safetensors import safe_open

import minibert
from tests.material import everything
from tests.reference.oracle import assert_agrees, reference_model
from tests.test_model import named_arrays

PACKAGE = Path(minibert.__file__).parent
MODELS = PACKAGE / "models"
NAMES = ("tiny", "tiny-sentiment")
TEXTS = (
    "The brown capybara is sleeping now.",
    "She said that she knew what she wanted.",
    "No!",
    ("Who came?", "Nobody."),
)


def card(name: str) -> str:
    return (MODELS / name / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_model_is_what_the_hub_would_hold_and_at_most_12_mb(name):
    folder = MODELS / name
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(files)
    assert sum(files.values()) <= 12e6
    assert json.loads((folder / "config.json").read_text())["model_type"] == "bert"
    with safe_open(folder / "model.safetensors", "numpy") as file:
        assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"F16"}  # noqa: SIM118 (no iterator)


def test_both_have_one_tokenizer():
    assert len({(MODELS / name / "tokenizer.json").read_bytes() for name in NAMES}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_transformers_loading_the_same_folder(name):
    bert = minibert.load(name)
    kind = {"tiny": transformers.BertForMaskedLM, "tiny-sentiment": transformers.BertForSequenceClassification}[name]
    model = reference_model(MODELS / name, kind)
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODELS / name)
    for text in TEXTS:
        encoding = bert.tokenizer.encode(text)
        assert list(encoding.input_ids) == tokenizer(*((text,) if isinstance(text, str) else text))["input_ids"]
        ours = named_arrays(everything(bert, text)[0])
        if name == "tiny":
            ours["logits"] = bert.logits(text)
            wide = np.exp(ours["logits"] - ours["logits"].max(-1, keepdims=True))
            ours["probabilities"] = wide / wide.sum(-1, keepdims=True)
        assert_agrees(ours, model, encoding, f"{name}: {text}")
        if name == "tiny-sentiment":
            batch = tokenizer(*((text,) if isinstance(text, str) else text), return_tensors="pt")
            theirs = model(**batch).logits.softmax(-1)[0].tolist()
            labelled = dict(bert.classify(text))
            assert labelled == pytest.approx({"negative": theirs[0], "positive": theirs[1]}, abs=1e-5)


def test_load_without_a_name_is_tiny():
    assert minibert.load().name == "tiny"


def test_the_card_shows_the_guesses_the_model_makes():
    bert = minibert.load("tiny")
    rows = re.findall(r"^\| (.*\[MASK\].*?) \| (.*?) \|$", card("tiny"), flags=re.MULTILINE)
    assert len(rows) == 10
    for text, guesses in rows:
        assert guesses == ", ".join(f"{word} {share:.2f}" for word, share in bert.fill_mask(text)[0])


def test_there_is_a_previous_token_head_and_a_next_token_head(sentences):
    traces = minibert.load("tiny").batch(sentences)
    for offset in (-1, 1):
        neighbour = [
            np.stack([layer.attention.diagonal(offset, 1, 2) for layer in trace.layers])[:, :, 1:-1] for trace in traces
        ]
        assert np.concatenate(neighbour, axis=-1).mean(axis=-1).max() >= 0.5


def test_sentiment_tells_a_good_film_from_a_bad_one():
    bert = minibert.load("tiny-sentiment")
    assert bert.classify("A warm, funny and moving film.")[0][0] == "positive"
    assert bert.classify("A dull, lifeless and boring film.")[0][0] == "negative"
    with pytest.raises(ValueError, match="no masked-language-model head"):
        bert.fill_mask("A [MASK] film.")


def test_the_cards_name_data_and_licence():
    assert "public domain" in card("tiny") and "Voyage of the Beagle" in card("tiny")
    assert "CC BY 4.0" in card("tiny-sentiment") and "Pang" in card("tiny-sentiment")
    assert all("{" not in card(name) for name in NAMES)


def test_a_wheel_carries_them_and_loads_them_without_a_network(tmp_path):
    root = PACKAGE.parent
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(root)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    assert (tmp_path / "installed" / "viz" / "explorer").is_dir()
    code = (
        "import socket; socket.socket = None; import minibert; print(minibert.__file__); bert = minibert.load(); "
        "bert.fill_mask('The [MASK].'); minibert.load('tiny-sentiment').classify('Fine.')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "installed", capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith(str(tmp_path))

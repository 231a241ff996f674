"""The model that runs in the page, against the one in Python: in Node, and in a browser."""

import json
import random
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tokenizers

import minibert
from minibert import explorer
from minibert.errors import UserError
from minibert.explorer import explore, live_parts, tour_facts, why_not_live
from tests.checkpoint.test_families import write as write_relative
from viz.explorer.model import Live

FEW, MANY = 40, 1000
ODD = [
    "Café déjà vu, naïve façade; Ærøskøbing, İstanbul, STRASSE, straße, ΣΊΣΥΦΟΣ",
    "東京は夜の七時。 漢字とかな ㍿ ﾊﾝｶｸ",
    "😀 👩‍🚀 👍🏽 x 🇯🇵",
    "tab\there\nnew line\r\nbell\x07 nul\x00 soft\xadhyphen zero\u200bwidth \ufeffbom \u2028 \u3000 end",
    "[CLS] typed [SEP] and [UNK] [PAD] [mask] [MASK][MASK]",
    "e\u0301 o\u0308 n\u0303 \u0e01\u0e33 \u0915\u094d\u0937 \uac00\u1100\u1161",
    "don't won't I'll rock'n'roll -- ... «quoted» “quoted” 3.14% $5 €7 a/b a_b a-b",
    "x" * 101 + " " + "y" * 100,
    "</script><script>window.pwned=1</script> <img src=x onerror=window.pwned=2> & &amp; {{data}}",
    "\u202edesrever مرحبا بالعالم שלום",
    "ﬁ ﬂ Ａ Ⅷ ½ ™ ℌ 𝒜 𝟙",
    "The",
    ".",
]


def sentences(count: int) -> list[str | tuple[str, str]]:
    """Seeded: plain lines, the odd ones above, masks, capitals, mixtures, pairs."""
    plain = (Path(__file__).parents[2] / "sentences.txt").read_text(encoding="utf-8").splitlines()
    plain = [line for line in plain if line.strip()]
    draw = random.Random(0)
    made: list = list(ODD)
    while len(made) < count:
        words = draw.choice(plain).split()[:40]
        for _ in range(draw.choice([0, 0, 1, 2])):
            words[draw.randrange(len(words))] = "[MASK]"
        if draw.random() < 0.3:
            place = draw.randrange(len(words))
            words[place] = draw.choice([words[place].upper(), words[place].title(), draw.choice(ODD)[:24]])
        text = " ".join(words)
        if draw.random() < 0.2:
            made.append((text, " ".join(draw.choice(plain).split()[:30])))
        else:
            made.append(text)
    return made[:count]


def case(bert, text) -> dict:
    encoding = bert.encode(text)
    masked = any(token == "[MASK]" for token in encoding.tokens)
    first, second = text if isinstance(text, tuple) else (text, "")
    return {
        "text": first,
        "second": second,
        "tokens": encoding.tokens,
        "ids": encoding.input_ids,
        "types": encoding.token_type_ids,
        "written": [
            None if word is None else (first, second)[word[0]][start:end]
            for word, (start, end) in zip(encoding.words, encoding.offsets, strict=True)
        ]
        if (first + second).isascii()
        else None,
        "guesses": bert.fill_mask(text) if masked else [],
    }


@pytest.fixture(scope="module")
def tiny():
    return minibert.load("tiny")


def compare_in_node(bert, texts, letters, folder):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: apt-get install nodejs")
    parts = live_parts(bert)
    attention = [layer.attention.ravel() for text in texts for layer in bert(text).layers]
    normaliser, splitter = bert.tokenizer.backend.normalizer, bert.tokenizer.backend.pre_tokenizer
    words = [(t, [w for w, _ in splitter.pre_tokenize_str(normaliser.normalize_str(t))]) for t in letters]
    halves = [np.asarray(array, "<f2").tobytes() for array in parts.weights.values()]
    (folder / "settings.json").write_text(json.dumps(parts.head), encoding="utf-8")
    (folder / "weights.bin").write_bytes(b"".join(halves))
    (folder / "cases.json").write_text(json.dumps([case(bert, text) for text in texts]), encoding="utf-8")
    (folder / "attention.bin").write_bytes(np.concatenate(attention).astype("<f4").tobytes())
    (folder / "letters.json").write_text(json.dumps(words), encoding="utf-8")
    script = Path(__file__).parent / "compare_live.mjs"
    done = subprocess.run([node, script, folder], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def every_letter(step: int = 1) -> list[str]:
    return [f"a{chr(i)}b" for i in range(0, 0x110000, step) if not 0xD800 <= i < 0xE000]


def check_found(found, count):
    assert found["sentences"] == count
    assert not found["wrong"], found["wrong"]
    assert found["attention"] < 1e-5
    assert found["probability"] < 1e-4


def test_the_pages_model_is_pythons(tiny, tmp_path):
    letters = [f"a{chr(i)}b" for i in range(0x3100)] + every_letter(97)
    found = compare_in_node(tiny, sentences(FEW), letters, tmp_path)
    check_found(found, FEW)
    assert found["words"] <= len(letters) // 5000, found["which"]  # decompositions that came after Unicode 12


def test_the_pages_electra_is_pythons(tmp_path):
    """Its embeddings are narrower than the rest, and so is its head."""
    write_relative(tmp_path, "electra", "ForMaskedLM", embedding_size=12, max_position_embeddings=500)
    found = compare_in_node(minibert.load(tmp_path), sentences(FEW), [], tmp_path)
    assert found["sentences"] == FEW and not found["wrong"]
    assert found["attention"] < 1e-3 and found["probability"] < 1e-3  # its weights are none of float16


@pytest.mark.thousand
def test_the_pages_model_is_pythons_on_a_thousand_sentences(tiny, tmp_path, capsys):
    found = compare_in_node(tiny, sentences(MANY), every_letter(), tmp_path)
    with capsys.disabled():
        print(
            f"\n{found['sentences']} sentences: {found['mistakes']} wrong, attention within {found['attention']:.1e}, "
            f"probabilities within {found['probability']:.1e}; {found['words']} of 1,112,064 letters differ"
        )
    check_found(found, MANY)
    assert found["words"] < 30, found["which"]


def test_what_cannot_run_in_a_page_says_why(tiny, minilm, monkeypatch):
    assert why_not_live(tiny) == ""
    assert why_not_live(minilm) == "the model has 22.7 million parameters; a page can have 12"
    with pytest.raises(UserError, match=r"the page cannot run the model: .* 22\.7 million parameters"):
        explore(minilm, ["A cat."], live=True)
    monkeypatch.setattr(explorer, "MOST", 30_000_000)
    assert "nothing to guess" in why_not_live(minilm)
    monkeypatch.setattr(explorer, "BY_ITSELF", 100_000)
    page = explore(tiny, ["A cat."])
    assert re.fullmatch(r"the model has \d\.\d million parameters, and up to 0 are put in .*", page.why_not_live)


def test_weights_are_float16_and_none_is_too_large():
    weights = {"a": np.array([1.0, -2.5, 6e-8], np.float32), "b": np.float32([[65504]])}
    found = np.frombuffer(__import__("base64").b64decode(Live("", {}, weights, {}).text), "<f2")
    np.testing.assert_array_equal(found, np.float16([1, -2.5, 6e-8, 65504]))
    with pytest.raises(ValueError, match="b has numbers beyond 65504"):
        _ = Live("", {}, {"b": np.float32([1e6])}, {}).text


def test_a_model_that_cannot_read_the_tours_sentences_has_a_shorter_tour(tiny):
    short = replace(tiny, config=replace(tiny.config, max_position_embeddings=8))
    assert tour_facts(short, "[MASK]") is None
    texts = ["She opened the door.", "It is cold."]
    lengths = [len(tour_of(explore(bert, texts))) for bert in (tiny, short)]
    assert lengths[0] == lengths[1] + 5  # mask, off, pair, way, why


def test_where_nothing_can_be_typed_the_tour_does_not_ask_for_it(tiny):
    page = explore(tiny, ["A dog barked."], live=False)
    assert page.why_not_live == "the model was left out" and "type a sentence" not in tour_of(page)[-1]["question"]
    assert "type a sentence" in tour_of(explore(tiny, ["A dog barked."]))[-1]["question"]


def test_a_frame_of_either_kind_is_the_same(tiny):
    backend = tokenizers.Tokenizer.from_str(tiny.tokenizer.backend.to_str())
    backend.post_processor = tokenizers.processors.BertProcessing(
        *((t, backend.token_to_id(t)) for t in ("[SEP]", "[CLS]"))
    )
    other = replace(tiny, tokenizer=replace(tiny.tokenizer, backend=backend))
    assert live_parts(other).tokenizer == live_parts(tiny).tokenizer
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    assert "not this model's: BertNormalizer, Whitespace, WordPiece, BertProcessing" in why_not_live(other)


def tour_of(page) -> list[dict]:
    return json.loads(re.search(r'id="data">(.*?)</script>', page.html, re.DOTALL)[1])["tour"]

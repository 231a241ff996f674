"""The tokenizer in plain Python gives what the `tokenizers` package gives: ids, places, words, of any text."""

import copy
import json
import pickle
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import normalizers, pre_tokenizers

import minibert
from minibert.tokenizer.backend import build_backend
from minibert.tokenizer.categories import category, combining_class, decomposition, ranges
from minibert.tokenizer.plain import PlainTokenizer
from minibert.tokenizer.tokenizer import read_tokenizer
from tests.reference.checkpoints import write_model, write_tokenizer, write_vocabulary
from tests.tokenizer.test_relatives_tokenizers import KINDS, ORDERS, write_japanese
from tests.tokenizer.test_tokenizer import BESIDE, CHOICES, PAIRS, TEXTS

COLUMNS = ("ids", "type_ids", "offsets", "word_ids", "sequence_ids")
LETTERS = [chr(number) for number in [*range(0xD800), *range(0xE000, 0x32400), *range(0xE0000, 0xE0200)]]
LETTERS += ["\U0003ffff", "\U000dffff", "\U000f0000", "\U000ffffd", "\U000fffff", "\U0010fffd", "\U0010ffff"]


def test_the_categories_are_those_of_the_package():
    """Of every character there is. Were the package's tables new, categories.json would be made from these."""

    def each(normalizer: normalizers.Normalizer, form: str = "{}") -> list[str]:
        """What becomes of each character. The letters between them keep marks apart."""
        return normalizer.normalize_str("xy".join(map(form.format, LETTERS))).split("xy")

    cleaned = each(normalizers.BertNormalizer(True, False, False, False))
    stripped = each(normalizers.BertNormalizer(False, False, True, False))
    after, before = each(normalizers.NFD(), "a\u0345{}"), each(normalizers.NFD(), "a{}\u0334")
    words = {word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str("xy".join(LETTERS))}
    for letter, decomposed, clean, strip, *moved in zip(
        LETTERS, each(normalizers.NFD()), cleaned, stripped, after, before, strict=True
    ):
        assert decomposition(letter) == decomposed, ascii(letter)
        assert (category(letter) == "C") == (clean == ""), ascii(letter)
        assert (category(letter) == "P") == (letter in words), ascii(letter)
        if decomposed == letter:
            assert (category(letter) == "Mn") == (strip == ""), ascii(letter)
            moves = moved != [f"a\u0345{letter}", f"a{letter}\u0334"] or letter in "\u0334\u0345"
            assert (combining_class(letter) > 0) == moves, ascii(letter)


MARKED = [
    chr(number) for first, last, _ in zip(*ranges(), strict=True) for number in (first, (first + last) // 2, last)
]
TOKENS = ["[MASK]", "[SEP]", "[CLS]", "[PAD]", "[UNK]", "[mask]", "<e1>", "<E1>", "The End", "the end", "É", "##ing"]
SOME = (
    st.sampled_from(MARKED) | st.characters(codec="utf-8") | st.sampled_from("aAéÉİΣﬁ北が한ा🙂🇩\u0301\u0323 \t\xa0$.-")
)
TEXT = st.lists(SOME | st.sampled_from([*TOKENS, "the", "ing", " ", " ", "x" * 101, "naïve"]), max_size=12).map("".join)
OPTION = st.booleans()
NORMALIZER = st.none() | st.fixed_dictionaries(
    {
        "type": st.just("BertNormalizer"),
        "clean_text": OPTION,
        "handle_chinese_chars": OPTION,
        "strip_accents": st.none() | OPTION,
        "lowercase": OPTION,
    }
)
ADDED = st.lists(
    st.fixed_dictionaries(
        {"content": st.sampled_from(TOKENS[6:])},
        optional=dict.fromkeys(("special", "normalized", "lstrip", "rstrip"), OPTION),
    ),
    max_size=4,
    unique_by=lambda token: token["content"].lower(),
)
FRAME = {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]}


@pytest.fixture(scope="module")
def bundled() -> dict:
    """The settings of tiny, with fewer pieces: much of what is compared takes as long as they are many."""
    found = json.loads(minibert.load("tiny").tokenizer.backend.to_str())
    found["model"]["vocab"] = {piece: number for piece, number in found["model"]["vocab"].items() if number < 600}
    return found


def by_itself(letter: str) -> bool:
    """Capitals that this Python's Unicode does not have yet have no small letter here."""
    return unicodedata.category(letter) == "Cn" and bool(normalizers.Lowercase().normalize_str(letter) != letter)


@settings(deadline=None, max_examples=500)
@given(
    texts=st.lists(TEXT, min_size=1, max_size=2),
    normalizer=NORMALIZER,
    splits=st.integers(0, 5),
    framed=st.sampled_from(["as it is", "BERT", "not"]),
    added=ADDED,
    longest=st.sampled_from([1, 4, 100]),
)
def test_any_text_with_any_settings(texts, normalizer, splits, framed, added, longest, bundled):
    assume(not any(map(by_itself, "".join(texts))))
    given_settings = {
        "model": bundled["model"] | {"max_input_chars_per_word": longest},
        "normalizer": normalizer,
        "pre_tokenizer": bundled["pre_tokenizer"] if splits else None,
        "post_processor": {"as it is": bundled["post_processor"], "BERT": FRAME, "not": None}[framed],
        "added_tokens": bundled["added_tokens"] + added,
    }
    ours, theirs = PlainTokenizer(given_settings), build_backend(given_settings)
    found, expected = ours.encode(*texts), theirs.encode(*texts)
    for name in COLUMNS:
        assert getattr(found, name) == getattr(expected, name), name
    assert ours.get_vocab() == theirs.get_vocab() and ours.get_vocab_size() == theirs.get_vocab_size()
    assert json.loads(ours.to_str())["added_tokens"] == json.loads(theirs.to_str())["added_tokens"]
    decoder = theirs.get_added_tokens_decoder()
    assert {number: (token.content, token.special) for number, token in decoder.items()} == {
        number: (token.content, token.special) for number, token in ours.get_added_tokens_decoder().items()
    }
    assert all(ours.id_to_token(number) == theirs.id_to_token(number) for number in {0, 1, 999, *found.ids, *decoder})
    assert all(ours.token_to_id(token) == theirs.token_to_id(token) for token in TOKENS)


def block(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.delitem(sys.modules, "minibert.tokenizer.rust", raising=False)


@pytest.fixture
def without_tokenizers(monkeypatch):
    block(monkeypatch)


@pytest.fixture(scope="module")
def expected(tmp_path_factory, minilm_folder) -> dict:
    """Folders of many kinds, and the Tokenizers of the package for them."""
    folders = {"bundled": minibert.hub.find.BUNDLED / "tiny", "all-MiniLM-L6-v2": minilm_folder}
    for name, choices in CHOICES.items():
        folders[name] = tmp_path_factory.mktemp("vocabulary")
        write_vocabulary(folders[name], **choices)
    for name, files in BESIDE.items():
        folders[name] = tmp_path_factory.mktemp("beside")
        write_vocabulary(folders[name])
        for file, content in files.items():
            (folders[name] / file).write_text(json.dumps(content), encoding="utf-8")
    return {name: (folder, read_tokenizer(folder)) for name, folder in folders.items()}


@pytest.mark.parametrize("kind", ["bundled", "all-MiniLM-L6-v2", *CHOICES, *BESIDE])
def test_a_tokenizer_without_the_package(kind, expected, without_tokenizers):
    folder, theirs = expected[kind]
    ours = read_tokenizer(folder)
    assert isinstance(ours.backend, PlainTokenizer)
    assert (ours.roles, ours.note, ours.kind, ours.sign) == (theirs.roles, theirs.note, theirs.kind, theirs.sign)
    for text in [*TEXTS, *PAIRS, "a <e1> <E1> <e1>sleeping</e1> <e2>", "the [unused0] [UNUSED0]", "the  [MASK] [mask]"]:
        try:
            wanted = theirs.encode(text)
        except ValueError as error:
            with pytest.raises(ValueError, match="has no words"):
                ours.encode(text)
            assert "has no words" in str(error)
        else:
            assert ours.encode(text) == wanted, text


def test_an_added_token_without_letters_is_none(bundled):
    given_settings = bundled | {"added_tokens": [*bundled["added_tokens"], {"content": ""}]}
    assert PlainTokenizer(given_settings).get_vocab() == build_backend(given_settings).get_vocab()


def test_the_state_is_that_of_the_package(expected, without_tokenizers):
    """The explorer's page reads it: the steps, the added tokens, and the model."""
    folder, theirs = expected["bundled"]
    found, wanted = (json.loads(t.backend.to_str()) for t in (read_tokenizer(folder), theirs))
    assert {name: found[name] for name in wanted if name not in ("decoder", "truncation", "padding")} == {
        name: value for name, value in wanted.items() if name not in ("decoder", "truncation", "padding")
    }


NEEDED = "that needs the package tokenizers: pip install tokenizers"
OTHERS = {
    "a normalizer": (lambda t: t.update(normalizer={"type": "NFC"}), f"its normalizer is NFC, and {NEEDED}"),
    "a whole word": (
        lambda t: t["added_tokens"].append({"content": "the", "id": 6, "single_word": True}),
        f"its token 'the' is only found as a whole word, and {NEEDED}",
    ),
    "nothing": (
        lambda t: t["added_tokens"].append({"content": "\u0301", "id": 999}),
        f"its token '\u0301' is nothing when normalized, and {NEEDED}",
    ),
    "an id": (lambda t: t["model"]["vocab"].update(x=-1), "an id of the vocabulary is not a whole number"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_needs_the_package_says_so(what, tmp_path, monkeypatch):
    change, message = OTHERS[what]
    write_tokenizer(tmp_path)
    block(monkeypatch)
    path = tmp_path / "tokenizer.json"
    given_settings = json.loads(path.read_text(encoding="utf-8"))
    change(given_settings)
    path.write_text(json.dumps(given_settings), encoding="utf-8")
    missing = read_tokenizer(tmp_path).missing
    assert message in missing and "\n" not in missing


def test_another_kind_of_model_needs_the_package(tmp_path, monkeypatch):
    KINDS["XLM-R"](tmp_path)
    block(monkeypatch)
    assert f"its model is Unigram, and {NEEDED}" in read_tokenizer(tmp_path).missing


def test_an_installation_that_is_broken_in_another_way_is_not_taken_for_none(tmp_path, monkeypatch):
    write_tokenizer(tmp_path)
    monkeypatch.setitem(sys.modules, "json", None)
    monkeypatch.delitem(sys.modules, "minibert.tokenizer.rust", raising=False)
    assert "import of json halted" in read_tokenizer(tmp_path).missing


ABSENT = "tokenizers", "safetensors", "huggingface_hub", "matplotlib"


@pytest.mark.parametrize("model", ["tiny", "tiny-sentiment"])
def test_a_bundled_model_needs_numpy_alone(model):
    """Its numbers are the same, and it does not even look for the others where they are installed."""
    text = "The cat saw [MASK] naïve dog."
    run = f"import minibert; print(float(minibert.load({model!r})({text!r}).hidden_states[-1].sum()))"
    blocked = f"import sys; sys.modules.update(dict.fromkeys({ABSENT}))"
    outputs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for code in (run, f"{blocked}; {run}", f"{run}; import sys; assert not {set(ABSENT[1:])} & set(sys.modules)")
    ]
    assert outputs[0] == outputs[1] == outputs[2]


# Japanese.


def japanese(folder, order: str):
    pytest.importorskip("fugashi")
    folder.mkdir()
    write_model(folder)
    write_japanese(folder, **ORDERS[order])
    return minibert.load(folder)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda bert: pickle.loads(pickle.dumps(bert))])
@pytest.mark.parametrize("order", ["WordPiece", "characters"])
def test_a_japanese_bert_can_be_copied_and_pickled(again, order, tmp_path):
    bert = japanese(tmp_path / "model", order)
    other = again(bert)
    text = ("東京は 日本の首都です。", "[MASK] ｶﾞ")
    assert other.tokenizer.encode(text) == bert.tokenizer.encode(text)
    assert other.tokenizer.backend.to_str() == bert.tokenizer.backend.to_str()


def test_other_words_are_another_tokenizer(tmp_path):
    """`corpus` compares these before it lets a worker's own model take part."""
    states = [japanese(tmp_path / str(i), order).tokenizer.backend.to_str() for i, order in enumerate(ORDERS)]
    assert len(set(states)) == len(ORDERS) - 1  # no dictionary named is the first


def test_japanese_without_the_package(tmp_path, without_tokenizers):
    assert japanese(tmp_path / "model", "WordPiece").tokenizer.encode("東京の").tokens[1] == "東京"

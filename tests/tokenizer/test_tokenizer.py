"""The same ids, offsets and words as `transformers`, from every kind of tokenizer file; clear errors for the rest."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import tokenizers
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

import minibert
from minibert import CheckpointError, Encoding
from minibert.tokenizer.tokenizer import Tokenizer, read_tokenizer
from tests.reference.checkpoints import (
    SHAPE,
    SPECIAL,
    VOCABULARY,
    change_config,
    write_model,
    write_tokenizer,
    write_vocabulary,
)

TEXTS = [
    "The quick capybara is sleeping now.",
    "  leading,   double\tand trailing\nspace ",
    "Is [MASK] a mask, [mask] too? And [SEP] or [CLS] or [PAD] in the middle",
    "[MASK]",
    "naïve café, Ärger, Straße, ÅNGSTRÖM, ﬁne ﬂour",
    "cafe\u0301 a\u0308rger e\u0323\u0302",
    "北京 is 東京, not 北平。日本語のテキスト",
    "emoji 🙂 family 👨‍👩‍👧‍👦 flag 🇩🇪 skin 👍🏽",
    "zero\u200bwidth\u200djoiner soft\u00adhyphen",
    "control \x00 \x07 \x1b \x7f \x85 \ufffd characters \u2028 line",
    "a" * 99 + " " + "b" * 100 + " " + "c" * 101 + " " + "pneumono" * 40,
    "!?.,;:'\"()[]{}<>-–—…«»¿¡@#$%^&*_+=|\\/~`",
    "1234567890 3.14 1,000,000 ½ ² Ⅷ",
    "Привет, κόσμε, שלום, مرحبا, नमस्ते, สวัสดี, 안녕하세요",
    "İstanbul ŞİŞLİ ǅ ΣΑΣ",
    "\ufeffbom and \u00a0no-break\u3000space",
    "##ing ## # [UNK]",
]
PAIRS = [
    ("The capybara sleeps.", "It is sleeping."),
    ("[MASK] one", "two [SEP]"),
    ("北京", "cafe\u0301 🙂"),
    ("the second is empty", ""),
    ("", "the first is empty"),
    ("x" * 150, " \t "),
]

CHOICES = {
    "nothing but vocab.txt": {},
    "cased": {"do_lower_case": False},
    "cased, accents off": {"do_lower_case": False, "strip_accents": True},
    "uncased, accents kept": {"do_lower_case": True, "strip_accents": False},
    "multilingual": {"do_lower_case": False, "tokenize_chinese_chars": True, "tokenizer_class": "BertTokenizer"},
    "Chinese words whole": {"tokenize_chinese_chars": False},
}


def assert_same(ours: Tokenizer, theirs, text) -> None:
    """In a list of one: alone, `transformers` takes a pair whose second half is empty for a single sentence."""
    expected = theirs([text], return_offsets_mapping=True, return_token_type_ids=True)
    found = ours.encode(text)
    assert list(found.input_ids) == expected["input_ids"][0], text
    assert list(found.token_type_ids) == expected["token_type_ids"][0], text
    assert list(found.offsets) == expected["offset_mapping"][0], text
    assert list(found.tokens) == theirs.convert_ids_to_tokens(expected["input_ids"][0]), text
    sentences, words = expected.sequence_ids(0), expected.word_ids(0)
    pairs = [None if s is None or w is None else (s, w) for s, w in zip(sentences, words, strict=True)]
    assert list(found.words) == pairs, text
    assert found.text == text and len(found) == len(words)


@pytest.fixture(scope="module")
def real(minilm_folder):
    return read_tokenizer(minilm_folder), transformers.AutoTokenizer.from_pretrained(minilm_folder)


@pytest.mark.parametrize("text", TEXTS + PAIRS)
def test_the_real_tokenizer(text, real):
    assert_same(*real, text)


@settings(deadline=None, max_examples=100)
@given(text=st.text(min_size=1) | st.tuples(st.text(), st.text(min_size=1)))
def test_any_text_gives_what_transformers_gives(text, real):
    ours, theirs = real
    try:
        found = ours.encode(text)
    except ValueError as error:
        if "is not valid Unicode" not in str(error):
            assert "has no words" in str(error)
            assert set(theirs([text])["input_ids"][0]) == {101, 102}
    else:
        assert list(found.input_ids) == theirs([text])["input_ids"][0]


@pytest.mark.parametrize("lower_case", [True, False])
def test_a_tokenizer_json(lower_case, tmp_path):
    write_tokenizer(tmp_path, lower_case)
    ours, theirs = read_tokenizer(tmp_path), transformers.BertTokenizer.from_pretrained(tmp_path)
    for text in TEXTS + PAIRS:
        assert_same(ours, theirs, text)
    assert ("The" in ours.encode("The").tokens) != lower_case


@pytest.mark.parametrize("choice", CHOICES)
def test_a_vocab_txt_with_its_settings(choice, tmp_path):
    write_vocabulary(tmp_path, **CHOICES[choice])
    ours, theirs = read_tokenizer(tmp_path), transformers.BertTokenizer.from_pretrained(tmp_path)
    for text in TEXTS + PAIRS:
        assert_same(ours, theirs, text)


def test_the_settings_change_something(tmp_path):
    """Otherwise the test above would show nothing."""
    found = set()
    for choice, settings_ in CHOICES.items():
        folder = tmp_path / choice
        folder.mkdir()
        write_vocabulary(folder, **settings_)
        found.add(read_tokenizer(folder).encode(DECIDED).input_ids)
    assert len(found) == len(CHOICES) - 1  # multilingual is cased


def test_other_names_for_the_special_tokens(tmp_path):
    names = {"cls_token": "<s>", "sep_token": {"content": "</s>"}, "unk_token": "<unk>", "mask_token": "<mask>"}
    write_vocabulary(tmp_path, **names)
    path = tmp_path / "vocab.txt"
    for old, new in {"[CLS]": "<s>", "[SEP]": "</s>", "[UNK]": "<unk>", "[MASK]": "<mask>"}.items():
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert read_tokenizer(tmp_path).encode("the <mask> ☃").tokens == ("<s>", "the", "<mask>", "<unk>", "</s>")


@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "TokenizersBackend", "OfNobody"])
def test_only_the_classes_of_berts_look_at_do_lower_case(kind, tmp_path):
    write_tokenizer(tmp_path)
    beside = tmp_path / "tokenizer_config.json"
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"tokenizer_class": kind, "do_lower_case": False}))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert_same(read_tokenizer(tmp_path), theirs, text)
    assert read_tokenizer(tmp_path).encode("The").tokens[1] == "the"
    (tmp_path / "tokenizer.json").unlink()
    write_vocabulary(tmp_path)
    needed = "a program of its own" if kind == "OfNobody" else "a tokenizer.json"
    assert f"tokenizer_class '{kind}' needs {needed};" in read_tokenizer(tmp_path).missing


def test_capitals_that_transformers_would_not_keep_are_told(tmp_path):
    write_tokenizer(tmp_path, lower_case=False)
    assert read_tokenizer(tmp_path).note == ""
    (tmp_path / "tokenizer_config.json").unlink()
    found = read_tokenizer(tmp_path)
    assert found.encode("The").tokens[1] == "The" and found.note.startswith("tokenizer.json keeps capitals;")
    assert transformers.BertTokenizer.from_pretrained(tmp_path).tokenize("The") == ["the"]


@pytest.mark.parametrize("tokens", [{"a_token": "<e1>"}, ["<e1>"]])
def test_special_tokens_of_one_model(tokens, tmp_path):
    write_tokenizer(tmp_path)
    beside = tmp_path / "tokenizer_config.json"
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"model_specific_special_tokens": tokens}))
    found = read_tokenizer(tmp_path).encode("the<e1>nap")
    assert found.tokens == ("[CLS]", "the", "<e1>", "nap", "[SEP]") and found.roles[2] == "special"
    if isinstance(tokens, dict):  # a list is refused there
        assert_same(read_tokenizer(tmp_path), transformers.BertTokenizer.from_pretrained(tmp_path), "the<e1>nap")


def test_special_tokens_that_are_to_be_cut(tmp_path):
    write_vocabulary(tmp_path, split_special_tokens=True)
    assert "split_special_tokens is true" in read_tokenizer(tmp_path).missing


ENDS = {"no last line feed": "", "blank lines at the end": "\n\n\n", "a token twice": "\nthe\n"}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_vocab_txt(end, tmp_path):
    """Blank lines are no tokens: a model has no embeddings for them."""
    write_vocabulary(tmp_path)
    path = tmp_path / "vocab.txt"
    path.write_text(path.read_text(encoding="utf-8").removesuffix("\n") + ENDS[end], encoding="utf-8")
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    size = SHAPE["vocab_size"] + (end == "a token twice")
    for text in TEXTS:
        assert_same(read_tokenizer(tmp_path, size), theirs, text)


def test_windows_line_ends_and_a_line_separator_in_a_token(tmp_path):
    """Only line feeds end a line: `str.splitlines` would shift every id after U+2028."""
    tokens = [*SPECIAL, "\u2028", "x\x85y", "the"]
    (tmp_path / "vocab.txt").write_bytes("\r\n".join([*tokens, ""]).encode())
    assert read_tokenizer(tmp_path).encode("the").input_ids == (3, 8, 4)


def test_padding_and_truncation_are_off(minilm_folder, minilm):
    """The file of all-MiniLM-L6-v2 pads to 128 and cuts there."""
    assert json.loads((minilm_folder / "tokenizer.json").read_text())["padding"] is not None
    assert len(minilm.tokenizer.encode("one")) == 3
    assert len(minilm.tokenizer.encode("one " * 300)) == 302


def test_words_count_from_0_in_each_sentence(minilm):
    assert minilm.tokenizer.encode(("capybaras sleep", "why")).words == (
        None,
        *[(0, 0)] * 4,
        (0, 1),
        None,
        (1, 0),
        None,
    )


def test_an_older_file_without_the_name_of_its_model(tmp_path):
    write_tokenizer(tmp_path)
    with_name = read_tokenizer(tmp_path).encode("the capybara")
    changed(tmp_path, lambda t: t["model"].pop("type"))
    assert read_tokenizer(tmp_path).encode("the capybara") == with_name


def test_added_tokens(tmp_path):
    """Of fine-tuned models: in the vocabulary's free places, and after its end."""
    write_tokenizer(tmp_path)
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    theirs.add_tokens(["<entity>", "[unused0]"])
    theirs.add_special_tokens({"additional_special_tokens": ["<e1>"]})
    theirs.save_pretrained(tmp_path)
    for text in ("a <entity> <e1>sleeping</e1>", "[unused0] the"):
        assert_same(read_tokenizer(tmp_path), theirs, text)


BESIDE = {
    "added_tokens.json": {"added_tokens.json": {"<e1>": len(VOCABULARY), "<e2>": len(VOCABULARY) + 1}},
    "added_tokens.json, special": {
        "added_tokens.json": {"<e2>": len(VOCABULARY) + 1, "<e1>": len(VOCABULARY)},
        "special_tokens_map.json": {"additional_special_tokens": ["<e1>"], "mask_token": "[MASK]"},
    },
    "added_tokens_decoder": {
        "tokenizer_config.json": {
            "added_tokens_decoder": {
                str(len(VOCABULARY)): {"content": "<e1>", "special": True, "normalized": False, "lstrip": True},
                "5": {"content": "[MASK]", "special": True, "lstrip": True},
                "1": {"content": "[unused0]", "special": True},
            }
        }
    },
    "special in the vocabulary": {"special_tokens_map.json": {"additional_special_tokens": ["[unused0]"]}},
    "a mask that takes the space before it": {
        "tokenizer_config.json": {"mask_token": {"__type": "AddedToken", "content": "[MASK]", "lstrip": True}}
    },
}


@pytest.mark.parametrize("where", BESIDE)
def test_added_tokens_beside_a_vocab_txt(where, tmp_path):
    """Fine-tuned models before tokenizer.json have them in one of three files."""
    write_vocabulary(tmp_path)
    for name, content in BESIDE[where].items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    for text in [*TEXTS, "a <e1> <E1> <e1>sleeping</e1> <e2>", "the [unused0] [UNUSED0]", "the  [MASK] [mask]"]:
        assert_same(read_tokenizer(tmp_path), theirs, text)


@pytest.mark.parametrize(
    "choice", [{"do_lower_case": False}, {"strip_accents": False}, {"tokenize_chinese_chars": False}]
)
def test_choices_beside_a_tokenizer_json_win(choice, tmp_path):
    """As in `transformers`. Files that were fine-tuned, converted and renamed often disagree."""
    write_tokenizer(tmp_path)
    before = read_tokenizer(tmp_path).encode(DECIDED)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | choice))
    assert_same(read_tokenizer(tmp_path), transformers.BertTokenizer.from_pretrained(tmp_path), DECIDED)
    assert read_tokenizer(tmp_path).encode(DECIDED) != before


DECIDED = "The 北京 Ärger é"
"""Each choice changes its tokens."""


@pytest.mark.parametrize("lower_case", [True, False])
def test_where_nothing_is_chosen_the_tokenizer_json_counts(lower_case, tmp_path):
    """Here `transformers` would put capitals away in either case: its default, whatever the file says."""
    write_tokenizer(tmp_path, lower_case)
    (tmp_path / "tokenizer_config.json").unlink()
    assert ("The" in read_tokenizer(tmp_path).encode("The").tokens) != lower_case


def test_sequences_of_steps(tmp_path):
    """As a student's own tokenizer has them."""
    write_tokenizer(tmp_path)
    by_one = read_tokenizer(tmp_path).encode("The Straße, Ärger!")
    changed(
        tmp_path,
        lambda t: t.update(
            normalizer={
                "type": "Sequence",
                "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}],
            },
            pre_tokenizer={
                "type": "Sequence",
                "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"}],
            },
        ),
    )
    assert read_tokenizer(tmp_path).encode("The Straße, Ärger!") == by_one


# Bad texts.


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\x00", "\u200b\ufeff", ("", ""), (" ", "\x07")])
def test_a_text_without_words(text, minilm):
    with pytest.raises(ValueError, match="has no words; expected at least one"):
        minilm(text)


@pytest.mark.parametrize("text", ["\ud800", "half \udc00 a pair", ("fine", "\udfff")])
def test_half_a_surrogate_pair(text, minilm):
    with pytest.raises(ValueError, match="is not valid Unicode: surrogates not allowed"):
        minilm(text)


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["a", "list"], {"a": 1}, ("one", 2), (None, "two")])
def test_what_is_not_text(text, minilm):
    with pytest.raises(TypeError, match="expected a str, or a \\(first, second\\) tuple of two"):
        minilm(text)


@pytest.mark.parametrize("text", [(), ("one",) * 3])
def test_a_pair_is_of_two(text, minilm):
    with pytest.raises(ValueError, match=f"a tuple of {len(text)}; expected a sentence or a \\(first, second\\) pair"):
        minilm(text)


# Tokenizers that we do not have.


def ids_still_work(folder: Path) -> None:
    bert = minibert.load(folder)
    trace = bert(Encoding.from_ids([3, 7, 4]))
    assert trace.tokens == ("[3]", "[7]", "[4]") and trace.words == (None,) * 3
    assert bert.tokenizer.token(7) == "[7]" and bert.tokenizer.mask_id is None
    assert bert(Encoding.from_ids([3, 7, 4], [0, 1, 1])).token_type_ids == (0, 1, 1)


def why_no_text(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        minibert.load(folder)("the capybara")
    message = str(caught.value)
    print(message)
    assert "give ids, minibert.Encoding.from_ids(" in message and "\n" not in message
    return message


def test_no_tokenizer(tmp_path):
    write_model(tmp_path)
    ids_still_work(tmp_path)
    assert "there is no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt" in why_no_text(tmp_path)


@pytest.mark.parametrize("where", ["config.json", "tokenizer_config.json"])
def test_a_tokenizer_that_needs_another_program(where, tmp_path):
    write_model(tmp_path)
    write_vocabulary(tmp_path, do_lower_case=False)
    path = tmp_path / where
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": "FunnelTokenizer"}))
    ids_still_work(tmp_path)
    assert "tokenizer_class 'FunnelTokenizer' needs a program of its own" in why_no_text(tmp_path)


@pytest.mark.parametrize("kind", ["MobileBert", "ConvBert", "Lxmert", "LayoutLM", "SqueezeBert", "DPRQuestionEncoder"])
@pytest.mark.parametrize("fast", ["", "Fast"])
def test_other_names_of_the_tokenizer_of_bert(kind, fast, tmp_path):
    """In transformers 4 each of these classes is a copy of BERT's; 5 has some of them no more."""
    write_vocabulary(tmp_path, do_lower_case=False)
    plain = read_tokenizer(tmp_path)
    write_vocabulary(tmp_path, do_lower_case=False, tokenizer_class=f"{kind}Tokenizer{fast}")
    ours = read_tokenizer(tmp_path)
    assert not ours.missing
    for text in TEXTS + PAIRS:
        assert ours.encode(text) == plain.encode(text)


@pytest.mark.parametrize("token", ["[UNK]", "[CLS]", "[SEP]"])
@pytest.mark.parametrize("where", ["tokenizer_config.json", "added_tokens.json"])
def test_a_special_token_that_is_only_an_added_one(where, token, tmp_path):
    """The slow tokenizers of transformers 4 look there first. The texts are those of a whole vocab.txt."""
    write_vocabulary(tmp_path)
    whole = read_tokenizer(tmp_path)
    number, last = VOCABULARY.index(token), VOCABULARY[-1]
    swapped = [last if entry == token else entry for entry in VOCABULARY[:-1]]  # so that no id is free
    (tmp_path / "vocab.txt").write_text("\n".join(swapped) + "\n", encoding="utf-8")
    added = {"added_tokens_decoder": {len(swapped): {"content": token, "special": True}}}
    content = added if where == "tokenizer_config.json" else {token: len(swapped)}
    (tmp_path / where).write_text(json.dumps(content), encoding="utf-8")
    ours, other = read_tokenizer(tmp_path), {number: len(swapped), len(swapped): number}
    for text in ["the ☃ capybara", ("nap", "☃")]:
        assert ours.encode(text).input_ids == tuple(other.get(id, id) for id in whole.encode(text).input_ids)
        assert ours.encode(text).roles == whole.encode(text).roles


def test_an_unknown_token_that_is_only_an_added_one_of_a_tokenizer_json(tmp_path):
    write_tokenizer(tmp_path)
    whole = read_tokenizer(tmp_path)
    changed(tmp_path, lambda t: t["model"]["vocab"].pop("[UNK]"))
    assert read_tokenizer(tmp_path).encode("the ☃ nap") == whole.encode("the ☃ nap")
    assert whole.encode("the ☃ nap").roles == ("cls", None, "unk", None, "sep")


@pytest.mark.parametrize("where", ["tokenizer_config.json", "added_tokens.json"])
def test_an_added_token_that_is_not_in_the_tokenizer_json(where, tmp_path):
    """`transformers` adds it: a token of a file beside is a token, whatever its number."""
    write_tokenizer(tmp_path)
    choices = json.loads((tmp_path / "tokenizer_config.json").read_text(encoding="utf-8"))
    path, number = tmp_path / where, len(VOCABULARY)
    if where == "tokenizer_config.json":
        tokens = {str(number + 1): "<b c>", str(number): "<new>", str(VOCABULARY.index("[MASK]")): "[MASK]"}
        listed = {id: {"content": content, "special": content == "[MASK]"} for id, content in tokens.items()}
        path.write_text(json.dumps(choices | {"added_tokens_decoder": listed}), encoding="utf-8")
    else:
        path.write_text(json.dumps({"<b c>": number + 1, "<new>": number}), encoding="utf-8")
    ours, theirs = read_tokenizer(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert (ours.note, ours.backend.token_to_id("<new>")) == ("", number)
    for text in ["the <new> capybara<b c>", ("<b c>nap", "[MASK]<new>")]:
        assert_same(ours, theirs, text)


SPACES = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Punctuation"}]}


@pytest.mark.parametrize("before", [{"type": "Whitespace"}, {"type": "BertPreTokenizer"}, SPACES])
def test_a_tokenizer_of_whole_words(before, tmp_path):
    """WordLevel, which small models made at home have."""
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel({t: i for i, t in enumerate(VOCABULARY)}, "[UNK]"))
    frame = [("[CLS]", VOCABULARY.index("[CLS]")), ("[SEP]", VOCABULARY.index("[SEP]"))]
    backend.post_processor = tokenizers.processors.BertProcessing(frame[1], frame[0])
    backend.normalizer = tokenizers.normalizers.Lowercase()
    named = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    settings_ = json.loads(backend.to_str()) | {"pre_tokenizer": before}
    backend = tokenizers.Tokenizer.from_str(json.dumps(settings_))
    transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **named).save_pretrained(tmp_path)
    ours, theirs = read_tokenizer(tmp_path), transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert (ours.kind, ours.sign, ours.missing, ours.note) == ("WordLevel", "##", "", "")
    assert ours.encode("The capybara, sleeping").tokens[1:3] == ("the", "capybara")
    for text in [text for text in TEXTS + PAIRS if text not in ("", " ")]:
        assert_same(ours, theirs, text)


def test_a_tokenizer_of_whole_words_without_an_unknown_one(tmp_path):
    write_tokenizer(tmp_path)
    changed(tmp_path, lambda t: t.update(model={"type": "WordLevel", "vocab": {"the": 0}, "unk_token": "<unk>"}))
    assert "unk_token <unk> must be in the vocabulary" in read_tokenizer(tmp_path).missing


def changed(folder: Path, change) -> Path:
    path = folder / "tokenizer.json"
    settings_ = json.loads(path.read_text(encoding="utf-8"))
    change(settings_)
    path.write_text(json.dumps(settings_), encoding="utf-8")
    return path


EVIL = {"Regex": "(a+)+$"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": {"type": "Char", "vocab": {}, "unk_token": "a"}}, "the model 'Char' is not one of WordPiece, BPE, "),
        ({"model": {"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1}}, "the dropout 0.1 is not 0"),
        ({"normalizer": {"type": "Replace", "pattern": EVIL, "content": "b"}}, "is none that is known of BERT's"),
        ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Prepend"}]}}, "'Prepend'"),
        ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Sequence"}]}}, "the normalizer 'Sequence'"),
        ({"normalizer": {"type": "Replace", "normalizers": [{"type": "NFD"}], "pattern": EVIL}}, "'Replace'"),
        ({"pre_tokenizer": {"type": "Split", "pattern": EVIL}}, "the pre_tokenizer 'Split'"),
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split"}]}}, "'Split'"),
        ({"post_processor": {"type": "Bert"}}, "the post_processor 'Bert'"),
    ],
)
def test_steps_that_are_not_word_piece(change, named, tmp_path):
    write_model(tmp_path)
    write_tokenizer(tmp_path)
    changed(tmp_path, lambda t: t.update(change))
    ids_still_work(tmp_path)
    assert named in why_no_text(tmp_path)


@pytest.mark.parametrize("name", [None, "BertTokenizer", "ElectraTokenizerFast", "PreTrainedTokenizerFast"])
@pytest.mark.parametrize("cls", ["[CLS]", "the"])
def test_a_tokenizer_json_without_a_frame(name, cls, tmp_path):
    """BERT's own classes add [CLS] and [SEP] all the same; another one does not, and a note says so."""
    write_model(tmp_path)
    write_tokenizer(tmp_path)
    changed(tmp_path, lambda t: t.update(post_processor=None))
    choices = {"tokenizer_class": name, "cls_token": cls} if name else {"cls_token": cls}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(choices))
    bert, theirs = minibert.load(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in (("the capybara",), ("the", "capybara")):
        assert list(bert.encode(text if len(text) > 1 else text[0]).input_ids) == theirs(*text)["input_ids"]
    assert bert.notes == ({} if name != "PreTrainedTokenizerFast" else {"tokenizer": UNFRAMED})


def test_a_tokenizer_json_without_a_frame_and_without_cls(tmp_path):
    write_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink(missing_ok=True)
    changed(tmp_path, lambda t: t.update(post_processor=None, added_tokens=[]) or t["model"]["vocab"].pop("[CLS]"))
    assert read_tokenizer(tmp_path).note == UNFRAMED


UNFRAMED = "tokenizer.json adds no special tokens, such as [CLS] and [SEP], to a text"


# Broken ones.


def without_unknown(settings_):
    del settings_["model"]["vocab"]["[UNK]"]
    settings_["added_tokens"] = [token for token in settings_["added_tokens"] if token["content"] != "[UNK]"]


def set_vocabulary(number):
    return lambda t: t["model"]["vocab"].update({"the": number})


BROKEN = {
    "no model": (lambda t: t.pop("model"), "KeyError: 'model'"),
    "a model that is a list": (lambda t: t.update(model=[]), "is not a tokenizer that works"),
    "a model without a type": (lambda t: t.update(model={"vocab": {}}), "KeyError: 'unk_token'"),
    "no vocabulary": (lambda t: t["model"].pop("vocab"), "KeyError: 'vocab'"),
    "an empty vocabulary": (lambda t: t["model"].update(vocab={}), "unk_token [UNK] must be in the vocabulary"),
    "no unknown token": (without_unknown, "unk_token [UNK] must be in the vocabulary"),
    "words without end": (
        lambda t: t["model"].update(max_input_chars_per_word=10**9),
        "max_input_chars_per_word at most 1000",
    ),
    "an id that is text": (set_vocabulary("7"), "TypeError"),
    "a negative id": (set_vocabulary(-7), "OverflowError"),
    "a fraction of an id": (set_vocabulary(7.5), "TypeError"),
    "a huge id": (set_vocabulary(10**30), "OverflowError"),
    "an added token that is none": (lambda t: t["added_tokens"].append(3), "TypeError"),
    "special tokens of numbers": (lambda t: t["added_tokens"].append({"content": 3, "id": 3}), "TypeError"),
    "a normalizer that is a number": (lambda t: t.update(normalizer=3), "TypeError"),
    "a template for nothing": (
        lambda t: t.update(post_processor={"type": "TemplateProcessing", "single": 1, "pair": 2, "special_tokens": 3}),
        "is not a tokenizer that works",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_tokenizer_json_costs_the_tokenizer_only(what, tmp_path):
    write_model(tmp_path)
    write_tokenizer(tmp_path)
    change, expected = BROKEN[what]
    path = changed(tmp_path, change)
    ids_still_work(tmp_path)
    message = why_no_text(tmp_path)
    assert message.startswith(str(path)) and expected in message


@pytest.mark.parametrize("token", ["[CLS]", "[SEP]", "[UNK]"])
def test_a_vocab_txt_without_a_special_token(token, tmp_path):
    write_vocabulary(tmp_path)
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(t for t in VOCABULARY if t != token), encoding="utf-8")
    missing = read_tokenizer(tmp_path).missing
    assert "vocab.txt is not a tokenizer that works" in missing and f"it has no {token}" in missing


def test_settings_of_the_wrong_kind(tmp_path):
    write_vocabulary(tmp_path, do_lower_case="yes")
    assert "do_lower_case beside it is 'yes'; expected true or false" in read_tokenizer(tmp_path).missing


BEYOND = {
    "a word": set_vocabulary(100_000),
    "the frame": lambda t: t.update(
        post_processor={"type": "BertProcessing", "sep": ["[SEP]", 9999], "cls": ["[CLS]", 3]}
    ),
    "an added token": lambda t: t["added_tokens"].append({"content": "the thing", "id": len(VOCABULARY)}),
}


@pytest.mark.parametrize("what", BEYOND)
def test_more_tokens_than_embeddings(what, tmp_path):
    """Real fine-tuned models have them: only a text with such a token is an error."""
    write_model(tmp_path)
    write_tokenizer(tmp_path)
    changed(tmp_path, BEYOND[what])
    bert = minibert.load(tmp_path)
    assert bert.notes["tokenizer"].endswith("but the model has embeddings up to 172 (vocab_size)")
    with pytest.raises(
        ValueError, match=r"expected 0 to 172 .*: it has no embedding for the token '(the|\[9999\]|the thing)'"
    ):
        bert("the thing")
    if what != "the frame":
        assert len(bert("a capybara").tokens) == 4


def test_more_lines_in_vocab_txt_than_embeddings(tmp_path):
    """As transformers has it: the model runs, and the ids are the same."""
    write_model(tmp_path)
    write_vocabulary(tmp_path)
    with (tmp_path / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("one\ntoo\n")
    bert, theirs = minibert.load(tmp_path), transformers.BertTokenizer.from_pretrained(tmp_path)
    assert_same(bert.tokenizer, theirs, "the capybara, one too")
    assert "up to 174, but the model has embeddings up to 172" in bert.notes["tokenizer"]
    assert bert("the capybara").hidden_states[-1].shape == (4, 24)
    with pytest.raises(ValueError, match="it has no embedding for the token 'one'"):
        bert("one")


@pytest.mark.parametrize("ids", [(99,), (7,), (99, 98, 97), (None, 400)])
@pytest.mark.parametrize("where", ["tokenizer.json", "added_tokens_decoder", "added_tokens.json"])
def test_added_tokens_whose_ids_are_not_in_a_row(ids, where, tmp_path):
    """They get the next ids, as in transformers, which warns; `info` says so."""
    tokens = [{"content": f"<{i}>", "id": number} for i, number in enumerate(ids) if number is not None]
    if where == "tokenizer.json":
        write_tokenizer(tmp_path)
        changed(tmp_path, lambda t: t["added_tokens"].extend({**ADDED, **token} for token in tokens))
    else:
        write_vocabulary(tmp_path)
        decoder = {str(token["id"]): {**ADDED, "content": token["content"]} for token in tokens}
        contents = {"added_tokens_decoder": decoder}
        if where == "added_tokens.json":
            contents = {token["content"]: token["id"] for token in tokens}
        name = where if where.endswith("json") else "tokenizer_config.json"
        (tmp_path / name).write_text(json.dumps(contents))
    ours = read_tokenizer(tmp_path)
    assert_same(ours, transformers.BertTokenizer.from_pretrained(tmp_path), "the <0> a <1><2>")
    assert "added tokens have other ids than the files give them" in ours.note and "not " in ours.note


ADDED = {"special": False, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}


def test_a_vocabulary_smaller_than_the_model_names_ids_by_number(tmp_path):
    """Models are padded to round sizes."""
    write_model(tmp_path, vocab_size=SHAPE["vocab_size"] + 5)
    write_tokenizer(tmp_path)
    tokenizer = minibert.load(tmp_path).tokenizer
    last = SHAPE["vocab_size"] - 1
    assert tokenizer.token(last) == VOCABULARY[last] and tokenizer.token(last + 1) == f"[{last + 1}]"
    assert tokenizer.mask_id == SPECIAL.index("[MASK]")


def test_a_panic_of_the_backend_is_an_error_like_any_other(minilm):
    """Rust's panics arrive as BaseException; Ctrl-C must stay what it is."""

    class PanicException(BaseException):
        pass

    class Backend:
        def encode(self, *sentences):
            raise {"panic": PanicException("index out of bounds")}.get(sentences[0]) or NOT_ERRORS[sentences[0]]

    with pytest.raises(
        CheckpointError, match="the tokenizer is not a tokenizer that works \\(PanicException: index out"
    ):
        Tokenizer(Backend()).encode("panic")
    for name, kind in NOT_ERRORS.items():
        with pytest.raises(kind):
            Tokenizer(Backend()).encode(name)


class Signalled(BaseException):
    """What a handler of signals may raise."""


NOT_ERRORS = {"stop": KeyboardInterrupt, "exit": SystemExit, "close": GeneratorExit, "own": Signalled}


def test_sys_exit_in_a_signal_handler_while_a_tokenizer_is_read(tmp_path):
    """The process ends with its status; it is no fault of the tokenizer."""
    write_model(tmp_path)
    write_tokenizer(tmp_path)
    code = (
        "import signal, sys, minibert, minibert.tokenizer.tokenizer as t\n"
        "signal.signal(signal.SIGALRM, lambda *_: sys.exit(3))\n"
        "read = t.build_backend\n"
        "t.build_backend = lambda settings: (signal.raise_signal(signal.SIGALRM), read(settings))[1]\n"
        f"minibert.load({str(tmp_path)!r})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 3 and ran.stderr == ""


def test_the_configuration_may_be_changed_after_the_tests_helper(tmp_path):
    write_model(tmp_path)
    change_config(tmp_path, model_type=...)
    write_tokenizer(tmp_path)
    assert minibert.load(tmp_path)("the capybara").tokens[1] == "the"


# Which tokens are special, and what for.

OTHER = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
ROLES = {0: "pad", 2: "unk", 3: "cls", 4: "sep", 5: "mask"}


def with_other_names() -> dict[str, int]:
    renamed = {f"[{role[:-6].upper()}]": name for role, name in OTHER.items()}
    return {renamed.get(token, token): number for number, token in enumerate(VOCABULARY)}


def write_other_names(folder: Path, where: str) -> None:
    """A tokenizer whose special tokens have other names, and say so in this place."""
    transformers.BertTokenizer(vocab=with_other_names(), **OTHER).save_pretrained(folder)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    if where.startswith("vocab.txt"):
        (folder / "tokenizer.json").unlink()
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in with_other_names()), encoding="utf-8")
    content = {role: {"content": name} for role, name in OTHER.items()} if "described" in where else OTHER
    if "map" in where:
        (folder / "special_tokens_map.json").write_text(json.dumps(content))
    elif "config" in where:
        (folder / "tokenizer_config.json").write_text(json.dumps(content))


WHERE = ["tokenizer.json alone", "tokenizer.json, config", "tokenizer.json, map, described"]
WHERE += ["vocab.txt, config", "vocab.txt, config, described", "vocab.txt, map", "vocab.txt, map, described"]


@pytest.mark.parametrize("where", WHERE)
def test_the_roles_of_special_tokens_whatever_they_are_called(where, tmp_path):
    write_other_names(tmp_path, where)
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer.roles == ROLES and tokenizer.mask_id == 5
    encoding = tokenizer.encode(("the <mask> ☃", "nap"))
    assert encoding.tokens == ("<s>", "the", "<mask>", "<unk>", "</s>", "nap", "</s>")
    assert encoding.roles == ("cls", None, "mask", "unk", "sep", None, "sep")


def test_roles_of_the_usual_names_of_others_and_of_ids(tmp_path):
    write_model(tmp_path)
    write_vocabulary(tmp_path, additional_special_tokens=["[unused0]"])
    bert = minibert.load(tmp_path)
    assert bert.tokenizer.roles == ROLES | {1: "special"}
    assert bert(Encoding.from_ids([3, 7, 1, 4])).roles == ("cls", None, "special", "sep")
    assert bert("the [PAD] nap").roles == ("cls", None, "pad", None, "sep")


def test_without_a_tokenizer_no_roles_are_known(tmp_path):
    write_model(tmp_path)
    assert minibert.load(tmp_path)(Encoding.from_ids([3, 7, 4])).roles == (None,) * 3


TITLES = {"minibert/survey/pictures.py", "viz/explorer/columns.py"}
"""Where the usual names are texts for people. wordpiece.py and its exercise are a tokenizer themselves."""


def test_no_code_knows_the_names_of_special_tokens():
    """Whoever needs them asks the tokenizer, or the roles of an Encoding or Trace."""
    root = Path(minibert.__file__).parents[1]
    found = set()
    for path in [*root.glob("minibert/**/*.py"), *root.glob("viz/**/*.py")]:
        name = path.relative_to(root).as_posix()
        constants = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
        if "wordpiece" not in name and any(value in SPECIAL for value in constants if isinstance(value, str)):
            found.add(name)
    assert found - TITLES - {"minibert/exercises/course/ex20_wordpiece/exercise.py"} == set()
    for path in root.glob("viz/explorer/page/*.mjs"):
        assert not any(f'"{name}"' in path.read_text(encoding="utf-8") for name in SPECIAL), path

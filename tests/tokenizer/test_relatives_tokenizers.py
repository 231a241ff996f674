"""Byte-level BPE, Unigram and MeCab against `transformers`: ids, places and words, of texts in eight scripts.

The tokenizers are trained here, on the texts themselves; a thing trained on little knows many broken pieces.
"""

import builtins
import json
import pickle
import random
import re
import shutil
from pathlib import Path

import pytest
import tokenizers
import transformers

from minibert import CheckpointError
from minibert.tokenizer.pieces import BYTES, look
from minibert.tokenizer.tokenizer import Tokenizer, read_tokenizer
from tests.tokenizer.test_tokenizer import PAIRS, TEXTS

WORDS = {
    "Latin": "the quick capybara sleeps near water, doesn't it? naïve café Straße l'été garçon İstanbul 3.14 & co.",
    "Greek": "Η γρήγορη αλεπού πηδάει πάνω από το σκυλί, ΣΑΣ; ναι!",
    "Cyrillic": "Быстрая лиса прыгает через ленивую собаку, ёлка: йод.",
    "Hebrew and Arabic": "השועל המהיר קופץ مرحبا بالعالم، كيف الحال؟ שָׁלוֹם",
    "Devanagari": "तेज भूरी लोमड़ी आलसी कुत्ते पर कूदती है।",
    "Japanese": "東京は 日本の首都です。 吾輩は 猫である。 ｶﾞｷﾞｸﾞ カタカナ ㍿ ＡＢＣ １２３",
    "Chinese": "北京是 中国的首都， 快速的 狐狸。",
    "Korean and emoji": "빠른 갈색 여우가 게으른 개를 뛰어넘는다. 🙂 👨‍👩‍👧‍👦 🇩🇪 👍🏽",
}


def texts_of(script: str, count: int) -> list[str]:
    """So many texts of words of a script, with other spaces, signs and special tokens between them now and then."""
    choose, words = random.Random(script), WORDS[script].split()
    between = [" "] * 12 + [
        "  ",
        "\t",
        "\n",
        "",
        ", ",
        "...",
        " <mask> ",
        "[MASK]",
        "<mask>",
        "\u3000",
        "\u200b",
        " </s>",
    ]
    return [
        choose.choice(["", " "])
        + "".join(choose.choice(words) + choose.choice(between) for _ in range(choose.randint(1, 9)))
        for _ in range(count)
    ]


CORPUS = [" ".join(WORDS.values()), *TEXTS]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}  # frames nothing
OWN = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
ALBERTS = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]


MASK = tokenizers.AddedToken("<mask>", lstrip=True, special=True)
"""As in the published files, and as transformers 4 has it without being told. transformers 5 has to be told."""


def merges(folder: Path) -> None:
    """vocab.json and merges.txt, as RoBERTa was published."""
    backend = tokenizers.ByteLevelBPETokenizer()
    backend.train_from_iterator(CORPUS, vocab_size=600, special_tokens=OWN)
    backend.save_model(str(folder))


def bpe_json(folder: Path) -> None:
    merges(folder)
    transformers.RobertaTokenizer.from_pretrained(folder, mask_token=MASK).save_pretrained(folder)
    (folder / "vocab.json").unlink(missing_ok=True)
    (folder / "merges.txt").unlink(missing_ok=True)


def unigram(kind: str, special: list[str], **choices: object):
    def write(folder: Path) -> None:
        backend = tokenizers.Tokenizer(tokenizers.models.Unigram())
        space = [tokenizers.pre_tokenizers.WhitespaceSplit(), tokenizers.pre_tokenizers.Metaspace()]
        backend.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(space)
        given = {"special_tokens": special, "unk_token": "<unk>", "show_progress": False}
        backend.train_from_iterator(CORPUS, tokenizers.trainers.UnigramTrainer(vocab_size=400, **given))
        vocabulary = [tuple(entry) for entry in json.loads(backend.to_str())["model"]["vocab"]]
        getattr(transformers, kind)(vocab=vocabulary, **choices).save_pretrained(folder)

    return write


def sentencepiece(kind: str):
    """Converted from a model of sentencepiece, whose table of normal forms goes with it."""

    def write(folder: Path) -> None:
        trainer = pytest.importorskip("sentencepiece").SentencePieceTrainer
        name = "spiece.model" if kind == "AlbertTokenizer" else "sentencepiece.bpe.model"
        more = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": "[CLS],[SEP],[MASK]"}
        options = more if kind == "AlbertTokenizer" else {}
        with (folder / name).open("wb") as file:
            trainer.train(
                sentence_iterator=iter(CORPUS), model_writer=file, vocab_size=330, minloglevel=2,
                hard_vocab_limit=False, **options,
            )  # fmt: skip
        getattr(transformers, kind).from_pretrained(folder).save_pretrained(folder)
        (folder / name).unlink()

    return write


KINDS = {
    "RoBERTa, vocab.json and merges.txt": merges,
    "RoBERTa, tokenizer.json": bpe_json,
    "XLM-R": unigram("XLMRobertaTokenizer", OWN),
    "CamemBERT": unigram("CamembertTokenizer", OWN),
    "ALBERT": unigram("AlbertTokenizer", ALBERTS),
    "ALBERT, capitals and accents kept": unigram("AlbertTokenizer", ALBERTS, do_lower_case=False, keep_accents=True),
    "XLM-R, converted": sentencepiece("XLMRobertaTokenizer"),
    "ALBERT, converted": sentencepiece("AlbertTokenizer"),
}


def give_tokenizer(folder: Path, kind: str) -> None:
    """Put the files of a tokenizer in the place of those that are there."""
    beside = folder.with_name(folder.name + "-tokenizer")
    beside.mkdir()
    KINDS[kind](beside)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink(missing_ok=True)
    for path in beside.iterdir():
        shutil.move(path, folder / path.name)
    beside.rmdir()


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Ours and theirs of a kind, made once."""
    made = {}

    def give(kind: str) -> tuple[Tokenizer, transformers.PreTrainedTokenizerBase]:
        if kind not in made:
            folder = tmp_path_factory.mktemp("tokenizer")
            KINDS[kind](folder)
            name = kind.split(",")[0]
            if name == "RoBERTa":
                theirs = transformers.RobertaTokenizer.from_pretrained(folder, mask_token=MASK)
            else:
                theirs = transformers.AutoTokenizer.from_pretrained(folder)
            made[kind] = read_tokenizer(folder), theirs
        return made[kind]

    return give


def assert_same(ours: Tokenizer, theirs, text) -> None:
    expected = theirs([text], return_offsets_mapping=True, return_token_type_ids=True)
    try:
        found = ours.encode(text)
    except ValueError as error:
        assert "has no words" in str(error) and set(expected.sequence_ids(0)) == {None}
        return
    assert list(found.input_ids) == expected["input_ids"][0], text
    assert list(found.token_type_ids) == expected["token_type_ids"][0], text
    assert list(found.offsets) == expected["offset_mapping"][0], text
    sentences, words = expected.sequence_ids(0), expected.word_ids(0)
    pairs = [None if s is None or w is None else (s, w) for s, w in zip(sentences, words, strict=True)]
    assert list(found.words) == pairs, text


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_texts(kind, read):
    ours, theirs = read(kind)
    assert not ours.missing + ours.note
    for text in TEXTS + PAIRS + [text for script in WORDS for text in texts_of(script, 4)]:
        assert_same(ours, theirs, text)


@pytest.mark.families
@pytest.mark.parametrize("script", WORDS)
@pytest.mark.parametrize("kind", KINDS)
def test_three_hundred_texts(kind, script, read):
    ours, theirs = read(kind)
    texts = texts_of(script, 300)
    for text in [*texts, *zip(texts[:50], texts[50:100], strict=True)]:
        assert_same(ours, theirs, text)


@pytest.mark.parametrize(("kind", "mask"), [("RoBERTa, tokenizer.json", "<mask>"), ("ALBERT", "[MASK]")])
def test_each_family_has_its_own_mask_and_frame(kind, mask, read):
    tokenizer = read(kind)[0]
    encoding = tokenizer.encode((f"the {mask} sleeps", "near water"))
    assert encoding.roles.count("mask") == 1 and encoding.roles[0] == "cls" and encoding.roles[-1] == "sep"
    assert encoding.roles.count("sep") == (3 if mask == "<mask>" else 2)
    with pytest.raises(ValueError, match=f"the text has no .{mask[1:-1]}."):
        tokenizer.find_masks(tokenizer.encode("the capybara"))


NAMED = {
    "nothing": {},
    "its name": {"mask_token": "<mask>"},
    "all": {"mask_token": {"content": "<mask>", "lstrip": False}},
}


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("choices", [{"tokenizer_class": "LongformerTokenizer"}, {}])
def test_a_blank_takes_the_space_before_it(choices, named, tmp_path):
    """As in transformers 4, unless the files say that it does not."""
    merges(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(choices | NAMED[named]), encoding="utf-8")
    (tmp_path / "config.json").write_text('{"model_type": "roberta"}', encoding="utf-8")
    encoding = read_tokenizer(tmp_path).encode("the <mask> sleeps")
    between = encoding.tokens[encoding.roles.index("mask") - 1]
    assert between == ("▁" if named == "all" else "the")


@pytest.mark.parametrize(("kind", "mask"), [("XLM-R", "<mask>"), ("CamemBERT", "<mask>"), ("ALBERT", "[MASK]")])
def test_a_blank_that_only_its_name_declares_takes_the_space_before_it(kind, mask, tmp_path):
    KINDS[kind](tmp_path)
    path, beside = tmp_path / "tokenizer.json", tmp_path / "tokenizer_config.json"
    settings, choices = (json.loads(file.read_text(encoding="utf-8")) for file in (path, beside))
    settings["added_tokens"] = [token for token in settings["added_tokens"] if token["content"] != mask]
    path.write_text(json.dumps(settings), encoding="utf-8")
    beside.write_text(json.dumps(choices | {"mask_token": mask}), encoding="utf-8")
    text, encoding = f"the {mask} nap", read_tokenizer(tmp_path).encode(f"the {mask} nap")
    start, end = encoding.offsets[encoding.roles.index("mask")]
    assert text[start:end] == f" {mask}"


@pytest.mark.parametrize("kind", ["RoBERTa, tokenizer.json", "XLM-R", "CamemBERT", "ALBERT"])
@pytest.mark.parametrize("name", ["{}TokenizerFast", None, "PreTrainedTokenizerFast"])
def test_a_tokenizer_json_without_a_frame_gets_that_of_its_family(kind, name, tmp_path):
    KINDS[kind](tmp_path)
    path, beside = tmp_path / "tokenizer.json", tmp_path / "tokenizer_config.json"
    settings, choices = json.loads(path.read_text()), json.loads(beside.read_text())
    settings["post_processor"] = BYTE_LEVEL if kind.startswith("RoB") else None
    path.write_text(json.dumps(settings))
    family = {"XLM-R": "XLMRoberta", "CamemBERT": "Camembert", "ALBERT": "Albert"}.get(kind, "Roberta")
    model_type = {"XLMRoberta": "xlm-roberta"}.get(family, family.lower())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    choices["tokenizer_class"] = name and name.format(family)
    beside.write_text(json.dumps({name: value for name, value in choices.items() if value is not None}))
    ours, theirs = read_tokenizer(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path)
    framed = name != "PreTrainedTokenizerFast"
    assert bool(ours.note) != framed and (ours.encode("the").roles[0] == "cls") == framed
    for text in TEXTS[:3] + PAIRS[:2]:
        assert_same(ours, theirs, text)


@pytest.mark.parametrize("kind", ["RobertaTokenizer", "RobertaTokenizerFast", None, "PreTrainedTokenizerFast"])
@pytest.mark.parametrize("chosen", [True, False, ...])
@pytest.mark.parametrize("stored", [True, False])
def test_a_space_before_the_first_word_is_a_choice_beside_the_tokenizer_json(stored, chosen, kind, tmp_path):
    """RoBERTa's own tokenizer obeys it, and takes no space where nothing is chosen; the general one does not."""
    bpe_json(tmp_path)
    path, beside = tmp_path / "tokenizer.json", tmp_path / "tokenizer_config.json"
    settings, choices = json.loads(path.read_text()), json.loads(beside.read_text())
    settings["pre_tokenizer"]["add_prefix_space"] = stored
    path.write_text(json.dumps(settings))
    choices |= {"tokenizer_class": kind, "add_prefix_space": chosen}
    beside.write_text(json.dumps({name: value for name, value in choices.items() if value not in (None, ...)}))
    (tmp_path / "config.json").write_text('{"model_type": "roberta"}')
    ours, theirs = read_tokenizer(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in ["the nap", "a <mask>the", ("capybara", " the")]:
        assert list(ours.encode(text).input_ids) == theirs([text])["input_ids"][0], text


def test_pieces_look_as_those_of_bert(read):
    """A sign for a space is none a reader knows; bytes of half a character are none either."""
    text = "the capybaras sleep, 北京"
    for kind in ("RoBERTa, tokenizer.json", "XLM-R"):
        encoding = read(kind)[0].encode(text)
        for token, word, before in zip(encoding.tokens[1:-1], encoding.words[1:-1], encoding.words, strict=False):
            assert token.startswith("##") == (word == before), (kind, token)
            assert "Ġ" not in token and (token in ("▁", "##▁") or "▁" not in token)
        assert "".join(encoding.tokens).replace("##", "").startswith("<s>the")


LOOKS = [
    ("Ġdoor", "bytes", None, "door"),
    ("door", "bytes", None, "##door"),
    ("door", "bytes", False, "door"),
    (".", "bytes", None, "."),
    ("cafÃ©", "bytes", True, "##café"),
    ("Ġ", "bytes", None, "▁"),
    ("Ċ", "bytes", False, "\\n"),
    ("å", "bytes", False, "\\xe5"),
    ("ĠĠ", "bytes", False, "▁"),
    ("▁door", "▁", None, "door"),
    ("▁", "▁", None, "▁"),
    ("door", "▁", None, "##door"),
    ("\u3000", "▁", False, "\\u3000"),
    ("<unused☃>", "bytes", False, "<unused☃>"),
]


@pytest.mark.parametrize(("piece", "sign", "inside", "shown"), LOOKS)
def test_how_a_piece_looks(piece, sign, inside, shown):
    assert look(piece, sign, inside) == shown


def test_every_byte_has_a_letter():
    theirs = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    assert sorted(BYTES.values()) == list(range(256)) and set(theirs) == set(BYTES)


@pytest.mark.parametrize("kind", ["RoBERTa, tokenizer.json", "XLM-R", "ALBERT, converted"])
def test_files_of_2020(kind, tmp_path):
    """They do not name their model, nor all choices, and a space in front was called otherwise."""
    KINDS[kind](tmp_path)
    now, path = read_tokenizer(tmp_path), tmp_path / "tokenizer.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    assert settings["model"].pop("type") in ("BPE", "Unigram")
    if isinstance(settings["model"].get("merges"), list):
        settings["model"]["merges"] = [" ".join(pair) for pair in settings["model"]["merges"]]
    for step in [settings["pre_tokenizer"], *settings["pre_tokenizer"].get("pretokenizers", [])]:
        if step["type"] == "Metaspace":
            step["add_prefix_space"] = step.pop("prepend_scheme") == "always"
            step.pop("split", None)
        step.pop("use_regex", None)
    path.write_text(json.dumps(settings), encoding="utf-8")
    ours = read_tokenizer(tmp_path)
    assert not ours.missing and (ours.kind, ours.sign) == (now.kind, now.sign)
    for text in ["the capybaras sleep, 北京", " naïve  café <mask> [MASK]."]:
        assert ours.encode(text) == now.encode(text)


def test_only_a_model_of_sentencepiece(tmp_path):
    (tmp_path / "config.json").write_text(
        '{"model_type": "albert"}'
    )  # as of a hub, from where the model is not fetched
    assert "there is no tokenizer.json; make one where transformers" in read_tokenizer(tmp_path).missing
    (tmp_path / "spiece.model").write_bytes(b"x")
    missing = read_tokenizer(tmp_path).missing
    assert "there is no tokenizer.json, only spiece.model, of sentencepiece; make one where" in missing
    assert "\n" not in missing


BROKEN = {
    "a piece without letters": (lambda m: m["vocab"].append(["", -1.0]), "is empty, or its score is no number"),
    "a score that is no number": (lambda m: m["vocab"].append(["x", float("nan")]), "is empty, or its score"),
    "no unknown piece": (lambda m: m.update(unk_id=10**6), "is not a tokenizer that works"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_unigram(what, tmp_path):
    KINDS["XLM-R"](tmp_path)
    path = tmp_path / "tokenizer.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    BROKEN[what][0](settings["model"])
    path.write_text(json.dumps(settings), encoding="utf-8")
    missing = read_tokenizer(tmp_path).missing
    assert BROKEN[what][1] in missing and "\n" not in missing


def test_merges_without_a_token_for_the_frame(tmp_path):
    merges(tmp_path)
    vocabulary = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    del vocabulary["<s>"]
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    assert "vocab.json has no <s>" in read_tokenizer(tmp_path).missing


# Japanese.

LETTERS = sorted({letter for text in CORPUS + TEXTS for letter in text if not letter.isspace()})
PIECES = ["東京", "日本", "首都", "です", "ある", "##ある", "ガ", "hello", "the", "カタ", "##カナ"]
JAPANESE = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES, *LETTERS, *("##" + letter for letter in LETTERS)]
ORDERS = {
    "WordPiece": {"mecab_kwargs": {"mecab_dic": "unidic_lite"}},
    "WordPiece, ipadic": {"mecab_kwargs": {"mecab_dic": "ipadic"}},
    "WordPiece, as it is": {"mecab_kwargs": {"mecab_dic": "unidic_lite", "normalize_text": False}},
    "WordPiece, lower case": {"mecab_kwargs": {"mecab_dic": "ipadic"}, "do_lower_case": True},
    "characters": {"mecab_kwargs": {"mecab_dic": "unidic_lite"}, "subword_tokenizer_type": "character"},
    "characters, as they are": {
        "mecab_kwargs": {"mecab_dic": "ipadic", "normalize_text": False},
        "subword_tokenizer_type": "character",
    },
    "no dictionary named": {},
    "without MeCab": {"word_tokenizer_type": "basic"},
    "without MeCab, lower case": {"word_tokenizer_type": "basic", "do_lower_case": True},
    "without MeCab, characters": {"word_tokenizer_type": "basic", "subword_tokenizer_type": "character"},
}


def write_japanese(folder: Path, **choices: object) -> None:
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(JAPANESE)) + "\n", encoding="utf-8")
    usual = {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(usual | choices))


def assert_japanese(folder: Path, texts: list) -> None:
    pytest.importorskip("fugashi")
    ours, theirs = read_tokenizer(folder), transformers.BertJapaneseTokenizer.from_pretrained(folder)
    assert not ours.missing and re.fullmatch(
        "(MeCab with (unidic_lite|ipadic)|words between spaces), then (WordPiece|single letters)", ours.kind
    )
    for text in texts:
        expected = theirs([text], return_token_type_ids=True)
        try:
            found = ours.encode(text)
        except ValueError as error:
            assert "has no words" in str(error) and len(expected["input_ids"][0]) == 2 + isinstance(text, tuple)
            continue
        assert list(found.input_ids) == expected["input_ids"][0], text
        assert list(found.token_type_ids) == expected["token_type_ids"][0], text
        parts = (text,) if isinstance(text, str) else text
        for word, (start, end) in zip(found.words, found.offsets, strict=True):
            assert (start, end) == (0, 0) if word is None else 0 <= start < end <= len(parts[word[0]]), text


@pytest.mark.parametrize("order", ORDERS)
def test_a_few_japanese_texts(order, tmp_path):
    write_japanese(tmp_path, **ORDERS[order])
    assert_japanese(tmp_path, TEXTS + PAIRS + texts_of("Japanese", 10))


@pytest.mark.families
@pytest.mark.parametrize("script", WORDS)
@pytest.mark.parametrize("order", ORDERS)
def test_three_hundred_japanese_texts(order, script, tmp_path):
    write_japanese(tmp_path, **ORDERS[order])
    texts = texts_of(script, 300)
    assert_japanese(tmp_path, [*texts, *zip(texts[:50], texts[50:100], strict=True)])


def test_places_in_a_text_whose_letters_change(tmp_path):
    """NFKC makes one letter of two, and three of one: places are those of the text as it was written."""
    pytest.importorskip("fugashi")
    write_japanese(tmp_path, **ORDERS["WordPiece"])
    text = "ｶﾞの㍿ [MASK]です"
    encoding = read_tokenizer(tmp_path).encode(text)
    shown = {token: text[start:end] for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True)}
    assert shown["ガ"] == "ｶﾞ" and shown["の"] == "の" and shown["[MASK]"] == "[MASK]" and shown["です"] == "です"


REFUSED = {
    "another program": ({"word_tokenizer_type": "sudachi"}, "word_tokenizer_type is 'sudachi'; expected 'mecab' or"),
    "another vocabulary": ({"subword_tokenizer_type": "sentencepiece"}, "is 'sentencepiece'; expected 'wordpiece'"),
    "a dictionary of its own": ({"mecab_kwargs": {"mecab_dic": "os"}}, "mecab_dic is 'os'; expected 'unidic_lite'"),
    "no dictionary": ({"mecab_kwargs": {"mecab_dic": None}}, "mecab_dic is None; expected"),
    "options for MeCab": ({"mecab_kwargs": {"mecab_option": "-d /x"}}, "mecab_option is '-d /x'; expected ''"),
    "no words": ({"do_word_tokenize": False}, "do_word_tokenize is False; expected True"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_checkpoint_may_not_ask_of_mecab(what, tmp_path):
    choices, expected = REFUSED[what]
    write_japanese(tmp_path, **choices)
    assert expected in read_tokenizer(tmp_path).missing


def test_places_where_no_mecab_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("minibert.tokenizer.japanese.import_module", None)
    write_japanese(tmp_path, **ORDERS["without MeCab, characters"])
    text, tokenizer = "か\u3099 ｶﾞの㍿[MASK]A", read_tokenizer(tmp_path)
    encoding = tokenizer.encode(text)
    assert [text[start:end] for start, end in encoding.offsets[1:-1]] == [
        "か\u3099", "ｶﾞ", "の", "㍿", "㍿", "㍿", "㍿", "[MASK]", "A"
    ]  # fmt: skip
    assert [word and word[1] for word in encoding.words] == [None, 0, 1, 1, 1, 1, 1, 1, 2, 3, None]
    again = pickle.loads(pickle.dumps(tokenizer.backend))
    assert again.encode(text) == tokenizer.backend.encode(text) and again.to_str() == tokenizer.backend.to_str()


@pytest.mark.parametrize("package", ["fugashi", "unidic_lite"])
def test_without_mecab_one_line_says_what_to_install(package, tmp_path, monkeypatch):
    write_japanese(tmp_path, **ORDERS["WordPiece"])
    really = builtins.__import__

    def gone(name, *rest):
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return really(name, *rest)

    monkeypatch.setattr(builtins, "__import__", gone)
    monkeypatch.setattr("minibert.tokenizer.japanese.import_module", lambda name: gone(name))
    tokenizer = read_tokenizer(tmp_path)
    assert f"needs MeCab, and {package} is not installed: pip install 'minibert-numpy[ja]'" in tokenizer.missing
    with pytest.raises(CheckpointError, match="needs MeCab"):
        tokenizer.encode("東京")

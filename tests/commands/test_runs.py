"""Runs of commands beside each other: what one writes, no other one finds among its own."""

import json
from pathlib import Path

import numpy as np
import pytest
import transformers

import minibert
from minibert.commands.output import folder_name, name_of_texts
from minibert.exercises.own import put_together
from minibert.numerics import softmax
from minibert.survey import survey
from minibert.survey.pictures import draw
from tests.commands.test_main import run
from tests.reference.checkpoints import VOCABULARY, write_model, write_tokenizer, write_vocabulary

LONG = "An unforgettable film about a man who walks home and "
TEXTS = [
    *("A dog.", "A dog!", "a dog.", "A DOG.", "A-dog.", "A dog", "A  dog.", "A ||| dog.", "A dog. ||| A dog."),
    *(
        "猫。",
        "猫？",
        "☃",
        "☂",
        "?",
        "!",
        LONG + "sings.",
        LONG + "sleeps.",
        "A" * 300,
        "A" * 299,
        "../A dog.",
        "a/dog",
        ".net is here.",
    ),
]


def test_other_texts_have_other_folders():
    runs = [[text] for text in TEXTS] + [["A dog.", "It rained."], ["A dog.", "It snowed."], ["It rained.", "A dog."]]
    names = [name_of_texts(texts, None, {}) for texts in runs]
    names += [name_of_texts(["A dog."], None, given) for given in ({"layer": "1"}, {"layer": "1", "head": "0"})]
    names += [name_of_texts(["A dog."], None, {"words": True, "link": "a:b"})]
    assert len(set(names)) == len(names) and not any("/" in name or name.startswith(".") for name in names)
    assert name_of_texts(["A dog."], None, {}) == "a-dog" and all(len(name) < 80 for name in names)


def test_other_files_have_other_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [
        "two.txt",
        "a/two.txt",
        "b/two.txt",
        "../two.txt",
        "two.csv",
        "two.txt.gz",
        "two",
        "TWO.txt",
        "a",
        "-",
        "*.txt",
        "books/*.txt.gz",
        "books/**/*.txt",
        ".hidden.txt",
    ]
    names = [name_of_texts([], Path(path), {}) for path in paths]
    assert len(set(names)) == len(names) and names[0] == "two" and names[9] == "standard-input"
    assert [name[:6] for name in names[-3:]] == ["books-", "books-", "hidden"]  # no folder that is hidden


def test_other_models_have_other_folders():
    def named(name):
        return folder_name(minibert.Bert(None, None, None, name))

    names = ["sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "tiny", "tiny-sentiment", "x/tiny"]
    names += [
        "sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
        "./tiny-2",
        "google-bert/bert-base-uncased",
    ]
    assert len({named(name) for name in names}) == len(names)
    bert = minibert.load("tiny")
    off, more = bert.without_heads([(0, 2)]), bert.without_heads([(0, 2), (3, 0)])
    assert len({folder_name(one) for one in (bert, off, more)}) == 3


def test_titles_and_json_say_what_was_changed_in_the_model(capsys):
    bert = minibert.load("tiny").without_heads([(0, 2), (3, 0)])
    figure = draw(survey(bert, ["A dog."], choose=lambda sample: ([1], [2])), "joint")
    assert figure._suptitle.get_text().startswith("tiny without heads 0.2, 3.0 · layer 1, head 2 · ")
    own = put_together({"softmax": {"softmax": softmax}}, minibert.load("tiny"))
    figure = draw(survey(own, ["A dog."], choose=lambda sample: ([1], [2])), "joint")
    assert figure._suptitle.get_text().startswith("tiny with 1 own function · layer 1, head 2 · ")
    found = json.loads(run(capsys, "fill", "A [MASK].", "--without", "3.0", "--json")[1])
    assert (found["model"], found["without"]) == ("tiny without heads 3.0", ["3.0"])


def test_two_runs_leave_their_pictures_apart(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {}
    for arguments in (
        ["viz", "A dog.", "--draw", "joint"],
        ["viz", "A dog!", "--draw", "joint"],
        ["viz", "A dog.", "--model", "tiny-sentiment", "--draw", "joint"],
        ["viz", "A dog.", "--layer", "0", "--head", "0", "--draw", "joint"],
        ["whatif", "A [MASK]."],
    ):
        status, out, _ = run(capsys, *arguments)
        files = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
        new = {path.relative_to(tmp_path).as_posix() for path in files.keys() - before.keys()}
        assert status == 0 and new and new == {line for line in out.splitlines() if line.startswith("out/")}
        assert all(files[path] == before[path] for path in before), "an older run's file was changed"
        before = files


ROLES = ("pad", "unk", "cls", "sep", "mask")
USUAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
NAMES = [
    ("<pad>", "<unk>", "<s>", "</s>", "<mask>"),
    ("《空》", "《不明》", "《始》", "《終》", "《欠》"),
    ("[pad]", "[UNK]", "[CLS-0]", "[SEP-0]", "[BLANK]"),
    ("PAD", "UNK", "CLS", "SEP", "MASK"),
]


def write_named(folder: Path, names: tuple[str, ...], as_text: bool) -> None:
    """The same weights and ids, with other names of the special tokens."""
    write_model(folder)
    new = dict(zip(USUAL, names, strict=True))
    chosen = {f"{role}_token": name for role, name in zip(ROLES, names, strict=True)}
    tokens = [new.get(token, token) for token in VOCABULARY]
    if as_text:
        write_vocabulary(folder)
        (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
        (folder / "special_tokens_map.json").write_text(json.dumps(chosen), encoding="utf-8")
    else:
        vocabulary = {token: number for number, token in enumerate(tokens)}
        transformers.BertTokenizer(vocab=vocabulary, **chosen).save_pretrained(folder)


@pytest.mark.parametrize("as_text", [False, True], ids=["tokenizer.json", "vocab.txt"])
@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[4])
def test_the_names_of_special_tokens_change_no_number(names, as_text, capsys, tmp_path):
    texts = tmp_path / "two.txt"
    found = []
    for these, folder in ((USUAL, tmp_path / "usual"), (names, tmp_path / "other")):
        write_named(folder, these, as_text)
        mask = these[4]
        texts.write_text(f"the quick nap {mask}\n{mask} sleeping the capybara\n", encoding="utf-8")
        model = ["--model", str(folder)]
        filled = json.loads(run(capsys, "fill", "--file", str(texts), "--json", *model)[1])["sentences"]
        masks = [[(these.index(w["token"]) if w["token"] in these else w["token"], w["probability"]) for w in m]
                 for sentence in filled for m in sentence["masks"]]  # fmt: skip
        maps = json.loads(run(capsys, "attention", f"the {mask} nap", "--json", *model)[1])["sentences"][0]["heads"]
        table = b""
        if names is NAMES[0]:  # pictures take a second
            wish = ["--draw", "positions", "--out", str(tmp_path / "o")]
            status, _, error = run(capsys, "viz", "--file", str(texts), *model, *wish)
            assert (status, error) == (0, "")
            table = (tmp_path / "o" / "heads.csv").read_bytes()
        found.append((masks, maps, table))
    assert found[0] == found[1]


def cut(folder):
    (folder / "tokenizer.json").write_text('{"model": ', encoding="utf-8")


def pages(folder):
    (folder / "tokenizer.json").write_text("<!doctype html><p>Access denied</p>", encoding="utf-8")


def none(folder):
    (folder / "tokenizer.json").unlink()


def regular(folder):
    settings = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    settings["pre_tokenizer"] = {
        "type": "Split",
        "pattern": {"Regex": "(a+)+$"},
        "behavior": "Removed",
        "invert": False,
    }
    (folder / "tokenizer.json").write_text(json.dumps(settings), encoding="utf-8")


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("fault", [none, cut, pages, regular], ids=lambda fault: fault.__name__)
def test_without_a_tokenizer_compare_and_others_say_what_is_wrong_with_it(fault, first, capsys, tmp_path):
    for name in ("sound", "faulty"):
        write_model(tmp_path / name)
        write_tokenizer(tmp_path / name)
    fault(tmp_path / "faulty")
    sound, faulty = str(tmp_path / "sound"), str(tmp_path / "faulty")
    note = minibert.load(faulty).notes["tokenizer"]
    pair = [faulty, sound] if first else [sound, faulty]
    capsys.readouterr()  # the bars of `transformers`
    for command in (["compare", *pair, "the nap"], ["attention", "the nap", "--model", faulty]):
        assert run(capsys, *command) == (2, "", f"minibert: {note}\n")
    trace = minibert.load(faulty)(minibert.Encoding.from_ids([3, 7, 4]))
    np.testing.assert_array_equal(
        trace.hidden_states[2], minibert.load(sound)(minibert.Encoding.from_ids([3, 7, 4])).hidden_states[2]
    )


ESCAPE = "\x1b[31mred\x07"


def test_what_would_do_something_to_a_terminal_is_written_out(capsys, tmp_path):
    write_model(tmp_path, transformers.BertForSequenceClassification, id2label={0: ESCAPE, 1: "a\nb"})
    write_vocabulary(tmp_path)
    tokens = [ESCAPE if token == "nap" else token for token in VOCABULARY]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    (tmp_path / "lines.txt").write_bytes(b"the \x1b[2J quick\n")
    status, out, _ = run(capsys, "classify", "--file", str(tmp_path / "lines.txt"), "--model", str(tmp_path))
    assert status == 0 and "\x1b" not in out and "\\x1b[31mred\\x07" in out and "a\\nb" in out
    write_model(tmp_path)
    status, out, _ = run(capsys, "fill", "the [MASK]", "--top", "200", "--model", str(tmp_path))
    assert status == 0 and "\x1b" not in out and out.count("\n") == len(VOCABULARY) and "\\x1b[31mred" in out
    status, _, error = run(capsys, "info", "./\x1b[31m\n\u202enone")
    assert status == 2 and error.count("\n") == 1 and "\x1b" not in error and "\u202e" not in error


def test_too_little_memory_is_one_line(capsys, monkeypatch):
    def full(*arguments):
        raise MemoryError

    monkeypatch.setattr("minibert.commands.fill.load", full)
    status, out, error = run(capsys, "fill", "A [MASK].")
    assert (
        (status, out) == (2, "") and error.startswith("minibert: there is not enough memory") and error.count("\n") == 1
    )

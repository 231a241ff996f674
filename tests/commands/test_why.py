"""`minibert why`: the terms of a score, in words, as a table, CSV, JSON and a picture."""

import csv
import json

import numpy as np
import pytest

import minibert
from minibert.commands.main import main
from minibert.commands.places import place_of
from minibert.commands.why_guess import fields
from minibert.whatif.attribution import score_parts, without_terms
from minibert.whatif.guess import Node

TEXT = "In the morning the old fisherman pushed his boat into the water."


def run(capsys, *arguments):
    status = 0
    try:
        main(["why", *arguments])
    except SystemExit as stop:
        status = stop.code
    out, error = capsys.readouterr()
    return status, out, error


def test_the_terms_add_up_to_the_score_and_nothing_is_lost(capsys, tmp_path):
    given = [TEXT, "--layer", "1", "--head", "2", "--query", "fisherman", "--out", str(tmp_path), "--top", "3"]
    status, out, _ = run(capsys, *given, "--csv", str(tmp_path / "why.csv"), "--format", "svg")
    lines = out.splitlines()
    trace = minibert.load("tiny")(TEXT)
    scores, attention = trace.layers[1].scores[2, 6], trace.layers[1].attention[2, 6]
    assert status == 0
    assert lines[0] == f"head 1.2: “fisher” (6) gives {attention[5]:.2f} of its attention to “old” (5)"
    assert lines[2].split() == ["+5.14", "position", "x", "position", "0.12"]
    numbers = [float(line.split()[0]) for line in lines[2:6]]
    assert lines[5].endswith("78 other terms")
    assert sum(numbers) == pytest.approx(scores[5] - scores.mean(), abs=0.03)
    assert float(lines[6].split()[0]) == pytest.approx(scores[5] - scores.mean(), abs=0.006)
    assert lines[6].endswith("sum: the score, less its mean over all keys")
    with open(tmp_path / "why.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 81
    assert sum(float(row["term"]) for row in rows) == pytest.approx(scores[5] - scores.mean(), abs=1e-3)
    picture = (tmp_path / "why-1.2-6-5.svg").read_text(encoding="utf-8")
    for said in ("position x position", "78 other terms", "Each bar is a term of the score", "+5.14", ">score<"):
        assert said in picture, said


def test_json_has_every_term_and_the_attention_without_it(capsys):
    status, out, _ = run(capsys, TEXT, "--layer", "1", "--head", "2", "--query", "6", "--json")
    found, bert = json.loads(out), minibert.load("tiny")
    trace = bert(TEXT)
    parts = score_parts(bert, trace, 1, 2, 6)
    assert status == 0 and len(found["terms"]) == len(parts.names) ** 2 and found["key"] == 5
    for term in found["terms"][:5]:
        a, b = parts.names.index(term["part_of_query"]), parts.names.index(term["part_of_key"])
        assert term["term"] == pytest.approx(parts.centred[a, b, 5], abs=1e-4)
        scores = without_terms(bert, trace, 1, 2, [(term["part_of_query"], term["part_of_key"])])
        resumed = bert.resume(trace, layer=1, scores=scores)
        assert term["attention_without"] == pytest.approx(resumed.layers[1].attention[2, 6, 5], abs=1e-4)


def test_another_key_is_a_contrast(capsys, tmp_path):
    given = [TEXT, "--layer", "1", "--head", "2", "--query", "fisherman", "--key", "old", "--instead", "boat"]
    status, out, _ = run(capsys, *given, "--out", str(tmp_path))
    scores = minibert.load("tiny")(TEXT).layers[1].scores[2, 6]
    total = out.splitlines()[-2]
    assert status == 0 and total.endswith("sum: the score, less the same term for “boat” (10)")
    assert float(total.split()[0]) == pytest.approx(scores[5] - scores[10], abs=0.006)


def test_without_a_head_the_largest_attention_among_words_is_explained(capsys):
    _, out, _ = run(capsys, TEXT, "--json")
    found, trace = json.loads(out), minibert.load("tiny")(TEXT)
    words = [i for i, role in enumerate(trace.roles) if role is None]
    largest = trace.stacked("attention")[:, :, words][..., words].max()
    assert found["attention"] == pytest.approx(float(largest), abs=1e-5)


def test_json_with_top_has_so_many_terms_and_the_sum_of_all(capsys):
    every = json.loads(run(capsys, TEXT, "--json")[1])
    some = json.loads(run(capsys, TEXT, "--json", "--top", "3")[1])
    assert some == every | {"terms": every["terms"][:3]} and len(every["terms"]) > 3
    assert every["sum"] == pytest.approx(sum(term["term"] for term in every["terms"]), abs=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--layer", "1"], "--layer and --head come together; give both or none"),
        (["--layer", "4", "--head", "0"], "--layer is 4; this model has layers 0 to 3"),
        (["--query", "fish"], "--query is 'fish', which is not in the text; did you mean fisher?"),
        (["--query", "the"], "--query is 'the', which is there 3 times; give its position: 2 or 4 or 12"),
        (["--key", "16"], "--key is 16; this text has positions 0 to 15"),
        (["--key", "old", "--instead", "5"], "--instead is the key itself, 'old'; expected another one"),
        (["--json", "--width", "3"], "--width has no effect with --json, which has no picture; leave it out"),
    ],
)
def test_a_mistake_is_one_line(capsys, given, message):
    status, out, error = run(capsys, TEXT, *given)
    assert (status, out, error) == (2, "", f"minibert: {message}\n")


def test_any_text_can_be_explained(capsys, tmp_path):
    for text in ("No", "Who came? ||| Nobody.", "[MASK]"):
        status, out, _ = run(capsys, text, "--out", str(tmp_path))
        assert status == 0 and np.isfinite(float(out.splitlines()[-2].split()[0]))


MASKED = "The king and the [MASK] lived in a great castle."


def test_a_guess_is_followed_back_and_nothing_is_lost_at_any_row(capsys, tmp_path):
    given = [MASKED, "--guess", "--top", "3", "--steps", "6", "--out", str(tmp_path), "--format", "svg"]
    status, out, error = run(capsys, *given, "--csv", str(tmp_path / "guess.csv"))
    first, heading, *table, stars, sums, score, lead, path = out.splitlines()
    bert = minibert.load("tiny")
    logits, trace = bert.logits(MASKED)[5], bert(MASKED)
    king, ((likeliest, probability),) = bert.tokenizer.backend.token_to_id("king"), bert.fill_mask(MASKED, top=1)[0]
    assert (status, error, likeliest) == (0, "", "king")
    assert first == f"“king” has probability {probability:.3f} at [MASK] (5)"
    assert heading.split() == ["lead", "guess*", "attention", "score", "attention*"]
    assert stars == "* probability of the guess, and attention to the token, without this part"
    assert sums.startswith("Each lead is the sum of those one step to the right, below it.")
    assert score == "score: what the part adds to the score of the token that a head reads, less the mean over all keys"
    assert lead == "lead: the logit of “king” less the mean over the vocabulary"
    assert path == str(tmp_path / "guess-5-king.svg")
    assert float(table[0].split()[0]) == pytest.approx(logits[king] - logits.mean(), abs=0.006)
    assert table[0].split()[1:] == ["king"]  # nothing is taken away from the guess itself
    (token,) = {line.split("  ")[-1] for line in table if "“king” (2)" in line}
    numbers = next(line for line in table if token in line).split()
    scores, attention = trace.layers[3].scores[2, 5], trace.layers[3].attention[2, 5]
    assert numbers[2:4] == [f"{attention[2]:.2f}", f"{scores[2] - scores.mean():+.2f}"]
    with open(tmp_path / "guess.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(table) and list(rows[0]) == [
        *("row", "part_of", "depth", "part", "position", "token"),
        *("lead", "guess_without", "attention", "score", "attention_without"),
    ]
    for row in rows:
        parts = [other for other in rows if other["part_of"] == row["row"]]
        assert all(int(part["depth"]) == int(row["depth"]) + 1 for part in parts)
        if parts:
            assert sum(float(part["lead"]) for part in parts) == pytest.approx(float(row["lead"]), abs=1e-4)
        if parts and row["score"] and row["attention"]:
            assert sum(float(part["score"]) for part in parts) == pytest.approx(float(row["score"]), abs=1e-3)
    picture = (tmp_path / "guess-5-king.svg").read_text(encoding="utf-8")
    said = ("head 3.2", "“king” (2)", "others", "Each number is the sum", "less the mean over the vocabulary")
    for words in (
        *said,
        "castle.”",
        f"+{logits[king] - logits.mean():.2f}",
        f"{attention[2]:.2f}",
        "in which [MASK] lacks",
    ):
        assert words in picture.replace("\n", " "), words


def test_a_guess_against_another_word_as_json(capsys):
    given = ["--guess", "queen", "--instead", "king", "--query", "5", "--json"]
    status, out, _ = run(capsys, MASKED, *given)
    found, bert = json.loads(out), minibert.load("tiny")
    king, queen = map(bert.tokenizer.backend.token_to_id, ("king", "queen"))
    logits = bert.logits(MASKED)[5]
    assert status == 0 and found["lead"] == "the logit of “queen” less that of “king”"
    guess = found["guess"]
    assert guess["part"] == "queen" and guess["position"] == 5
    assert guess["lead"] == pytest.approx(float(logits[queen] - logits[king]), abs=1e-4)
    assert sum(part["lead"] for part in guess["parts"]) == pytest.approx(guess["lead"], abs=1e-4)
    assert not any(part["part"] == "masked-LM head" and "guess_without" in part for part in guess["parts"])


NO_EFFECT = {
    "--layer 1": "--layer has no effect with --guess, which explains a guess and no score; leave it out",
    "--json --width 5": "--width has no effect with --json, which draws no picture; leave it out",
}


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("No mask.", "--guess", "the text has no [MASK]; write it where a word is to be found"),
        (MASKED, "--steps 3", "--steps has no effect without --guess; leave it out"),
        *((MASKED, f"--guess {given}", message) for given, message in NO_EFFECT.items()),
        (MASKED, "--guess king --instead King", "--instead is the guess itself, 'king'; expected another word"),
        (
            MASKED,
            "--guess capybara",
            "--guess is 'capybara', which is no token of tiny (cap ##y ##bar ##a); expected one",
        ),
        (
            "No mask.",
            "--guess A_[MASK].",
            "--guess is 'A [MASK].', which is no token of tiny (a [MASK] .); expected one token",
        ),
        (MASKED, "--guess ☃", "--guess is '☃', which is no token of tiny ([UNK]); expected one token"),
        (MASKED, "--guess --query queen", "--query is 'queen', which is not in the text; expected one of "),
        (MASKED, "--guess --width 3 --csv rows.csv", "width is 3 inches; expected at least "),
    ],
)
def test_a_mistake_about_a_guess_is_one_line(capsys, tmp_path, monkeypatch, text, given, message):
    monkeypatch.chdir(tmp_path)
    status, out, error = run(capsys, text, *(word.replace("_", " ") for word in given.split()))
    assert (status, out) == (2, "")
    assert error.startswith(f"minibert: {message}") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_pictures_of_different_guesses_have_different_names(capsys, tmp_path):
    for given in (["."], ["!"], ["queen"], ["queen", "--instead", "king"], ["queen", "--instead", "prince"]):
        assert run(capsys, MASKED, "--guess", *given, "--steps", "0", "--out", str(tmp_path))[0] == 0
    assert len(list(tmp_path.iterdir())) == 5
    assert (tmp_path / "guess-5-queen-not-king.png").is_file()


def test_any_guess_can_be_explained(capsys, tmp_path):
    for number, text in enumerate(("[MASK]", "[MASK] [MASK] ||| [MASK]", "I " * 60 + "[MASK]")):
        for given in (["--guess"], ["--guess", "##s", "--instead", "."], ["--guess", "--steps", "40", "--top", "1"]):
            status, out, _ = run(capsys, text, *given, "--out", str(tmp_path / str(number)))
            assert status == 0 and np.isfinite(float(out.splitlines()[2].split()[0]))


def test_a_word_is_found_by_its_name_in_any_case_and_by_its_position():
    trace = minibert.load("tiny")("The brown capybara is sleeping.")
    for wish in ("[SEP]", "[sep]", str(len(trace.tokens) - 1)):
        assert place_of(trace, wish, "--key") == len(trace.tokens) - 1
    for wish in ("Capybara", "capybara", str(trace.tokens.index("cap"))):
        assert place_of(trace, wish, "--key") == trace.tokens.index("cap")


def test_a_number_that_is_0_is_no_number_that_is_missing():
    assert fields(Node("word", 0.0, 3, score=0.0)) == fields(Node("word", 0.0, 3)) | {"score": 0.0}

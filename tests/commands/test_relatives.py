"""The commands on BERT's relatives: small random ones, each with a tokenizer of its family."""

import json
import shutil

import numpy as np
import pytest

import minibert
from minibert.commands.attention import block
from minibert.commands.main import main
from minibert.exercises.course import EXERCISES
from minibert.explorer import segments
from minibert.survey.pictures import ends
from minibert.survey.sample import gather
from minibert.whatif.heads import head_effects
from minibert.whatif.replaced import replaced
from tests.checkpoint.test_families import write
from tests.tokenizer.test_relatives_tokenizers import give_tokenizer
from viz import find_words

MADE = {
    "roberta": ("roberta", "ForMaskedLM", "RoBERTa, tokenizer.json", {"type_vocab_size": 1, "pad_token_id": 1}),
    "albert": ("albert", "ForMaskedLM", "ALBERT", {"num_hidden_layers": 3, "num_hidden_groups": 1}),
    "electra": ("electra", "ForPreTraining", None, {}),
    "distilbert": ("distilbert", "ForSequenceClassification", None, {}),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("relatives")
    for name, (family, kind, tokenizer, changes) in MADE.items():
        (folder / name).mkdir()
        size = {} if tokenizer is None else {"vocab_size": 700}
        write(folder / name, family, kind, 5, **size, **changes)
        if tokenizer is not None:
            give_tokenizer(folder / name, tokenizer)
    return folder


@pytest.fixture
def run(models, monkeypatch, capsys, tmp_path):
    def go(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        try:
            main([str(models / one[2:]) if one.startswith("./") else one for one in arguments])
        except SystemExit as end:
            assert end.code in (0, None), capsys.readouterr().err
        return capsys.readouterr().out

    return go


def test_replaced(run, models):
    told = run("replaced", "the capybara sleeps", "--model", "./electra")
    bert = minibert.load(models / "electra")
    expected = replaced(bert, "the capybara sleeps")
    lines = told.splitlines()
    assert [line.split()[1] for line in lines] == list(bert.encode("the capybara sleeps").tokens)
    assert [line.endswith("replaced") for line in lines[1:-1]] == (expected > 0.5).tolist()[1:-1]
    assert lines[0].endswith("[CLS]") and lines[-1].endswith("[SEP]"), "no words, so not replaced"
    found = json.loads(run("replaced", "the capybara sleeps", "--model", "./electra", "--json"))
    marked = [one["marked"] for one in found["sentences"][0]["tokens"]]
    assert marked == [line.endswith("replaced") for line in lines] and not marked[0] and not marked[-1]
    numbers = [one["replaced"] for one in found["sentences"][0]["tokens"]]
    np.testing.assert_allclose(numbers, expected, atol=1e-4)


def test_replaced_of_a_file(run, tmp_path):
    (tmp_path / "texts.txt").write_text("a nap\n" + "nap " * 200 + "\nthe capybara\n")
    told = run("replaced", "--file", "texts.txt", "--model", "./electra", "--skip-bad")
    assert told.startswith("a nap\n") and "\nthe capybara\n" in told and told.endswith("1 line left out (line 2)\n")

    (tmp_path / "texts.csv").write_text("said\na nap\n")
    assert run("replaced", "--file", "texts.csv", "--column", "said", "--model", "./electra").startswith("a nap\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["replaced", "a text"], "tiny has no discriminator, as ELECTRA's have"),
        (["replaced"], "TEXT is missing; expected a sentence"),
    ],
)
def test_what_cannot_tell_what_was_replaced(arguments, problem, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    message = capsys.readouterr().err
    assert end.value.code == 2 and problem in message and message.count("\n") == 1


def test_fill_with_the_familys_own_mask(run):
    assert len(run("fill", "the <mask> sleeps", "--model", "./roberta", "--top", "3").splitlines()) == 3


def test_info_of_shared_layers(run, models):
    told = run("info", "./albert")
    bert = minibert.load(models / "albert")
    once = sum({id(array): array.size for _, array in bert.weights.named()}.values())
    assert f"{once:,} parameters" in told and "embeddings.projection.weight" in told
    assert "num_hidden_groups                        1" in told and "pad_token_id" not in told
    assert told.count("layers.*.attention.query.weight          1 of") == 1 and "Unigram" in told


def test_info_of_what_families_lack(run):
    told = run("info", "./distilbert")
    assert "token_type" not in told and "type_vocab_size" not in told and "labels" in told
    found = json.loads(run("info", "./distilbert", "--json"))
    assert found["parameters"] == sum(int(np.prod(shape)) for shape in found["tensors"].values())
    assert not {"embeddings.token_type", "type_vocab_size"} & {*found["tensors"], *found["config"]}
    told = run("info", "./roberta")
    assert "in config.json: the first 2 are for padding" in told and "labels" not in told


@pytest.mark.parametrize("arguments", [["whatif", "the"], ["whatif", "the [MASK]"], ["fill", "the [MASK]"]])
def test_a_discriminator_fills_no_blanks_and_says_what_it_can(arguments, models, capsys):
    with pytest.raises(SystemExit):
        main([*arguments, "--model", str(models / "electra")])
    message = capsys.readouterr().err
    assert "but a discriminator: see `minibert replaced`" in message and message.count("\n") == 1


def test_what_stands_around_a_text_has_its_own_name(models):
    bert = minibert.load(models / "roberta")
    assert ends(gather(bert, [bert.encode(text) for text in ("the nap", "a")])) == ("<s>", "</s>")


def test_little_attention_looks_little(run, monkeypatch):
    """An untrained model's goes everywhere alike."""
    limits = {}
    monkeypatch.setattr("viz.heatmap_figure", lambda *arguments, **rest: limits.update(rest["limits"]))
    monkeypatch.setattr("viz.figures.canvas.save", lambda figure, path: path)
    run("viz", "the capybara " * 15, "--layer", "0", "--draw", "metrics", "--model", "./electra")
    assert {limits[name] for name in limits if name.startswith("attention to")} == {(0, 0.1)}


def test_wide_characters_take_two_columns():
    lines = block(["名前", "a", "e\u0301"], np.eye(3), top=2).splitlines()
    assert lines[0] == "  0 名前  1.00 0 名前   0.00 1 a"
    assert lines[1] == "  1 a     1.00 1 a      0.00 0 名前"
    assert lines[2] == "  2 e\u0301     1.00 2 e\u0301      0.00 0 名前"


def test_a_page_and_pictures(run, tmp_path):
    run("explore", "the <mask> sleeps ||| near 北京 🙂", "--model", "./roberta", "--out", "page.html")
    assert "Ġ" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    told = run("viz", "the <mask> sleeps", "--model", "./roberta", "--words", "--out", "drawn")
    assert "drawn/heads.csv" in told
    assert "with all heads" in run("whatif", "the <mask> sleeps", "--model", "./roberta", "--out", "costs")


def test_the_two_texts_of_a_pair_where_the_model_is_not_told(models):
    trace = minibert.load(models / "roberta")(("the capybara", "sleeps"))
    found = segments(trace)
    assert not any(trace.token_type_ids)
    assert found == sorted(found) and set(found) == {0, 1} and found[-1] == 1
    assert [found[i] for i, word in enumerate(trace.words) if word] == [word[0] for word in trace.words if word]


def test_what_if_asks_a_classifier_that_pools_in_its_own_way(models):
    bert = minibert.load(models / "distilbert")
    effects = head_effects(bert, "the capybara sleeps")
    best, value = bert.classify("the capybara sleeps")[0]
    assert effects.answer == best and effects.before == pytest.approx(value, abs=1e-6)


def test_words_put_together_from_pieces(models):
    trace = minibert.load(models / "roberta")("the capybaras 🙂 sleep, 北京")
    words = find_words(trace.tokens, trace.words)
    assert words.labels == ["<s>", "the", "capybaras", "🙂", "sleep", ",", "北京", "</s>"]
    assert find_words(["\\xf0\\x9f", "##a"], [0, 0]).labels == ["\\xf0\\x9fa"]
    assert find_words(["▁", "##北"], [0, 0]).labels == ["北"]


def test_a_students_embeddings_are_projected_as_the_models(run, tmp_path):
    """No exercise knows of a projection."""
    for exercise in EXERCISES[:19]:
        shutil.copy(exercise.solution, tmp_path / exercise.file)
    told = run("exercises", "run", str(tmp_path), "the [MASK] sleeps", "--model", "./albert")
    assert "only rounding." in told and "embed" in told.split("functions are yours")[1]


@pytest.mark.parametrize("name", ["roberta", "albert"])
def test_a_guess_of_a_relative_is_followed_back(run, models, name):
    """The likeliest token; and a word as it is typed, which their vocabularies write in another way."""
    bert = minibert.load(models / name)
    mask = bert.tokenizer.token(bert.tokenizer.mask_id)
    text = f"the old {mask} sleeps"
    place, logits_TV = bert.encode(text).roles.index("mask"), bert.logits(text)
    found = json.loads(run("why", text, "--guess", "--model", f"./{name}", "--json"))["guess"]
    best_V = logits_TV[place]
    assert found["lead"] == pytest.approx(float(best_V.max() - best_V.mean()), abs=1e-4)
    assert found["part"] == bert.tokenizer.token(int(best_V.argmax())) and found["position"] == place
    inside = bert.tokenizer.backend.token_to_id  # of the letters alone, as they continue a word
    typed = {letter: bert.encode(f" {letter}").input_ids[1:-1] for letter in "abcdefghijklmnopqrstuvwxyz"}
    word, (number,) = next((w, ids) for w, ids in typed.items() if len(ids) == 1 and inside(w) not in (None, *ids))
    found = json.loads(run("why", text, "--guess", word, "--model", f"./{name}", "--json"))["guess"]
    assert found["part"] == word and found["lead"] == pytest.approx(float(best_V[number] - best_V.mean()), abs=1e-4)

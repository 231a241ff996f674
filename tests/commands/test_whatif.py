"""The commands that ask what if: whatif, fill --without, attention --measure; and embed and what is exported."""

import csv
import json
import re

import numpy as np
import pytest
import torch
import transformers

import minibert
from minibert.commands import embed, whatif
from minibert.whatif.flow import norms, rollout, value_zeroing
from minibert.whatif.heads import Effects, head_effects
from minibert.whatif.summaries import between_tokens, between_words, without_special
from minibert.whatif.words import word_effects
from tests.commands.test_main import run

MASKED = "She opened the [MASK] and went out."


def test_whatif_names_the_costliest_heads_and_draws_all(capsys, tmp_path):
    status, out, _ = run(capsys, "whatif", MASKED, "--top", "2", "--format", "svg", "--out", str(tmp_path))
    effects = head_effects(minibert.load("tiny"), MASKED)
    first, heading, *rows, last, path = out.splitlines()
    assert status == 0 and heading.split() == ["head", "cost", "left", "answer"]
    assert first == f"{effects.answer}: {effects.before:.3f} with all heads"
    at = np.unravel_index(effects.cost.argmax(), effects.cost.shape)
    assert len(rows) == 2
    expected = [f"{at[0]}.{at[1]}", f"{effects.cost[at]:.2f}", f"{effects.after[at]:.3f}", effects.turned[at]]
    assert rows[0].split() == expected
    assert last.startswith(f"{int((effects.cost > 0.01).sum())} of 16 heads cost more")
    picture = (tmp_path / "heads.svg").read_text()
    assert path == str(tmp_path / "heads.svg") and f"what “{effects.answer}” needs" in picture
    assert "the answer is likelier without it" in picture


def test_nothing_is_not_less_than_nothing():
    effects = Effects("door", 0.5, np.array([[0.5005, 0.5]]), np.full((1, 2), "door"))
    assert effects.cost[0, 0] < 0
    assert "-0.00" not in "".join(whatif.table(effects, top=2, masks=1))
    assert "-0.00" not in "".join(whatif.mean_table([effects, effects], "", top=2))
    assert "-0.00" not in embed.table(["a", "b"], np.array([[1.0, 0.001], [-0.001, 0.999]]), "cosine")


def test_whatif_as_json_has_every_head(capsys):
    status, out, _ = run(capsys, "whatif", "A warm and moving film.", "--model", "tiny-sentiment", "--json")
    found = json.loads(out)
    assert status == 0 and found["answer"] == "positive" and len(found["heads"]) == 16
    costs = [head["cost"] for head in found["heads"]]
    assert costs == sorted(costs, reverse=True)
    some = run(capsys, "whatif", "A warm and moving film.", "--model", "tiny-sentiment", "--json", "--top", "3")[1]
    assert json.loads(some) == found | {"heads": found["heads"][:3]}


def test_whatif_of_two_masks_says_which_it_asks_for(capsys, tmp_path):
    _, out, _ = run(capsys, "whatif", "She [MASK] the [MASK].", "--out", str(tmp_path))
    assert out.splitlines()[0].endswith(" with all heads (the first of 2 masks)")
    assert json.loads(run(capsys, "whatif", "She [MASK] the [MASK].", "--json")[1])["mask"] == 2


def test_whatif_over_a_file_is_the_mean_and_a_row_per_sentence_and_head(capsys, tmp_path):
    texts = [MASKED, "The [MASK] barked at night.", "no blank"]
    path, table = tmp_path / "some.txt", tmp_path / "costs.csv"
    path.write_text("\n".join(texts), encoding="utf-8")
    given = ["whatif", "--file", str(path), "--skip-bad"]
    wish = ["--csv", str(table), "--out", str(tmp_path), "--format", "svg", "--top", "3"]
    status, out, error = run(capsys, *given, *wish)
    assert (status, error) == (0, "")
    effects = [head_effects(minibert.load("tiny"), text) for text in texts[:2]]
    expected = [
        {"sentence": i, "layer": at[0], "head": at[1], "answer": one.answer, "cost": float(one.cost[at])}
        | {"before": one.before, "after": float(one.after[at]), "answer_without": one.turned[at]}
        for i, one in enumerate(effects)
        for at in np.ndindex(4, 4)
    ]
    assert rows_of(table) == [
        {name: f"{x:.6g}" if isinstance(x, float) else str(x) for name, x in row.items()} for row in expected
    ]
    mean = (effects[0].cost + effects[1].cost) / 2
    heading, titles, *lines, last = out.splitlines()
    assert heading == "mean over 2 sentences of some.txt, 1 line left out (line 3)" and len(lines) == 3
    assert titles == " head   cost  answers that change without it"
    at = np.unravel_index(mean.argmax(), mean.shape)
    changed = sum(one.turned[at] != one.answer for one in effects)
    assert lines[0] == f"{at[0]:>3}.{at[1]:<2}{mean[at]:6.2f}  {changed} of 2"
    picture = (tmp_path / "heads.svg").read_text()
    assert last == str(tmp_path / "heads.svg") and "mean cost of each head, in nats" in picture
    assert "what the answers need · 2 sentences of some.txt" in picture
    found = json.loads(run(capsys, *given, "--json")[1])
    assert found["skipped"] == 1 and [one["text"] for one in found["sentences"]] == texts[:2]
    alone = json.loads(run(capsys, "whatif", texts[1], "--json")[1])
    assert {"model": "tiny"} | found["sentences"][1] == alone


def test_fill_without_heads(capsys):
    _, out, _ = run(capsys, "fill", MASKED, "--top", "1", "--without", "0.2,3.0")
    ((token, probability),) = minibert.load("tiny").without_heads([(0, 2), (3, 0)]).fill_mask(MASKED, top=1)[0]
    assert out == f"{probability:6.3f}  {token}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fill", MASKED, "--without", "1-2"], "--without is '1-2'; expected heads as LAYER.HEAD"),
        (["fill", MASKED, "--without", "4.0"], "there is no head 4.0; this model has layers 0 to 3"),
        (["whatif", "A film."], "the text has no [MASK], and the model no classifier"),
        (["whatif", "A [MASK].", "--model", "tiny-sentiment"], "no masked-language-model head"),
        (
            ["attention", "A film.", "--measure", "rollout", "--head", "1"],
            "--head has no effect with --measure",
        ),
        (["attention", "A film.", "--csv", "a.txt"], "--csv is a.txt; expected the name of a file, which ends in .csv"),
        (["embed"], "TEXT is missing"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(capsys, arguments, message):
    status, out, error = run(capsys, *arguments)
    assert (status, out) == (2, "") and message in error and error.count("\n") == 1


@pytest.mark.parametrize("measure", ["norm", "rollout", "value-zeroing"])
def test_attention_prints_other_measures(capsys, measure):
    _, out, _ = run(capsys, "attention", "The cat.", "--layer", "2", "--measure", measure, "--json")
    bert = minibert.load("tiny")
    trace = bert("The cat.")
    (found,) = json.loads(out)["sentences"]
    if measure == "norm":
        assert [one["head"] for one in found["heads"]] == [0, 1, 2, 3]
        expected = norms(bert, trace, 2)
    else:
        expected = [rollout(trace)[2] if measure == "rollout" else value_zeroing(bert, trace, 2)]
    np.testing.assert_allclose([one[measure] for one in found["heads"]], expected, rtol=1e-5, atol=1e-7)
    _, out, _ = run(capsys, "attention", "The cat.", "--layer", "2", "--measure", measure, "--top", "1")
    assert out.splitlines()[0] == ("layer 2 head 0" if measure == "norm" else "layer 2")


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("measure", ["attention", "norm", "rollout", "value-zeroing"])
@pytest.mark.parametrize("many", [False, True], ids=["one text", "a file"])
def test_a_table_has_the_numbers_of_the_measure_and_heads_that_were_chosen(many, measure, capsys, tmp_path):
    texts = ["The cat.", "It rained all night."] if many else ["The cat."]
    (tmp_path / "some.txt").write_text("\n".join(texts), encoding="utf-8")
    given = ["--file", str(tmp_path / "some.txt")] if many else texts
    of_heads = measure in ("attention", "norm")
    given += ["--layer", "1,3", "--measure", measure, *(["--head", "2"] if of_heads else [])]
    assert run(capsys, "attention", *given, "--csv", str(tmp_path / "a.csv"))[0] == 0
    found = json.loads(run(capsys, "attention", *given, "--json")[1])["sentences"]
    expected = [
        {"sentence": number} | {name: one[name] for name in ("layer", "head") if name in one}
        | {"query": i, "query_token": sentence["tokens"][i], "key": j, "key_token": sentence["tokens"][j]}
        | {measure: value}
        for number, sentence in enumerate(found)
        for one in sentence["heads"]
        for i, row in enumerate(one[measure])
        for j, value in enumerate(row)
    ]  # fmt: skip
    if not many:
        expected = [{name: value for name, value in row.items() if name != "sentence"} for row in expected]
    table = rows_of(tmp_path / "a.csv")
    assert list(table[0]) == list(expected[0]) and len(table) == len(expected)
    for row, known in zip(table, expected, strict=True):
        assert row == {name: f"{x:.6g}" if isinstance(x, float) else str(x) for name, x in known.items()}


def test_json_with_top_has_so_many_keys(capsys):
    given = ["attention", "The cat sat.", "--layer", "2", "--head", "1", "--json"]
    (all_keys,) = json.loads(run(capsys, *given)[1])["sentences"][0]["heads"]
    (some,) = json.loads(run(capsys, *given, "--top", "2")[1])["sentences"][0]["heads"]
    assert some["layer"] == 2 and some["head"] == 1 and "attention" not in some
    for row, keys in zip(all_keys["attention"], some["top"], strict=True):
        assert [key["attention"] for key in keys] == sorted(row, reverse=True)[:2]
        assert all(row[key["key"]] == key["attention"] for key in keys)


def test_json_says_which_heads_were_off(capsys):
    found = json.loads(run(capsys, "fill", MASKED, "--json", "--without", "0.2,3.0")[1])
    assert found["without"] == ["0.2", "3.0"]
    assert "without" not in json.loads(run(capsys, "fill", MASKED, "--json")[1])


def test_embed_is_the_mean_over_tokens_at_length_1(capsys, tmp_path, minilm_folder):
    texts = ["A cat sat on the mat.", "A kitten was sitting.", "Stocks fell sharply."]
    files = ["--csv", str(tmp_path / "v.csv"), "--npz", str(tmp_path / "v.npz")]
    status, out, _ = run(capsys, "embed", *texts, "--model", str(minilm_folder), *files)
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm_folder)
    model = transformers.AutoModel.from_pretrained(minilm_folder).eval()
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():  # as the card of all-MiniLM-L6-v2 computes it without sentence-transformers
        hidden, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1).numpy()
    with np.load(tmp_path / "v.npz") as saved:
        np.testing.assert_allclose(saved["vectors"], expected, atol=1e-6)
        assert saved["texts"].tolist() == texts
    with open(tmp_path / "v.csv", encoding="utf-8", newline="") as file:
        heading, *rows = csv.reader(file)
    assert heading == ["text", *map(str, range(384))] and [row[0] for row in rows] == texts
    np.testing.assert_allclose(np.array([row[1:] for row in rows], float), expected, atol=1e-6)
    cosines = expected @ expected.T
    assert out.splitlines()[1].split()[:4] == ["0", *(f"{cosine:.2f}" for cosine in cosines[0])]
    assert status == 0 and cosines[0, 1] > cosines[0, 2]


def test_embed_of_one_text_and_of_too_long_a_one(capsys, minilm_folder):
    _, out, _ = run(capsys, "embed", "A cat.")
    assert out.startswith("256 numbers: ")
    status, _, error = run(capsys, "embed", "word " * 400, "--model", str(minilm_folder))
    assert status == 2 and "402 tokens, and this checkpoint makes vectors of at most 256" in error


def test_the_picture_is_as_wide_as_asked_for(capsys, tmp_path):
    widths = {}
    for inches in ("3", "9"):
        status, _, _ = run(capsys, "whatif", "A [MASK].", "--width", inches, "--format", "svg", "--out", str(tmp_path))
        svg = (tmp_path / "heads.svg").read_text(encoding="utf-8")
        assert status == 0
        widths[inches] = svg[svg.index("<svg") :].split('width="')[1].split("pt")[0]
    assert widths == {"3": "216", "9": "648"}


@pytest.mark.parametrize("mean", ["heads", "layers", "all"])
@pytest.mark.parametrize("given", [[], ["--words"], ["--without-special"], ["--words", "--without-special"]])
def test_attention_between_words_and_means_are_the_same_in_every_output(given, mean, capsys, tmp_path):
    bert = minibert.load("tiny")
    trace = bert("The capybara is here.")
    shares = (between_words if "--words" in given else between_tokens)(trace, trace.stacked("attention")[[0, 2, 3]])
    if "--without-special" in given:
        shares = without_special(shares)
    axis = {"heads": 1, "layers": 0, "all": (0, 1)}[mean]
    expected = shares.map.mean(axis=axis).reshape(-1, *shares.map.shape[2:])
    layer, head = ("mean of 0,2-3" if mean != "heads" else 0), ("mean of 0-3" if mean != "layers" else 0)
    files = ["--csv", str(tmp_path / "a.csv"), "--picture", str(tmp_path / "a.svg")]
    command = ["attention", "The capybara is here.", "--layer", "0,2-3", "--mean", mean, *given]
    status, out, error = run(capsys, *command, "--json", *files)
    found = json.loads(out)
    assert (status, error) == (0, "")
    assert found["mean"] == mean and found["without_special"] == ("--without-special" in given)
    (sentence,) = found["sentences"]
    assert sentence["words" if "--words" in given else "tokens"] == list(shares.names)
    name = "attention" + "_without_special" * ("--without-special" in given)
    assert (sentence["heads"][0]["layer"], sentence["heads"][0]["head"]) == (layer, head)
    np.testing.assert_allclose([one[name] for one in sentence["heads"]], expected, atol=1e-6)
    rows = rows_of(tmp_path / "a.csv")
    np.testing.assert_allclose([float(row[name]) for row in rows], expected.ravel(), rtol=1e-5)
    assert rows[1]["key_word" if "--words" in given else "key_token"] == shares.names[1]
    titles = {"heads": "layer 0, mean of heads 0-3", "layers": "mean of layers 0,2-3, head 0"}
    title = titles.get(mean, "mean of layers 0,2-3, mean of heads 0-3")
    picture = (tmp_path / "a.svg").read_text(encoding="utf-8")
    picture = " ".join(re.sub("<.*?>", " ", picture).split())
    assert title in picture and ("between words" in picture) == ("--words" in given)
    assert ("without special tokens" in picture) == ("--without-special" in given)
    first, of_words = run(capsys, *command)[1].splitlines()[0], [word is not None for word in trace.words]
    left = 1 - trace.stacked("attention")[[0, 2, 3]][..., of_words, :][..., of_words].sum(axis=-1)
    if "--without-special" in given and "--words" not in given:
        left = left.mean(axis=-1).mean(axis=axis).reshape(-1)[0]
        assert first == f"{title}: words gave {left:.2f} to special tokens"
        assert sentence["heads"][0]["left_out"] == pytest.approx(left, abs=1e-5)
    elif "--words" not in given:
        assert first == title and "left_out" not in sentence["heads"][0]


def test_where_no_word_decides_alone_it_is_said(capsys, tmp_path):
    out = run(
        capsys, "whatif", "A warm and funny film.", "--words", "--model", "tiny-sentiment", "--out", str(tmp_path)
    )[1]
    assert out.splitlines()[-2].startswith("no single word decides")
    out = run(capsys, "whatif", MASKED, "--words", "--out", str(tmp_path))[1]
    assert "no single word" not in out


def test_whatif_words_are_the_same_in_every_output(capsys, tmp_path):
    effects = word_effects(minibert.load("tiny"), MASKED)
    files = ["--csv", str(tmp_path / "w.csv"), "--out", str(tmp_path), "--format", "svg"]
    status, out, error = run(capsys, "whatif", MASKED, "--words", *files)
    first, heading, *lines, closing, path = out.splitlines()
    assert (status, error, path) == (0, "", str(tmp_path / "words.svg"))
    assert first == f"{effects.answer}: {effects.before:.3f} with all words"
    assert heading.split() == ["word", "cost", "left", "answer"]
    assert closing == "each word in turn is replaced by [MASK]; none changes the answer"
    numbers = list(zip(effects.words, effects.cost, strict=True))
    expected = [[w.name, f"{cost:z.2f}", f"{w.after:.3f}", w.answer] for w, cost in numbers]
    assert [line.split() for line in lines] == expected
    rows = rows_of(tmp_path / "w.csv")
    assert [(row["word"], row["answer_without"], int(row["position"])) for row in rows] == [
        (w.name, w.answer, w.position) for w in effects.words
    ]
    np.testing.assert_allclose([float(row["cost"]) for row in rows], effects.cost, rtol=1e-4, atol=1e-5)
    picture = " ".join(re.sub("<.*?>", " ", (tmp_path / "words.svg").read_text(encoding="utf-8")).split())
    assert f"what “{effects.answer}” needs" in picture and "Each word in turn is replaced by [MASK]" in picture
    assert "cost, in nats" in picture and "opened" in picture and "sum" not in picture
    found = json.loads(run(capsys, "whatif", MASKED, "--words", "--json", "--top", "2")[1])["sentences"][0]
    best = np.argsort(-effects.cost, kind="stable")[:2]
    assert [word["word"] for word in found["words"]] == [effects.words[i].name for i in best]
    assert found["without"] == "replaced by [MASK]" and found["answer"] == effects.answer


def test_whatif_words_of_a_file_has_a_row_per_sentence_and_word(capsys, tmp_path):
    (tmp_path / "two.txt").write_text(f"{MASKED}\nA dog.\n", encoding="utf-8")
    files = ["--file", str(tmp_path / "two.txt"), "--csv", str(tmp_path / "w.csv")]
    status, _, error = run(capsys, "whatif", "--words", "--file", str(tmp_path / "two.txt"))
    assert (status, error) == (0, "")
    (tmp_path / "two.txt").write_text(f"{MASKED}\nThe [MASK] sat.\n", encoding="utf-8")
    status, out, _ = run(capsys, "whatif", "--words", *files, "--top", "1")
    assert status == 0 and MASKED in out.splitlines() and "The [MASK] sat." in out.splitlines()
    assert [row["sentence"] for row in rows_of(tmp_path / "w.csv")] == ["0"] * 7 + ["1"] * 3

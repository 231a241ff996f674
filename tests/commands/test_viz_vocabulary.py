"""`minibert viz --vocabulary`: queries and keys of all words in layer 0, the best keys of a word, and their plane."""

import csv

import numpy as np
import pytest
from matplotlib.text import Text

import minibert
import viz
from minibert.commands.main import main
from minibert.whatif import vocabulary
from minibert.whatif.vocabulary import best_keys, vocabulary_points
from viz.errors import InputError
from viz.geometry.score_plane import score_plane


def run(capsys, *arguments):
    status = 0
    try:
        main(["viz", *arguments])
    except SystemExit as stop:
        status = stop.code
    out, error = capsys.readouterr()
    return status, out, error


def test_queries_and_keys_are_those_of_a_sentence_with_the_word_at_this_place(monkeypatch):
    bert = minibert.load("tiny")
    trace = bert("the old king")
    place = trace.tokens.index("king")
    for rows in (2048, 1000):  # in other chunks, the same
        monkeypatch.setattr(vocabulary, "ROWS", rows)
        query_VK, key_VK = vocabulary_points(bert, 1, place)
        number = trace.input_ids[place]
        np.testing.assert_allclose(query_VK[number] * 8, trace.layers[0].query[1, place], atol=1e-5)
        other = bert("the old sea")
        apart = trace.layers[0].key[1, place] - other.layers[0].key[1, place]
        np.testing.assert_allclose(key_VK[number] - key_VK[other.input_ids[place]], apart, atol=1e-5)
        np.testing.assert_allclose(key_VK.mean(axis=0), 0, atol=1e-5)


def test_the_best_keys_have_the_highest_scores(monkeypatch):
    rng = np.random.default_rng(0)
    query, key = rng.normal(size=(30, 4)), rng.normal(size=(50, 4))
    for rows in (2048, 1):
        monkeypatch.setattr(vocabulary, "ROWS", rows)
        found = list(best_keys(query, key, 3))
        assert len(found) == 30
        for row, (keys, scores) in zip(query @ key.T, found, strict=True):
            assert keys.tolist() == np.argsort(-row)[:3].tolist()
            np.testing.assert_allclose(scores, np.sort(row)[::-1][:3])
    assert len(next(best_keys(query, key[:2], 9))[0]) == 2


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_no_other_plane_holds_more_of_the_scores(dimensions):
    rng = np.random.default_rng(1)
    query, key = rng.normal(size=(20, 5)), rng.normal(size=(30, 5))
    x, y, held = score_plane(query, key, dimensions)
    assert x.shape == (20, dimensions) and y.shape == (30, dimensions)
    scores = query @ key.T
    values = np.linalg.svd(scores, compute_uv=False)
    assert held == pytest.approx((values[:dimensions] ** 2).sum() / (values**2).sum())
    assert ((scores - x @ y.T) ** 2).sum() == pytest.approx((1 - held) * (scores**2).sum())
    if dimensions == 1:
        assert score_plane(0 * query, key)[2] == 0


def test_the_best_keys_of_a_word(capsys, tmp_path):
    some = ("--vocabulary", "king", "--head", "1", "--top", "4", "--place", "3", "--out", str(tmp_path))
    status, out, _ = run(capsys, *some)
    assert status == 0 and "head 0.1, all 8,192 tokens at place 3: the keys with the highest scores for “king”" in out
    with (tmp_path / "vocabulary-0.1.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    bert = minibert.load("tiny")
    query_VK, key_VK = vocabulary_points(bert, 1, 3)
    scores = key_VK @ query_VK[bert.tokenizer.encode("king").input_ids[1]]
    best = np.argsort(-scores)[:4]
    assert [row["key"] for row in rows] == [bert.tokenizer.token(int(i)) for i in best]
    np.testing.assert_allclose([float(row["score"]) for row in rows], scores[best], rtol=1e-4)
    assert {row["query"] for row in rows} == {"king"} and (tmp_path / "vocabulary-0.1.png").is_file()


def test_of_all_words_the_best_key_of_each_is_in_the_file(capsys, tmp_path):
    status, out, _ = run(capsys, "--vocabulary", "--head", "1", "--out", str(tmp_path))
    assert status == 0 and "than" in out and "rather" in out  # it attends to the token before
    with (tmp_path / "vocabulary-0.1.csv").open(encoding="utf-8") as lines:
        rows = {row["query"]: row["key"] for row in csv.DictReader(lines)}
    assert len(rows) == 8192 and rows["than"] == "rather"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vocabulary", "capybara"], "'capybara', which the model cuts into cap, ##y, ##bar, ##a; expected one of"),
        (["--vocabulary", "king", "--layer", "1"], "--layer is 1; --vocabulary is of layer 0, the only one that needs"),
        (["--vocabulary", "king", "A text."], "--vocabulary needs no sentence: it is of all words; leave the texts"),
        (["--vocabulary", "king", "--dims", "3"], "--dims has no effect with --vocabulary; leave it out"),
        (["--vocabulary", "king", "--among", "words"], "--among has no effect with --vocabulary; leave it out"),
        (["--vocabulary", "king", "--file", "some.txt"], "--vocabulary needs no sentence: it is of all words; leave"),
        (["--vocabulary", "king", "--place", "999"], "--place is 999; this model has places 0 to"),
        (["A text.", "--place", "2"], "--place has no effect without --vocabulary; leave it out"),
    ],
)
def test_what_cannot_be_found(capsys, arguments, message):
    status, _, err = run(capsys, *arguments)
    assert status == 2 and message in err and err.count("\n") == 1


def test_the_picture_labels_the_ends_of_its_lines_alone():
    rng = np.random.default_rng(2)
    query, key = rng.normal(size=(2, 40, 2))
    labels = [f"w{i}" for i in range(40)]
    figure = viz.vocabulary_figure(query, key, labels, np.array([[3, 7], [3, 9]]), title="tiny", caption="How.")
    texts = [text.get_text() for text in figure.findobj(Text) if text.get_text().startswith("w")]
    assert sorted(texts) == ["w3", "w7", "w9"]
    lines = next(one for one in figure.axes[0].collections if hasattr(one, "get_segments"))
    np.testing.assert_allclose(lines.get_segments()[1], [query[3], key[9]])
    with pytest.raises(InputError, match="there are 3 labels for 40 queries"):
        viz.vocabulary_figure(query, key, labels[:3], np.array([[0, 1]]))

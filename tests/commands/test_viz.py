"""`minibert viz`: what it writes, what it says, and what it refuses before anything is written."""

import csv
import re
import sys

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Text
from PIL import Image
from threadpoolctl import threadpool_limits

import minibert
import viz
from minibert.commands import main as cli
from minibert.commands import viz as viz_command
from minibert.corpus import lines
from minibert.corpus.here import Here
from minibert.corpus.lines import Corpus
from minibert.corpus.passes import look_through
from minibert.corpus.sentences import Sentences
from minibert.survey import fit, measure, pictures
from minibert.survey.sample import Heads, gather
from tests.material import interrupted

TEXT = "The brown capybara is sleeping now."


def run(capsys, *arguments):
    cli.main(["viz", *map(str, arguments)])
    return capsys.readouterr().out


def fails(capsys, *arguments):
    """The one line said, after checking the exit status."""
    with pytest.raises(SystemExit) as stop:
        cli.main(["viz", *map(str, arguments)])
    captured = capsys.readouterr()
    assert stop.value.code == 2 and captured.err.count("\n") == 1 and not captured.out
    return captured.err


def drawn(bert, path, points):
    """The sample of a file."""
    return look_through(Here(bert), Corpus(path=path), points=points, seed=0, skip_bad=False).sample


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def model(minilm_folder, tmp_path):
    return ("--model", minilm_folder, "--out", tmp_path / "out")


def test_the_default_names_its_head_and_draws_it(capsys, model, tmp_path, minilm):
    said = run(capsys, *model)
    assert TEXT in said and "here brown attends most to capybara" in said
    files = {path.name for path in (tmp_path / "out").iterdir()}
    (row,) = read(tmp_path / "out/heads.csv")
    name = f"{row['layer']}.{row['head']}"
    assert files == {"heads.csv", f"joint-{name}.png", f"distances-{name}.png"}
    assert Image.open(tmp_path / f"out/joint-{name}.png").width == 2100  # 7 inches
    assert all(file in said for file in files)
    trace = minilm(TEXT)
    to_capybara = np.stack([layer.attention[:, 2, 3:6].sum(axis=-1) for layer in trace.layers])
    assert to_capybara.argmax() == int(row["layer"]) * 12 + int(row["head"])
    assert float(row["exact_nearest1_full"]) == 1


def test_without_a_link_the_head_is_drawn_whose_words_attend_most_to_other_words(minilm):
    texts = ["A dog saw a cat.", "It was warm."]  # each word is one token
    sample = gather(minilm, [minilm.encode(text) for text in texts])
    amount = np.zeros((6, 12))
    for trace in minilm.batch(texts):
        for place in np.ndindex(amount.shape):
            words = trace.layers[place[0]].attention[place[1], 1:-1, 1:-1]
            amount[place] += words.sum() - np.trace(words)
    layer, head, why = viz_command.most_telling_head(sample, None)
    assert (layer, head) == np.unravel_index(amount.argmax(), amount.shape)
    assert why == f"layer {layer}, head {head}: here words attend most to other words"


def test_heads_csv_is_what_viz_measures(capsys, model, tmp_path, minilm):
    run(capsys, *model, TEXT, "--layer", 3, "--head", "all", "--draw", "sheet", "--format", "svg")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"heads.csv", "sheet.svg"}
    rows = read(tmp_path / "out/heads.csv")
    assert [(row["layer"], row["head"]) for row in rows] == [("3", str(head)) for head in range(12)]
    trace = minilm(TEXT)
    layer = trace.layers[3]
    for method in ("raw", "paper", "exact"):
        n = viz.normalize(layer.query, layer.key, method=method)
        found = viz.measure(n, layer.attention)
        expected = {
            "scale": n.scale,
            "nearest1_2d": found.plane.nearest1,
            "rank_correlation_full": found.space.rank_correlation,
            "weighted_correlation": found.close_pairs.correlation,
        }
        for name, values in expected.items():
            ours = [float(row[f"{method}_{name}"]) for row in rows]
            np.testing.assert_allclose(ours, values, rtol=1e-4, atol=1e-5)
    habits = viz.habits(layer.attention, trace.tokens)
    np.testing.assert_allclose([float(row["to_cls"]) for row in rows], habits.to_cls, rtol=1e-4)


def test_what_is_parked_and_held_is_what_the_arrays_say(capsys, model, tmp_path, minilm):
    """Parked attention and what it moves from the outputs of each head; what the planes hold from their places."""
    run(capsys, *model, TEXT, "--layer", 3, "--head", "all", "--draw", "parked,flat", "--format", "svg")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"heads.csv", "parked.svg", "flat.svg"}
    rows = read(tmp_path / "out/heads.csv")
    trace = minilm(TEXT)
    layer, words = trace.layers[3], np.array([word is not None for word in trace.words])
    weight = minilm.weights.layers[3].attention_output.weight
    for head, row in enumerate(rows):
        size = layer.value.shape[-1]
        moved = layer.attention[head][words][:, :, None] * (layer.value[head] @ weight[:, head * size :][:, :size].T)
        length = np.linalg.norm(moved, axis=-1)
        expected = layer.attention[head][words][:, ~words].sum(axis=1).mean(), length[:, ~words].sum() / length.sum()
        np.testing.assert_allclose([float(row["parked"]), float(row["parked_moved"])], expected, rtol=1e-4)
        kind = "" if expected[0] <= 0.5 else "no-op" if expected[1] < expected[0] / 2 else "broadcast"
        assert row["parking"] == kind
    assert {"", "no-op"} == {row["parking"] for row in rows}
    for method in ("raw", "paper", "exact"):
        n = viz.normalize(layer.query, layer.key, method=method)
        among = viz.measure(n, layer.attention, words=words).plane
        for suffix, some in (("", np.arange(len(words))), ("_words", np.flatnonzero(words))):
            places = (a[:, some] for a in (layer.query, layer.key, n.query_drawn, n.key_drawn))
            held = viz.held(*places)
            columns = {f"{method}_holds_2d{suffix}": held.share, f"bound_2d{suffix}": held.bound(2)}
            columns |= {f"dimensions_90{suffix}": held.dimensions(), f"{method}_nearest1_2d_words": among.nearest1}
            for name, values in columns.items():
                np.testing.assert_allclose([float(row[name]) for row in rows], values, rtol=1e-4, atol=1e-5)


def test_among_words_fits_measures_and_draws_words_alone(capsys, model, tmp_path, minilm, figures):
    run(capsys, *model, TEXT, "--layer", 3, "--head", 2, "--among", "words", "--plane", "attention")
    trace = minilm(TEXT)
    layer, words = trace.layers[3], np.array([word is not None for word in trace.words])
    query, key = layer.query[2][words], layer.key[2][words]
    attention = layer.attention[2][words][:, words]
    n = viz.normalize(query, key, None, "raw", plane="attention", attention=attention / attention.sum(axis=1)[:, None])
    found = viz.measure(n, attention / attention.sum(axis=1)[:, None])
    (row,) = read(tmp_path / "out/heads.csv")
    ours = [float(row[f"attention_{name}"]) for name in ("nearest1_2d_words", "lost_nats_words", "holds_2d_words")]
    held = viz.held(query, key, n.query_drawn, n.key_drawn).share
    np.testing.assert_allclose(ours, [found.plane.nearest1, found.lost, held], rtol=1e-3)
    drawn = " ".join(text.get_text() for text in figures[0].findobj(Text))
    assert "among words" in drawn and "[CLS]" not in drawn and "[SEP]" not in drawn
    assert f"nearest@1: {found.plane.nearest1:.0%} here" in drawn.replace("\n", " ")


def test_among_words_needs_words(capsys, model):
    assert "two words" in fails(capsys, *model, "Yes", "--among", "words")


def test_every_picture_of_one_head_with_words_lines_and_three_dimensions(capsys, model, tmp_path):
    wishes = ["--words", "--no-special", "--top", 3, "--dims", 3, "--link", "dog:cat", "--scope", "layer"]
    said = run(capsys, *model, "A dog saw a cat.", "Then?", "--layer", 0, "--head", 2, *wishes)
    assert "joint-0.2.png" in said and "nearest@1 in 3-D" in said
    said = run(capsys, *model, TEXT, "--layer", 0, "--head", 2, "--draw", "search, attention", "--words")
    assert "search-0.2.png" in said and "attention-0.2.png" in said


@pytest.fixture
def figures(monkeypatch):
    """What would be saved, as a list."""
    figures = []
    monkeypatch.setattr("viz.figures.canvas.save", lambda figure, path: figures.append(figure))
    return figures


@pytest.mark.parametrize("head", [2, "all"])
def test_nothing_is_cut_and_no_two_titles_collide(capsys, model, figures, head):
    names = pictures.MANY_HEADS if head == "all" else pictures.ONE_HEAD
    long = "The unquestionable incomprehensibilities of a capybara sleeping in the afternoon, and of nothing else."
    wishes = ("--layer", 1, "--head", head, "--draw", ",".join(names), "--words", "--no-special", "--scope", "model")
    wishes += ("--plane", "attention")
    run(capsys, *model, long, TEXT, TEXT, *wishes)
    for name, figure in zip(names, figures, strict=True):
        figure.draw_without_rendering()
        titles = [axes.title for axes in figure.axes if axes.get_title()] + [figure._suptitle]
        titles = [text.get_window_extent() for text in titles]
        for number, box in enumerate(titles):
            assert not any(box.overlaps(other) for other in titles[number + 1 :]), name
        width, height = figure.canvas.get_width_height()
        for box in [*titles, *(part.get_tightbbox() for part in [*figure.axes, *figure.legends])]:
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, name


@pytest.mark.parametrize("way", ["raw", "paper", "exact"])
def test_one_head_is_drawn_in_one_way_alone(way, capsys, model, figures):
    run(capsys, *model, TEXT, "--layer", 1, "--head", 2, "--draw", f"joint,joint-{way}")
    both, alone = figures
    panels = [axes for axes in both.axes if axes.get_title().startswith(way)]
    (panel,), (axes,) = panels, alone.axes
    for mine, theirs in zip(axes.collections[:2], panel.collections[:2], strict=True):
        np.testing.assert_allclose(mine.get_offsets(), theirs.get_offsets())
    assert f"layer 1, head 2 · {way} · " in " ".join(alone._suptitle.get_text().split())


def test_one_head_of_many_sentences_shows_the_strongest_lines(capsys, model, tmp_path, figures):
    path = tmp_path / "some.txt"
    path.write_text(f"{TEXT}\n" * 12)
    wishes = ("--file", path, "--layer", 1, "--head", 8, "--draw", "joint")
    run(capsys, *model, *wishes)
    run(capsys, *model, *wishes, "--strongest", 120)
    for figure, count in zip(figures, (pictures.MOST_LINES, 120), strict=True):
        (lines,) = (c for c in figure.axes[0].collections if isinstance(c, LineCollection))
        assert len(lines.get_segments()) == count
    how = [figure.legends[0].get_texts()[2].get_text() for figure in figures]
    assert "of these the 100 strongest" in how[0] and "the 120 pairs with most attention" in how[1]


def test_a_file_is_measured_whole_and_fitted_on_a_sample(capsys, model, tmp_path, minilm, monkeypatch):
    lines = ["A dog barked.", "A cat slept on the old wall.", "Rain fell.", "It rained all night long."] * 3
    path = tmp_path / "some.txt"
    path.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(measure, "MOST_PAIRS", 100)  # so that groups of one length are cut
    wishes = ("--file", path, "--points", 40, "--queries", 99, "--layer", 1, "--head", "all", "--draw", "positions")
    said = run(capsys, *model, *wishes)
    assert "measured: 12 sentences" in said and "drawn with seed 0" in said
    sample = gather(minilm, drawn(minilm, path, 40))
    assert 20 < len(sample.tokens) <= 40
    rows = read(tmp_path / "out/heads.csv")
    (way,) = fit.fit(sample, Heads(range(1, 2), range(12)), ["exact"])
    total, habits = None, None
    for trace in minilm.batch(lines):  # one after another: sums merge to the same
        layer = trace.layers[1]
        here = viz.measure(way.apply(layer.query[None], layer.key[None]), [layer.attention[None]])
        now = viz.habits(layer.attention, trace.tokens)
        total, habits = (here, now) if total is None else (total + here, habits + now)
    ours = [float(row["exact_nearest1_2d"]) for row in rows]
    np.testing.assert_allclose(ours, total.plane.nearest1[0], atol=1e-5)
    np.testing.assert_allclose([float(row["exact_scale"]) for row in rows], way.scale[0], rtol=1e-5)
    np.testing.assert_allclose([float(row["to_next"]) for row in rows], habits.to_next, rtol=1e-4)
    again = run(capsys, *model, *wishes)
    assert again == said


@pytest.mark.parametrize("cores", [1, 2])
def test_methods_fitted_at_the_same_time_come_in_the_order_asked_for(minilm, cores):
    sentences = Sentences(minilm, Corpus(texts=["A dog barked.", "Rain fell."]))
    sample = gather(minilm, list(sentences))
    with threadpool_limits(cores, user_api="blas"):
        ways = fit.fit(sample, Heads(range(2), range(12)), ["exact", "raw", "paper"])
    for way, method in zip(ways, ("exact", "raw", "paper"), strict=True):
        alone = viz.normalize(sample.query[:2], sample.key[:2], sample.sentences, method)
        assert way.method == method
        np.testing.assert_allclose(way.key, alone.key, atol=1e-5)


def test_some_queries_are_held_against_their_own_attention(minilm):
    sentences = Sentences(minilm, Corpus(texts=["It rained all night long."]))
    sample = gather(minilm, list(sentences))
    (way,) = fit.fit(sample, Heads(range(3), range(12)), ["exact"])
    traces = minilm.batch(["It rained all night long."])
    where = Heads(range(3), range(12))
    outputs = [measure.output_squares(minilm, layer, where.heads) for layer in where.layers]
    parts = [
        measure.measure_layers([way], traces, where, [np.array(some)], [np.array(words)], outputs)
        for some, words in (([1, 4], [1]), ([0, 2, 3, 5, 6, 7], [2, 3, 4, 5, 6]))
    ]
    attention = np.array([layer.attention for layer in traces[0].layers[:3]])
    is_word = np.arange(8) % 7 > 0
    assert len(traces[0].tokens) == 8 and parts[0][0].every.space.queries[0, 0] == 2
    both = parts[0][0] + parts[1][0]
    for seen, words in ((both.every, None), (both.words, is_word)):
        whole = viz.measure(way, [attention], words=words)
        for space in ("space", "plane"):
            ours, theirs = getattr(seen, space), getattr(whole, space)
            np.testing.assert_array_equal(ours.queries, theirs.queries)
            np.testing.assert_allclose(ours.nearest1, theirs.nearest1, atol=1e-6)
            np.testing.assert_allclose(ours.rank_correlation, theirs.rank_correlation, atol=1e-3)


def test_ctrl_c_leaves_what_is_finished(capsys, model, tmp_path, monkeypatch):
    path = tmp_path / "some.txt"
    path.write_text("A dog barked.\n" * 4 + "It rained all night long.\n" * 4)
    monkeypatch.setattr(lines, "BLOCK", 4)
    monkeypatch.setattr(viz, "habits", interrupted(viz.habits))
    wishes = ["--file", str(path), "--layer", "0", "--head", "0", "--draw", "distances"]
    with pytest.raises(SystemExit) as stop, threadpool_limits(1, user_api="blas"):  # one block after another
        cli.main(["viz", *map(str, model), *wishes])
    assert stop.value.code == 130
    out, err = capsys.readouterr()
    assert ": 4 of 8 sentences" in out
    assert err == "minibert: interrupted; what is written is of 4 sentences, not of all 8\n"
    assert {path.name for path in (tmp_path / "out/stopped").iterdir()} == {"heads.csv", "distances-0.0.png"}
    assert [row["sentences"] for row in read(tmp_path / "out/stopped/heads.csv")] == ["4"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["stopped"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Fine.\n\nF\xfcr.\n", "line 3: the text is not UTF-8"),
        (b"Fine.\na ||| b ||| c\n", "line 2: the text has 3 parts; expected a sentence, or two with one ||| between"),
        (b"Fine.\n" + b"word " * 600 + b"\n", "line 2: the text has 602 tokens"),
    ],
)
def test_bad_lines_are_named_or_counted(capsys, model, tmp_path, content, says):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    arguments = (*model, "--file", path, "--layer", 0, "--head", 0, "--draw", "distances")
    assert says in fails(capsys, *arguments)
    assert not (tmp_path / "out").exists()
    assert "1 line left out" in run(capsys, *arguments, "--skip-bad")


def test_a_file_may_begin_with_a_byte_order_mark_and_end_lines_as_it_likes(tmp_path, minilm):
    path = tmp_path / "marked.txt"
    path.write_bytes(b"\xef\xbb\xbfOne.\r\nTwo.\rThree.\n\nIs it? ||| It is.\n\n \n")
    texts = ["One.", "Two.", "Three.", ("Is it?", "It is.")]
    sentences = Sentences(minilm, Corpus(path=path))
    assert [encoding.text for encoding in sentences] == [encoding.text for encoding in sentences] == texts
    assert sentences.skipped == []


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        (["--layer", "6"], "--layer is 6; this model has layers 0 to 5"),
        (["--head", "one"], "--head is 'one'; expected a number, several (1,3 or 1-3) or all"),
        (["--link", "brown"], "two words with a colon"),
        (["--link", "brown:zebra"], "no sentence has both 'brown' and 'zebra'"),
        (["--top", "0"], "--top is 0; expected 1 or more"),
        (["--above", "2"], "--above is 2; expected 0 to 1"),
        (["--above", "1"], "--above is 1; expected less"),
        (["--top", "1", "--above", "0.5"], "--top and --above exclude each other"),
        (["--draw", "jiont"], "--draw names 'jiont'; did you mean joint?"),
        (["--scale", "-1"], "--scale is -1; expected 0.01 to 100"),
        (["--points", "0"], "--points is 0; expected 1 or more"),
        (["--file", "nowhere.txt"], "nowhere.txt is not there"),
        (["a text", "--file", "nowhere.txt"], "not both"),
        ([""], "empty"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line_before_anything_is_written(capsys, model, tmp_path, wishes, says):
    assert says in fails(capsys, *wishes, *model)
    assert not list(tmp_path.glob("out/*"))


def test_an_output_folder_that_is_a_file(capsys, minilm_folder, tmp_path):
    (tmp_path / "taken").write_text("mine")
    said = fails(capsys, "--model", minilm_folder, "--out", tmp_path / "taken")
    assert "expected a folder" in said and (tmp_path / "taken").read_text() == "mine"
    assert "expected a folder" in fails(capsys, "--model", minilm_folder, "--out", tmp_path / "taken/deeper")


def test_the_layers_picture_follows_what_was_asked_for(capsys, model, figures, monkeypatch):
    """Its points are those of "paper" as fitted with this scope, scale, weight and distance, in one plane."""
    given = []
    monkeypatch.setattr(viz, "layers_figure", lambda way, layers, **rest: given.append((way, rest["title"])))
    wishes = ([], ["--scope", "model"], ["--scale", 2], ["--weight", "closeness"], ["--distance", "pca"])
    for wish in wishes:
        run(capsys, *model, TEXT, "--layer", "all", "--head", "all", "--draw", "layers", *wish)
    points = [way.query for way, _ in given]
    for i, one in enumerate(points):
        assert not any(np.allclose(one, other) for other in points[i + 1 :])
    titles = [text for _, text in given]
    assert "each head moved on its own" in titles[0] and "one move for all heads (c = " in titles[1]
    assert "(c = 2.00)" in titles[2]
    for way, _ in given:
        assert np.ptp(way.plane.components.reshape(72, -1), axis=0).max() == 0  # one plane


def test_the_red_pair_reaches_the_matrix(capsys, model, monkeypatch, figures):
    given = []
    monkeypatch.setattr(viz, "matrix_figure", lambda *arguments, **rest: given.append(arguments[4]))
    run(capsys, *model, TEXT, "--layer", 1, "--head", "all", "--draw", "matrix", "--link", "sleeping:now")
    assert given[0].how == "sleeping → now" and given[0].attention.shape == (1, 12, 1)


@pytest.mark.parametrize("plane", ["attention", "unfold"])
def test_a_plane_more_is_in_the_table_the_csv_and_the_pictures(capsys, tmp_path, plane):
    args = ["--plane", plane, "--out", tmp_path / "out", "--layer", 0, "--head", "all", "--draw", "matrix"]
    said = run(capsys, "A dog barked at the cat.", *args)
    assert f"plane {plane}: measured on the very sentences that it was fitted to" in said
    assert "nats lost" in said and (tmp_path / "out/matrix.png").exists()
    rows = read(tmp_path / "out/heads.csv")
    assert all(float(row[f"{plane}_nearest1_2d"]) > 0.7 for row in rows)
    assert all(0 <= float(row[f"{plane}_lost_nats"]) < 1 for row in rows)
    assert f"{plane}_nearest1_full" not in rows[0]


def test_an_attention_plane_is_measured_on_sentences_it_was_not_fitted_to(capsys, tmp_path, sentences):
    path = tmp_path / "some.txt"
    path.write_text("\n".join(sentences[:8]), encoding="utf-8")
    options = ["--points", 60, "--layer", 0, "--plane", "attention", "--draw", "metrics", "--out", tmp_path / "out"]
    said = run(capsys, "--file", path, *options)
    assert "plane attention: measured on the sentences that it was not fitted to" in said
    twice = tmp_path / "twice.txt"
    twice.write_text(f"{sentences[0]}\n" * 20, encoding="utf-8")  # more than the sample, and no other
    assert "measured on the very sentences that" in run(capsys, "--file", twice, *options[:-1], tmp_path / "twice")
    bert = minibert.load("tiny")
    sample = gather(bert, drawn(bert, path, 60))
    n = viz.normalize(sample.query[0], sample.key[0], sample.sentences, "raw", plane="attention")
    total = None
    for text in sentences[:8]:
        if text not in sample.texts:
            layer = bert(text).layers[0]
            one = viz.measure(n.apply(layer.query, layer.key), layer.attention)
            total = one if total is None else total + one
    ours = [float(row["attention_nearest1_2d"]) for row in read(tmp_path / "out/heads.csv")]
    np.testing.assert_allclose(ours, total.plane.nearest1, atol=0.02)
    ours = [float(row["attention_lost_nats"]) for row in read(tmp_path / "out/heads.csv")]
    np.testing.assert_allclose(ours, total.lost, rtol=0.02)


def test_a_map_without_its_package_says_what_to_install(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    assert "pip install 'minibert-numpy[maps]'" in fails(capsys, "A dog.", "--plane", "tsne", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_numbers_over_panels_are_those_of_the_table(capsys, tmp_path, figures, sentences):
    """Of an attention plane on sentences that it was not fitted to, and the title says so."""
    path = tmp_path / "some.txt"
    path.write_text("\n".join(sentences[:12]), encoding="utf-8")
    wishes = ["--file", path, "--points", 60, "--plane", "attention", "--layer", 1, "--head", "all"]
    run(capsys, *wishes, "--out", tmp_path / "out", "--draw", "matrix,matrix-both,joint-plane")
    rows = read(tmp_path / "out/heads.csv")
    matrix, both, joint = figures
    lost = [f"{float(row['attention_lost_nats']):.2f}" for row in rows]
    near = [f"{float(row['attention_nearest1_2d']):.0%}" for row in rows]
    over = [tuple(text.get_text() for text in axes.texts) for axes in matrix.axes]
    assert over == list(zip(near, lost, strict=True))
    raw = [f"{float(row['raw_nearest1_2d']):.0%}" for row in rows]
    assert [axes.texts[0].get_text() for axes in both.axes] == raw + near
    assert [axes.get_title() for axes in joint.axes] == [f"head {i}: {nats} nats lost" for i, nats in enumerate(lost)]
    titles = [figure._suptitle.get_text().replace("\n", " ") for figure in figures]
    assert all("of sentences that it was not fitted to" in title for title in titles)
    assert "percentages: of 12 sentences; attention, of sentences that" in titles[1]
    assert "percentages: of sentences that" in titles[0] and "percentages: of sentences that" in titles[2]


def test_measures_have_colours_from_their_least_to_their_most(capsys, monkeypatch, tmp_path):
    limits = {}
    monkeypatch.setattr(viz, "heatmap_figure", lambda *arguments, **rest: limits.update(rest["limits"]))
    monkeypatch.setattr("viz.figures.canvas.save", lambda figure, path: path)
    run(capsys, "It is warm.", "--layer", 0, "--draw", "metrics", "--model", "tiny", "--out", tmp_path)
    for what, ends in {"nearest@1 in 2-D": (0, 1), "rank correlation": (-1, 1), "product and": (-1, 1)}.items():
        assert {limits[name] for name in limits if name.startswith(what)} == {ends}


def test_the_share_of_a_panel_says_of_what(capsys, tmp_path):
    given = ["--layer", "1", "--head", "2", "--draw", "joint", "--format", "svg", "--out", str(tmp_path)]
    cli.main(["viz", "The old man walked slowly to the harbour.", *given])
    picture = " ".join(re.findall(r">([^<]+)</text>", (tmp_path / "joint-1.2.svg").read_text(encoding="utf-8")))
    for said in ("100% in all 64 dimensions", "100% in all 65 dimensions (always, by construction)"):
        assert said in picture

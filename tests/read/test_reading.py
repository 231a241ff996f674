"""What the page holds: every number the Trace's, the source the files', every array of the chapters at its line."""

import ast
import base64
import importlib.util
import inspect
import json
import re
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import minibert
from minibert.commands.main import main
from minibert.read import build, fit, source
from minibert.read.docstrings import blocks
from minibert.read.questions import ATTENTION, CONTEXT, PROJECTED, SCORES
from minibert.read.recorder import SHAPED
from minibert.speed.twins import plain

TEXT = "The brown capybara is sleeping now."
HOSTILE = (
    "</script><script>window.pwned=1</script> <img src=x onerror=window.pwned=2> \"'&amp; {{data}} \u202e \u2028 日本"
)


class Page:
    """The data in a page, unpacked."""

    def __init__(self, html):
        self.html = html
        self.data = json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])

    def array(self, number):
        packed = self.data["arrays"][number]
        dtype = np.dtype("<f8" if packed["wide"] else "<f4")
        planes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"]), -15), np.uint8)
        numbers = planes.reshape(dtype.itemsize, -1).T.copy().view(dtype).ravel()
        held = [packed["rows"], *packed["shape"][1:]] if packed["rows"] is not None else packed["shape"]
        return numbers.reshape(held)

    def name_of(self, call):
        chapter, function = self.data["calls"][call][:2]
        return self.data["chapters"][chapter]["functions"][function]["name"]

    def made(self, function, name):
        """What `name` was bound to in all calls of a function, in order."""
        return [
            self.array(made[name][0])
            for call, _, made, _ in self.data["visits"]
            if self.name_of(call) == function and isinstance(made.get(name), list)
        ]


@pytest.fixture(scope="module")
def bert():
    return minibert.load("tiny")


@pytest.fixture(scope="module")
def page(bert):
    return Page(bert.read(TEXT).html)


def plainly(bert, text):
    """The Trace by the chapters' own functions, which is what the page shows."""
    with plain():
        return bert(text)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6 * max(1, np.abs(theirs).max()))


def test_every_number_is_the_traces(bert, page):
    trace = plainly(bert, TEXT)
    for name, letters in (("query", "HTK"), ("key", "HTK"), ("value", "HTK")):
        arrays = page.made("self_attention", f"{name}_{letters}")
        assert len(arrays) == len(trace.layers)
        for ours, layer in zip(arrays, trace.layers, strict=True):
            close(ours, getattr(layer, name))
    for name, letters in (("scores", "HTS"), ("attention", "HTS")):
        for ours, layer in zip(page.made("attend", f"{name}_{letters}"), trace.layers, strict=True):
            close(ours, getattr(layer, name))
    for ours, layer in zip(page.made("merge_heads", "returned"), trace.layers, strict=True):
        close(ours, layer.context)
    states = page.made("Bert.forward", "hidden_TD")
    for ours, state in zip(states, trace.hidden_states, strict=True):
        close(ours, state)
    for ours in page.made("pooler", "returned"):  # not every model has one
        close(ours, trace.pooled)
    with plain():
        close(page.made("masked_lm_logits", "returned")[-1], bert.logits(TEXT))


def test_what_fits_is_kept_to_the_last_bit(bert, page):
    """The recorder ran the same equations: packing changes nothing."""
    for chapter, function in {(c[0], c[1]) for c in page.data["calls"]}:
        assert page.data["chapters"][chapter]["functions"][function]
    hidden = page.made("embed", "sum_TE")[0]
    encoding = bert.encode(TEXT)
    table, places = bert.weights.embeddings, np.arange(len(encoding))
    expected = table.word[list(encoding.input_ids)] + table.position[places] + table.token_type[places * 0]
    np.testing.assert_array_equal(hidden, expected)


def test_the_source_is_the_files_line_by_line(page):
    root = Path(minibert.__file__).parents[1]
    names = [chapter["name"] for chapter in page.data["chapters"]]
    assert names[:6] == [f"minibert/{name}.py" for name in build.CHAPTERS]
    assert "viz/geometry/normalize.py" in names and "viz/geometry/pca.py" in names
    for chapter in page.data["chapters"]:
        lines = ["".join(text for _, text in line) for line in chapter["lines"]]
        assert lines == (root / chapter["name"]).read_text(encoding="utf-8").splitlines()


def test_of_a_long_text_too_the_chapters_own_functions_run(minilm):
    """The fast twins would work in blocks, and gelu by another approximation."""
    text = " ".join(["The old man sat down in his chair and opened the letter that she had sent"] * 10)
    tokens, layers = len(minilm.encode(text)), minilm.config.num_hidden_layers
    page = Page(minilm.read(text).html)
    assert tokens >= 150
    calls = Counter(page.name_of(i) for i, call in enumerate(page.data["calls"]) if call[0] < len(build.CHAPTERS))
    for name in ("attend", "softmax", "gelu", "erf", "feed_forward_block"):
        assert calls[name] == layers
    for name, shape in (("exponentials", [12, tokens, tokens]), ("intermediate_TF", [tokens, 1536])):
        model = [v for v in page.data["visits"] if page.data["calls"][v[0]][0] < len(build.CHAPTERS)]
        made = [names[name][0] for _, _, names, _ in model if name in names]
        assert [page.data["arrays"][number]["shape"] for number in made] == layers * [shape]
    exponentials = next(x for x in page.made("softmax", "exponentials") if x.shape == (12, tokens, tokens))  # layer 1
    with plain():
        attention = minilm(text).layers[1].attention
    close(exponentials / exponentials.sum(axis=-1, keepdims=True), attention)
    assert [len(q["answer"]) > 20 for q in page.data["questions"]] == 4 * [True]


def test_every_assignment_to_a_shaped_name_has_its_array(page):
    """In every function that this sentence calls, at the line of the assignment."""
    visited = {}
    for call, line, made, _ in page.data["visits"]:
        visited.setdefault((page.data["calls"][call][0], line), set()).update(
            n for n in made if isinstance(made[n], list)
        )
    called = {tuple(call[:2]) for call in page.data["calls"]}
    checked = 0
    for number, chapter in enumerate(page.data["chapters"]):
        code = "\n".join("".join(text for _, text in line) for line in chapter["lines"])
        functions = chapter["functions"]
        for node in ast.walk(ast.parse(code)):
            if not isinstance(node, ast.Assign | ast.AugAssign):
                continue
            inside = [f for f in functions if f["first"] <= node.lineno <= f["last"]]
            if not inside or (number, functions.index(max(inside, key=lambda f: f["first"]))) not in called:
                continue
            for target in ast.walk(node):
                shaped = isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store) and SHAPED.search(target.id)
                if shaped and "L" not in shaped[1]:  # a list over layers is no array
                    assert target.id in visited[number, node.lineno], f"{chapter['name']}:{node.lineno} {target.id}"
                    checked += 1
    assert checked >= 15


def test_every_shaped_name_has_letters_that_fit_and_views_inherit_them(page):
    data = page.data
    for call, _, made, _ in data["visits"]:
        for name, value in made.items():
            letters = SHAPED.search(name)
            chapter = data["chapters"][data["calls"][call][0]]["name"]
            if letters and isinstance(value, list) and chapter.startswith("minibert"):  # viz has axes "..." before them
                assert len(data["arrays"][value[0]]["shape"]) == len(letters[1])
    inherited = [
        data["arrays"][made["returned"][0]]["letters"]
        for call, _, made, _ in data["visits"]
        if page.name_of(call) == "attention_output" and "returned" in made
    ]
    assert set(inherited) == {"TD"}


def test_a_new_function_in_a_chapter_appears_by_itself(bert, tmp_path, monkeypatch):
    text = inspect.getsource(sys.modules["minibert.attention"]) + (
        '\n\ndef loudest(attention_HTS):\n    """What is loudest.\n\n        loudest = max of attention\n    """\n'
        "    loudest_HT = attention_HTS.max(axis=-1)\n    return loudest_HT\n"
    )
    path = tmp_path / "attention.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("minibert.attention", path)
    attention = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(attention)
    as_it_is = build.run

    def run(*given):
        trace = as_it_is(*given)
        attention.loudest(trace.layers[1].attention)
        return trace

    monkeypatch.setattr(build, "chapters", lambda: [attention])
    monkeypatch.setattr(build, "run", run)
    page = Page(build.read(bert, TEXT).html)
    (loudest,) = page.made("loudest", "loudest_HT")
    close(loudest, bert(TEXT).layers[1].attention.max(axis=-1))
    call = page.data["calls"][0]
    assert page.data["arrays"][call[3]["attention_HTS"][0]]["letters"] == "HTS"
    doc = next(d for d in page.data["chapters"][0]["docs"] if d["blocks"][0].get("text") == "What is loudest.")
    assert doc["blocks"][1]["rows"] == [["loudest", "=", "max of attention", ""]]
    assert page.data["questions"] == []  # nothing makes their arrays here


def test_the_calls_are_a_tree_and_the_steps_in_order(page):
    visits, calls = page.data["visits"], page.data["calls"]
    for i, (_, _, parent, _, _) in enumerate(calls):
        if parent is not None:
            assert visits[parent][0] < i
            first = next(v for v, visit in enumerate(visits) if visit[0] == i)
            assert parent < first < visits[parent][3]
    layers = [i for i in range(len(calls)) if page.name_of(i) == "encoder_layer"]
    assert len(layers) == 4 and len({visits[calls[i][2]][1] for i in layers}) == 1


def test_sizes(bert, page):
    assert len(bert.encode(TEXT)) == 12
    assert len(page.html) < 6e6
    long = " ".join(["The old man sat down in his chair and opened the letter that she had sent"] * 4)
    reading = bert.read(long)
    assert 60 <= len(bert.encode(long)) <= 70
    assert len(reading.html) < 15e6
    assert "only the first row" in reading.left_out and reading.left_out == Page(reading.html).data["leftOut"]
    for ours, layer in zip(Page(reading.html).made("attend", "attention_HTS"), plainly(bert, long).layers, strict=True):
        close(ours, layer.attention)


def test_no_path_of_the_machine_is_in_the_page(tmp_path, page):
    folder = Path(minibert.__file__).parent / "models" / "tiny"
    copy = tmp_path / "secret-place" / "my-model"
    copy.mkdir(parents=True)
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    html = minibert.load(copy).read("Hello").html
    for text in (html, page.html):
        assert str(tmp_path) not in text and "secret-place" not in text and str(folder.parents[1]) not in text
    assert Page(html).data["model"] == "my-model"


def test_hostile_text_ends_no_script(bert):
    html = bert.read(HOSTILE).html
    assert html.count("<script") == 2 and html.count("</script>") == 2 and "<img" not in html
    page = Page(html)
    assert page.data["text"] == HOSTILE
    assert "Content-Security-Policy" in html and "default-src 'none'" in html


def test_plain_import_knows_nothing_of_it():
    code = "import sys, minibert; print([m for m in sys.modules if m.startswith(('minibert.read', 'viz'))])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_chapters_are_as_they_were_afterwards(bert):
    before = {name: dict(vars(module)) for name, module in sys.modules.items() if name.startswith("minibert.")}
    bert.read("Hello there")
    for name, names in before.items():
        for key, value in names.items():
            assert vars(sys.modules[name])[key] is value
    assert sys.gettrace() is None or "coverage" in str(type(sys.gettrace()))


def test_other_models_and_pairs(minilm):
    page = Page(build.read(minilm, ("Where is it?", "Here."), limit=4_000_000).html)
    trace = plainly(minilm, ("Where is it?", "Here."))
    for ours, layer in zip(page.made("attend", "attention_HTS"), trace.layers, strict=True):
        close(ours, layer.attention)
    assert page.data["text"] == "Where is it? / Here."


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["read", "Hello there"])
    assert (tmp_path / "read.html").is_file() and "read.html" in capsys.readouterr().out
    (tmp_path / "pages").mkdir()
    main(["read", "Hello", "--out", str(tmp_path / "pages")])
    assert (tmp_path / "pages" / "read.html").is_file()
    with pytest.raises(SystemExit) as end:
        main(["read", "word " * 300])
    assert end.value.code == 2


def test_a_notebook_shows_it_in_a_frame(bert):
    assert bert.read("Hello")._repr_html_().startswith("<iframe srcdoc=")


def test_equations_are_marked_in_a_docstring_and_never_guessed():
    text = """Scale and shift: y = x W + b, as prose.

    Some words
    that go on: not an argument.

        scores = query key^T / sqrt(K)      how well they match
        k -> k + a

    scale: one argument, about which
        there is more to say.
    eps, bias: others:
        "raw"  as it is
        "own"  as wished, and
            more
    ValueError: none.
    """
    assert blocks(text, ["scale", "eps", "bias"], margin=4) == [
        {"kind": "paragraph", "text": "Scale and shift: y = x W + b, as prose."},
        {"kind": "paragraph", "text": "Some words that go on: not an argument."},
        {
            "kind": "equations",
            "rows": [["scores", "=", "query key^T / sqrt(K)", "how well they match"], ["k", "->", "k + a", ""]],
        },
        {"kind": "paragraph", "text": "scale: one argument, about which there is more to say."},
        {"kind": "paragraph", "text": "eps, bias: others:"},
        {"kind": "list", "rows": [['"raw"', "as it is"], ['"own"', "as wished, and more"]]},
        {"kind": "paragraph", "text": "ValueError: none."},
    ]


def test_every_equation_of_the_chapters_is_one_equation():
    """One equation a line: no second one behind it, no sentence in its place."""
    found = 0
    for module in build.chapters():
        for doc in source.chapter(Path(module.__file__).read_text(encoding="utf-8"), module.__name__)["docs"]:
            for block in doc["blocks"]:
                for left, relation, right, remark in block["rows"] if block["kind"] == "equations" else ():
                    equation = f"{module.__name__}:{doc['first']}: {left} {relation} {right}  {remark}"
                    assert not re.search("[_^]", remark) and not right.endswith((".", ";", ",")), equation
                    assert not re.search("[`:]|, where ", left + right), equation
                    found += 1
    assert found >= 20


def test_questions_open_arrays_that_the_chapters_make(bert, page):
    assert [q["name"] for q in page.data["questions"]] == [ATTENTION, CONTEXT, PROJECTED, SCORES]
    made = {name for _, _, names, _ in page.data["visits"] for name, x in names.items() if isinstance(x, list)}
    assert made >= {q["name"] for q in page.data["questions"]}
    layer = bert(TEXT).layers[1]
    head, query, key = page.data["questions"][0]["where"]["at"]
    assert head == 2 and layer.attention[2, query, key] == layer.attention[2, 1:-1, 1:-1].max()
    assert f"{layer.attention[2, query, key]:.4f}" in page.data["questions"][0]["answer"]
    assert f"`{ATTENTION}" not in page.data["questions"][1]["answer"] and CONTEXT in page.data["questions"][1]["answer"]
    _, divided, undivided = page.data["questions"][3]["table"]
    scores = layer.scores[2].astype(float)
    wide = np.exp(8 * scores - (8 * scores).max(axis=-1, keepdims=True))
    wide /= wide.sum(axis=-1, keepdims=True)
    assert divided[0] == "divided by √64 = 8" and divided[1] == f"{scores[query, key]:.2f}"
    assert undivided[1:] == [f"{8 * scores[query, key]:.2f}", f"{wide[query, key]:.2f}", f"{wide.max(-1).mean():.2f}"]


def test_the_functions_by_which_attention_is_kept_first_are_there():
    assert callable(getattr(minibert.attention, fit.ATTENTION)) and callable(getattr(minibert.encoder, fit.LAYER))


def test_the_chapters_come_in_reading_order_and_none_is_missing():
    names = [module.__name__ for module in build.chapters()]
    geometry = [name.removeprefix("viz.geometry.") for name in names if name.startswith("viz.geometry.")]
    assert geometry[:2] == ["moves", "normalize"] and geometry.index("pca") < geometry.index("attention_plane")
    assert sorted(geometry) == sorted(build.MOVES + build.PLANES)

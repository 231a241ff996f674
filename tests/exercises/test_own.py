"""A BERT of one's own parts: what is right of the student's is used by all that comes after, and the rest is ours."""

import shutil

import numpy as np
import pytest

from minibert.exercises import own
from minibert.exercises.course import EXERCISES
from minibert.model import Bert, load
from minibert.trace import LAYER_FIELDS
from tests.material import everything

TEXT = "The old man sat down by the [MASK]."


@pytest.fixture
def work(tmp_path):
    for exercise in EXERCISES:
        shutil.copy(exercise.stub, tmp_path / exercise.file)
    return tmp_path


def solve(folder, *numbers):
    for exercise in EXERCISES:
        if exercise.number in numbers:
            shutil.copy(exercise.solution, folder / exercise.file)


def differences(one, other):
    layers = zip(one.layers, other.layers, strict=True)
    fields = LAYER_FIELDS
    found = [np.abs(getattr(a, name) - getattr(b, name)).max() for a, b in layers for name in fields]
    return max(*found, *(np.abs(a - b).max() for a, b in zip(one.hidden_states, other.hidden_states, strict=True)))


def test_it_grows_and_stays_the_same_model(work):
    library = load("tiny")
    solved = set()
    for numbers, yours in (
        ((), set()),
        ((1, 6), {"softmax", "scores"}),
        ((2, 7, 8), {"layer_norm", "attend", "merge_heads", "attention_block"}),
        (range(1, 14), set(own.EXERCISE_OF)),
    ):
        solve(work, *numbers)
        solved |= yours
        mine = own.assemble(work)
        assert isinstance(mine, Bert)
        assert set(mine.yours) == solved
        assert differences(everything(mine, TEXT)[0], everything(library, TEXT)[0]) < 1e-4
        np.testing.assert_allclose(mine.logits(TEXT), library.logits(TEXT), atol=1e-3)
        guesses = [[word for word, _ in mask] for mask in (*mine.fill_mask(TEXT), *library.fill_mask(TEXT))]
        assert guesses[0] == guesses[1]
        pair = list(mine.stream([TEXT, ("A house.", "A door.")], keep=("attention",)))
        assert pair[1].tokens == library(("A house.", "A door.")).tokens
        assert pair[0].hidden_states is None


def test_every_part_is_used_by_what_comes_after(work):
    """Each of the student's functions counts its calls; one run of the whole model must call all of them."""
    solve(work, *range(1, 14))
    for name, exercise in own.EXERCISE_OF.items():
        path = work / own.find(exercise).file
        path.write_text(
            path.read_text(encoding="utf-8") + f"\n\nright_{name}, calls_{name} = {name}, []\n\n\n"
            f"def {name}(*arguments):\n    calls_{name}.append(1)\n    return right_{name}(*arguments)\n",
            encoding="utf-8",
        )
    mine = own.assemble(work)
    assert set(mine.yours) == set(own.EXERCISE_OF)
    counts = {name: mine.functions[name].__globals__[f"calls_{name}"] for name in own.EXERCISE_OF}
    for calls in counts.values():
        calls.clear()
    mine.logits(TEXT)
    layers = 4
    assert {name: len(calls) for name, calls in counts.items()} == {
        "softmax": layers,
        "layer_norm": 2 * layers + 2,
        "gelu": layers + 1,
        "embed": 1,
        "split_heads": 3 * layers,
        "scores": 0,  # attend has its own
        "attend": layers,
        "merge_heads": layers,
        "attention_block": layers,
        "feed_forward_block": layers,
        "encoder_layer": layers,
        "hidden_states": 1,
        "masked_lm_logits": 1,
    }


def test_what_is_wrong_or_dangerous_is_left_out(work):
    solve(work, 1, 2, 3)
    (work / "01_softmax.py").write_text("def softmax(x):\n    while True: pass\n")
    (work / "02_layer_norm.py").write_text("import sys\nsys.exit()\n")
    assert own.assemble(work, time_limit=1).yours == ("gelu",)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a folder; make it with"):
        own.assemble(tmp_path / "nowhere")


def test_viz_draws_with_ones_own_functions(work, tmp_path, capsys):
    """The same picture of the same numbers, by the student's functions; and another where theirs would be another."""
    from minibert.commands.main import main

    solve(work, *range(1, 12))
    path = work / "05_split_heads.py"
    path.write_text(
        path.read_text(encoding="utf-8") + "\n\nCALLS = []\nsplit = split_heads\n\n\ndef split_heads(*arguments):\n"
        "    print('split by a student')\n    return split(*arguments)\n",
        encoding="utf-8",
    )
    main(["viz", "A small house.", "--exercises", str(work), "--draw", "joint", "--out", str(tmp_path / "out")])
    assert "split by a student" in capsys.readouterr().out
    assert list((tmp_path / "out").rglob("*.png"))


def test_pooled_comes_from_ones_own_hidden_states():
    """Another softmax changes every hidden state, and so what the pooler makes of the last one."""
    library = load("tiny-sentiment")
    functions = {"softmax": lambda x: np.full_like(x, 1 / x.shape[-1])}
    mine = own.put_together({"softmax": functions}, library)(TEXT)
    last_D = mine.hidden_states[-1][0]
    expected = np.tanh(library.weights.pooler.weight @ last_D + library.weights.pooler.bias)
    np.testing.assert_allclose(mine.pooled, expected, atol=1e-5)
    assert np.abs(mine.pooled - library(TEXT).pooled).max() > 0.01

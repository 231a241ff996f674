"""What people hand in: right answers pass on every seed, wrong ones do not, and frequent mistakes are named."""

from pathlib import Path

import pytest

from minibert.exercises.course import find
from minibert.speed.cores import one_thread
from tests.exercises.handed_in import FOLDER, answers
from tests.exercises.test_course import solved, verdict

SEED = 11
ON_MODELS = {"encoder", "previous_token_head", "head_off", "fine_tuning", "patching", "why", "parked_attention"}
"""These take most of the time; the long run tries them on every tenth seed."""
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


def judged_wrongly(folder: Path, name: str, seed: int):
    """(seed, exercise, answer, what was said of it) for each answer of which the wrong thing was said."""
    for judged, mistake, about, files in answers(name):
        if "never ends" in about:
            continue
        for file, code in files.items():
            if file:
                (folder / file).write_text(code)
        with one_thread():
            report = verdict(folder, find(name), solved(find(name), files[""]), seed)
        passed = report["status"] == "passed"
        if passed != (judged == "right") or (mistake and report.get("mistake") != mistake):
            yield seed, name, about, report["message"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:coroutine")
def test_what_is_handed_in_is_judged_rightly(tmp_path, monkeypatch, name):
    monkeypatch.syspath_prepend(tmp_path)
    assert list(judged_wrongly(tmp_path, name, SEED)) == []


@pytest.mark.course
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:coroutine")
def test_what_is_handed_in_is_judged_rightly_on_a_hundred_seeds(tmp_path, monkeypatch, name):
    monkeypatch.syspath_prepend(tmp_path)
    seeds = range(0, 100, 10 if name in ON_MODELS else 1)
    assert [found for seed in seeds for found in judged_wrongly(tmp_path, name, seed)] == []

"""What people hand in, right and wrong, on several seeds: no right answer is refused, no wrong one accepted."""

import pytest

from minibert.exercises.course import find
from minibert.speed.cores import one_thread
from tests.exercises.submissions import RIGHT, WRONG
from tests.exercises.test_course import solved, verdict

ON_MODELS = {"encoder", "previous_token_head", "head_off", "fine_tuning", "patching", "rollout"}
"""These take most of the time; the long run tries them on every tenth seed."""


def tried(folder, seed):
    """Every submission that is judged wrongly on this seed."""
    for name, codes in RIGHT.items():
        if name in ON_MODELS and seed % 10:
            continue
        for code in codes:
            report = verdict(folder, find(name), solved(find(name), code), seed)
            if report["status"] != "passed":
                yield seed, name, code, report["message"]
    for name, code, mistake in WRONG:
        if name in ON_MODELS and seed % 10:
            continue
        report = verdict(folder, find(name), solved(find(name), code), seed)
        if report["status"] == "passed" or (mistake is not None and report["mistake"] != mistake):
            yield seed, name, code, report["message"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_submissions_are_judged_rightly(tmp_path):
    with one_thread():
        assert list(tried(tmp_path, 7)) == []


@pytest.mark.course
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_submissions_are_judged_rightly_on_a_hundred_seeds(tmp_path):
    with one_thread():
        assert [found for seed in range(100) for found in tried(tmp_path, seed)] == []

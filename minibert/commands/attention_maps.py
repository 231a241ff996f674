"""The maps of `minibert attention`: a measure of each head or layer, between tokens or words, or a mean of them."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minibert.errors import UserError
from minibert.model import Bert
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from minibert.whatif.flow import norms, rollout, value_zeroing
from minibert.whatif.summaries import between_tokens, between_words, without_special


@dataclass(frozen=True)
class Map:
    """Numbers [queries, keys] of a layer and a head; of a whole layer, the head is None.

    layer, head: a number, or what a mean is over: "mean of 0-3".
    left_out: the share of their attention that words give to special tokens; None where these are not left out.
    """

    layer: int | str
    head: int | str | None
    values: np.ndarray
    left_out: float | None = None

    @property
    def place(self) -> dict[str, int | str]:
        """The layer, and the head where there is one."""
        return {"layer": self.layer} | ({} if self.head is None else {"head": self.head})


@dataclass(frozen=True)
class Maps:
    """The maps of one text. measure: what the numbers are. names: of the tokens or words."""

    measure: str
    of_words: bool
    no_special: bool
    names: tuple[str, ...]
    maps: list[Map]

    @property
    def column(self) -> str:
        """The name of the numbers in a file."""
        return self.measure + "_without_special" * self.no_special

    @property
    def about(self) -> str:
        """What the numbers are, in words."""
        return self.measure + " between words" * self.of_words + ", without special tokens" * self.no_special

    @staticmethod
    def title(one: Map) -> str:
        """Which layer and head."""
        means = any(isinstance(of, str) for of in one.place.values())
        names = [
            of.replace("of", f"of {axis}s") if isinstance(of, str) else f"{axis} {of}" for axis, of in one.place.items()
        ]
        return (", " if means else " ").join(names)


def find_maps(bert: Bert, trace: Trace, args: argparse.Namespace, layers: Sequence[int], heads: Sequence[int]) -> Maps:
    """The maps that the arguments choose."""
    map_LHTS = measured(bert, trace, args.measure, layers, heads)
    shares = (between_words if args.words else between_tokens)(trace, map_LHTS)
    special = np.array(shares.special)
    left_LH = shares.map[..., ~special, :][..., special].sum(axis=-1).mean(axis=-1)
    if args.without_special:
        shares = without_special(shares)
    rows: list[int | str] = list(layers)
    columns: list[int | str | None] = list(heads) if args.measure in ("attention", "norm") else [None]
    map_LHTS = shares.map
    if args.mean in ("layers", "all"):
        map_LHTS, left_LH = (x.mean(axis=0, keepdims=True) for x in (map_LHTS, left_LH))
        rows = [f"mean of {in_words(layers)}"]
    if args.mean in ("heads", "all"):
        map_LHTS, left_LH = (x.mean(axis=1, keepdims=True) for x in (map_LHTS, left_LH))
        columns = [f"mean of {in_words(heads)}"]
    maps = [
        Map(rows[i], columns[j], map_LHTS[i, j], float(left_LH[i, j]) if args.without_special else None)
        for i, j in np.ndindex(map_LHTS.shape[:2])
    ]
    return Maps(args.measure, args.words, args.without_special, shares.names, maps)


def measured(bert: Bert, trace: Trace, measure: str, layers: Sequence[int], heads: Sequence[int]) -> np.ndarray:
    """The numbers of one measure: map_LHTS, or map_L1TS where they are of whole layers."""
    if measure == "attention":
        return trace.stacked("attention")[np.ix_(layers, heads)]
    if measure == "norm":
        return np.stack([norms(bert, trace, layer)[list(heads)] for layer in layers])
    if measure == "rollout":
        return rollout(trace)[list(layers), None]
    return np.stack([value_zeroing(bert, trace, layer) for layer in layers])[:, None]


def in_words(numbers: Sequence[int]) -> str:
    """0, 1, 2, 5 -> "0-2,5", as it is typed."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def sentence_of(args: argparse.Namespace) -> Callable[[Encoding], None] | None:
    """Raises UserError for a text without words, where special tokens are left out."""

    def check(encoding: Encoding) -> None:
        if all(word is None for word in encoding.words):
            raise UserError("the text has no word, so nothing is left without special tokens")

    return check if args.without_special else None

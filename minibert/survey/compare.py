"""What further training moved, head by head: two models of one shape and one tokenizer."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import viz
from minibert.corpus.lines import Corpus, Line
from minibert.corpus.passes import Found, add_up, hands_of, look_through
from minibert.corpus.scan import DEFAULT_POINTS
from minibert.corpus.sentences import encoded
from minibert.errors import UserError
from minibert.model import Bert
from minibert.survey.pictures import MOST_LINES
from minibert.survey.sample import Run, Sample, gather
from minibert.terminal import counted, model_name, quoted, rounded
from minibert.tokenizer.encoding import Encoding

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison(Run):
    """How far each head moved between two models, over the sentences of a corpus."""

    before: Bert
    after: Bert
    moved: viz.Shift
    """of attention, queries and keys: each [layers, heads]"""

    @property
    def models(self) -> str:
        return f"{model_name(self.before)} → {model_name(self.after)}"

    @property
    def moving(self) -> bool:
        """Whether anything moved."""
        return any(values.any() for values in (self.moved.attention, self.moved.query, self.moved.key))

    @property
    def ranking(self) -> list[tuple[int, int]]:
        """All (layer, head), those whose attention moved most first."""
        order = np.argsort(-self.moved.attention, axis=None, kind="stable")
        layers, heads = np.unravel_index(order, self.moved.attention.shape)
        return list(zip(layers.tolist(), heads.tolist(), strict=True))

    @property
    def rows(self) -> list[dict[str, int | float]]:
        """compare.csv: a row per head."""
        moved = self.moved
        of_heads = {"attention_jensen_shannon": moved.attention, "query_moved": moved.query, "key_moved": moved.key}
        return [
            {"layer": i, "head": j} | {name: rounded(float(values[i, j])) for name, values in of_heads.items()}
            for i, j in np.ndindex(moved.attention.shape)
        ]


def compare(
    before: Bert,
    after: Bert,
    texts: Sequence[str] = (),
    file: str | Path | None = None,
    *,
    column: str | None = None,
    skip_bad: bool = False,
    points: int = DEFAULT_POINTS,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Comparison:
    """Run all sentences through both models, and add up how far each head moved. Ctrl-C ends it early.

    The arguments are those of `minibert.survey.survey`. Raises UserError where the models cannot be compared.
    """
    check_alike(before, after)
    corpus = Corpus(texts, None if file is None else Path(file), column)
    with hands_of(workers, scheduler, before, after) as hands:
        most = math.inf if file is None else points
        scan = look_through(hands, corpus, points=most, seed=seed, skip_bad=skip_bad)
        found: Found = add_up(hands, partial(shift_block, skip_bad=skip_bad), corpus, scan.sentences + scan.skipped)
    (moved,) = found.all
    return Comparison(corpus, scan, found.sentences, skip_bad, before, after, moved)


def check_alike(before: Bert, after: Bert) -> None:
    """Raises UserError, which names what differs, where the two cannot be compared head by head."""
    for name in ("num_hidden_layers", "num_attention_heads", "head_size"):
        one, other = getattr(before.config, name), getattr(after.config, name)
        if one != other:
            raise UserError(f"{before.name} and {after.name} differ in {name}: {one} and {other}; expected the same")
    first, second = (vocabulary(bert) for bert in (before, after))
    if first != second:
        differ = [token for token in first.keys() | second.keys() if first.get(token) != second.get(token)]
        token = min(differ, key=lambda token: first.get(token, second.get(token, 0)))
        ids = [known.get(token, "unknown") for known in (first, second)]
        where = f"{token!r} is {ids[0]} in the first and {ids[1]} in the second; expected the same tokenizer"
        raise UserError(f"{before.name} and {after.name} differ in their vocabularies: {where}")


def vocabulary(bert: Bert) -> dict[str, int]:
    if bert.tokenizer.backend is None:
        raise UserError(bert.tokenizer.missing)
    return bert.tokenizer.backend.get_vocab()


def shift_block(models: Sequence[Bert], lines: Sequence[Line], *, skip_bad: bool) -> Found:
    """What moved in the sentences of a block, added up."""
    before, after = models
    encodings = [encoding for _, encoding in encoded(before, lines, skip_bad)]
    found = Found(0, {})
    pairs = zip(before.stream(encodings), after.stream(same_ids(after, encodings)), strict=True)
    for one, other in pairs:
        fields = ("query", "key", "attention")
        here = viz.shift(*([trace.stacked(name) for name in fields] for trace in (one, other)))
        found += Found(1, {"moved": [here]})
    return found


def same_ids(after: Bert, encodings: Iterable[Encoding]) -> Iterator[Encoding]:
    """The Encodings of the second model. Raises UserError where they differ from those of the first."""
    for encoding in encodings:
        other = after.encode(encoding.text)
        if other.input_ids != encoding.input_ids:
            first, second = " ".join(encoding.tokens), " ".join(other.tokens)
            where = f"{encoding.text!r} is {first} in the first model and {second} in the second"
            raise UserError(f"the tokenizers differ: {where}; expected the same tokenizer")
        yield other


def pictures(found: Comparison, closely: Sequence[tuple[int, int]], width: float) -> Iterator[tuple[str, "Figure"]]:
    """Names and figures: heatmaps of all heads, then two pictures of some heads, if anything moved."""
    yield "compare", heatmaps(found, width)
    if not (closely and found.moving):
        return
    samples = [gather(bert, found.scan.sample) for bert in (found.before, found.after)]
    for layer, head in closely:
        yield f"compare-joint-{layer}.{head}", joint(found, samples, layer, head, width)
        yield f"compare-attention-{layer}.{head}", attention_maps(found, samples, layer, head, width)


def heatmaps(found: Comparison, width: float) -> "Figure":
    moved = found.moved
    maps = {
        "attention (Jensen-Shannon distance)": moved.attention,
        "queries (share of their length)": moved.query,
        "keys (share of their length)": moved.key,
    }
    rows, columns = (range(size) for size in moved.attention.shape)
    where = found.drawn_from(found.done, [encoding.text for encoding in found.scan.sample])
    far = max(float(values.max()) for values in (moved.query, moved.key)) or 1.0
    return viz.heatmap_figure(
        maps,
        rows,
        columns,
        limits=dict.fromkeys(list(maps)[1:], (0, far)),  # so that the two can be compared
        title=f"What moved: {found.models} · {where}",
        caption="One row per layer, one column per head. Attention: mean over queries of the Jensen-Shannon distance, "
        "0 to 1. Queries, keys: how far they moved, as a share of their length.",
        width=width,
    )


def names_of(found: Comparison) -> list[str]:
    return [f"before: {model_name(found.before)}", f"after: {model_name(found.after)}"]


def title_of(found: Comparison, layer: int, head: int) -> str:
    """The models, the head, and how far its attention moved."""
    title = f"{found.models} · layer {layer}, head {head} · attention moved {found.moved.attention[layer, head]:.2f}"
    return title + (f" over {counted(found.done, 'sentence')}" if len(found.scan.sample) > 1 else "")


def joint(found: Comparison, samples: Sequence[Sample], layer: int, head: int, width: float) -> "Figure":
    """Queries and keys of both models, by one translation, scale and plane: what moves in it moved in the model."""
    first = samples[0]
    query, key = (np.stack([getattr(sample, x)[layer, head] for sample in samples]) for x in ("query", "key"))
    both = viz.normalize(query, key, first.sentences, scope="model")
    lines = [viz.choose_lines([block[layer, head] for block in s.attention], first.sentences) for s in samples]
    drawn = found.drawn_from(len(first.texts), first.texts)
    return viz.joint_figure(
        [both[0], both[1]],
        first.tokens,
        [some.strongest(MOST_LINES) for some in lines],
        sentences=first.sentences,
        common=True,
        arrows=True,
        title=f"{title_of(found, layer, head)} · {drawn}",
        titles=names_of(found),
        width=width,
    )


def attention_maps(found: Comparison, samples: Sequence[Sample], layer: int, head: int, width: float) -> "Figure":
    """Both attention maps of the sentence in which this head moved most, and their difference."""
    before, after = ([block[layer, head] for block in sample.attention] for sample in samples)
    moves = [float(viz.jensen_shannon(*pair).mean()) for pair in zip(before, after, strict=True)]
    which = int(np.argmax(moves))
    title = title_of(found, layer, head)
    if len(moves) > 1:
        title += f", {moves[which]:.2f} in this one, where it moved most of those drawn"
    return viz.attention_pair_figure(
        before[which],
        after[which],
        samples[0].tokens_of(which),
        names=names_of(found),
        title=f"{title} · {quoted([samples[0].texts[which]])}",
        width=width,
    )

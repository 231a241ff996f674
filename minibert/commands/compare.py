"""`minibert compare`: what further training moved, head by head."""

import argparse
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from minibert.commands.arguments import (
    DEFAULT_POINTS,
    add_cluster,
    add_json,
    add_output,
    add_source,
    add_texts,
    at_least,
    check_source,
    given,
    not_empty,
)
from minibert.commands.output import folder_name, folder_of_run, name_of_texts, print_json
from minibert.commands.passes import Found, add_up, hands_of, look_through
from minibert.commands.sentences import encoded, gather, left_out
from minibert.corpus.lines import Corpus, Line
from minibert.errors import UserError
from minibert.files import write_csv
from minibert.model import Bert, load
from minibert.terminal import counted, model_name, quoted
from minibert.tokenizer.tokenizer import Encoding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    import viz

EXAMPLE = "The film was not good, but the ending moved me."

COMPARE_HELP = """
Compares two models of one shape and one tokenizer, such as a model before and after fine-tuning: for each head, how far
its attention moved (Jensen-Shannon distance, mean over queries, 0 to 1) and how far its queries and keys moved (as a
share of their length). Draws heatmaps, and for the heads whose attention moved most both joint plots in one plane and
both attention maps with their difference.

  minibert compare tiny tiny-sentiment "The film was not good."
  minibert compare tiny tiny-sentiment --file reviews.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = COMPARE_HELP
    parser.add_argument("before", type=not_empty, metavar="MODEL_A", help="bundled name, folder or hub id")
    parser.add_argument("after", type=not_empty, metavar="MODEL_B", help="the same model, trained further")
    add_texts(parser, EXAMPLE)
    add_cluster(add_source(parser))
    parser.add_argument(
        "--closely", type=at_least(0), default=2, metavar="N", help="heads to draw one by one (default: 2)"
    )
    add_output(parser, default="out/MODEL_A-to-MODEL_B/TEXT")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Read, measure, rank the heads, write, draw."""
    check_source(args, args.texts, without_file="points seed workers scheduler")
    before, after = load(args.before), load(args.after)
    check_alike(before, after)
    texts, seed = args.texts or [EXAMPLE], args.seed or 0
    models = f"{folder_name(before)}-to-{folder_name(after)}"
    options = given(args, "points seed closely skip-bad column")
    out = folder_of_run(args.out, models, name_of_texts(texts, args.file, options))

    corpus = Corpus(texts, args.file, args.column)
    points = math.inf if args.file is None else args.points or DEFAULT_POINTS
    with hands_of(args, before, after) as hands:
        scanned = look_through(hands, corpus, points=points, seed=seed, skip_bad=args.skip_bad)
        lines = scanned.sentences + scanned.skipped
        found = add_up(hands, partial(shift_block, skip_bad=args.skip_bad), corpus, lines)
    (moved,), done = found.all, found.sentences
    ranking = most_moved(moved)
    if done < scanned.sentences:
        out /= "stopped"  # what lies there of a whole run stays
    written = [out / "compare.csv"]
    write_csv(written[0], [row | {"sentences": done} for row in shift_rows(moved)])
    nothing_moved = not any(values.any() for values in (moved.attention, moved.query, moved.key))
    if not args.json:
        skipped = f", {left_out(scanned.skipped)}" if args.skip_bad else ""
        sentences = counted(scanned.sentences, "sentence")
        sentences += f" of {corpus.short_name}" if len(corpus.files) > 1 else ""
        some = f"{done:,} of " if done < scanned.sentences else ""
        print(f"{model_name(before)} → {model_name(after)}: {some}{sentences}{skipped}")
        print(shift_table(moved, ranking))
        if nothing_moved:
            print("nothing moved: here the two models are the same, so no head is drawn closely")
        print()
        print(written[0])

    import viz

    closely = [] if nothing_moved else ranking[: args.closely]
    source = None if args.file is None else corpus.short_name + " (stopped early)" * (done < scanned.sentences)
    for name, figure in pictures(before, after, source, scanned.sample, moved, done, closely, args.width):
        written.append(viz.save(figure, out / f"{name}.{args.format}"))
        if not args.json:
            print(written[-1])
    if args.json:
        heads = [{name: float(value) for name, value in row.items()} for row in shift_rows(moved)]
        heads = [row | {"layer": int(row["layer"]), "head": int(row["head"])} for row in heads]
        result = {"before": model_name(before), "after": model_name(after), "sentences": done, "heads": heads}
        print_json(result | {"skipped": scanned.skipped, "files": list(map(str, written))})
    if done < scanned.sentences:
        raise KeyboardInterrupt(f"; what is written is of {done:,} sentences, not of all {scanned.sentences:,}")


def most_moved(moved: "viz.Shift") -> list[tuple[int, int]]:
    """All (layer, head), those whose attention moved most first."""
    order = np.argsort(-moved.attention, axis=None, kind="stable")
    layers, heads = np.unravel_index(order, moved.attention.shape)
    return list(zip(layers.tolist(), heads.tolist(), strict=True))


def check_alike(before: Bert, after: Bert) -> None:
    """ValueError, naming what differs, where the two cannot be compared head by head."""
    for name in ("num_hidden_layers", "num_attention_heads", "head_size"):
        one, other = getattr(before.config, name), getattr(after.config, name)
        if one != other:
            raise UserError(f"{before.name} and {after.name} differ in {name}: {one} and {other}; expected the same")
    for bert in (before, after):
        if bert.tokenizer.backend is None:
            raise UserError(bert.tokenizer.missing)
    one, other = (bert.tokenizer.backend.get_vocab() for bert in (before, after))
    if one != other:
        token = min(
            (token for token in one.keys() | other.keys() if one.get(token) != other.get(token)),
            key=lambda token: one.get(token, other.get(token)),
        )
        raise UserError(
            f"{before.name} and {after.name} differ in their vocabularies: {token!r} is {one.get(token, 'unknown')} "
            f"in the first and {other.get(token, 'unknown')} in the second; expected the same tokenizer"
        )


def shift_block(models: Sequence[Bert], lines: Sequence[Line], *, skip_bad: bool) -> Found:
    """What moved in the sentences of a block, added up."""
    import viz

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
    """The Encodings of the second model; ValueError where its tokenizer cuts a text otherwise than the first's."""
    for encoding in encodings:
        other = after.encode(encoding.text)
        if other.input_ids != encoding.input_ids:
            raise UserError(
                f"the tokenizers differ: {encoding.text!r} is {' '.join(encoding.tokens)} in the first model and "
                f"{' '.join(other.tokens)} in the second; expected the same tokenizer"
            )
        yield other


def shift_rows(moved: "viz.Shift") -> list[dict]:
    """compare.csv: one row per head."""
    return [
        {
            "layer": i,
            "head": j,
            "attention_jensen_shannon": f"{value:.6g}",
            "query_moved": f"{moved.query[i, j]:.6g}",
            "key_moved": f"{moved.key[i, j]:.6g}",
        }
        for (i, j), value in np.ndenumerate(moved.attention)
    ]


def shift_table(moved: "viz.Shift", ranking: Sequence[tuple[int, int]]) -> str:
    """The ten heads whose attention moved most, and the mean of all."""
    lines = [" head  attention  queries   keys"]
    for i, j in ranking[:10]:
        lines.append(f"{f'{i}.{j}':>5}{moved.attention[i, j]:11.3f}{moved.query[i, j]:9.3f}{moved.key[i, j]:7.3f}")
    if len(ranking) > 10:
        lines.append(f"  ...  and {len(ranking) - 10} heads more")
    lines.append(f" mean{moved.attention.mean():11.3f}{moved.query.mean():9.3f}{moved.key.mean():7.3f}")
    lines.append("attention: Jensen-Shannon distance, 0 to 1; queries, keys: moved by this share of their length")
    return "\n".join(lines)


def pictures(
    before: Bert,
    after: Bert,
    source: str | None,
    sample: Sequence[Encoding],
    moved: "viz.Shift",
    done: int,
    closely: Sequence[tuple[int, int]],
    width: float,
) -> Iterator[tuple[str, "Figure"]]:
    """Names and figures: the heatmaps, then some heads one by one, drawn with the sentences of the sample.

    source: the file's name, if there is one. done: in how many sentences `moved` was measured. width: of the figures,
        in inches.
    """
    import viz
    from minibert.commands.pictures import MOST_LINES

    names = [f"before: {model_name(before)}", f"after: {model_name(after)}"]
    maps = {
        "attention (Jensen-Shannon distance)": moved.attention,
        "queries (share of their length)": moved.query,
        "keys (share of their length)": moved.key,
    }
    rows, columns = (range(size) for size in moved.attention.shape)
    texts = [encoding.text for encoding in sample]
    text = quoted(texts) if source is None else f"{counted(done, 'sentence')} of {source}"
    title = f"What moved: {model_name(before)} → {model_name(after)} · {text}"
    far = max(float(values.max()) for values in (moved.query, moved.key)) or 1.0
    limits = dict.fromkeys(list(maps)[1:], (0, far))  # so that the two can be compared
    caption = (
        "One row per layer, one column per head. Attention: mean over queries of the Jensen-Shannon distance, 0 to 1. "
        "Queries, keys: how far they moved, as a share of their length."
    )
    yield (
        "compare",
        viz.heatmap_figure(maps, rows, columns, limits=limits, title=title, caption=caption, width=width),
    )
    if not closely:
        return

    samples = [gather(bert, sample) for bert in (before, after)]
    first = samples[0]
    drawn = quoted(first.texts) if source is None else f"{counted(len(first.texts), 'sentence')} of {source}"
    for layer, head in closely:
        where = f"{model_name(before)} → {model_name(after)} · layer {layer}, head {head}"
        where += f" · attention moved {moved.attention[layer, head]:.2f}"
        where += f" over {counted(done, 'sentence')}" if len(first.texts) > 1 else ""
        # one translation, scale and plane for both, so that what moves in the picture moved in the model
        both = viz.normalize(
            np.stack([sample.query[layer, head] for sample in samples]),
            np.stack([sample.key[layer, head] for sample in samples]),
            first.sentences,
            scope="model",
        )
        lines = [viz.choose_lines([b[layer, head] for b in s.attention], first.sentences) for s in samples]
        lines = [some.strongest(MOST_LINES) for some in lines]
        panels = [both[0], both[1]]
        yield (
            f"compare-joint-{layer}.{head}",
            viz.joint_figure(
                panels,
                first.tokens,
                lines,
                sentences=first.sentences,
                common=True,
                arrows=True,
                title=f"{where} · {drawn}",
                titles=names,
                width=width,
            ),
        )
        # the sentence in which this head moved most, with the number that belongs to it
        maps = [[block[layer, head] for block in sample.attention] for sample in samples]
        moves = [float(viz.jensen_shannon(*pair).mean()) for pair in zip(*maps, strict=True)]
        which = int(np.argmax(moves))
        labels = [token for token, number in zip(first.tokens, first.sentences, strict=True) if number == which]
        if len(moves) > 1:
            where += f", {moves[which]:.2f} in this one, where it moved most of those drawn"
        heading = f"{where} · {quoted([first.texts[which]])}"
        pair = [blocks[which] for blocks in maps]
        yield (
            f"compare-attention-{layer}.{head}",
            viz.attention_pair_figure(*pair, labels, names=names, title=heading, width=width),
        )

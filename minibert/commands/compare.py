"""`minibert compare`: what further training moved, head by head."""

import argparse

import numpy as np

from minibert.commands.arguments import add_output, add_source
from minibert.commands.output import model_name, quoted, writable_folder, write_csv
from minibert.commands.sentences import Sentences, gather, stacked
from minibert.model import Bert, load

DEFAULT_TEXT = "The film was not good, but the ending moved me."

COMPARE_HELP = """\
Compares two models of one shape and one tokenizer, such as a model before and after fine-tuning: for each head, how far
its attention moved (Jensen-Shannon distance, mean over queries, 0 to 1) and how far its queries and keys moved (as a
share of their length). Draws heatmaps, and for the heads whose attention moved most both joint plots in one plane and
both attention maps with their difference.

  minibert compare tiny tiny-sentiment "The film was not good, but the ending moved me."
  minibert compare tiny tiny-sentiment --file reviews.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = COMPARE_HELP
    parser.add_argument("before", metavar="MODEL_A", help="bundled name, folder or hub id")
    parser.add_argument("after", metavar="MODEL_B", help="the same model, trained further")
    parser.add_argument("texts", metavar="TEXT", nargs="*", default=[], help=f'sentences (default: "{DEFAULT_TEXT}")')
    add_source(parser)
    parser.add_argument("--closely", type=int, default=2, metavar="N", help="heads to draw one by one (default: 2)")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Read, measure, rank the heads, write, draw."""
    if args.closely < 0 or args.points < 1 or args.seed < 0:
        raise ValueError("--closely and --seed must be 0 or more, --points 1 or more")
    if args.file is not None and args.texts:
        raise ValueError("give sentences either as TEXT or by --file, not both")
    before, after = load(args.before), load(args.after)
    check_alike(before, after)
    sentences = Sentences(before, args.texts or [DEFAULT_TEXT], args.file, args.skip_bad)
    out = writable_folder(args.out)
    moved, done = measure_shift(before, after, sentences)
    order = np.argsort(-moved.attention, axis=None, kind="stable")
    ranking = [tuple(map(int, np.unravel_index(place, moved.attention.shape))) for place in order]
    path = out / "compare.csv"
    write_csv(path, shift_rows(moved))

    skipped = f", {sentences.left_out}" if args.skip_bad else ""
    some = f" of {len(sentences)}" if done < len(sentences) else ""
    plural = "" if len(sentences) == 1 else "s"
    print(f"{model_name(before)} → {model_name(after)}: {done}{some} sentence{plural}{skipped}")
    print(shift_table(moved, ranking))
    if not any(values.any() for values in (moved.attention, moved.query, moved.key)):
        print("nothing moved: here the two models are the same, so no head is drawn closely")
        ranking = []
    print()
    print(path)
    for name, figure in pictures(before, after, sentences, moved, done, ranking[: args.closely], args):
        import viz

        print(viz.save(figure, out / f"{name}.{args.format}"))
    if done < len(sentences):
        raise KeyboardInterrupt


def check_alike(before: Bert, after: Bert) -> None:
    """ValueError, naming what differs, where the two cannot be compared head by head."""
    for name in ("num_hidden_layers", "num_attention_heads", "head_size"):
        one, other = getattr(before.config, name), getattr(after.config, name)
        if one != other:
            raise ValueError(f"{before.name} and {after.name} differ in {name}: {one} and {other}; expected the same")
    one, other = (bert.tokenizer.backend.get_vocab() for bert in (before, after))
    if one != other:
        token = min(
            (token for token in one.keys() | other.keys() if one.get(token) != other.get(token)),
            key=lambda token: one.get(token, other.get(token)),
        )
        raise ValueError(
            f"{before.name} and {after.name} differ in their vocabularies: {token!r} is {one.get(token, 'unknown')} "
            f"in the first and {other.get(token, 'unknown')} in the second; expected the same tokenizer"
        )


def measure_shift(before: Bert, after: Bert, sentences: Sentences):
    """What moved, added up over all sentences, and how many there were until the end or Ctrl-C."""
    from huggingface_hub.utils import tqdm

    import viz

    moved, done = None, 0
    bar = tqdm(total=len(sentences), unit=" sentences", disable=None, leave=False)
    try:
        pairs = zip(before.stream(sentences), after.stream(same_ids(after, sentences)), strict=True)
        for one, other in pairs:
            fields = ("query", "key", "attention")
            here = viz.shift(*([stacked(trace, name) for name in fields] for trace in (one, other)))
            moved = here if moved is None else moved + here
            done += 1
            bar.update()
    except KeyboardInterrupt:
        if not done:
            raise
    finally:
        bar.close()
    return moved, done


def same_ids(after: Bert, sentences: Sentences):
    """The Encodings of the second model; ValueError where its tokenizer cuts a text otherwise than the first's."""
    for encoding in sentences:
        other = after.encode(encoding.text)
        if other.input_ids != encoding.input_ids:
            raise ValueError(
                f"the tokenizers differ: {encoding.text!r} is {' '.join(encoding.tokens)} in the first model and "
                f"{' '.join(other.tokens)} in the second; expected the same tokenizer"
            )
        yield other


def shift_rows(moved) -> list[dict]:
    """compare.csv: a row a head."""
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


def shift_table(moved, ranking) -> str:
    """The ten heads whose attention moved most, and the mean of all."""
    lines = [" head  attention  queries   keys"]
    for i, j in ranking[:10]:
        lines.append(f"{f'{i}.{j}':>5}{moved.attention[i, j]:11.3f}{moved.query[i, j]:9.3f}{moved.key[i, j]:7.3f}")
    if len(ranking) > 10:
        lines.append(f"  ...  and {len(ranking) - 10} heads more")
    lines.append(f" mean{moved.attention.mean():11.3f}{moved.query.mean():9.3f}{moved.key.mean():7.3f}")
    return "\n".join(lines)


def pictures(before: Bert, after: Bert, sentences: Sentences, moved, done, ranking, args):
    """Names and figures: the heatmaps, then the heads that moved most, one by one."""
    import viz
    from minibert.commands.pictures import MOST_LINES

    names = [f"before: {model_name(before)}", f"after: {model_name(after)}"]
    maps = {
        "attention (Jensen-Shannon distance)": moved.attention,
        "queries (share of their length)": moved.query,
        "keys (share of their length)": moved.key,
    }
    rows, columns = (range(size) for size in moved.attention.shape)
    text = quoted(sentences.texts) if args.file is None else f"{done} sentences of {args.file.name}"
    title = f"What moved: {model_name(before)} → {model_name(after)} · {text}"
    yield "compare", viz.heatmap_figure(maps, rows, columns, title=title)
    if not ranking:
        return

    chosen = range(len(sentences)) if args.file is None else sentences.sample(args.points, args.seed)
    samples = [gather(bert, sentences, chosen) for bert in (before, after)]
    first = samples[0]
    drawn = quoted(first.texts) if args.file is None else f"{len(first.texts)} sentences of {args.file.name}"
    for layer, head in ranking:
        where = f"{model_name(before)} → {model_name(after)} · layer {layer}, head {head}"
        where += f" · attention moved {moved.attention[layer, head]:.2f}"
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
            viz.joint_figure(panels, first.tokens, lines, common=True, title=f"{where} · {drawn}", notes=names),
        )
        # the sentence in which this head moved most, with the number that belongs to it
        maps = [[block[layer, head] for block in sample.attention] for sample in samples]
        moves = [float(viz.jensen_shannon(*pair).mean()) for pair in zip(*maps, strict=True)]
        which = int(np.argmax(moves))
        labels = [token for token, number in zip(first.tokens, first.sentences, strict=True) if number == which]
        if len(moves) > 1:
            where += f" over {done} sentences, {moves[which]:.2f} in this one, where it moved most of those drawn"
        heading = f"{where} · {quoted([first.texts[which]])}"
        pair = [blocks[which] for blocks in maps]
        yield (
            f"compare-attention-{layer}.{head}",
            viz.attention_pair_figure(*pair, labels, names=names, title=heading),
        )

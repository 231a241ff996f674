"""Compares two models of one shape and one tokenizer, such as a model before and after fine-tuning. For each head it
measures how far the attention moved (Jensen-Shannon distance, mean over queries, 0 to 1), and how far queries and keys
moved (as a share of their length). It draws heatmaps of all heads. For the heads whose attention moved most it also
draws both joint pictures in one plane, and both attention maps with their difference.

  minibert compare tiny tiny-sentiment "The film was not good."
  minibert compare tiny tiny-sentiment --file reviews.txt
"""

import argparse
from typing import TYPE_CHECKING

from minibert.commands import arguments as arg
from minibert.commands.output import check_whole, folder_name, folder_of_run, name_of_texts, print_doubts, print_json
from minibert.corpus.doubts import Doubts
from minibert.files import write_csv
from minibert.model import load
from minibert.terminal import model_name

if TYPE_CHECKING:
    from minibert.survey.compare import Comparison

EXAMPLE = "The film was not good, but the ending moved me."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("before", type=arg.not_empty, metavar="MODEL_A", help=arg.MODEL_HELP)
    parser.add_argument("after", type=arg.not_empty, metavar="MODEL_B", help="the same model, trained further")
    arg.add_texts(parser, EXAMPLE)
    arg.add_cluster(arg.add_source(parser))
    arg.option(parser, "--closely", arg.at_least(0), "N", "how many heads to draw one by one", 2)
    arg.add_output(parser, default="out/MODEL_A-to-MODEL_B/TEXT")
    arg.add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Measure, write the table, rank the heads, draw."""
    arg.check_source(args, args.texts, without_file="points seed workers scheduler")
    before, after = load(args.before), load(args.after)
    import viz
    from minibert.survey.compare import compare, pictures

    texts = args.texts or [EXAMPLE]
    options = arg.given(args, "points seed closely skip-bad column")
    models = f"{folder_name(before)}-to-{folder_name(after)}"
    names = ["compare.csv", f"compare*.{args.format}"]
    out = folder_of_run(args.out, models, name_of_texts(texts, args.file, options), files=names)

    found = compare(before, after, texts, **arg.source(args))
    print_doubts(Doubts(before).look(found.scan.sample))
    out = out / "stopped" if found.stopped else out  # what lies there of a whole run stays
    written = [out / "compare.csv"]
    write_csv(written[0], [row | {"sentences": found.done} for row in found.rows])
    if not args.json:
        print(f"{found.models}: {found.how_many}{found.of_files}{found.left_out}")
        print(table(found), end="\n\n")
        print(written[0])
    for name, figure in pictures(found, found.ranking[: args.closely], args.width):
        written.append(viz.save(figure, out / f"{name}.{args.format}"))
        if not args.json:
            print(written[-1])
    if args.json:
        result = {"before": model_name(before), "after": model_name(after), "sentences": found.done}
        files = {"skipped": found.scan.skipped, "files": list(map(str, written))}
        print_json(result | {"heads": found.rows} | files)
    check_whole(found)


def table(found: "Comparison") -> str:
    """The ten heads whose attention moved most, and the mean of all."""
    moved, ranking = found.moved, found.ranking
    lines = [" head  attention  queries   keys"]
    for i, j in ranking[:10]:
        lines.append(f"{f'{i}.{j}':>5}{moved.attention[i, j]:11.3f}{moved.query[i, j]:9.3f}{moved.key[i, j]:7.3f}")
    if len(ranking) > 10:
        lines.append(f"  ...  and {len(ranking) - 10} heads more")
    lines.append(f" mean{moved.attention.mean():11.3f}{moved.query.mean():9.3f}{moved.key.mean():7.3f}")
    lines.append("attention: Jensen-Shannon distance, 0 to 1; queries, keys: moved by this share of their length")
    if not found.moving:
        lines.append("nothing moved: here the two models are the same, so no head is drawn closely")
    return "\n".join(lines)

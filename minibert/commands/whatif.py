"""Switches every head off in turn and prints how the model's answer changes. The answer is the likeliest word at the
first [MASK] of the text or, for a text without one, the label of the classifier. The cost of a head is
log(probability with all heads / without this one) in nats: above 0 where the answer needs the head, below 0 where
the answer is likelier without it.
"""

import argparse

import numpy as np

from minibert.commands.arguments import add_json, add_model, add_output, at_least, option, refuse
from minibert.commands.output import folder_name, folder_of_run, name_of_texts, print_json
from minibert.corpus.sentences import as_text
from minibert.model import load
from minibert.terminal import model_name, printable, quoted, rounded
from minibert.whatif.heads import Effects, head_effects

COST = "cost of each head, in nats"
CAPTION = (
    "One row per layer, one column per head. Cost: log(probability with all heads / without this one); below 0, the "
    "answer is likelier without it. Costs of several heads do not add up."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("text", metavar="TEXT", help="a text with [MASK] in the place of a word, or a pair with |||")
    add_model(parser)
    option(parser, "--top", at_least(1), "N", "how many heads to print, costliest first", 5)
    add_output(parser, default="out/whatif/MODEL/TEXT")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """A table of the costliest heads, and a picture of all of them."""
    if args.json:
        refuse(args, "top out format width", "with --json, which has every head and no picture")
    bert, text = load(args.model), as_text(args.text)
    if args.json:
        print_json({"model": model_name(bert), "text": args.text} | as_json(head_effects(bert, text)))
        return
    folder = folder_of_run(args.out, "whatif", folder_name(bert), name_of_texts([text], None, {}))
    effects = head_effects(bert, text)
    import viz

    layers, heads = effects.cost.shape
    largest = max(0.1, float(np.abs(effects.cost).max()))  # costs that are next to nothing shall look it
    figure = viz.heatmap_figure(
        {COST: effects.cost},
        range(layers),
        range(heads),
        limits={COST: (-largest, largest)},
        caption=CAPTION,
        title=f"{model_name(bert)} · what “{effects.answer}” needs · {quoted([text])}",
        width=args.width,
    )
    print("\n".join(map(printable, table(effects, args.top).splitlines())))
    path = folder / f"heads.{args.format}"
    viz.save(figure, path)
    print(path)


def costliest(effects: Effects) -> list[tuple[int, int]]:
    order = np.argsort(-effects.cost, axis=None, kind="stable")
    return [(int(layer), int(head)) for layer, head in zip(*np.unravel_index(order, effects.cost.shape), strict=True)]


def table(effects: Effects, top: int) -> str:
    """One line per head: its cost, the probability that is left, and the answer without it."""
    lines = [f"{effects.answer}: {effects.before:.3f} with all heads", " head   cost  left  answer"]
    for at in costliest(effects)[:top]:
        lines.append(f"{at[0]:>3}.{at[1]:<2}{effects.cost[at]:z6.2f} {effects.after[at]:5.3f}  {effects.turned[at]}")
    needed, turned = int((effects.cost > 0.01).sum()), int((effects.turned != effects.answer).sum())
    lines.append(
        f"{needed} of {effects.cost.size} heads cost more than 0.01; "
        + ("none changes the answer" if not turned else f"{turned} {'changes' if turned == 1 else 'change'} the answer")
    )
    return "\n".join(lines)


def as_json(effects: Effects) -> dict:
    """All heads, the costliest first."""
    heads = []
    for layer, head in costliest(effects):
        at = layer, head
        numbers = {"cost": rounded(effects.cost[at]), "after": rounded(effects.after[at])}
        heads.append({"layer": layer, "head": head} | numbers | {"answer": effects.turned[at]})
    return {"answer": effects.answer, "before": rounded(effects.before), "heads": heads}

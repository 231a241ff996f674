"""`minibert exercises run`: a student's own BERT at work."""

import sys

import numpy as np

import minibert
from minibert.exercises.front.console import Console
from minibert.exercises.own import EXERCISE_OF, OwnBert, assemble
from minibert.exercises.text import Text, after, t
from minibert.model import Bert
from minibert.terminal import columns, padded, shades
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace


def run_own(folder: str, text: str, model: str, time_limit: float, out: Console) -> None:
    """Print which parts are the student's, its predictions, its attention, and its difference from the library."""
    library = minibert.load(model)
    encoding = library.encode(text)  # raises before anything is checked
    print_run(assemble(folder, model, time_limit=time_limit), library, encoding, out)


def print_run(own: OwnBert, library: Bert, encoding: Encoding, out: Console) -> None:
    for text in about_parts(own):
        out.fold(text)
    ours, theirs = library(encoding), own(encoding)
    masks = [place for place, role in enumerate(encoding.roles) if role == "mask"]
    if masks:
        out.print()
        out.print(t("What your BERT predicts at [MASK]:"))
        for guesses in own.fill_mask(encoding):
            print("  " + "  ".join(f"{token} {probability:.3f}" for token, probability in guesses))
    out.print()
    out.print(t("Attention, layer by layer: the mean over all heads (one row per query)"))
    for line in attention_blocks(theirs, out):
        print("  " + line)
    gap = max(float(np.abs(a - b).max()) for a, b in zip(theirs.hidden_states, ours.hidden_states, strict=True))
    share = max(float(np.abs(a.attention - b.attention).max()) for a, b in zip(theirs.layers, ours.layers, strict=True))
    says = "The library's hidden states differ by at most {gap}, and its attention by at most {share}."
    out.print()
    verdict = t("This is only rounding." if gap < 1e-3 else "This is too much for rounding!")
    out.fold(after(t(says, gap=f"{gap:.1e}", share=f"{share:.1e}"), verdict))
    if len(own.yours) == len(EXERCISE_OF):
        out.print(t("You wrote every function of it. This is your BERT."))


def about_parts(own: OwnBert) -> list[Text]:
    left = [name for name in EXERCISE_OF if name not in own.yours]
    lines = [
        t(
            "{count} of {total} functions are yours: {names}",
            count=len(own.yours),
            total=len(EXERCISE_OF),
            names=", ".join(own.yours) or "-",
        )
    ]
    begun = [name for name in left if name in own.begun]
    left = [name for name in left if name not in own.begun]
    if begun:
        lines.append(t("Written, but not right yet: {names}", names=", ".join(begun)))
    if left:
        lines.append(t("Still the library's: {names}", names=", ".join(left)))
    return lines


def attention_blocks(trace: Trace, out: Console) -> list[str]:
    """The attention of all layers side by side, one character per key, a row per query."""
    signs = shades(getattr(sys.stdout, "encoding", None))
    maps = [layer.attention.mean(axis=0) for layer in trace.layers]
    width = max(map(columns, trace.tokens))
    titles = [out.text(t("layer {i}", i=i)) for i in range(len(maps))]
    heads = [padded(title, len(trace.tokens)) for title in titles]
    lines = ["  ".join([" " * width, *heads]).rstrip()] if all(len(head) <= len(trace.tokens) for head in heads) else []
    for query, token in enumerate(trace.tokens):
        rows = []
        for attention in maps:
            levels = (attention[query] / attention.max() * (len(signs) - 1)).round().astype(int)
            rows.append("".join(signs[level] for level in levels))
        lines.append(f"{padded(token, width)}  {'  '.join(rows)}")
    return lines

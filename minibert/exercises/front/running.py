"""`minibert exercises run`: a student's own BERT at work."""

import sys

import numpy as np

import minibert
from minibert.exercises.front.pictures import PLAIN_SHADES, SHADES, wide
from minibert.exercises.front.saying import say
from minibert.exercises.language import t
from minibert.exercises.own import EXERCISE_OF, OwnBert, assemble
from minibert.model import Bert
from minibert.tokenizer.encoding import Encoding


def tell(folder: str, text: str, model: str, time_limit: float) -> None:
    """Print which parts are the student's, what the model guesses, where it looks, how far it is from the library's."""
    library = minibert.load(model)
    encoding = library.encode(text)  # what cannot be run is said before anything is checked
    tell_of(assemble(folder, model, time_limit=time_limit), library, encoding)


def tell_of(own: OwnBert, library: Bert, encoding: Encoding) -> None:
    for line in about_parts(own):
        say(line)
    ours, theirs = library(encoding), own(encoding)
    masks = [place for place, role in enumerate(encoding.roles) if role == "mask"]
    if masks:
        print("\n" + t("What your BERT writes at [MASK]:"))
        for guesses in own.fill_mask(encoding):
            print("  " + "  ".join(f"{token} {probability:.3f}" for token, probability in guesses))
    print("\n" + t("Where it looks: layer by layer, the mean over all heads (a row per query token)"))
    for line in attention_blocks(theirs):
        print("  " + line)
    gap = max(float(np.abs(a - b).max()) for a, b in zip(theirs.hidden_states, ours.hidden_states, strict=True))
    share = max(float(np.abs(a.attention - b.attention).max()) for a, b in zip(theirs.layers, ours.layers, strict=True))
    says = "How far from the library's: hidden states differ by at most {gap}, attention by at most {share}. "
    print()
    say(t(says, gap=f"{gap:.1e}", share=f"{share:.1e}") + t("That is rounding." if gap < 1e-3 else "Too far!"))
    if len(own.yours) == len(EXERCISE_OF):
        print(t("Every part of it is yours. This is your BERT."))


def about_parts(own: OwnBert) -> list[str]:
    left = [name for name in EXERCISE_OF if name not in own.yours]
    lines = [
        t(
            "{count} of {total} parts are yours: {names}",
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
        lines.append(t("The library's, for now: {names}", names=", ".join(left)))
    return lines


def attention_blocks(trace) -> list[str]:
    """The attention of all layers side by side, one character per key, a row per query."""
    shades = SHADES
    try:
        SHADES.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        shades = PLAIN_SHADES
    maps = [layer.attention.mean(axis=0) for layer in trace.layers]
    width = max(map(len, trace.tokens))
    titles = [t("layer {i}", i=i) for i in range(len(maps))]
    heads = [title + " " * (len(trace.tokens) - wide(title)) for title in titles]
    lines = ["  ".join([" " * width, *heads]).rstrip()] if all(len(head) <= len(trace.tokens) for head in heads) else []
    for query, token in enumerate(trace.tokens):
        rows = []
        for attention in maps:
            levels = (attention[query] / attention.max() * (len(shades) - 1)).round().astype(int)
            rows.append("".join(shades[level] for level in levels))
        lines.append(f"{token:{width}}  {'  '.join(rows)}")
    return lines

"""Exercise 23: which head carries the answer?"""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, Output
from minibert.exercises.course.shared import LH, backend_of, called, head_of, head_of_words
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import royal_pair
from minibert.exercises.text import Text, t
from minibert.heads import masked_lm_logits
from minibert.model import Bert
from minibert.numerics import softmax
from minibert.trace import Trace
from minibert.whatif.patching import patch

PAIRS = (
    ("My father and my [MASK] are both dead.", "My horse and my [MASK] are both dead.", "mother"),
    ("She opened the door and went into the [MASK].", "She opened the book and went into the [MASK].", "room"),
    ("The captain went on board the [MASK].", "The captain went out of the [MASK].", "ship"),
    ("He took her by the [MASK] and led her away.", "He took her to the [MASK] and led her away.", "hand"),
)
"""Two texts with equally many tokens, and the word of the first"""


def patched_with(change, logit=lambda logits_V, word: logits_V[word], less=lambda good, bad: bad):
    """patch_heads, with another context, reading, or run to compare with.

    change(corrupted context, clean context, columns, place of [MASK]) makes the new context, `logit` reads it, and
    less(clean run, corrupted run) is what is taken off.
    """

    def measure(bert: Bert, clean: str, corrupted: str, word: str) -> np.ndarray:
        good, bad = bert(clean), bert(corrupted)
        place, number = bad.roles.index("mask"), backend_of(bert).token_to_id(word)
        config, size = bert.config, bert.config.head_size

        def read(trace: Trace) -> float:
            hidden_TD = trace.hidden_states[-1][place : place + 1]
            logits_TV = masked_lm_logits(hidden_TD, head_of_words(bert), config.hidden_act, config.layer_norm_eps)
            return float(logit(logits_TV[0], number))

        effect_LH = np.zeros((config.num_hidden_layers, config.num_attention_heads))
        for layer, head in np.ndindex(effect_LH.shape):
            own, other = bad.layers[layer].context, good.layers[layer].context
            new = change(own.copy(), other, slice(head * size, (head + 1) * size), place)
            effect_LH[layer, head] = read(bert.resume(bad, layer=layer, context=new)) - read(less(good, bad))
        return effect_LH

    return measure


def columns_of(own, other, columns, place):
    own[:, columns] = other[:, columns]
    return own


def all_but(own, other, columns, place):
    new = other.copy()
    new[:, columns] = own[:, columns]
    return new


def interleaved_columns(own, other, columns, place):
    size = columns.stop - columns.start
    heads = own.shape[1] // size
    own[:, columns.start // size :: heads] = other[:, columns.start // size :: heads]
    return own


def only_at_the_mask(own, other, columns, place):
    own[place, columns] = other[place, columns]
    return own


def columns_so_far(own, other, columns, place):
    own[:, : columns.stop] = other[:, : columns.stop]
    return own


def switched_off(own, other, columns, place):
    own[:, columns] = 0
    return own


patch_heads = patched_with(columns_of)


def logits_with_patch(bert, clean, corrupted, word):
    bad, config = bert(corrupted), bert.config
    hidden_TD = bad.hidden_states[-1]
    logits_TV = masked_lm_logits(hidden_TD, head_of_words(bert), config.hidden_act, config.layer_norm_eps)
    without = logits_TV[bad.roles.index("mask"), backend_of(bert).token_to_id(word)]
    return patch_heads(bert, clean, corrupted, word) + float(without)


DIFFERENCE_OF_LOGITS = 2e-3
"""An effect is the small difference of two large numbers, so its rounding error is larger: `Output.near`"""


def patching_cases(draw: Draw) -> list[Case]:
    cases = []
    first = not draw.drawn
    heads, head_size, *_ = draw.sizes(4, 3, 9)
    for bert in [model("tiny")] * first + [draw.bert(2, heads, head_size)]:
        clean, corrupted, word = PAIRS[int(draw.rng.integers(len(PAIRS)))]
        about = t("{model} and the word {word}", model=called(bert), word=repr(word))
        cases.append(Case(about, (bert, clean, corrupted, word)))
    return cases


def patching_answer() -> Text:
    table_LH = patch_heads(model("tiny"), *royal_pair())
    layer, head = head_of(table_LH)
    return t(
        "One head carries nearly all: layer {layer}, head {head} alone increases the logit of queen by {most}. The "
        "next best increases it by {next}. This is one model and one sentence. Try others too.",
        layer=layer,
        head=head,
        most=f"{table_LH.max():.2f}",
        next=f"{np.sort(table_LH.ravel())[-2]:.2f}",
    )


PATCH_HEADS_MISTAKES = (
    Mistake(
        "wrong-way",
        "the clean run gets the corrupted context. Patch the corrupted run",
        lambda bert, clean, corrupted, word: patch_heads(bert, corrupted, clean, word),
    ),
    Mistake("all-but", "every head except this one is patched", patched_with(all_but)),
    Mistake("all-heads", "the whole context of the layer is patched", patched_with(lambda own, other, *_: other)),
    Mistake(
        "interleaved",
        ("every H-th column is patched. The head's columns are K in a row"),
        patched_with(interleaved_columns),
    ),
    Mistake("switched-off", "the head is switched off. Patch it instead", patched_with(switched_off)),
    Mistake(
        "nothing",
        "no head is patched. Is the new context passed to resume?",
        patched_with(lambda own, *_: own),
    ),
    Mistake(
        "one-row",
        "only the row of [MASK] is patched. Patch the head's columns for all tokens",
        patched_with(only_at_the_mask),
    ),
    Mistake(
        "heads-pile-up",
        "the patches of earlier heads are still there. Make a new copy for every head",
        patched_with(columns_so_far),
    ),
    Mistake(
        "wrong-baseline",
        "the logit of the clean run is subtracted. Subtract that of the corrupted run",
        patched_with(columns_of, less=lambda good, bad: good),
    ),
    Mistake("no-baseline", "the logit without any patch is not subtracted", logits_with_patch),
    Mistake(
        "probability",
        "the difference of probabilities is returned. Use logits",
        patched_with(columns_of, lambda logits_V, word: softmax(logits_V)[word]),
    ),
    Mistake(
        "turned",
        "the result has the shape [heads, layers]. It must be [layers, heads]",
        lambda *arguments: patch_heads(*arguments).T,
    ),
    Mistake(
        "sign",
        "the difference has the wrong sign. Take the logit with the patch minus the logit without it",
        lambda *arguments: -patch_heads(*arguments),
    ),
)


EXERCISE = Exercise(
    file="23_patching.py",
    title="which head carries the answer?",
    minutes=25,
    difficulty=3,
    parts=(
        Function(
            "patch_heads",
            patch_heads,
            (Output("effect", LH, near=DIFFERENCE_OF_LOGITS),),
            patching_cases,
            PATCH_HEADS_MISTAKES,
            hints=(
                (
                    "Write two loops, over layers and over heads. In each round, copy the context of the corrupted "
                    "run. Put K columns of the clean run into it, and call resume."
                ),
                (
                    "Compute context = bad.layers[layer].context.copy(), and set context[:, columns] = "
                    "good.layers[layer].context[:, columns]. Then patched = bert.resume(bad, layer=layer, "
                    "context=context), and the logit is logits_of(bert, patched)[place, number]."
                ),
            ),
        ),
        Finding("CARRYING_HEAD", lambda: patch_heads(model("tiny"), *royal_pair()), "the increase of the logit"),
    ),
    answer=patching_answer,
    shown=(patch,),
)

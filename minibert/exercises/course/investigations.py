"""Exercises 17 to 19, and 23: questions to a real model. The answers are measured when the exercise is checked."""

from functools import cache

import numpy as np

from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import attention_block
from minibert.exercises import blanks, royal_pair, sentences
from minibert.exercises.course.encoder import called, small_bert
from minibert.exercises.draw import Draw, model
from minibert.exercises.exercise import Case, Exercise, Finding, Function, Mistake, Output, Wrong
from minibert.exercises.language import t
from minibert.heads import masked_lm_logits
from minibert.model import Bert
from minibert.numerics import softmax
from minibert.trace import Trace
from minibert.whatif.heads import without_heads
from minibert.whatif.patching import patch

LH = ("layer", "head")


def some_sentences(draw: Draw, count: int = 5) -> list[str]:
    return [str(text) for text in draw.rng.choice(sentences(), size=count, replace=False)]


def head_of(table_LH: np.ndarray) -> tuple[int, int]:
    layer, head = np.unravel_index(int(table_LH.argmax()), table_LH.shape)
    return int(layer), int(head)


# --- the previous-token head ----------------------------------------------------------------------------------------


def previous_token_attention(bert: Bert, texts: list[str]) -> np.ndarray:
    """The attention a token gives to the one before it, averaged over all tokens that have one -> [L, H]."""
    rows = [
        np.stack([layer.attention for layer in trace.layers]).diagonal(offset=-1, axis1=-2, axis2=-1)
        for trace in bert.batch(texts, keep=("attention",))
    ]
    return np.concatenate(rows, axis=-1).mean(axis=-1)


def previous_token_cases(draw: Draw) -> list[Case]:
    return [
        Case(t("{model} and {count} sentences", model=called(bert), count=count), (bert, some_sentences(draw, count)))
        for bert, count in models(draw)
    ]


def models(draw: Draw) -> list[tuple[Bert, int]]:
    """Models to measure, each with a number of sentences; the bundled one the first time only."""
    first = not draw.drawn
    return [(model("tiny"), 5)] * first + [(small_bert(draw), 3)]


def diagonal_mean(offset=-1, array="attention", average=np.mean):
    """The measurement on another diagonal, of another array, or averaged otherwise."""

    def mistake(bert, texts):
        traces = bert.batch(texts, keep=("attention", "scores"))
        rows = [
            np.stack([getattr(layer, array) for layer in trace.layers]).diagonal(offset=offset, axis1=-2, axis2=-1)
            for trace in traces
        ]
        return average(np.concatenate(rows, axis=-1), axis=-1)

    return mistake


def mean_of_means(bert, texts):
    return np.mean([previous_token_attention(bert, [text]) for text in texts], axis=0)


def first_token_counted(bert, texts):
    lengths = [len(bert.encode(text)) for text in texts]
    return previous_token_attention(bert, texts) * np.float32(1 - len(lengths) / sum(lengths))


def previous_token_answer() -> str:
    table_LH = previous_token_attention(model("tiny"), sentences())
    layer, head = head_of(table_LH)
    by_layer = ", ".join(f"{share:.2f}" for share in table_LH.max(axis=1))
    return t(
        "Layer {layer}, head {head}: over the sentences of the course it gives {share} of its attention to the token "
        "before; the mean over all heads is {mean}. The best head of each layer: {by_layer}.",
        layer=layer,
        head=head,
        share=f"{table_LH[layer, head]:.2f}",
        mean=f"{table_LH.mean():.2f}",
        by_layer=by_layer,
    )


def diagonals_with(change):
    """The measurement, each sentence's diagonals [L, H, tokens - 1] changed first; `change` gets the attention too."""

    def mistake(bert, texts):
        rows = []
        for trace in bert.batch(texts, keep=("attention",)):
            attention = np.stack([layer.attention for layer in trace.layers])
            rows.append(change(attention.diagonal(offset=-1, axis1=-2, axis2=-1), attention))
        return np.concatenate(rows, axis=-1).mean(axis=-1)

    return mistake


PREVIOUS_TOKEN_ATTENTION_MISTAKES = (
    Mistake(
        "wraps-round",
        "the first token is counted as well: attention[0, -1] is the last column, for -1 counts from the end",
        diagonals_with(lambda rows, attention: np.concatenate([attention[..., 0, -1:], rows], axis=-1)),
    ),
    Mistake(
        "pair-left-out",
        "the first pair of each sentence is left out: token 1 has token 0 before it",
        diagonals_with(lambda rows, attention: rows[..., 1:]),
    ),
    Mistake(
        "pair-left-out",
        "the last token of each sentence is left out",
        diagonals_with(lambda rows, attention: rows[..., :-1]),
    ),
    Mistake(
        "one-sentence",
        "only the first sentence is measured: is there a `return` inside the loop?",
        lambda bert, texts: previous_token_attention(bert, texts[:1]),
    ),
    Mistake(
        "one-sentence",
        "only the last sentence is measured: each round of the loop begins anew",
        lambda bert, texts: previous_token_attention(bert, texts[-1:]),
    ),
    Mistake(
        "turned",
        "the result is [heads, layers]; it is to be [layers, heads]",
        lambda bert, texts: previous_token_attention(bert, texts).T,
    ),
    Mistake("next-token", "attention to the token after is measured (rows are queries)", diagonal_mean(1)),
    Mistake("same-token", "the attention of a token to itself is measured", diagonal_mean(0)),
    Mistake("two-back", "attention to the token two places back is measured", diagonal_mean(-2)),
    Mistake("scores", "scores are measured; attention is what comes after softmax", diagonal_mean(-1, "scores")),
    Mistake("sum", "it is the sum over tokens; divide by their number", diagonal_mean(average=np.sum)),
    Mistake(
        "mean-of-means",
        "each sentence counts the same however long it is; let each token count the same",
        mean_of_means,
    ),
    Mistake(
        "first-token-counted",
        "the division is by the number of all tokens; the first of each sentence has none before it",
        first_token_counted,
    ),
)

PREVIOUS = Exercise(
    file="17_previous_token_head.py",
    title="find the head that looks one token back",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "previous_token_attention",
            previous_token_attention,
            (Output("measurement", LH),),
            previous_token_cases,
            PREVIOUS_TOKEN_ATTENTION_MISTAKES,
            hints=(
                (
                    "In one sentence, attention[h, t, t - 1] for t = 1, 2, ... is what np.diagonal with "
                    "offset=-1 gives (its axis1 and axis2 are the last two)."
                ),
                (
                    "Collect the diagonals of all sentences in one list, as arrays [L, H, tokens - 1]; "
                    "np.concatenate(..., axis=-1), then the mean over the last axis. Then run the file, and "
                    "write down the layer and head of the largest number."
                ),
            ),
        ),
        Finding(
            "PREVIOUS_TOKEN_HEAD",
            lambda: previous_token_attention(model("tiny"), sentences()),
            "attention to the token before",
        ),
    ),
    answer=previous_token_answer,
    shown=(previous_token_attention,),
)

# --- a head switched off --------------------------------------------------------------------------------------------


def switch_off(weights: LayerWeights, head: int, head_size: int) -> LayerWeights:
    """The layer whose head has no say: the columns of attention_output that its context meets are 0."""
    weight_DD = weights.attention_output.weight.copy()
    weight_DD[:, head * head_size : (head + 1) * head_size] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight_DD))


def blank_loss(bert: Bert, blanks: list[tuple[str, str]]) -> float:
    """mean over blanks of -log(probability of the right word at its [MASK])"""
    return float(blank_losses(bert, blanks).mean())


def blank_losses(bert: Bert, blanks: list[tuple[str, str]]) -> np.ndarray:
    return -np.log([places_V[word] for places_V, word in probabilities_at_blanks(bert, blanks)])


def probabilities_at_blanks(bert, blanks):
    """For each blank the probabilities [V] at its [MASK], and the id of the right word."""
    encodings = [bert.encode(text) for text, _ in blanks]
    traces = bert.batch(encodings, keep=("hidden_states",))
    rows_ND = np.stack(
        [
            trace.hidden_states[-1][encoding.input_ids.index(bert.tokenizer.mask_id)]
            for encoding, trace in zip(encodings, traces, strict=True)
        ]
    )
    head, config = bert.weights.masked_lm, bert.config
    probabilities_NV = softmax(masked_lm_logits(rows_ND, head, config.hidden_act, config.layer_norm_eps))
    return [
        (row_V, bert.tokenizer.backend.token_to_id(word))
        for row_V, (_, word) in zip(probabilities_NV, blanks, strict=True)
    ]


@cache
def loss_of_each_head(bert: Bert) -> np.ndarray:
    """How much the loss over the blanks of the course grows with each head switched off -> [L, H]."""
    whole = blank_loss(bert, blanks())
    config = bert.config
    return np.array(
        [
            [
                blank_loss(bert.without_heads([(layer, head)]), blanks()) - whole
                for head in range(config.num_attention_heads)
            ]
            for layer in range(config.num_hidden_layers)
        ]
    )


def switch_off_cases(draw: Draw) -> list[Case]:
    heads, _, head_size, inner = draw.model_sizes()
    head = int(draw.rng.integers(1, heads - 1)) if heads > 2 else 1
    about = "a layer with {heads} heads of size {head_size}, head {head} to be switched off"
    about = t(about, heads=heads, head_size=head_size, head=head)
    return [Case(about, (draw.layer(heads * head_size, inner), head, head_size))]


def what_the_layer_does(arguments: tuple, value: object) -> np.ndarray:
    """There is more than one way to switch a head off: compare what the attention half then makes of some tokens."""
    weights, _, head_size = arguments
    try:
        returned = rebuilt(weights, value)
    except (TypeError, ValueError, IndexError):
        says = "expected LayerWeights with arrays of the same shapes as before: weights._replace(...) makes one"
        raise Wrong(t(says)) from None
    hidden_size = len(weights.attention_output.bias)
    draw = Draw(hidden_size)
    config = draw.config(hidden_size // head_size, head_size, len(weights.intermediate.bias))
    return attention_block(draw.normal(5, hidden_size), [slice(0, 5)], returned, config)[0]


def rebuilt(like, value):
    """`value`, nested tuples of arrays, as the named tuples of `like`, every shape checked."""
    if isinstance(like, np.ndarray):
        if np.shape(value) != like.shape:
            raise ValueError
        return np.asarray(value)
    if len(value) != len(like):
        raise ValueError
    return type(like)(*(rebuilt(part, got) for part, got in zip(like, value, strict=True)))


def zeroed(path: str, rows=True, columns=False, bias=True):
    """The layer with the head's rows (and bias), or columns, of one linear map set to 0."""

    def mistake(weights, head, head_size):
        part = weights.attention_output if path == "attention_output" else getattr(weights.attention, path)
        weight, shift, own = part.weight.copy(), part.bias.copy(), slice(head * head_size, (head + 1) * head_size)
        if rows:
            weight[own] = 0
        if columns:
            weight[:, own] = 0
        if bias:
            shift[own] = 0
        part = part._replace(weight=weight, bias=shift)
        if path == "attention_output":
            return weights._replace(attention_output=part)
        return weights._replace(attention=weights.attention._replace(**{path: part}))

    return mistake


def every_nth(weights, head, head_size):
    weight = weights.attention_output.weight.copy()
    weight[:, head :: weight.shape[1] // head_size] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


def blank_cases(draw: Draw) -> list[Case]:
    rows = blanks()
    cases = []
    for bert, count in models(draw):
        some = [rows[int(i)] for i in draw.rng.choice(len(rows), size=count, replace=False)]
        cases.append(Case(t("{model} and {count} blanks", model=called(bert), count=count), (bert, some)))
    return cases


def loss_with(loss, average=np.mean):
    return lambda bert, blanks: float(
        average([loss(row_V, word) for row_V, word in probabilities_at_blanks(bert, blanks)])
    )


def loss_at(place):
    """The loss with the logits read at another token than the [MASK]."""

    def mistake(bert, blanks):
        losses = []
        for text, word in blanks:
            encoding = bert.encode(text)
            row = place(encoding.input_ids.index(bert.tokenizer.mask_id), len(encoding))
            losses.append(-np.log(softmax(bert.logits(encoding))[row, bert.tokenizer.backend.token_to_id(word)]))
        return float(np.mean(losses))

    return mistake


def loss_from_logits(bert, blanks):
    values = []
    for text, word in blanks:
        encoding = bert.encode(text)
        place = encoding.input_ids.index(bert.tokenizer.mask_id)
        values.append(-bert.logits(encoding)[place, bert.tokenizer.backend.token_to_id(word)])
    return float(np.mean(values))


def loss_over_tokens(bert, blanks):
    values = []
    for text, word in blanks:
        encoding = bert.encode(text)
        probabilities_VT = softmax(bert.logits(encoding).T)
        place = encoding.input_ids.index(bert.tokenizer.mask_id)
        values.append(-np.log(probabilities_VT[bert.tokenizer.backend.token_to_id(word), place]))
    return float(np.mean(values))


def only_this_head(weights, head, head_size):
    own = slice(head * head_size, (head + 1) * head_size)
    weight = np.zeros_like(weights.attention_output.weight)
    weight[:, own] = weights.attention_output.weight[:, own]
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


def head_off_answer() -> str:
    bert = model("tiny")
    table_LH = loss_of_each_head(bert)
    layer, head = head_of(table_LH)
    changed = bert.without_heads([(layer, head)])
    before, after = blank_losses(bert, blanks()), blank_losses(changed, blanks())
    hardest = int((after - before).argmax())
    text, word = blanks()[hardest]
    return t(
        "With all heads the loss is {whole}. Switching off layer {layer}, head {head} costs most, {most}; the median "
        "head costs {median}; of all {size} heads, {free} can go at no cost at all. Hardest hit: "
        "{word} in {text} falls "
        "from {before} to {after}. Where a head is hardly missed, others do what it did, and the "
        "residual passes on the "
        "rest.",
        whole=f"{before.mean():.3f}",
        layer=layer,
        head=head,
        most=f"{table_LH[layer, head]:+.3f}",
        median=f"{np.median(table_LH):+.3f}",
        size=table_LH.size,
        free=int((table_LH <= 0).sum()),
        word=repr(word),
        text=repr(text),
        before=f"{np.exp(-before[hardest]):.3f}",
        after=f"{np.exp(-after[hardest]):.3f}",
    )


def one_column(weights, head, head_size):
    weight = weights.attention_output.weight.copy()
    weight[:, head * head_size] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


def column_of_number(weights, head, head_size):
    weight = weights.attention_output.weight.copy()
    weight[:, head] = 0
    return weights._replace(attention_output=weights.attention_output._replace(weight=weight))


SWITCH_OFF_MISTAKES = (
    Mistake("all-but", "every head but this one is switched off", only_this_head),
    Mistake("one-column", "only the first of the head's K columns is set to 0", one_column),
    Mistake(
        "one-column",
        "the one column with the head's number is set to 0; the head has K columns, from head K on",
        column_of_number,
    ),
    Mistake(
        "rows-for-columns",
        "rows of attention_output are set to 0: that is what the layer gives; what the head hands over meets the "
        "columns",
        zeroed("attention_output", bias=False),
    ),
    Mistake(
        "rows-for-columns",
        "rows of attention_output are set to 0, and of its bias: that is what the layer gives; what the head hands "
        "over meets the columns",
        zeroed("attention_output"),
    ),
    Mistake(
        "bias-too",
        "the bias of attention_output is touched as well; it belongs to no head",
        zeroed("attention_output", rows=False, columns=True),
    ),
    Mistake(
        "query-or-key-off",
        "the head's query or key is set to 0: its attention becomes even, but it still hands over values",
        zeroed("query"),
    ),
    Mistake(
        "value-bias-left",
        "the head's value weights are 0, but it still hands over their bias",
        zeroed("value", bias=False),
    ),
    Mistake(
        "interleaved", "every H-th column is set to 0; the head's columns are K in a row, from head K on", every_nth
    ),
    Mistake(
        "nothing",
        "nothing is switched off; `_replace` makes a copy, and the copy is to be returned",
        lambda weights, head, head_size: weights,
    ),
    Mistake(
        "wrong-head",
        "another head is switched off: heads count from 0",
        lambda weights, head, head_size: switch_off(weights, head - 1, head_size),
    ),
)

BLANK_LOSS_MISTAKES = (
    Mistake(
        "one-blank",
        "only the first blank counts: is there a `return` inside the loop?",
        lambda bert, blanks: blank_loss(bert, blanks[:1]),
    ),
    Mistake(
        "one-blank",
        "only the last blank counts: collect the losses, and take the mean after the loop",
        lambda bert, blanks: blank_loss(bert, blanks[-1:]),
    ),
    Mistake("probability", "the mean probability is returned; take -log of each first", loss_with(lambda p, w: p[w])),
    Mistake("sign", "the sign is wrong: a loss is -log p", loss_with(lambda p, w: np.log(p[w]))),
    Mistake(
        "log-base", "the logarithm is to base 10; take the natural one, np.log", loss_with(lambda p, w: -np.log10(p[w]))
    ),
    Mistake(
        "log-base", "the logarithm is to base 2; take the natural one, np.log", loss_with(lambda p, w: -np.log2(p[w]))
    ),
    Mistake("sum", "it is the sum over the blanks; take the mean", loss_with(lambda p, w: -np.log(p[w]), np.sum)),
    Mistake(
        "log-of-mean",
        "the mean of the probabilities is taken before the logarithm; take the logarithm of each first",
        lambda bert, blanks: float(-np.log(loss_with(lambda p, w: p[w])(bert, blanks))),
    ),
    Mistake("wrong-axis", "softmax runs over the tokens; it runs over the vocabulary, the last axis", loss_over_tokens),
    Mistake("no-softmax", "the logit itself is taken; softmax makes it a probability", loss_from_logits),
    Mistake("wrong-place", "the logits are read at [CLS], token 0, not at [MASK]", loss_at(lambda mask, n: 0)),
    Mistake("wrong-place", "the logits are read one token after [MASK]", loss_at(lambda mask, n: mask + 1)),
    Mistake("wrong-place", "the logits are read one token before [MASK]", loss_at(lambda mask, n: mask - 1)),
)

HEAD_OFF = Exercise(
    file="18_head_off.py",
    title="switch a head off, and see what the prediction loses",
    minutes=30,
    difficulty=3,
    parts=(
        Function(
            "switch_off",
            switch_off,
            (Output("hidden_TD of the attention half", ("token", "number")),),
            switch_off_cases,
            SWITCH_OFF_MISTAKES,
            hints=(
                (
                    "attention_output.weight is [out, in], and `in` is the context, heads side by side. Copy "
                    "the array before you change it."
                ),
                (
                    "weight = weights.attention_output.weight.copy(); weight[:, head * head_size : (head + 1) "
                    "* head_size] = 0; put it back with _replace twice."
                ),
            ),
            look=what_the_layer_does,
        ),
        Function(
            "blank_loss",
            blank_loss,
            (Output("loss", ()),),
            blank_cases,
            BLANK_LOSS_MISTAKES,
            hints=(
                "bert.logits(encoding), softmax, and of that the row where input_ids is bert.tokenizer.mask_id.",
                (
                    "The mean of -np.log(softmax(logits)[place, bert.tokenizer.backend.token_to_id(word)]), "
                    "with place = encoding.input_ids.index(bert.tokenizer.mask_id)."
                ),
            ),
        ),
        Finding(
            "MOST_NEEDED_HEAD",
            lambda: loss_of_each_head(model("tiny")),
            "the loss it costs to switch the head off",
            hints=(
                "Run the file: it prints a line per head, with the loss that it costs to switch this head off.",
                "Find the line with the largest number, and write down its layer and head.",
            ),
        ),
    ),
    answer=head_off_answer,
    shown=(without_heads, blank_loss),
)

# --- what fine-tuning moved -----------------------------------------------------------------------------------------


def attention_moved(before: Bert, after: Bert, texts: list[str]) -> np.ndarray:
    """moved = mean over queries of 1/2 sum over keys |attention after - attention before| -> [L, H]"""
    rows = []
    for old, new in zip(before.batch(texts, keep=("attention",)), after.batch(texts, keep=("attention",)), strict=True):
        old_LHTS, new_LHTS = (np.stack([layer.attention for layer in trace.layers]) for trace in (old, new))
        rows.append(0.5 * np.abs(new_LHTS - old_LHTS).sum(axis=-1))
    return np.concatenate(rows, axis=-1).mean(axis=-1)


def moved_cases(draw: Draw) -> list[Case]:
    first = not draw.drawn
    cases = []
    if first:
        about = t("the two bundled models and {count} sentences", count=5)
        cases.append(Case(about, (model("tiny"), model("tiny-sentiment"), some_sentences(draw))))
    before = small_bert(draw)
    after = draw.bert(before.config.num_hidden_layers, before.config.num_attention_heads, before.config.head_size)
    about = t("{model}, another like it, and {count} sentences", model=called(before), count=3)
    return [*cases, Case(about, (before, after, some_sentences(draw, 3)))]


def moved_with(distance, array="attention"):
    """The measurement with another distance [L, H, T, S] x 2 -> [L, H, T], or of another array."""

    def mistake(before, after, texts):
        keep, rows = ("attention", "scores"), []
        for old, new in zip(before.batch(texts, keep), after.batch(texts, keep), strict=True):
            old_LHTS, new_LHTS = (np.stack([getattr(layer, array) for layer in trace.layers]) for trace in (old, new))
            rows.append(distance(new_LHTS - old_LHTS))
        return np.concatenate(rows, axis=-1).mean(axis=-1)

    return mistake


def moved_mean_of_means(before, after, texts):
    return np.mean([attention_moved(before, after, [text]) for text in texts], axis=0)


def fine_tuning_answer() -> str:
    table_LH = attention_moved(model("tiny"), model("tiny-sentiment"), sentences())
    layer, head = head_of(table_LH)
    by_layer = ", ".join(f"{share:.3f}" for share in table_LH.mean(axis=1))
    return t(
        "Layer {layer}, head {head} moved most: {share} of its attention went elsewhere. The mean of each layer, from "
        "the first: {by_layer}. A layer's attention moves when its own weights do, and when anything below it does: "
        "later layers show the sum of both.",
        layer=layer,
        head=head,
        share=f"{table_LH[layer, head]:.2f}",
        by_layer=by_layer,
    )


ATTENTION_MOVED_MISTAKES = (
    Mistake(
        "turned",
        "the result is [heads, layers]; it is to be [layers, heads]",
        lambda before, after, texts: attention_moved(before, after, texts).T,
    ),
    Mistake(
        "one-sentence",
        "only the first sentence is measured: is there a `return` inside the loop?",
        lambda before, after, texts: attention_moved(before, after, texts[:1]),
    ),
    Mistake(
        "one-sentence",
        "only the last sentence is measured: each round of the loop begins anew",
        lambda before, after, texts: attention_moved(before, after, texts[-1:]),
    ),
    Mistake(
        "no-half",
        "the 1/2 is forgotten: what leaves one key arrives at another, and is counted twice",
        moved_with(lambda d: np.abs(d).sum(axis=-1)),
    ),
    Mistake(
        "no-absolute",
        "no absolute value is taken: what is lost and what is gained cancel to 0",
        moved_with(lambda d: 0.5 * d.sum(axis=-1)),
    ),
    Mistake(
        "mean-over-keys",
        "the mean over the keys is taken; it must be their sum, or long sentences count less",
        moved_with(lambda d: 0.5 * np.abs(d).mean(axis=-1)),
    ),
    Mistake(
        "squared",
        "differences are squared; take their absolute values",
        moved_with(lambda d: 0.5 * np.square(d).sum(axis=-1)),
    ),
    Mistake(
        "scores",
        "scores are compared; attention is what comes after softmax",
        moved_with(lambda d: 0.5 * np.abs(d).sum(axis=-1), "scores"),
    ),
    Mistake(
        "largest",
        "only the largest difference of each row is taken; sum over all keys",
        moved_with(lambda d: np.abs(d).max(axis=-1)),
    ),
    Mistake(
        "mean-of-means",
        "each sentence counts the same however long it is; let each query count the same",
        moved_mean_of_means,
    ),
)

FINE_TUNING = Exercise(
    file="19_fine_tuning.py",
    title="what fine-tuning moved",
    minutes=15,
    difficulty=2,
    parts=(
        Function(
            "attention_moved",
            attention_moved,
            (Output("measurement", LH),),
            moved_cases,
            ATTENTION_MOVED_MISTAKES,
            hints=(
                (
                    "For one sentence: np.abs(after - before) has the shape of the attention, [H, T, T] a "
                    "layer. Sum over keys, halve, and keep one number a query."
                ),
                (
                    "Collect arrays [L, H, T] in a list, np.concatenate(..., axis=-1), mean over the last "
                    "axis. Then run the file, and write down the layer and head of the largest number."
                ),
            ),
        ),
        Finding(
            "MOST_MOVED_HEAD",
            lambda: attention_moved(model("tiny"), model("tiny-sentiment"), sentences()),
            "the share of attention that fine-tuning moved",
        ),
    ),
    answer=fine_tuning_answer,
    shown=(attention_moved,),
)

# --- which head carries the answer ----------------------------------------------------------------------------------

PAIRS = (
    ("My father and my [MASK] are both dead.", "My horse and my [MASK] are both dead.", "mother"),
    ("She opened the door and went into the [MASK].", "She opened the book and went into the [MASK].", "room"),
    ("The captain went on board the [MASK].", "The captain went out of the [MASK].", "ship"),
    ("He took her by the [MASK] and led her away.", "He took her to the [MASK] and led her away.", "hand"),
)
"""Two texts of as many tokens, and the word of the first"""


def patched_with(change, logit=lambda logits_V, word: logits_V[word], less=lambda good, bad: bad):
    """patch_heads, with another context, reading, or run to compare with.

    change(corrupted context, clean context, columns, place of [MASK]) makes the new context, `logit` reads it, and
    less(clean run, corrupted run) is what is taken off.
    """

    def measure(bert: Bert, clean: str, corrupted: str, word: str) -> np.ndarray:
        good, bad = bert(clean), bert(corrupted)
        place, number = bad.roles.index("mask"), bert.tokenizer.backend.token_to_id(word)
        config, size = bert.config, bert.config.head_size

        def read(trace: Trace) -> float:
            hidden_TD = trace.hidden_states[-1][place : place + 1]
            logits_TV = masked_lm_logits(hidden_TD, bert.weights.masked_lm, config.hidden_act, config.layer_norm_eps)
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
    logits_TV = masked_lm_logits(hidden_TD, bert.weights.masked_lm, config.hidden_act, config.layer_norm_eps)
    without = logits_TV[bad.roles.index("mask"), bert.tokenizer.backend.token_to_id(word)]
    return patch_heads(bert, clean, corrupted, word) + float(without)


DIFFERENCE_OF_LOGITS = 2e-3
"""An effect is the small difference of two large numbers, so rounding has a larger share in it: `Output.near`"""


def patching_cases(draw: Draw) -> list[Case]:
    cases = []
    first = not draw.drawn
    heads, head_size, *_ = draw.sizes(4, 3, 9)
    for bert in [model("tiny")] * first + [draw.bert(2, heads, head_size)]:
        clean, corrupted, word = PAIRS[int(draw.rng.integers(len(PAIRS)))]
        about = t("{model} and the word {word}", model=called(bert), word=repr(word))
        cases.append(Case(about, (bert, clean, corrupted, word)))
    return cases


def patching_answer() -> str:
    table_LH = patch_heads(model("tiny"), *royal_pair())
    layer, head = head_of(table_LH)
    return t(
        "One carries nearly all: layer {layer}, head {head} alone brings the logit of queen up by "
        "{most}. The next best "
        "brings {next}. In this model and this sentence; ask it of others.",
        layer=layer,
        head=head,
        most=f"{table_LH.max():.2f}",
        next=f"{np.sort(table_LH.ravel())[-2]:.2f}",
    )


PATCH_HEADS_MISTAKES = (
    Mistake(
        "wrong-way",
        "the clean run gets the corrupted context; it is the corrupted run that is patched",
        lambda bert, clean, corrupted, word: patch_heads(bert, corrupted, clean, word),
    ),
    Mistake("all-but", "every head but this one is patched", patched_with(all_but)),
    Mistake("all-heads", "the whole context of the layer is patched", patched_with(lambda own, other, *_: other)),
    Mistake(
        "interleaved",
        ("every H-th column is patched; the head's columns are K in a row"),
        patched_with(interleaved_columns),
    ),
    Mistake("switched-off", "the head is switched off, and not patched", patched_with(switched_off)),
    Mistake(
        "nothing",
        "nothing is patched: is the new context given to resume?",
        patched_with(lambda own, *_: own),
    ),
    Mistake(
        "one-row",
        "only the row of [MASK] is patched; the head's columns are patched for all tokens",
        patched_with(only_at_the_mask),
    ),
    Mistake(
        "heads-pile-up",
        "the patches of earlier heads are still there: make a new copy for every head",
        patched_with(columns_so_far),
    ),
    Mistake(
        "wrong-baseline",
        "the logit of the clean run is taken off; take off that of the corrupted run",
        patched_with(columns_of, less=lambda good, bad: good),
    ),
    Mistake("no-baseline", "the logit without any patch is not taken off", logits_with_patch),
    Mistake(
        "probability",
        "the difference is one of probabilities; take the logits",
        patched_with(columns_of, lambda logits_V, word: softmax(logits_V)[word]),
    ),
    Mistake(
        "turned",
        "the result is [heads, layers]; it is to be [layers, heads]",
        lambda *arguments: patch_heads(*arguments).T,
    ),
    Mistake(
        "sign",
        "the difference has the wrong sign: with the patch minus without it",
        lambda *arguments: -patch_heads(*arguments),
    ),
)

PATCHING = Exercise(
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
                "Two loops, over layers and heads. In each round copy the context of the corrupted run, "
                "put K columns of "
                "the clean run into it, and resume.",
                "context = bad.layers[layer].context.copy(); context[:, columns] = "
                "good.layers[layer].context[:, columns]; "
                "patched = bert.resume(bad, layer=layer, context=context); then logits_of(bert, "
                "patched)[place, number].",
            ),
        ),
        Finding(
            "CARRYING_HEAD", lambda: patch_heads(model("tiny"), *royal_pair()), "the logit that the patch brings back"
        ),
    ),
    answer=patching_answer,
    shown=(patch,),
)

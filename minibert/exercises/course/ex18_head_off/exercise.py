"""Exercise 18: switch a head off, and measure the loss."""

from functools import cache

import numpy as np

from minibert.checkpoint.parameters import LayerWeights
from minibert.encoder import attention_block
from minibert.exercises.course.exercise import Case, Exercise, Finding, Function, Mistake, Output, Wrong
from minibert.exercises.course.shared import called, head_of, models
from minibert.exercises.draw import Draw, model
from minibert.exercises.material import blanks
from minibert.exercises.text import Text, t
from minibert.heads import masked_lm_logits
from minibert.model import Bert
from minibert.numerics import softmax
from minibert.whatif.heads import without_heads


def switch_off(weights: LayerWeights, head: int, head_size: int) -> LayerWeights:
    """The layer without this head: the columns of attention_output for the head's context are 0."""
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
    says = "a layer with {heads} heads of size {head_size}, head {head} to be switched off"
    about = t(says, heads=heads, head_size=head_size, head=head)
    return [Case(about, (draw.layer(heads * head_size, inner), head, head_size))]


def what_the_layer_does(arguments: tuple, value: object) -> np.ndarray:
    """There is more than one way to switch a head off: compare the output of the attention block for some tokens."""
    weights, _, head_size = arguments
    try:
        returned = rebuilt(weights, value)
    except (TypeError, ValueError, IndexError):
        says = "expected LayerWeights with arrays of the same shapes as before; weights._replace(...) makes one"
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
    """The loss with the logits of another token than the [MASK]."""

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


def head_off_answer() -> Text:
    bert = model("tiny")
    table_LH = loss_of_each_head(bert)
    layer, head = head_of(table_LH)
    changed = bert.without_heads([(layer, head)])
    before, after = blank_losses(bert, blanks()), blank_losses(changed, blanks())
    hardest = int((after - before).argmax())
    text, word = blanks()[hardest]
    return t(
        "With all heads, the loss is {whole}. It grows most without layer {layer}, head {head}: by {most}. The "
        "median growth over the heads is {median}. For {free} of the {size} heads, the loss does not grow at all. "
        "The largest change is at one blank: in {text}, the probability of {word} falls from {before} to {after}. "
        "Where the loss hardly grows, other heads may do the same work, and the residual connection keeps the rest.",
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
    Mistake("all-but", "every head except this one is switched off", only_this_head),
    Mistake("one-column", "only the first of the head's K columns is set to 0. Set all of them", one_column),
    Mistake(
        "one-column",
        "only the column with the head's number is set to 0. The head has K columns, from head K on",
        column_of_number,
    ),
    Mistake(
        "rows-for-columns",
        "rows of attention_output are set to 0, but the rows are the outputs. The head's context is multiplied by "
        "the columns",
        zeroed("attention_output", bias=False),
    ),
    Mistake(
        "rows-for-columns",
        "rows of attention_output and of its bias are set to 0, but the rows are the outputs. The head's context is "
        "multiplied by the columns",
        zeroed("attention_output"),
    ),
    Mistake(
        "bias-too",
        "the bias of attention_output is changed as well. It belongs to no head",
        zeroed("attention_output", rows=False, columns=True),
    ),
    Mistake(
        "query-or-key-off",
        "the head's query or key is set to 0. Its attention becomes uniform, but its values still reach the output",
        zeroed("query"),
    ),
    Mistake(
        "value-bias-left",
        "the head's value weights are 0, but the bias of its values still reaches the output",
        zeroed("value", bias=False),
    ),
    Mistake(
        "interleaved", "every H-th column is set to 0. The head's columns are K in a row, from head K on", every_nth
    ),
    Mistake(
        "nothing",
        "no head is switched off. `_replace` returns a copy, and the function must return this copy",
        lambda weights, head, head_size: weights,
    ),
    Mistake(
        "wrong-head",
        "another head is switched off. Heads count from 0",
        lambda weights, head, head_size: switch_off(weights, head - 1, head_size),
    ),
)


BLANK_LOSS_MISTAKES = (
    Mistake(
        "one-blank",
        "only the first blank counts. Is there a `return` inside the loop?",
        lambda bert, blanks: blank_loss(bert, blanks[:1]),
    ),
    Mistake(
        "one-blank",
        "only the last blank counts. Collect the losses, and take the mean after the loop",
        lambda bert, blanks: blank_loss(bert, blanks[-1:]),
    ),
    Mistake(
        "probability",
        "the mean probability is returned. Take -log of each probability first",
        loss_with(lambda p, w: p[w]),
    ),
    Mistake("sign", "the sign is wrong. The loss is -log p", loss_with(lambda p, w: np.log(p[w]))),
    Mistake(
        "log-base",
        "the logarithm is to base 10. Use the natural logarithm, np.log",
        loss_with(lambda p, w: -np.log10(p[w])),
    ),
    Mistake(
        "log-base",
        "the logarithm is to base 2. Use the natural logarithm, np.log",
        loss_with(lambda p, w: -np.log2(p[w])),
    ),
    Mistake("sum", "the sum over the blanks is returned. Take the mean", loss_with(lambda p, w: -np.log(p[w]), np.sum)),
    Mistake(
        "log-of-mean",
        "the mean of the probabilities is taken before the logarithm. Take the logarithm of each first",
        lambda bert, blanks: float(-np.log(loss_with(lambda p, w: p[w])(bert, blanks))),
    ),
    Mistake(
        "wrong-axis", "softmax runs over the tokens. It must run over the vocabulary, the last axis", loss_over_tokens
    ),
    Mistake("no-softmax", "the loss uses the logit itself. softmax turns logits into probabilities", loss_from_logits),
    Mistake("wrong-place", "the logits are taken at [CLS], token 0. Take them at [MASK]", loss_at(lambda mask, n: 0)),
    Mistake("wrong-place", "the logits are taken one token after [MASK]", loss_at(lambda mask, n: mask + 1)),
    Mistake("wrong-place", "the logits are taken one token before [MASK]", loss_at(lambda mask, n: mask - 1)),
)


EXERCISE = Exercise(
    file="18_head_off.py",
    title="switch a head off, and measure the loss",
    minutes=30,
    difficulty=3,
    parts=(
        Function(
            "switch_off",
            switch_off,
            (Output("hidden_TD of the attention block", ("token", "number")),),
            switch_off_cases,
            SWITCH_OFF_MISTAKES,
            hints=(
                (
                    "attention_output.weight is [out, in]. The axis `in` is the context, with the heads side by "
                    "side. Copy the array before you change it."
                ),
                (
                    "Compute weight = weights.attention_output.weight.copy(). Set weight[:, head * head_size : (head "
                    "+ 1) * head_size] = 0. Then put it back with _replace, twice."
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
                "Call bert.logits(encoding), then softmax. Take the row where input_ids is bert.tokenizer.mask_id.",
                (
                    "The loss is the mean of -np.log(softmax(logits)[place, "
                    "bert.tokenizer.backend.token_to_id(word)]), with place = "
                    "encoding.input_ids.index(bert.tokenizer.mask_id)."
                ),
            ),
        ),
        Finding(
            "MOST_NEEDED_HEAD",
            lambda: loss_of_each_head(model("tiny")),
            "the increase of the loss",
            hints=(
                "Run the file. For each head, it prints how much the loss grows when this head is switched off.",
                "Find the line with the largest number, and write down its layer and head.",
            ),
        ),
    ),
    answer=head_off_answer,
    shown=(without_heads, blank_loss),
)

"""What if some heads were not there? Which heads does an answer need?

    context W + b = sum over heads of context_h W_h + b

A head that is switched off adds nothing: its columns of W are 0 (Michel, Levy & Neubig, "Are Sixteen Heads Really
Better than One?", 2019). Or it adds its mean (mean ablation). The mean changes less for the layers that follow, which
were trained with this head.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from minibert.errors import UserError
from minibert.heads import classify, label_scores, masked_lm_logits
from minibert.model import Bert, Text
from minibert.numerics import softmax
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from minibert.whatif.changes import resume_each


def without_heads(bert: Bert, heads: Iterable[tuple[int, int]], mean_over: Iterable[Text] | None = None) -> Bert:
    """A BERT with some heads, pairs of (layer, head) from 0, switched off; `bert` stays as it is.

    mean_over: texts. Each head then adds to every token the mean of what it adds to the tokens of these texts.
    ValueError: a head that is not there.
    """
    chosen = sorted({check_head(bert, layer, head) for layer, head in heads})
    mean_LD = None if mean_over is None else mean_context(bert, mean_over)
    layers, size = list(bert.weights.layers), bert.config.head_size
    for layer, head in chosen:
        weight, bias = layers[layer].attention_output
        columns = slice(head * size, (head + 1) * size)
        if mean_LD is not None:
            bias = bias + weight[:, columns] @ mean_LD[layer, columns]
        weight = weight.copy()
        weight[:, columns] = 0
        output = layers[layer].attention_output._replace(weight=weight, bias=bias)
        layers[layer] = layers[layer]._replace(attention_output=output)
    off = ", ".join(f"{layer}.{head}" for layer, head in chosen)
    notes = {**bert.notes, "heads off": ", ".join(filter(None, [bert.notes.get("heads off"), off]))}
    return replace(bert, weights=bert.weights._replace(layers=tuple(layers)), notes=notes)


def check_head(bert: Bert, layer: int, head: int) -> tuple[int, int]:
    layers, heads = bert.config.num_hidden_layers, bert.config.num_attention_heads
    if not (0 <= layer < layers and 0 <= head < heads):
        raise UserError(
            f"there is no head {layer}.{head}; this model has layers 0 to {layers - 1} of heads 0 to {heads - 1}"
        )
    return layer, head


def mean_context(bert: Bert, texts: Iterable[Text]) -> np.ndarray:
    """The mean context over all tokens of the texts, layer by layer: mean_LD."""
    total_LD, tokens = np.zeros((bert.config.num_hidden_layers, bert.config.hidden_size), np.float32), 0
    for trace in bert.stream(texts, keep=("context",)):
        total_LD = total_LD + trace.stacked("context").sum(axis=1)
        tokens += len(trace.tokens)
    if not tokens:
        raise ValueError("mean_over has no texts; expected at least one")
    return (total_LD / tokens).astype(np.float32)


@dataclass(frozen=True)
class Effects:
    """What switching off each head, alone, does to the answer to a text.

    answer  the likeliest token of the (first) mask, or the likeliest class
    before  its probability with all heads on
    after   [layers, heads] its probability with that head switched off
    turned  [layers, heads] the answer with that head switched off
    cost    [layers, heads] log(before / after), in nats: above 0 if the answer needs the head
    """

    answer: str
    before: float
    after: np.ndarray
    turned: np.ndarray

    @property
    def cost(self) -> np.ndarray:
        tiny = float(np.finfo(np.float32).tiny)
        return np.log(max(self.before, tiny)) - np.log(np.maximum(self.after, tiny))


def head_effects(bert: Bert, text: Text) -> Effects:
    """Switch every head off in turn. The masked-LM head answers if the text has a [MASK], else the classifier.

    The run is resumed behind each head, so the layers before it are not computed again. The heads of a layer are one
    batch.
    """
    encoding = bert.encode(text)
    check_answer(bert, encoding)
    (trace,) = bert.batch([encoding], keep=("context", "hidden_states", "pooled"))
    answers = answer_of(bert, encoding, trace)
    best = int(answers.argmax())
    shape = (bert.config.num_hidden_layers, bert.config.num_attention_heads)
    after_LH, turned_LH = np.zeros(shape, np.float32), np.zeros(shape, int)
    for layer, part in enumerate(trace.layers):
        without = [without_columns(part.context, head, bert.config.head_size) for head in range(shape[1])]
        for head, changed in enumerate(resume_each(bert, trace, layer, "context", without)):
            probabilities = answer_of(bert, encoding, changed)
            after_LH[layer, head], turned_LH[layer, head] = probabilities[best], probabilities.argmax()
    name = bert.tokenizer.token if bert.tokenizer.mask_id in encoding.input_ids else bert.config.labels.__getitem__
    turned = np.array([[name(int(index)) for index in row] for row in turned_LH], object)
    return Effects(name(best), float(answers[best]), after_LH, turned)


def without_columns(context_TD: np.ndarray, head: int, head_size: int) -> np.ndarray:
    """The context, with this head's part 0."""
    changed_TD = context_TD.copy()
    changed_TD[:, head * head_size : (head + 1) * head_size] = 0
    return changed_TD


def check_answer(bert: Bert, encoding: Encoding) -> None:
    """Raises UserError where the model has no answer to a text: no head for its [MASK], or no [MASK] and no class."""
    has_mask = bert.tokenizer.mask_id in encoding.input_ids
    has_classifier = bert.weights.classifier is not None and bert.weights.pooler is not None
    if bert.weights.masked_lm is None and (has_mask or not has_classifier):
        why = f"{bert.name} has neither a masked-language-model head nor a classifier: it answers nothing"
        if has_mask:
            why = f"{bert.name} has no masked-language-model head: it cannot fill blanks"
        raise UserError(bert.notes.get("masked_lm", why))
    if not has_mask and not has_classifier:
        mask = "mask token" if bert.tokenizer.mask_id is None else bert.tokenizer.token(bert.tokenizer.mask_id)
        without = bert.tokenizer.without_mask(encoding)
        raise UserError(f"{without}, and the model no classifier; write {mask} where a word is to be found")
    if not has_mask and bert.config.activation == "identity":
        raise UserError(f"{bert.name} gives scores, not probabilities; expected a model whose answer is likely or not")


def answer_of(bert: Bert, encoding: Encoding, trace: Trace) -> np.ndarray:
    """The probabilities of all tokens at the first [MASK], or of all classes where there is no [MASK]."""
    if bert.tokenizer.mask_id in encoding.input_ids and bert.weights.masked_lm is not None:
        place = list(encoding.roles).index("mask")
        state, masked_lm = trace.hidden_states[-1][place : place + 1], bert.weights.masked_lm
        return softmax(masked_lm_logits(state, masked_lm, bert.config.hidden_act, bert.config.layer_norm_eps))[0]
    assert bert.weights.classifier is not None  # `check_answer` refuses a text without an answer
    return label_scores(classify(np.asarray(trace.pooled), bert.weights.classifier), bert.config.activation)

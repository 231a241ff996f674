"""Which words does an answer need? Each word of a text in turn is replaced by [MASK], and the model runs again.

This is occlusion (Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", 2014; for texts Li, Monroe &
Jurafsky, "Understanding Neural Networks through Representation Erasure", 2016). It needs no gradients.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

import viz
from minibert.errors import UserError
from minibert.model import Bert, Text
from minibert.sentence_vectors.embed import encode, prompt_text, prompt_tokens, sentence_modules, vector
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from minibert.whatif.heads import answer_of, check_answer


@dataclass(frozen=True)
class Word:
    """A word, the position of its first token, and the answer without it: its number, and what it is then."""

    name: str
    position: int
    after: float
    answer: str


@dataclass(frozen=True)
class WordEffects:
    """What each word does to the answer.

    answer: the guess at the first mask, or the label; "" where the model answers by neither. Then the numbers are
    cosines of the vector of the text (`bert.embed`) with and without the word.
    before: the number of the answer with all words. masked: each word was replaced by the mask token, not left out.
    """

    answer: str
    before: float
    words: tuple[Word, ...]
    masked: bool

    @property
    def cost(self) -> np.ndarray:
        """[words]: log(before / after) in nats; of a cosine 1 - after. Above 0 where the answer needs the word."""
        after = np.array([word.after for word in self.words])
        if not self.answer:
            return 1 - after
        tiny = float(np.finfo(np.float32).tiny)
        return np.log(max(self.before, tiny)) - np.log(np.maximum(after, tiny))


def word_effects(bert: Bert, text: Text, watch: Callable[[list[Encoding]], Iterable[Encoding]] = iter) -> WordEffects:
    """Replace each word of the text in turn, all pieces of it at once; a model without a mask token leaves it out.

    The text's own masks stay. watch: what the changed texts go through on their way to the model, such as a bar.
    UserError: the model has no answer to this text, or the text has no words.
    """
    whole, first, number_of, name_of = asked(bert, text)
    words = list(words_of(whole, first))
    if not words:
        raise UserError("the text has no word to replace; expected one beside its masks")
    changed = [without(bert, whole, positions) for _, positions in words]
    before, *after = map(number_of, bert.stream([whole, *watch(changed)], keep=("hidden_states", "pooled")))
    best = int(before.argmax())
    found = zip(words, after, strict=True)
    return WordEffects(
        name_of(best),
        float(before[best]),
        tuple(Word(name, at[0], float(of[best]), name_of(int(of.argmax()))) for (name, at), of in found),
        bert.tokenizer.mask_id is not None,
    )


Asked = tuple[Encoding, int, Callable[[Trace], np.ndarray], Callable[[int], str]]
"""The text as it is run, where it begins after a prompt, the numbers of all answers to a run, and their names."""


def asked(bert: Bert, text: Text) -> Asked:
    """What is asked for: the guess at a mask, the label, or the direction of the vector."""
    encoding = bert.encode(text)
    has_mask, config = "mask" in encoding.roles, bert.config
    if has_mask or bert.weights.classifier is not None:
        check_answer(bert, encoding)
        name = bert.tokenizer.token if has_mask else config.labels.__getitem__
        return encoding, 0, lambda trace: answer_of(bert, encoding, trace), name
    settings, prompt = sentence_modules(bert), prompt_text(bert, None)
    encoding = encode(bert, text, prompt)
    begin = prompt_tokens(bert, prompt) if prompt else 0
    of_text: list[np.ndarray] = []

    def cosine(trace: Trace) -> np.ndarray:
        x = vector(trace.hidden_states[-1], settings, 0 if settings.with_prompt else begin)
        of_text.append(x / max(float(np.linalg.norm(x)), 1e-12))
        return np.vecdot(of_text[:1], of_text[-1])

    return encoding, begin, cosine, lambda _: ""


def words_of(encoding: Encoding, first: int) -> Iterator[tuple[str, list[int]]]:
    """The words from token `first` on, each with the positions of its tokens, but for masks."""
    words = viz.find_words(encoding.tokens, encoding.words)
    for number, (label, special) in enumerate(zip(words.labels, words.special, strict=True)):
        positions = np.flatnonzero(words.of_token == number).tolist()
        if positions[0] >= first and not special and encoding.roles[positions[0]] != "mask":
            yield label, positions


def without(bert: Bert, encoding: Encoding, positions: Sequence[int]) -> Encoding:
    """The text with the mask token in these positions, or without these tokens where the model has no mask token."""
    mask = bert.tokenizer.mask_id
    if mask is not None:
        ids = [mask if i in positions else number for i, number in enumerate(encoding.input_ids)]
        return replace(encoding, input_ids=tuple(ids))
    kept = [i for i in range(len(encoding)) if i not in positions]
    fields = ("tokens", "input_ids", "token_type_ids", "words", "offsets", "roles")
    return replace(encoding, **{name: tuple(getattr(encoding, name)[i] for i in kept) for name in fields})

"""A BERT made of a student's own functions: theirs if they are right, and the library's for the rest.

    own = assemble("work")          # every exercise is checked first, in a process of its own
    own.yours                       # ("softmax", "split_heads"): which parts are the student's
    own("The cat sat.")             # a Trace, as from any Bert; own.fill_mask, own.logits and own.stream work as well

Only files whose functions are right are imported here, after the check has run them in another process. Each function
calls the student's own functions of earlier exercises: their attend calls their softmax.
"""

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import minibert
from minibert.attention import attend, head_outputs, merge_heads, self_attention, split_heads
from minibert.embeddings import embed
from minibert.encoder import attention_block, feed_forward_block, intermediate
from minibert.errors import UserError
from minibert.exercises.course import find
from minibert.exercises.course.ex11_encoder.exercise import hidden_states
from minibert.exercises.judge.checker import Checker
from minibert.exercises.judge.worker import load as load_file
from minibert.heads import masked_lm_logits
from minibert.model import Bert, Text, rows_of_sentences
from minibert.numerics import ACTIVATIONS, gelu, layer_norm, linear, softmax
from minibert.tokenizer.encoding import Encoding
from minibert.trace import DEFAULT, Recorder, Trace

EXERCISE_OF = {
    "softmax": "softmax",
    "layer_norm": "layer_norm",
    "gelu": "gelu",
    "embed": "embeddings",
    "split_heads": "split_heads",
    "scores": "scores",
    "attend": "attention",
    "merge_heads": "merge_and_residual",
    "attention_block": "merge_and_residual",
    "feed_forward_block": "feed_forward",
    "encoder_layer": "layer",
    "hidden_states": "encoder",
    "masked_lm_logits": "masked_lm",
}
"""The functions a BERT is made of, leaves first, and the exercises in which they are written"""


@dataclass(frozen=True, eq=False)
class OwnBert(Bert):
    """A Bert that runs the functions in `functions`."""

    functions: dict[str, Callable] = field(default_factory=dict)
    """by name: those of EXERCISE_OF, and self_attention"""
    yours: tuple[str, ...] = ()
    """the names of those that are the student's"""
    begun: tuple[str, ...] = ()
    """the names of those that the student has written, and that are not right"""

    def forward(self, encodings: Sequence[Encoding], keep: frozenset[str] = frozenset(DEFAULT)) -> list[Trace]:
        """The forward pass by `functions`: every array of the Traces comes from them."""
        sentences = rows_of_sentences(encodings)
        record = Recorder([Trace.begin(encoding) for encoding in encodings], sentences, keep)

        def layer_and_note(hidden_TD, sentences, weights, config):
            new_TD, parts = self.functions["encoder_layer"](hidden_TD, sentences, weights, config)
            record.layer(self.completed(parts, (hidden_TD, sentences, weights, config), keep))
            return new_TD, parts

        hidden_states = with_names(self.functions["hidden_states"], {"encoder_layer": layer_and_note})
        states = hidden_states(encodings, self.weights, self.config)
        for hidden_TD in states:
            record.state(hidden_TD)
        return record.traces(self.pooled(states[-1], sentences, keep))

    def completed(self, parts: list[dict], given: tuple, keep: frozenset[str]) -> list[dict]:
        """The parts of a layer with what no exercise returns."""
        _, sentences, weights, config = given
        more: list[dict] = [{} for _ in sentences]
        if keep & {"attention_output", "intermediate"}:
            between_TD, _ = self.functions["attention_block"](*given)
            intermediate_TF = with_names(intermediate, self.functions)(between_TD, weights, config)
            more = [{"attention_output": between_TD[rows], "intermediate": intermediate_TF[rows]} for rows in sentences]
        if "head_outputs" in keep:
            weight, heads = weights.attention_output.weight, config.num_attention_heads
            for part, new in zip(parts, more, strict=True):
                new["head_outputs"] = head_outputs(part["context"], weight, heads)
        return [part | new for part, new in zip(parts, more, strict=True)]

    def logits(self, text: Text) -> np.ndarray:
        """[tokens, vocabulary] as `Bert.logits`, by the student's head."""
        if self.weights.masked_lm is None:
            raise UserError(f"{self.name} has no masked-language-model head: it cannot fill blanks")
        hidden_TD = self.batch([text], keep=("hidden_states",))[0].hidden_states[-1]
        config = self.config
        head = self.functions["masked_lm_logits"]
        return head(hidden_TD, self.weights.masked_lm, config.hidden_act, config.layer_norm_eps)


def assemble(folder: str | Path, model: str | Path = "tiny", *, time_limit: float = 5.0) -> OwnBert:
    """A Bert made of the functions in this folder that are right, and of the library's.

    time_limit: seconds for the check of each exercise. Raises ValueError where there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; make it with: minibert exercises start {folder}")
    theirs: dict[str, dict] = {}
    begun: list[str] = []
    with Checker(folder, limit=time_limit) as checker:
        for name in dict.fromkeys(EXERCISE_OF.values()):
            exercise = find(name)
            report = checker.check(exercise)
            right = {part["name"] for part in report.parts if part["status"] == "passed"}
            wrong = {part["name"] for part in report.parts if part["status"] == "failed"}
            if report.status == "failed" and not report.parts:  # it could not even be run
                wrong = {part.name for part in exercise.parts}
            begun += wrong
            if right:
                names = vars(load_file(checker.files / exercise.file))
                theirs |= dict.fromkeys(right, names)
    return replace(put_together(theirs, minibert.load(model)), begun=tuple(begun))


def put_together(theirs: dict[str, dict], bert: Bert) -> OwnBert:
    """theirs: for each function of the student's, the names of the file it stands in."""
    library: dict[str, Callable] = {
        "softmax": softmax,
        "layer_norm": layer_norm,
        "gelu": gelu,
        "embed": embed,
        "split_heads": split_heads,
        "scores": scores,
        "attend": attend,
        "merge_heads": merge_heads,
        "self_attention": self_attention,
        "attention_block": attention_block,
        "feed_forward_block": feed_forward_block,
        "encoder_layer": layer_of_two_halves,
        "hidden_states": hidden_states,
        "masked_lm_logits": masked_lm_logits,
    }
    made: dict[str, Any] = {}
    for name, own in library.items():
        if name in theirs:
            made[name] = with_names(theirs[name][name], made)
        elif name == "attend" and "scores" in theirs:
            made[name] = partial(attend_by, made["scores"], made["softmax"])
        else:
            made[name] = with_names(own, made)
        if name == "embed" and name in theirs and bert.weights.embeddings.projection:
            made[name] = projected(made[name])
        if name == "gelu":
            made["ACTIVATIONS"] = ACTIVATIONS | {"gelu": made["gelu"]}
    yours = tuple(name for name in EXERCISE_OF if name in theirs)
    of_bert = {each.name: getattr(bert, each.name) for each in fields(Bert)}
    return OwnBert(**of_bert, functions=made, yours=yours)


def projected(own: Callable) -> Callable:
    """A student's embed, then the projection of ELECTRA's and ALBERT's embeddings, which no exercise contains."""
    return lambda encodings, weights, eps: linear(own(encodings, weights, eps), *weights.projection)


def layer_of_two_halves(hidden_TD, sentences, weights, config) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
    """encoder_layer, from the two blocks as the exercises have them."""
    attended_TD, parts = attention_block(hidden_TD, sentences, weights, config)
    return feed_forward_block(attended_TD, weights, config), parts


def scores(query_HTK: np.ndarray, key_HSK: np.ndarray) -> np.ndarray:
    return attend(query_HTK, key_HSK, key_HSK)[0]


def attend_by(scores: Callable, softmax: Callable, query_HTK, key_HSK, value_HSK) -> tuple[np.ndarray, ...]:
    """attend, where only its scores are the student's."""
    scores_HTS = scores(query_HTK, key_HSK)
    attention_HTS = softmax(scores_HTS)
    return scores_HTS, attention_HTS, attention_HTS @ value_HSK


def reached(function: types.FunctionType) -> set[str]:
    """The names that the code of a function uses, and that of its helpers in the same file."""
    found: set[str] = set()
    left = [function]
    while left:
        new = set(left.pop().__code__.co_names) - found
        found |= new
        helpers = (function.__globals__.get(name) for name in new)
        left += [f for f in helpers if isinstance(f, types.FunctionType) and f.__module__ == function.__module__]
    return found


def with_names(function: Callable, names: Mapping[str, object], keep: str = "student_") -> Callable:
    """A copy of the function in which these names of its file have these values; it ignores names that its file lacks.

    keep: in a file whose module begins like this, only names that it imports get other values, not its own functions.
    """
    plain = inspect.unwrap(function)
    if not isinstance(plain, types.FunctionType):
        return function
    known = plain.__globals__
    of_a_student = str(plain.__module__).startswith(keep)
    exchanged = {
        name: value
        for name, value in names.items()
        if name in known and not (of_a_student and getattr(known[name], "__module__", "") == plain.__module__)
    }
    if not exchanged.keys() & reached(plain):
        return function
    copies = dict(known) | exchanged

    def moved(f: types.FunctionType) -> types.FunctionType:
        new = types.FunctionType(f.__code__, copies, f.__name__, f.__defaults__, f.__closure__)
        new.__kwdefaults__ = f.__kwdefaults__
        return new

    for name, value in known.items():  # helpers of the same file see the new names too
        if isinstance(value, types.FunctionType) and value.__module__ == plain.__module__ and name not in exchanged:
            copies[name] = moved(value)
    return moved(plain)

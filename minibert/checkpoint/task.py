"""The task that a checkpoint was fine-tuned for. It stands in config.json, and not in the names of tensors.

BERT's classifiers of sentences, of tokens and of answers all call their weights `classifier`.
"""

from dataclasses import dataclass
from pathlib import Path

from minibert.errors import CheckpointError
from minibert.files import abbreviate, read_json

SENTENCES = "ForSequenceClassification"
OTHERS = {
    "ForTokenClassification": "labels every token",
    "ForMultipleChoice": "chooses one of several answers",
    "ForQuestionAnswering": "finds an answer in a text",
    "ForNextSentencePrediction": "tells whether one sentence follows another",
}
"""Heads that minibert knows by name and does not use."""

ACTIVATIONS = {"Sigmoid": "sigmoid", "Identity": "identity"}
"""The activations of a cross-encoder, by the names of their classes in PyTorch."""

PROBLEMS = (None, "regression", "single_label_classification", "multi_label_classification")


@dataclass(frozen=True)
class Task:
    """The head for whole sentences: its labels, and the activation that maps its logits to scores.

    softmax: the labels exclude each other; their probabilities add up to 1.
    sigmoid: each label, or the single score, is a number between 0 and 1.
    identity: the logits are the scores, such as a number of stars.
    """

    labels: tuple[str, ...]
    activation: str


def read_task(path: Path) -> Task | None:
    """The task in a config.json. None: the checkpoint has no head beyond those of pre-training.

    CheckpointError: the task is another than classifying sentences, or it is not clear.
    """
    settings = read_json(path)
    kinds = settings.get("architectures") or []
    names = [str(kind) for kind in kinds] if isinstance(kinds, list) else [str(kinds)]
    for end, what in OTHERS.items():
        if any(name.endswith(end) for name in names):
            raise CheckpointError(f"{path}: architectures is {abbreviate(kinds)}, whose head {what}: it is not used")
    if names and not any(name.endswith(SENTENCES) for name in names):
        return None
    labels, problem = read_labels(path, settings), settings.get("problem_type")
    if problem not in PROBLEMS or (problem == "single_label_classification" and len(labels) == 1):
        raise CheckpointError(
            f"{path}: problem_type is {abbreviate(problem)} for {len(labels)} labels; expected regression, "
            "multi_label_classification or, for two labels and more, single_label_classification"
        )
    return Task(labels, activation_of(path, settings, problem, len(labels)))


def read_labels(path: Path, settings: dict) -> tuple[str, ...]:
    """The names in id2label. Without it they are LABEL_0, LABEL_1, ...: num_labels, or 2, as in `transformers`."""
    names = settings.get("id2label")
    if names is None:
        count = next((count for key in ("num_labels", "_num_labels") if (count := settings.get(key)) is not None), 2)
        if type(count) is not int or not 0 < count <= MOST_LABELS:
            raise CheckpointError(f"{path}: num_labels is {abbreviate(count)}; expected a whole number, 1 or more")
        return tuple(f"LABEL_{number}" for number in range(count))
    names = names if isinstance(names, dict) else {}
    try:
        named = {int(number): name for number, name in names.items()}
        labels = tuple(str(named[number]) for number in range(len(named)))
    except (KeyError, ValueError):
        labels = ()
    if not labels or len(labels) != len(names) or any(isinstance(name, dict | list) for name in names.values()):
        expected = 'a name for each class, as {"0": "negative", "1": "positive"}'
        raise CheckpointError(f"{path}: id2label is {abbreviate(settings['id2label'])}; expected {expected}")
    return labels


MOST_LABELS = 1_000_000


def activation_of(path: Path, settings: dict, problem: str | None, labels: int) -> str:
    """Several labels: softmax, or sigmoid where they do not exclude each other. One: sigmoid, or as in the file."""
    if problem == "regression":
        return "identity"
    if labels > 1:
        return "sigmoid" if problem == "multi_label_classification" else "softmax"
    inside = settings.get("sentence_transformers")
    chosen = inside.get("activation_fn") if isinstance(inside, dict) else None
    chosen = chosen or settings.get("sbert_ce_default_activation_function") or "Sigmoid"
    name = str(chosen).rpartition(".")[2]
    if name not in ACTIVATIONS:
        expected = " or ".join(ACTIVATIONS)
        raise CheckpointError(f"{path}: the activation of its score is {abbreviate(chosen)}; expected {expected}")
    return ACTIVATIONS[name]


def meaning(activation: str, labels: int) -> str:
    """A sentence on what the scores of a classifier are."""
    if activation == "sigmoid" and labels == 1:
        return "one score from 0 to 1 (sigmoid)"
    return {
        "softmax": "the labels exclude each other: probabilities that add up to 1 (softmax)",
        "sigmoid": "the labels do not exclude each other: each has a probability of its own (sigmoid)",
        "identity": "a score, not a probability: it may be any number",
    }[activation]

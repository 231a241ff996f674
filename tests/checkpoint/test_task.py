"""What a classifier's numbers mean: as config.json says, and as the pipelines of `transformers` have it."""

import json
import random

import pytest
import transformers

import minibert
from minibert.checkpoint.task import meaning
from tests.reference.checkpoints import bert_config, change_config, random_model, rename_tensors, write_model
from tests.reference.checkpoints import write_tokenizer as write_tokens

TEXTS = [
    "the quick capybara sleeps",
    "a nap, sleeping!",
    ("the capybara sleeps.", "it is sleeping"),
    ("nap", "the nap"),
]
SENTENCES = transformers.BertForSequenceClassification


def classifier(folder, changes: dict, seed: int = 0, **shape: object):
    """A classifier with larger weights, so that its numbers are not all alike, and its config changed afterwards."""
    model = random_model(SENTENCES, seed, **shape)
    model.classifier.weight.data.mul_(20)
    model.save_pretrained(folder)
    write_tokens(folder)
    change_config(folder, **changes)
    return folder


def theirs(folder, texts) -> list | Exception:
    """What the pipeline gives for each text, or the error with which it refuses the checkpoint."""
    try:
        pipeline = transformers.pipeline("text-classification", str(folder), top_k=None, device="cpu")
        given = [{"text": text[0], "text_pair": text[1]} if isinstance(text, tuple) else text for text in texts]
        found = [pipeline([one] if isinstance(one, str) else one) for one in given]
        found = [one[0] if isinstance(one[0], list) else one for one in found]
        return [[(str(label["label"]), label["score"]) for label in one] for one in found]
    except Exception as error:
        return error


def assert_same(folder, *texts) -> bool:
    """Equal, or refused by both; was it equal?"""
    expected = theirs(folder, texts)
    bert = minibert.load(folder)
    if isinstance(expected, Exception):
        with pytest.raises(ValueError) as caught:
            bert.classify(texts[0])
        assert str(folder) in str(caught.value) and "\n" not in str(caught.value)
        return False
    for text, answers in zip(texts, expected, strict=True):
        wanted = [(label, pytest.approx(score, abs=1e-5)) for label, score in sorted(answers)]
        assert sorted(bert.classify(text)) == wanted, text
    return True


def random_task(choose: random.Random) -> tuple[dict, dict]:
    """The shape of a classifier, and what config.json says of it: right, odd, or wrong."""
    labels = choose.choice([1, 1, 2, 3, 5])
    names = {str(i): f"name {i}" for i in range(labels)}
    problem = choose.choice([None, "regression", "single_label_classification", "multi_label_classification"])
    changes = choose.choice(
        [{}] * 6
        + [
            {"id2label": names},
            {"id2label": names | {str(labels): "one more"}},
            {"id2label": ..., "label2id": ..., "num_labels": labels},
            {"id2label": ..., "label2id": ...},
            {"id2label": {str(i + 1): "late" for i in range(labels)}},
            {"id2label": ["a"] * labels},
            {"id2label": {str(i): i for i in range(labels)}},
            {"id2label": ..., "num_labels": labels + 1},
        ]
    )
    return {"num_labels": labels}, {"problem_type": problem} | changes


@pytest.mark.parametrize("seed", range(40))
def test_as_the_pipeline_has_it(seed, tmp_path):
    choose = random.Random(seed)
    shape, changes = random_task(choose)
    classifier(tmp_path, changes, seed, **shape, type_vocab_size=2, hidden_act=choose.choice(["gelu", "relu"]))
    assert_same(tmp_path, *TEXTS)


KINDS = {
    "one label": (1, {}, "sigmoid"),
    "regression": (1, {"problem_type": "regression"}, "identity"),
    "many regressions": (3, {"problem_type": "regression"}, "identity"),
    "exclusive": (3, {}, "softmax"),
    "many labels": (3, {"problem_type": "multi_label_classification"}, "sigmoid"),
    "two that are said to be exclusive": (2, {"problem_type": "single_label_classification"}, "softmax"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_equal_and_named(kind, tmp_path):
    labels, changes, activation = KINDS[kind]
    classifier(tmp_path, changes, num_labels=labels)
    assert assert_same(tmp_path, *TEXTS)
    assert minibert.load(tmp_path).config.activation == activation


def test_the_kinds_are_told_apart_in_words():
    assert len({meaning(activation, labels) for labels, _, activation in KINDS.values()}) == 4


@pytest.mark.parametrize(
    ("settings", "activation"),
    [
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, "identity"),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}}, "sigmoid"),
        ({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, "identity"),
        ({"sentence_transformers": {"version": "5.0"}}, "sigmoid"),
        ({"sentence_transformers": 3}, "sigmoid"),
    ],
)
def test_a_cross_encoder_says_what_its_score_is(settings, activation, tmp_path):
    bert = minibert.load(classifier(tmp_path, settings, num_labels=1))
    [(_, score)] = bert.classify(("the nap", "a nap"))
    assert bert.config.activation == activation
    assert (0 < score < 1) == (activation == "sigmoid")


def test_a_cross_encoder_whose_activation_is_unknown(tmp_path):
    classifier(tmp_path, {"sentence_transformers": {"activation_fn": "mine.Tanh"}}, num_labels=1)
    with pytest.raises(ValueError, match=r"the activation of its score is 'mine.Tanh'; expected Sigmoid or Identity"):
        minibert.load(tmp_path).classify("the nap")


OTHERS = {
    "BertForTokenClassification": "labels every token",
    "BertForMultipleChoice": "chooses one of several answers",
    "BertForQuestionAnswering": "finds an answer in a text",
    "BertForNextSentencePrediction": "tells whether one sentence follows another",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_head_of_another_task_is_named_and_not_used(kind, tmp_path):
    write_model(tmp_path, getattr(transformers, kind))
    write_tokens(tmp_path)
    bert = minibert.load(tmp_path)
    assert bert.weights.classifier is None and bert.config.labels == ()
    with pytest.raises(ValueError, match=f"architectures is \\['{kind}'\\], whose head {OTHERS[kind]}: it is not used"):
        bert.classify("the nap")
    assert OTHERS[kind] in bert.notes["classifier"] and len(bert("the nap").tokens) == 4


@pytest.mark.parametrize("kinds", [["BertModel"], ["BertForMaskedLM"], ["BertMyOwn"], "BertForSequenceClassifier"])
def test_a_classifier_that_the_config_does_not_know_of(kinds, tmp_path):
    classifier(tmp_path, {"architectures": kinds})
    with pytest.raises(ValueError, match=r"has tensors called classifier, but config.json names no head for sentences"):
        minibert.load(tmp_path).classify("the nap")


def test_a_classifier_without_the_pooler_that_it_reads(tmp_path):
    classifier(tmp_path, {})
    rename_tensors(tmp_path, {"bert.pooler": "pooled"})
    with pytest.raises(ValueError, match="has tensors called classifier, but there is no pooler before them"):
        minibert.load(tmp_path).classify("the nap")


def test_old_files_that_say_nothing_are_classifiers_of_two(tmp_path):
    """As in transformers, where nothing else is said."""
    classifier(tmp_path, {"architectures": ..., "model_type": ..., "id2label": ..., "label2id": ...})
    assert {label for label, _ in minibert.load(tmp_path).classify("the nap")} == {"LABEL_0", "LABEL_1"}
    write_model(tmp_path, transformers.BertForMultipleChoice)
    change_config(tmp_path, architectures=..., id2label=..., label2id=...)
    with pytest.raises(ValueError, match=r"has shape \[1, 24\], but config.json needs \[2, 24\]"):
        minibert.load(tmp_path).classify("the nap")


WRONG = {
    "labels in a list": ({"id2label": ["a", "b"]}, "id2label is ['a', 'b']; expected a name for each class, as {"),
    "labels with a gap": ({"id2label": {"0": "a", "2": "b"}}, "id2label is {'0': 'a', '2': 'b'}; expected a name"),
    "no labels": ({"id2label": {}}, "id2label is {}; expected a name for each class"),
    "labels of words": ({"id2label": {"zero": "a"}}, "id2label is {'zero': 'a'}; expected a name"),
    "labels of lists": ({"id2label": {"0": ["a"], "1": {}}}, "expected a name for each class"),
    "a label twice": ({"id2label": {"0": "a", "1": "b", " 1": "c"}}, "expected a name for each class"),
    "no number of labels": ({"id2label": ..., "num_labels": 0}, "num_labels is 0; expected a whole number, 1 or more"),
    "labels in a word": ({"id2label": "ab"}, "id2label is 'ab'; expected a name for each class"),
    "labels in a number": ({"id2label": 1.5}, "id2label is 1.5; expected a name for each class"),
    "a number of labels": (
        {"id2label": ..., "num_labels": "2"},
        "num_labels is '2'; expected a whole number, 1 or more",
    ),
    "a lie of labels": ({"id2label": ..., "num_labels": 10**9}, "num_labels is 1000000000; expected a whole number"),
    "a problem": ({"problem_type": "guess"}, "problem_type is 'guess' for 2 labels; expected regression, multi_label"),
    "a list of problems": ({"problem_type": ["regression"]}, "problem_type is ['regression'] for 2 labels"),
    "too few labels": ({"id2label": {"0": "a"}}, "has shape [2, 24], but config.json needs [1, 24]"),
}


@pytest.mark.parametrize("what", WRONG)
def test_faulty_labels_cost_the_classifier_only(what, tmp_path):
    changes, expected = WRONG[what]
    classifier(tmp_path, changes)
    bert = minibert.load(tmp_path)
    assert bert("the nap").hidden_states[-1].shape == (4, 24)
    assert expected in bert.notes["classifier"] and "\n" not in bert.notes["classifier"]
    with pytest.raises(ValueError) as caught:
        bert.classify("the nap")
    assert str(caught.value) == bert.notes["classifier"]


def test_the_tests_of_kinds_would_notice_a_mistake(tmp_path):
    """All pipelines above would agree with a softmax if the logits were all alike."""
    classifier(tmp_path, {"problem_type": "multi_label_classification"}, num_labels=3)
    assert abs(sum(value for _, value in minibert.load(tmp_path).classify("the nap")) - 1) > 0.1
    assert json.loads((tmp_path / "config.json").read_text())["problem_type"] and bert_config()

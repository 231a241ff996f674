"""Each word masked in turn: against texts that were typed with [MASK], and against runs without the tokens."""

import dataclasses
import math

import numpy as np
import pytest
import transformers

import minibert
from minibert.errors import UserError
from minibert.whatif.words import word_effects
from tests.reference.checkpoints import write_model, write_vocabulary

TEXT = "The capybara opened the [MASK] and left."


def test_a_guess_without_each_word_is_that_of_the_text_with_masks_in_its_place():
    bert = minibert.load("tiny")
    found = word_effects(bert, TEXT)
    best, probability = bert.fill_mask(TEXT, top=1)[0][0]
    assert (found.answer, found.masked) == (best, True) and found.before == pytest.approx(probability, abs=1e-5)
    assert [word.name for word in found.words] == ["the", "capybara", "opened", "the", "and", "left", "."]
    pieces = {"capybara": 4}
    for number, word in enumerate(found.words):
        typed = [*TEXT.replace("[MASK]", "* *").rstrip(".").split(), "."]
        index = number if number < 4 else number + 2
        typed[index] = " ".join(["[MASK]"] * pieces.get(word.name, 1))
        typed = " ".join(typed).replace("* *", "[MASK]")
        before = sum(pieces.get(one.name, 1) for one in found.words[:number])
        assert word.position == 1 + before + (number > 3)
        at = 0 if number > 3 else pieces.get(word.name, 1)  # which of the masks is the text's own
        guesses = dict(bert.fill_mask(typed, top=bert.config.vocab_size)[at])
        assert word.after == pytest.approx(guesses[best], abs=1e-5)
        assert word.answer == next(iter(guesses))
        assert found.cost[number] == pytest.approx(math.log(found.before / word.after), abs=1e-6)


def test_a_label_without_each_word():
    bert = minibert.load("tiny-sentiment")
    found = word_effects(bert, "A good story.")
    assert (found.answer, found.before) == pytest.approx(bert.classify("A good story.")[0])
    texts = ("[MASK] good story.", "A [MASK] story.", "A good [MASK].", "A good story [MASK]")
    for word, text in zip(found.words, texts, strict=True):
        labels = bert.classify(text)
        assert word.after == pytest.approx(dict(labels)[found.answer], abs=1e-5) and word.answer == labels[0][0]


def test_a_text_without_answer_is_asked_for_its_vector():
    bert = minibert.load("tiny")
    found = word_effects(bert, ("A dog.", "It sat."))
    assert found.answer == "" and found.before == pytest.approx(1, abs=1e-6)
    whole, *others = bert.embed([("A dog.", "It sat."), ("A [MASK].", "It sat."), ("A dog.", "It [MASK].")])
    names = [word.name for word in found.words]
    assert names == ["a", "dog", ".", "it", "sat", "."]
    for name, other in zip(("dog", "sat"), others, strict=True):
        cosine = whole @ other / np.linalg.norm(whole) / np.linalg.norm(other)
        assert found.words[names.index(name)].after == pytest.approx(cosine, abs=1e-5)
        assert found.cost[names.index(name)] == pytest.approx(1 - cosine, abs=1e-5)


def test_without_a_mask_token_a_word_is_left_out(tmp_path):
    write_model(tmp_path, transformers.BertForSequenceClassification, id2label={0: "no", 1: "yes"})
    write_vocabulary(tmp_path)
    bert = minibert.load(tmp_path)
    ids = {number: role for number, role in bert.tokenizer.roles.items() if role != "mask"}
    bert = dataclasses.replace(bert, tokenizer=dataclasses.replace(bert.tokenizer, roles=ids))
    found = word_effects(bert, "the quick nap")
    assert not found.masked and [word.name for word in found.words] == ["the", "quick", "nap"]
    for word, text in zip(found.words, ("quick nap", "the nap", "the quick"), strict=True):
        assert word.after == pytest.approx(dict(bert.classify(text))[found.answer], abs=1e-6)


def test_scores_without_a_scale_are_no_answer(tmp_path):
    write_model(tmp_path, transformers.BertForSequenceClassification, problem_type="regression", num_labels=1)
    write_vocabulary(tmp_path)
    with pytest.raises(UserError, match="gives scores, not probabilities"):
        word_effects(minibert.load(tmp_path), "the quick nap")


def test_the_words_of_a_prompt_are_no_words_of_the_text(monkeypatch):
    bert = minibert.load("tiny")
    settings = dataclasses.replace(bert.sentence_modules, prompts={"query": "Search for: "}, default_prompt="query")
    bert = dataclasses.replace(bert, sentence_modules=settings)
    found = word_effects(bert, "a dog")
    assert [(word.name, word.position) for word in found.words] == [("a", 4), ("dog", 5)]
    whole, other = bert.embed(["a dog", "a [MASK]"])
    assert found.words[1].after == pytest.approx(
        whole @ other / np.linalg.norm(whole) / np.linalg.norm(other), abs=1e-5
    )


def test_a_text_of_masks_alone_has_no_word_to_replace():
    with pytest.raises(UserError, match="no word to replace"):
        word_effects(minibert.load("tiny"), "[MASK]")

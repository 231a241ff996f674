"""The chapter on WordPiece gives the pieces of the `tokenizers` package."""

import random

import tokenizers

import minibert
from minibert.tokenizer.wordpiece import CJK, cjk, tokenize, wordpiece, words


def library(backend, text):
    return backend.encode(text, add_special_tokens=False).tokens


def test_thousands_of_words_fall_into_the_same_pieces(sentences):
    backend = minibert.load("tiny").tokenizer.backend
    vocabulary = backend.get_vocab()
    rng = random.Random(0)
    known = [word for word in vocabulary if word.isalpha()]
    made = ["".join(rng.choices("etaoinshrdlucmfwypvbgkjqxz", k=rng.randint(1, 20))) for _ in range(2000)]
    glued = [rng.choice(known) + rng.choice(known) for _ in range(2000)]
    odd = [
        "naïve",
        "ÅNGSTRÖM",
        "don't",
        "a" * 100,
        "a" * 101,
        "日本語",
        "x\u0301y",
        "über-groß",
        "1,000.5",
        "e\tf",
        "€5",
        "…",
    ]
    for word in [*made, *glued, *odd, *known[:2000]]:
        assert tokenize(word, vocabulary) == library(backend, word), word
    for sentence in sentences:
        assert tokenize(sentence, vocabulary) == library(backend, sentence)


def test_characters_at_the_ends_of_each_block_stand_alone_and_those_beside_them_do_not():
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    for letter in map(chr, {code for first, last in CJK for code in (first - 1, first, last, last + 1)}):
        assert cjk(letter) == (normalizer.normalize_str(letter) == f" {letter} "), hex(ord(letter))


def test_longest_first_and_unknown_as_a_whole():
    vocabulary = {"un", "unf", "##fold", "##old", "##ing", "fold"}
    assert wordpiece("unfolding", vocabulary) == ["unf", "##old", "##ing"]
    assert wordpiece("folding", vocabulary) == ["fold", "##ing"]
    assert wordpiece("unfoldings", vocabulary) == ["[UNK]"]
    assert words("Who's there? 東京") == ["who", "'", "s", "there", "?", "東", "京"]

"""Exercise 20: how a word is split into pieces."""

import numpy as np

from minibert.exercises.course.exercise import Case, Exercise, Function, Mistake, Output, Wrong, kind_of
from minibert.exercises.course.shared import backend_of
from minibert.exercises.draw import Draw, model
from minibert.exercises.text import Text, t
from minibert.tokenizer.wordpiece import wordpiece

SMALL = ("un", "unf", "##fold", "##old", "##ing", "fold", "re", "##re", "##f", "##o", "##l", "##d", "s", "##s", "in")


WORDS = [
    "fisherman",
    "unhappily",
    "waterfall",
    "thunderstorm",
    "rebuilding",
    "gentleman's",
    "sunflowers",
    "overlooked",
    "misunderstanding",
    "horseback",
    "bookseller",
    "snowfield",
    "undertaking",
    "lighthouse",
    "blackberries",
    "moonlit",
    "storyteller",
    "grandmothers",
]


def wordpiece_cases(draw: Draw) -> list[Case]:
    first = not draw.drawn
    draw.drawn.append(())
    small = {piece: number for number, piece in enumerate(("[UNK]", *SMALL))}
    large = backend_of(model("tiny")).get_vocab()
    some = [str(word) for word in draw.rng.choice(WORDS, size=4, replace=False)]
    words = [(word, large) for word in (*some, "water", some[0] + "\u2603" + some[1])]
    words += [(word, small) for word in ("unfolding", "refolds", "folding", "unfoldingly", "infold" if first else "s")]
    words += [("refold", {"##fold": 0, "re": 1, "[UNK]": 2, "##f": 3, "##old": 4})]  # an id may be 0
    says = "the word {word} and a vocabulary of {count} pieces"
    return [Case(t(says, word=repr(word), count=len(known)), (word, known)) for word, known in words]


MISSING, NOTHING = -2.0, -1.0
"""In place of the id of a piece that is not in the vocabulary, and after the last piece"""


def as_ids(arguments: tuple, value: object) -> np.ndarray:
    """A list of pieces -> their ids, as many as the word could have, so that any two answers can be compared."""
    word, vocabulary = arguments
    if not isinstance(value, list | tuple) or not all(isinstance(piece, str) for piece in value):
        raise Wrong(t("expected a list of texts, the pieces; got {got}", got=kind_of(value)))
    ids = [float(vocabulary.get(piece, MISSING)) for piece in value]
    return np.array((ids + [NOTHING] * (len(word) + 2))[: len(word) + 2])


def same_pieces(arguments: tuple, outputs: tuple[np.ndarray, ...]) -> Text | None:
    word, vocabulary = arguments
    want = wordpiece(word, vocabulary)
    by_id = {number: piece for piece, number in vocabulary.items()}
    got = [by_id.get(int(number), "?") for number in outputs[0] if number != NOTHING]
    if got == want:
        return None
    says = "it must be split into {want}, but it is split into {got}"
    if "?" in got:
        says = "it must be split into {want}, but it is split into {got} (? is a piece that is not in the vocabulary)"
    return t(says, want=" ".join(want), got=" ".join(got) or "-")


def pieces_by(choose, unknown=None, least=1):
    """WordPiece with another choice among the pieces that fit, or another way with what does not fit."""

    def mistake(word, vocabulary):
        pieces, start = [], 0
        while start < len(word):
            ends = [end for end in range(start + least, len(word) + 1) if marked(word, start, end) in vocabulary]
            if ends:
                end = choose(ends)
                pieces.append(marked(word, start, end))
            elif unknown is None:
                return ["[UNK]"]
            else:
                end = start + 1
                pieces += unknown
            start = end
        return pieces

    return mistake


def marked(word: str, start: int, end: int) -> str:
    return ("##" if start else "") + word[start:end]


def pieces_and_unknown(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        ends = [end for end in range(start + 1, len(word) + 1) if marked(word, start, end) in vocabulary]
        if not ends:
            return [*pieces, "[UNK]"]
        pieces.append(marked(word, start, max(ends)))
        start = max(ends)
    return pieces


def pieces_unmarked(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        ends = [end for end in range(start + 1, len(word) + 1) if word[start:end] in vocabulary]
        if not ends:
            return ["[UNK]"]
        pieces.append(word[start : max(ends)])
        start = max(ends)
    return pieces


WORDPIECE_MISTAKES = (
    Mistake("shortest-first", "the shortest piece that fits is taken. Take the longest", pieces_by(min)),
    Mistake(
        "zero-missing",
        "the piece with id 0 is treated as missing. Use `piece in vocabulary` to test whether a piece is there",
        lambda word, vocabulary: wordpiece(word, {piece: number for piece, number in vocabulary.items() if number}),
    ),
    Mistake(
        "unknown-inside",
        "the result contains the pieces before [UNK]. The whole word must be [UNK]",
        pieces_and_unknown,
    ),
    Mistake(
        "no-letters",
        "a piece of one letter is never tried. The shortest slice is word[start : start + 1]",
        pieces_by(max, least=2),
    ),
    Mistake("no-hashes", 'pieces inside a word are looked up without "##"', pieces_unmarked),
    Mistake(
        "unknown-inside",
        "a letter that no piece fits becomes [UNK], and the rest is split. The whole word must be [UNK]",
        pieces_by(max, ["[UNK]"]),
    ),
    Mistake(
        "skipped",
        "a letter that no piece fits is skipped. The whole word must be [UNK]",
        pieces_by(max, []),
    ),
    Mistake(
        "only-whole-words",
        "a word that is not in the vocabulary as a whole becomes [UNK] at once. Try shorter and shorter beginnings",
        lambda word, vocabulary: [word] if word in vocabulary else ["[UNK]"],
    ),
)


EXERCISE = Exercise(
    file="20_wordpiece.py",
    title="how a word is split into pieces",
    minutes=20,
    difficulty=2,
    parts=(
        Function(
            "wordpiece",
            wordpiece,
            (Output("pieces", ("piece",)),),
            wordpiece_cases,
            WORDPIECE_MISTAKES,
            hints=(
                (
                    "Write two loops. One chooses where the next piece starts. The other chooses where it ends, from "
                    "the end of the word backwards."
                ),
                (
                    'Try each end: for end in range(len(word), start, -1): piece = word[start:end], with "##" before '
                    "it if start is not 0. Take the first piece that is in the vocabulary. If there is none, return "
                    '["[UNK]"].'
                ),
            ),
            laws=(same_pieces,),
            look=as_ids,
        ),
    ),
    answer=(
        "No. The greedy rule is fast, and the model was trained with it. But it never goes back. With the pieces un, "
        "unf, ##fold, ##ing and ##olding, it splits unfolding into unf ##olding. But un ##fold ##ing shows more of "
        "the word's meaning."
    ),
    shown=(wordpiece,),
)

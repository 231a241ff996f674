"""20. WordPiece: how a word falls into pieces

BERT does not know every word. It knows some thousand pieces, and a word is put together of them. Frequent words are
one piece. A piece that goes on a word begins with "##".

    unfolding -> un ##fold ##ing

The rule is greedy. From the beginning of the word take the longest piece that is in the vocabulary. Go on from where
it ends, again with the longest piece, now with "##" before it. If at some place no piece fits, the whole word is
unknown: ["[UNK]"].

Shapes: word, a text without spaces; vocabulary, a dict {piece: id} -> a list of pieces. `piece in vocabulary` says
whether a piece is there. "[UNK]" is the one piece you may return without looking.

Worked example: slices of a word, from long to short.

>>> word = "cats"
>>> [word[0:end] for end in range(len(word), 0, -1)]
['cats', 'cat', 'ca', 'c']

Predict, before you check: does greedy always find the pieces that say most of a word?
"""


def wordpiece(word: str, vocabulary: dict[str, int]) -> list[str]:
    """The pieces of a word."""
    raise NotImplementedError

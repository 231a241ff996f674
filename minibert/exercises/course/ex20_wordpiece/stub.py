"""20. WordPiece: how a word is split into pieces

The vocabulary of BERT does not contain every word. It contains some thousand pieces, and every word is a sequence of
pieces. A frequent word is one piece. A piece that continues a word begins with "##".

    unfolding -> un ##fold ##ing

The rule is greedy. Take the longest piece of the vocabulary with which the word begins. Continue where it ends, again
with the longest piece, now with "##" before it. If no piece fits at some position, the whole word is unknown:
["[UNK]"].

Shapes: word, a text without spaces; vocabulary, a dict {piece: id} -> a list of pieces. `piece in vocabulary` tests
whether a piece is there. "[UNK]" is the only piece that you may return without this test.

Worked example: slices of a word, from long to short.

>>> word = "cats"
>>> [word[0:end] for end in range(len(word), 0, -1)]
['cats', 'cat', 'ca', 'c']

Predict, before you check: does the greedy rule always find the pieces that show most of a word's meaning?
"""


def wordpiece(word: str, vocabulary: dict[str, int]) -> list[str]:
    """The pieces of a word."""
    raise NotImplementedError

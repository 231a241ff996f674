"""The function needs two positions: where the next piece starts, and where it ends. It tries the last end first, so the
first piece that fits is the longest."""


def wordpiece(word: str, vocabulary: dict[str, int]) -> list[str]:
    pieces = []
    start = 0
    while start < len(word):
        end = len(word)
        while end > start and with_mark(word, start, end) not in vocabulary:
            end -= 1
        if end == start:
            return ["[UNK]"]
        pieces.append(with_mark(word, start, end))
        start = end
    return pieces


def with_mark(word: str, start: int, end: int) -> str:
    return word[start:end] if start == 0 else "##" + word[start:end]

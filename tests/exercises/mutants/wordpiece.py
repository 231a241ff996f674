def pieces(word, vocabulary, ends, mark="##", stranger=None):
    found, start = [], 0
    while start < len(word):
        for end in ends(start, len(word)):
            piece = word[start:end] if start == 0 else mark + word[start:end]
            if piece in vocabulary:
                found.append(piece)
                start = end
                break
        else:
            if stranger is None:
                return ["[UNK]"]
            found.extend(stranger)
            start += 1
    return found


def longest(start, length):
    return range(length, start, -1)


def wordpiece__shortest_first(word, vocabulary):
    return pieces(word, vocabulary, lambda start, length: range(start + 1, length + 1))


def wordpiece__no_hashes(word, vocabulary):
    return pieces(word, vocabulary, longest, mark="")


def wordpiece__unknown_inside(word, vocabulary):
    return pieces(word, vocabulary, longest, stranger=["[UNK]"])


def wordpiece__skipped(word, vocabulary):
    return pieces(word, vocabulary, longest, stranger=[])


def wordpiece__only_whole_words(word, vocabulary):
    if word in vocabulary:
        return [word]
    return ["[UNK]"]

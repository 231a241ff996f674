"""Texts that a model does not read as they were meant: most tokens are unknown, or a blank is no mask token."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from minibert.model import Bert
from minibert.terminal import counted, model_name
from minibert.tokenizer.encoding import Encoding


@dataclass
class Doubts:
    """What is doubtful about the sentences that were looked at."""

    bert: Bert
    seen: int = 0
    unread: list[Encoding] = field(default_factory=list)
    """the sentences of which half the tokens or more are [UNK]"""
    blank: str = ""
    """the first blank that is no mask token, such as [mask] or ___"""

    def look(self, encodings: Iterable[Encoding]) -> "Doubts":
        for encoding in encodings:
            self.seen += 1
            self.unread += [encoding] * mostly_unknown(encoding)
            self.blank = self.blank or self.bert.tokenizer.other_blank(encoding)
        return self

    @property
    def lines(self) -> list[str]:
        """Sentences to print."""
        model, found = model_name(self.bert), []
        if self.unread:
            what = how_many_unknown(self.unread, self.seen)
            found.append(f"{what}: the vocabulary of {model} lacks these words, and no number is about them")
        if self.blank and self.bert.tokenizer.mask_id is not None:
            mask = self.bert.tokenizer.token(self.bert.tokenizer.mask_id)
            found.append(f"“{self.blank}” is no blank for {model}, which reads its characters; write {mask}")
        return found


def mostly_unknown(encoding: Encoding) -> bool:
    """Whether half of the tokens or more are unknown, those that the tokenizer adds left out."""
    roles = roles_of_text(encoding)
    return 2 * roles.count("unk") >= max(len(roles), 1)


def roles_of_text(encoding: Encoding) -> list[str | None]:
    return [role for role, word in zip(encoding.roles, encoding.words, strict=False) if word is not None]


def how_many_unknown(unread: Sequence[Encoding], seen: int) -> str:
    """ "5 of 6 tokens are [UNK]", or of several sentences "3 of 10 sentences are mostly [UNK]"; "" for none."""
    if not unread:
        return ""
    name = unread[0].tokens[unread[0].roles.index("unk")]
    if seen > 1:
        return f"{len(unread):,} of {counted(seen, 'sentence')} {'is' if len(unread) == 1 else 'are'} mostly {name}"
    roles = roles_of_text(unread[0])
    return f"{roles.count('unk')} of {counted(len(roles), 'token')} are {name}"

"""The notes of a folder of exercises, in .course.json: language, hints and solutions used, the teacher's word.

It is an aid and not a safe: a student can open it, and a teacher sees if it is missing.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from minibert.exercises.text import LANGUAGES

NAME = ".course.json"


@dataclass
class Progress:
    """The notes of one folder; `path` is None where there is no folder to keep them in."""

    path: Path | None = None
    language: str = "en"
    right: list[str] = field(default_factory=list)
    """exercises that were right when they were last checked"""
    hints: list[str] = field(default_factory=list)
    """exercises of which a hint was read"""
    solutions: list[str] = field(default_factory=list)
    """exercises of which the solution was shown before they were right"""
    lock: str = ""
    """a hash of the word that opens `show` and `hint --more`; empty where they are open"""

    def note(self, kind: str, exercise: str) -> None:
        """Add an exercise to right, hints or solutions."""
        names = getattr(self, kind)
        if self.path is not None and exercise not in names:
            names.append(exercise)
            self.save()

    def forget(self, kind: str, exercise: str) -> None:
        """Remove an exercise from right, hints or solutions."""
        names = getattr(self, kind)
        if exercise in names:
            names.remove(exercise)
            self.save()

    def save(self) -> None:
        """Write the file whole, or leave the old one."""
        if self.path is None:
            return
        notes = {name: value for name, value in asdict(self).items() if name != "path"}
        beside = self.path.with_name(f"{NAME}-{os.getpid()}")
        try:
            beside.write_text(json.dumps(notes, indent=1), encoding="utf-8")
            os.replace(beside, self.path)
        except OSError:  # a folder that cannot be written is a folder without notes
            beside.unlink(missing_ok=True)

    def opens(self, word: str | None) -> bool:
        """Whether the word is the teacher's, or none is needed."""
        return not self.lock or (word is not None and self.lock == hashed(word))


def hashed(word: str) -> str:
    return hashlib.sha256(word.strip().encode("utf-8", "replace")).hexdigest()[:20]


def read(folder: Path) -> Progress:
    """The notes of a folder; empty ones where there are none, or where the file is broken."""
    path = Path(folder) / NAME
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
        known = {name: notes[name] for name in ("language", "right", "hints", "solutions", "lock") if name in notes}
        progress = Progress(path, **known)
        lists = (progress.right, progress.hints, progress.solutions)
        if progress.language not in LANGUAGES:
            progress.language = LANGUAGES[0]
        if isinstance(progress.lock, str) and all(isinstance(names, list) for names in lists):
            return progress
    except (OSError, ValueError, TypeError):
        pass
    return Progress(path)


def nearest(folder: str | None) -> Progress:
    """The notes of this folder; without one, of the folder one is in, or of the only course folder below it."""
    if folder is not None:
        return read(Path(folder))
    here = Path()
    if (here / NAME).is_file():
        return read(here)
    below = sorted(here.glob(f"*/{NAME}"))
    return read(below[0].parent) if len(below) == 1 else Progress()

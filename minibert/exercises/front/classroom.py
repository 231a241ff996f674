"""`minibert exercises class`: a whole class checked at once, as a table, as CSV and as one page."""

import csv
import html
import io
import os
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from minibert.errors import UserError
from minibert.exercises.course import EXERCISES
from minibert.exercises.course.exercise import Exercise
from minibert.exercises.front import progress
from minibert.exercises.front.pictures import page
from minibert.exercises.judge.cells import notebook_in
from minibert.exercises.judge.checker import Checker, started
from minibert.exercises.judge.report import Report
from minibert.exercises.text import Text, spoken, t
from minibert.terminal import columns, padded

SIGNS = {"passed": "+", "failed": "-", "todo": ".", "missing": " "}
IMPORTED = "="
MOST_MISTAKES = 10

IN_WORDS = {
    "in-place": t("an argument is changed in place"),
    "keeps-state": t("something is kept from one call to the next"),
    "order": t("the results are in the wrong order"),
    "swapped": t("layer and head are exchanged"),
    "import": t("the file cannot be imported, or a name is missing"),
    "call": t("the call raises an error"),
    "time": t("the check takes too long"),
    "type": t("the result is of the wrong kind"),
    "shape": t("the shape is wrong"),
    "dtype": t("the dtype is wrong"),
    "finite": t("a number is not finite"),
    "invariant": t("the rows have a wrong sum, or the result breaks another rule"),
    "values": t("the numbers are wrong, for another reason"),
    "finding": t("another layer and head would be right"),
}
"""The mistakes that the judge finds in every exercise, and the steps of a check, as a teacher reads them"""


@dataclass(frozen=True)
class Student:
    """One folder, checked."""

    name: str
    reports: list[Report]
    notes: progress.Progress
    trouble: str = ""
    """why the folder could not be checked"""
    weights: dict[str, float] = field(default_factory=dict)
    """points for an exercise, by name; 1 for those that are not here"""

    @property
    def points(self) -> tuple[float, float]:
        """Points, of how many: an exercise's weight, shared out evenly over its functions and findings."""
        got = possible = 0.0
        for report in self.reports:
            weight = self.weights.get(report.name, 1.0)
            possible += weight
            if report.parts:
                got += weight * sum(part["status"] == "passed" for part in report.parts) / len(report.parts)
        return round(got, 2), possible

    @property
    def functions(self) -> tuple[int, int]:
        """How many functions and findings are right, of how many."""
        parts = sum(len(exercise.parts) for exercise in EXERCISES if exercise.name in [r.name for r in self.reports])
        return sum(part["status"] == "passed" for report in self.reports for part in report.parts), parts

    @property
    def exercises(self) -> int:
        return sum(report.status == "passed" for report in self.reports)

    @property
    def remarks(self) -> list[Text | str]:
        """What a teacher may want to look at."""
        imported = [report.name for report in self.reports if report.imports_it and report.status == "passed"]
        misplaced = [report.message for report in self.reports if report.status == "missing" and "? " in report.message]
        remarks: list[Text | str] = [self.trouble] if self.trouble else []
        remarks += [t("uses the library's own function: {names}", names=", ".join(imported))] if imported else []
        if misplaced:
            says = "files with a wrong name or place ({count}): {first}"
            remarks.append(t(says, count=len(misplaced), first=misplaced[0]))
        return remarks


def students_in(folders: list[Path]) -> list[Path]:
    """The folders of students: those given; of a folder without exercises, the folders in it."""
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder")
        below = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
        below.sort(key=by_number)
        own = notebook_in(folder) or any((folder / exercise.file).is_file() for exercise in EXERCISES)
        found += [folder] if own or not below else below
    return found


def by_number(path: Path) -> list:
    """Sorts s2 before s10: what is a number in the name counts as one."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def handed_out(folders: list[Path]) -> tuple[Exercise, ...]:
    """The exercises of a class: those that were handed out to at least one student."""
    there = {exercise.name for folder in folders for exercise in started(folder, EXERCISES)}
    return tuple(exercise for exercise in EXERCISES if exercise.name in there)


def check_class(
    folders: list[Path],
    chosen: tuple[Exercise, ...],
    seed: int,
    limit: float,
    done: Callable[[], object],
    weights: dict[str, float] | None = None,
    language: str = "en",
) -> list[Student]:
    """Every folder checked, as many at a time as there are cores; `done` is called after each."""
    weights = weights or {}
    one_at_a_time = threading.Lock()

    def check(folder: Path) -> Student:
        name = folder.resolve().name
        notes = progress.read(folder)
        try:
            with Checker(folder, seed, limit, language) as checker:
                reports = [checker.check(exercise) for exercise in chosen]
        except OSError as error:
            missing = [Report(exercise.name, exercise.file, "missing", str(error)) for exercise in chosen]
            return Student(name, missing, notes, str(error), weights)
        finally:
            with one_at_a_time:
                done()
        return Student(name, reports, notes, weights=weights)

    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        return list(pool.map(check, folders))


def mistakes_of(students: list[Student], language: str) -> list[tuple[int, str, str]]:
    """The most frequent mistakes: how many students made it, in which function, and the mistake in words."""
    counts: Counter[tuple[str, str]] = Counter()
    for student in students:
        for report in student.reports:
            for part in report.parts or ({"name": report.name, "status": report.status, "step": report.step},):
                if part["status"] == "failed":
                    counts[f"{report.name}: {part['name']}", in_words(part, language)] += 1
    return [(count, *what) for what, count in counts.most_common(MOST_MISTAKES)]


def in_words(part: dict, language: str) -> str:
    """What is wrong with a part: the first sentence of its cause, or the words for its mistake or its step."""
    if part.get("cause"):
        return re.split(r"\. |。", part["cause"])[0]
    return IN_WORDS[part.get("mistake") or part["step"]].to(language)


TITLES = "right  functions  points  hints  solutions"
LEGEND = t("+ right   - not yet   . to do   (blank) missing   = right, with the library's own function")
WORST = t("The most frequent mistakes of the class:")


def as_table(students: list[Student], chosen: tuple[Exercise, ...], language: str) -> str:
    """For the terminal: a row per student, a column per exercise."""
    width = max([columns(student.name) for student in students] + [7])
    numbers = " ".join(f"{exercise.number:2}" for exercise in chosen)
    lines = [f"{'':{width}}  {numbers}  {t(TITLES).to(language)}"]
    for student in students:
        signs = " ".join(f" {sign_of(report)}" for report in student.reports)
        right, total = student.functions
        hints, solutions = len(student.notes.hints), len(student.notes.solutions)
        got, possible = student.points
        points = f"{got:g}/{possible:g}"
        counts = f"{student.exercises:5}  {right:4}/{total:<4}  {points:>6}  {hints:5}  {solutions:9}"
        lines.append(f"{padded(student.name, width)}  {signs}  {counts}")
    lines += ["", LEGEND.to(language)]
    for student in students:
        lines += [f"{student.name}: {remark}" for remark in spoken(student.remarks, language)]
    if mistakes := mistakes_of(students, language):
        lines += ["", WORST.to(language)]
        lines += [f"{count:4}  {where}: {what}" for count, where, what in mistakes]
    return "\n".join(lines)


def sign_of(report: Report) -> str:
    return IMPORTED if report.imports_it and report.status == "passed" else SIGNS[report.status]


def as_csv(students: list[Student], chosen: tuple[Exercise, ...], language: str) -> str:
    """A row per student; a column per function and finding, 1 for right and 0 for not."""
    parts = [(exercise.name, part.name) for exercise in chosen for part in exercise.parts]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    counts = ["exercises", "functions", "points", "hints", "solutions", "imports_answer", "remarks"]
    writer.writerow(["student", *counts, *(f"{exercise}.{part}" for exercise, part in parts)])
    for student in students:
        right = {
            (report.name, part["name"]): int(part["status"] == "passed")
            for report in student.reports
            for part in report.parts
        }
        imported = [report.name for report in student.reports if report.imports_it and report.status == "passed"]
        used = [" ".join(student.notes.hints), " ".join(student.notes.solutions), " ".join(imported)]
        numbers = [student.exercises, student.functions[0], student.points[0]]
        row = [student.name, *numbers, *used, "; ".join(spoken(student.remarks, language))]
        writer.writerow([*map(safe, row), *(right.get(part, 0) for part in parts)])
    return text.getvalue()


def safe(cell: object) -> object:
    """A spreadsheet takes a cell that begins like this for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell


def as_page(students: list[Student], chosen: tuple[Exercise, ...], language: str) -> str:
    """One HTML page: the table, what to teach next, and every message."""
    head = "".join(f'<th title="{exercise.name}">{exercise.number}</th>' for exercise in chosen)
    titles = "".join(f"<th>{title}</th>" for title in t(TITLES).to(language).split("  "))
    rows = "".join(map(row_of_page, students))
    legend = html.escape(LEGEND.to(language))
    body = f'<table class="class"><tr><th></th>{head}{titles}</tr>{rows}</table><p>{legend}</p>'
    if mistakes := mistakes_of(students, language):
        items = "".join(f"<li>{count} × {html.escape(f'{where}: {what}')}</li>" for count, where, what in mistakes)
        body += f"<h2>{html.escape(WORST.to(language))}</h2><ul>{items}</ul>"
    for student in students:
        remarks = "".join(f"<li>{html.escape(remark)}</li>" for remark in spoken(student.remarks, language))
        failed = [report for report in student.reports if report.status == "failed"]
        messages = "".join(f"<li><b>{report.name}</b> {html.escape(report.message)}</li>" for report in failed)
        if remarks or messages:
            body += f"<h2>{html.escape(student.name)}</h2><ul>{remarks}{messages}</ul>"
    return page(t("The class").to(language), body, language)


def row_of_page(student: Student) -> str:
    cells = "".join(
        f'<td class="{"flag" if sign_of(report) == IMPORTED else report.status}" '
        f'title="{html.escape(report.message)}">{sign_of(report)}</td>'
        for report in student.reports
    )
    right, total = student.functions
    points = "{:g}/{:g}".format(*student.points)
    used = (len(student.notes.hints), len(student.notes.solutions))
    numbers = "".join(f"<td>{count}</td>" for count in (student.exercises, f"{right}/{total}", points, *used))
    return f"<tr><td>{html.escape(student.name)}</td>{cells}{numbers}</tr>"

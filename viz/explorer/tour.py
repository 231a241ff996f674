"""The guided tour: steps, each an address of the page, a question and its answer, which comes after a guess.

A tour of one's own is a JSON list of objects:

    [{"at": "view=points&layer=1&head=2",      the state, as in the page's address; what it leaves out is as usual
      "title": "...", "text": "...",           what is seen
      "question": "...",
      "choices": ["...", "..."], "right": 1,   to guess from (from 0); leave both out for an open question
      "answer": "...",
     "hidden": true}]                          no guesses, and in One head nothing said above it, till answered
"""

from collections.abc import Mapping
from urllib.parse import quote

from viz.errors import InputError

TEXTS = ("at", "title", "text", "question", "answer")
MASKED = "She opened the letter and read the [MASK]."
PAIR = ("Where is the captain?", "He is in his cabin.")
WORDS = ("january", "april", "may")

STEPS = (  # name, address, the right choice (None: an open question), the facts that it needs
    ("dot", "view=points&only=true&{before}", 1, "before"),
    ("previous", "view=heads&layer=0&head=0", None, "clear"),
    ("raw", "view=near&method=raw&sentence=0&query={far_query}&{far}", 1, "far"),
    ("exact", "view=near&method=exact&sentence=0&query={far_query}&{far}", 1, "far"),
    ("hide", "view=sentence&off=1&query=2&{before}", None, "before"),
    ("mask", "view=sentence&text={masked}&{before}", None, "guess"),
    ("off", "view=heads&text={masked}&without={layer}.{head}&{before}", None, "guess"),
    ("pair", "view=sentence&text={first}&second={second}&layer={across_layer}&head={across_head}", None, "guess"),
    ("months", "view=heads&find={words}", None, "close"),
    ("way", "view=way&text={masked}", None, "guess"),
    ("not", "view=heads", None, "before"),
)


def default_tour(say: Mapping[str, str], facts: Mapping[str, object]) -> list[dict]:
    """The tour that comes with the page, of the steps whose facts there are; see `viz.explorer.facts`."""
    places = {
        "before": "layer={layer}&head={head}".format(**facts),
        "masked": quote(MASKED),
        "first": quote(PAIR[0]),
        "second": quote(PAIR[1]),
        "words": quote(" ".join(WORDS)),
    } | dict(facts)
    tour = []
    for name, at, right, needed in STEPS:
        if needed not in places:
            continue
        step = {"at": at.format(**places)}
        for part in ("title", "text", "question", "answer"):
            if f"tour_{name}_{part}" in say:
                step[part] = say[f"tour_{name}_{part}"].format(**places)
        if name == "not" and "guess" not in places:  # nothing can be typed there
            step["question"] = say["tour_not_question_still"]
        if name in ("dot", "mask"):
            step["hidden"] = True
        if right is not None:
            step |= {"choices": say[f"tour_{name}_choices"].split(" ; "), "right": right}
        tour.append(step)
    return tour


def check_tour(tour: object) -> list[dict]:
    """A tour from a file, as it is. ValueError: what is wrong with it, and in which step."""
    if not isinstance(tour, list) or not tour:
        raise InputError("a tour is a list of steps, [{...}, ...], with at least one")
    for number, step in enumerate(tour, start=1):
        if not isinstance(step, dict) or not step:
            raise InputError(f'step {number} of the tour is {step!r:.60}; expected an object such as {{"text": "..."}}')
        for name, value in step.items():
            if name in TEXTS and not isinstance(value, str):
                raise InputError(f"step {number} of the tour: {name!r} is {value!r:.60}; expected a text")
            if name not in (*TEXTS, "choices", "right", "hidden"):
                known = ", ".join((*TEXTS, "choices", "right", "hidden"))
                raise InputError(f"step {number} of the tour has {name!r}; expected {known}")
        choices, right = step.get("choices", []), step.get("right")
        if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
            raise InputError(f"step {number} of the tour: choices must be a list of texts")
        if choices and not (isinstance(right, int) and 0 <= right < len(choices)):
            raise InputError(
                f"step {number} of the tour: right must be 0 to {len(choices) - 1}, the place of the choice"
            )
    return tour

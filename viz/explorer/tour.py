"""The guided tour: steps, each an address of the page, a question and its answer, which comes after a guess.

A tour of one's own is a JSON list of objects:

    [{"at": "view=points&layer=1&head=2",      the state, as in the page's address; what it leaves out is as usual
      "title": "...", "text": "...",           what is seen
      "question": "...",
      "choices": ["...", "..."], "right": 1,   to guess from (from 0); leave both out for an open question
      "answer": "..."}]
"""

from collections.abc import Mapping, Sequence

TEXTS = ("at", "title", "text", "question", "answer")

STEPS = (  # name, address, the right choice (None: an open question), whether it needs a live model
    ("dot", "view=points&only=true&{before}", 1, False),
    ("previous", "view=heads", None, False),
    ("raw", "view=near&method=raw&query=2&{before}", 1, False),
    ("exact", "view=near&method=exact&query=2&{before}", 1, False),
    ("hide", "view=sentence&off=1&{before}", None, False),
    ("mask", "view=sentence&text=She%20opened%20the%20letter%20and%20read%20the%20%5BMASK%5D.&{before}", None, True),
    (
        "off",
        "view=heads&text=She%20opened%20the%20letter%20and%20read%20the%20%5BMASK%5D.&without={layer}.{head}&{before}",
        None,
        True,
    ),
    (
        "pair",
        "view=sentence&text=Where%20is%20the%20captain%3F&second=He%20is%20in%20his%20cabin.&{before}",
        None,
        True,
    ),
    ("months", "view=heads&find={words}", None, False),
    ("way", "view=way&query=8&text=She%20opened%20the%20letter%20and%20read%20the%20%5BMASK%5D.", None, True),
    ("not", "view=heads", None, False),
)


def default_tour(
    say: Mapping[str, str], live: bool, layer: int, head: int, words: Sequence[str] = ("january", "april", "may")
) -> list[dict]:
    """The tour that comes with the page. layer, head: of the head that looks most at the token before."""
    place = {"layer": layer, "head": head, "before": f"layer={layer}&head={head}", "words": "%20".join(words)}
    tour = []
    for name, at, right, needs_model in STEPS:
        if needs_model and not live:
            continue
        step = {"at": at.format(**place)}
        for part in ("title", "text", "question", "answer"):
            if f"tour_{name}_{part}" in say:
                step[part] = say[f"tour_{name}_{part}"].format(**place)
        if right is not None:
            step |= {"choices": say[f"tour_{name}_choices"].split(" ; "), "right": right}
        tour.append(step)
    return tour


def check_tour(tour: object) -> list[dict]:
    """A tour from a file, as it is. ValueError: what is wrong with it, and in which step."""
    if not isinstance(tour, list) or not tour:
        raise ValueError("a tour is a list of steps, [{...}, ...], with at least one")
    for number, step in enumerate(tour, start=1):
        if not isinstance(step, dict) or not step:
            raise ValueError(f'step {number} of the tour is {step!r:.60}; expected an object such as {{"text": "..."}}')
        for name, value in step.items():
            if name in TEXTS and not isinstance(value, str):
                raise ValueError(f"step {number} of the tour: {name!r} is {value!r:.60}; expected a text")
            if name not in (*TEXTS, "choices", "right"):
                raise ValueError(f"step {number} of the tour has {name!r}; expected {', '.join(TEXTS)}, choices, right")
        choices, right = step.get("choices", []), step.get("right")
        if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
            raise ValueError(f"step {number} of the tour: choices must be a list of texts")
        if choices and not (isinstance(right, int) and 0 <= right < len(choices)):
            raise ValueError(
                f"step {number} of the tour: right must be 0 to {len(choices) - 1}, the place of the choice"
            )
    return tour

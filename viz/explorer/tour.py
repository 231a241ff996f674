"""The guided tour: steps, each an address of the page, a question and its answer, which comes after a guess.

The answers have numbers of the page's own heads, and of the model in it, so that each is true of what is shown.

A tour of one's own is a JSON list of objects:

    [{"at": "view=points&layer=1&head=2",      the state, as in the page's address; what it leaves out is as usual
      "title": "...", "text": "...",           what is seen
      "question": "...",
      "choices": ["...", "..."], "right": 1,   to guess from (from 0); leave both out for an open question
      "answer": "...",
      "hidden": true}]                         before the answer no guesses, no text above One head, no terms of a score
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from viz.errors import InputError
from viz.explorer.columns import LayerNumbers
from viz.explorer.sentence import Sentence

TEXTS = ("at", "title", "text", "question", "answer")
MASKED = "She opened the letter and read the [MASK]."
PAIR = ("Where is the captain?", "He is in his cabin.")
WORDS = ("january", "april", "may")
WHY = ("In the morning the old fisherman pushed his boat into the water.", "fisherman")
"""A text, and the word in it whose attention to the token before it is explained."""

STEPS = (  # name, address, the right choice (None: an open question), the facts that it needs
    ("dot", "view=points&only=true&{before}", 1, "before"),
    ("previous", "view=heads&layer=0&head=0", None, "clear"),
    ("raw", "view=near&method=raw&sentence=0&query={far_query}&{far}", 1, "far"),
    ("exact", "view=near&method=exact&sentence=0&query={far_query}&{far}", 1, "far"),
    ("hide", "view=sentence&off=1&query=2&layer=0&head={hide_head}", None, "hide_head"),
    ("mask", "view=sentence&text={masked}&{before}", None, "guess"),
    ("off", "view=heads&text={masked}&without={layer}.{head}&{before}", None, "guess"),
    ("pair", "view=sentence&text={first}&second={second}&layer={across_layer}&head={across_head}", None, "guess"),
    ("months", "view=heads&find={words}", None, "close"),
    ("way", "view=way&text={masked}", None, "guess"),
    ("why", "view=why&text={why_text}&query={why_query}&key={why_key}&{before}", 1, "why_writer"),
    ("not", "view=heads", None, "before"),
)


def default_tour(say: Mapping[str, str], facts: Mapping[str, object]) -> list[dict[str, Any]]:
    """The tour that comes with the page: the steps for which `facts` has the numbers."""
    places = {
        "before": "layer={layer}&head={head}".format(**facts),
        "masked": quote(MASKED),
        "first": quote(PAIR[0]),
        "second": quote(PAIR[1]),
        "words": quote(" ".join(WORDS)),
        "why_text": quote(WHY[0]),
    } | dict(facts)
    tour = []
    for name, at, right, needed in STEPS:
        if needed not in places:
            continue
        step: dict[str, Any] = {"at": at.format(**places)}
        for part in ("title", "text", "question", "answer"):
            if f"tour_{name}_{part}" in say:
                step[part] = say[f"tour_{name}_{part}"].format(**places)
        if name == "not" and "guess" not in places:  # nothing can be typed there
            step["question"] = say["tour_not_question_still"]
        if name in ("dot", "mask", "why"):
            step["hidden"] = True
        if right is not None:
            step |= {"choices": say[f"tour_{name}_choices"].split(" ; "), "right": right}
        tour.append(step)
    return tour


def facts(
    layers: Sequence[LayerNumbers], drawn: str, first: Sentence, model: Mapping[str, Any] | None
) -> dict[str, object]:
    """The numbers of the tour. drawn: the first picture. first: a sentence. model: `Live.facts` of the model in it."""
    layer, head = most([one.habits.to_previous for one in layers])
    result = {"layer": layer, "head": head, "previous": percent(layers[layer].habits.to_previous[head])}
    result["hide_head"] = int(layers[0].habits.to_previous.argmax())  # in the first layer nothing else changes
    if layers[layer].kinds.names[head] == "-1":
        result["clear"] = True
    result |= far_keys(layers, first)
    close = [one.closeness[drawn] for one in layers]
    if np.isfinite(close).all():
        for name, sign in (("close", -1), ("apart", 1)):
            at, number = most([sign * ratios for ratios in close])
            result |= {name: f"{at}.{number}", f"{name}_ratio": f"{close[at][number]:.1f}"}
    return result | model_facts(model, f"{layer}.{head}") if model else result


def model_facts(model: Mapping[str, Any], previous: str) -> dict[str, object]:
    """What the tour needs of the model in the page. previous: the head that looks most at the token before."""
    shares, across, lens = model["shares"], model["across"], model["lens"]
    worst, most_across = min(shares, key=shares.get), max(across, key=across.get)
    across_layer, across_head = most_across.split(".")
    pair_query, pair_key, pair_share = model["strongest"][most_across]
    wrong = [place for place, (word, _) in enumerate(lens) if word != model["guess"]]
    return {
        "guess": model["guess"],
        "with_all": percent(shares[""]),
        "without": percent(shares[previous]),
        "worst": worst,
        "without_worst": percent(shares[worst]),
        "across_layer": across_layer,
        "across_head": across_head,
        "across_share": percent(across[most_across]),
        "across_previous": percent(across[previous]),
        "across_even": percent(model["even"]),
        "pair_query": pair_query,
        "pair_key": pair_key,
        "pair_share": percent(pair_share),
        "lens_layer": max(wrong, default=0),  # place 0 is after the embeddings, place 1 after layer 0
        "lens_last": len(lens) - 2,
        "lens": ", ".join(f"{word} {percent(share)}" for word, share in lens),
    } | {f"why_{name}": value for name, value in model["why"].get(previous, {}).items()}


def far_keys(layers: Sequence[LayerNumbers], first: Sentence) -> dict[str, object]:
    """The head whose most attended key is least often the nearest one in the full space, unmoved, with a query of the
    first sentence for which it is not; nothing where there is none."""
    layer, head = most([-one.measures["raw"].space.nearest1 for one in layers])
    q, k = first.query[layer, head], first.key[layer, head]
    distance = np.linalg.norm(q[:, None] - k[None], axis=-1)
    differs = distance.argmin(axis=1) != (q @ k.T).argmax(axis=1)
    choice = [i for i, word in enumerate(first.words) if word is not None and differs[i]]
    measures = layers[layer].measures
    if not choice or measures["exact"].plane.nearest1[head] == 1:
        return {}
    return {
        "far": f"layer={layer}&head={head}",
        "far_head": f"{layer}.{head}",
        "far_query": choice[0],
        "far_raw": percent(measures["raw"].space.nearest1[head]),
        "far_flat": percent(measures["exact"].plane.nearest1[head]),
    }


def most(values: Sequence[np.ndarray]) -> tuple[int, int]:
    """Layer and head of the largest value. values: one array [H] for each layer."""
    layer, head = divmod(int(np.stack(values).argmax()), len(values[0]))
    return layer, head


def closeness(keys: np.ndarray, tokens: Sequence[str]) -> np.ndarray:
    """How far apart the keys of the tour's words are in a picture, as a share of how far any two keys are.

    Both are roots of mean squares: keys [H, N, 2] -> [H]; NaN where fewer than two of the words are among the tokens.
    """
    sought = np.isin(tokens, WORDS)
    if len(set(np.asarray(tokens)[sought])) < 2:
        return np.full(len(keys), np.nan)

    def apart(points: np.ndarray) -> np.ndarray:
        return np.sqrt(2 * points.var(axis=1, ddof=1).sum(axis=-1))

    return apart(keys[:, sought]) / np.maximum(apart(keys), 1e-12)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def check_tour(tour: object) -> list[dict[str, Any]]:
    """Return a tour from a file as it is. InputError: what is wrong with it, and in which step."""
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
            places = f"0 to {len(choices) - 1}, the place of the choice"
            raise InputError(f"step {number} of the tour: right must be {places}")
    return tour

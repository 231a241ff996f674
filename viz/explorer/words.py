"""The sentences of the page."""

from importlib.resources import files

from viz.web.words import Words

WORDS = Words(files("viz.explorer") / "words.json")

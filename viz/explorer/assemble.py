"""One HTML file out of small modules: no server, no network, nothing loaded from anywhere."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

PAGE = files("viz.explorer") / "page"
LIVE = files("viz.explorer") / "live"

FILLED = re.compile(r"\{\{(\w+)\}\}|\[\[(\w+)\]\]|\(\((\w+)\)\)")
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.mjs)";\n', re.MULTILINE)
DEFINITION = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def script(entry: str, folder: Traversable = PAGE) -> str:
    """The module `entry` and all it imports as one classic script, each after what it needs. Modules that are not in
    `folder` are the explorer's.

    The modules share one scope there, so no two of them may use the same name at their top level.
    """
    parts: dict[str, str] = {}
    owner: dict[str, str] = {}

    def add(module: str) -> None:
        if module in parts:
            return
        parts[module] = ""  # on the way
        place = folder if (folder / module).is_file() else PAGE
        source = (place / module).read_text(encoding="utf-8")
        for match in IMPORT.finditer(source):
            add(match[2])
        for name in DEFINITION.findall(source):
            if owner.setdefault(name, module) != module:
                raise ValueError(f"both {owner[name]} and {module} define {name}; rename one of them")
        del parts[module]  # and in again, after what it imports
        parts[module] = re.sub(r"^export ", "", IMPORT.sub("", source), flags=re.MULTILINE)

    add(entry)
    return '(() => {\n"use strict";\n' + "\n".join(parts.values()) + "})();\n"


def assemble(
    template: str,
    entry: str,
    style: str,
    data: dict,
    title: str,
    folder: Traversable = PAGE,
    *,
    words: Mapping[str, str] | None = None,
    language: str = "en",
    weights: str = "",
) -> str:
    """The page: template, script, style (all in `folder`) and data in one, and the weights, in base64, of a model that
    it shall run.

    In the template {{name}} is a part; with `words`, [[name]] is a text of that table and ((name)) a button that
    explains. The policy in its head lets the page run this script and style alone (and, to run a model, a worker made
    of its own text), and forbids it to fetch anything from anywhere.
    """
    code, looks = script(entry, folder), (folder / style).read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src '{_digest(code)}'; style-src '{_digest(looks)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy + ("; worker-src blob:" if weights else ""),
        "language": language,
        "title": html.escape(title),
        "style": looks,
        "script": code,
        "words": as_json(words or {}),
        "data": as_json(data),
        "weights": weights,
        "worker": script("worker.mjs", LIVE) if weights else "",
    }

    def filled(match: re.Match) -> str:
        part, text, about = match.groups()
        if part:
            return parts[part]
        if words is None:
            return match[0]
        if text:
            return html.escape(words[text])
        name = html.escape(words["info_about"].format(name=words[f"info_{about}"].split(":")[0]))
        return f'<button type="button" class="info" data-info="{about}" aria-label="{name}">i</button>'

    return FILLED.sub(filled, (folder / template).read_text(encoding="utf-8"))


def as_json(data: dict) -> str:
    """JSON that no token can end: in a script element only "<" could, and "\\u003c" says the same."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def framed(page: str, height: int, title: str) -> str:
    """A page as an isolated frame, for a notebook: a document of its own, which may run its script and save files."""
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts allow-downloads" loading="lazy" '
        f'title="{html.escape(title)}" '
        f'style="width:100%;height:{height}px;border:1px solid #8884;border-radius:8px"></iframe>'
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""One HTML file out of small modules: no server, no network, nothing loaded from anywhere."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from viz.web.theme import variables

WEB = files("viz.web")

FILLED = re.compile(r"\{\{(\w+)\}\}|\[\[(\w+)\]\]|\(\((\w+)\)\)")
IMPORT = re.compile(r'^import \{([^}]*)\} from "((?:\./|(?:\.\./)+(?:viz/)?web/)[\w-]+\.mjs)";\n', re.MULTILINE)
JSON_IMPORT = re.compile(r'^import (\w+) from "\./([\w-]+\.json)" with \{ type: "json" \};\n', re.MULTILINE)
TYPES = re.compile(
    r"^ */\*\* @.*?\*/\n|/\*\* @.*?\*/ ?|^ *\* @.*\n|(?<=\S) @(?:param|returns|template) .*?(?= \*/)", re.MULTILINE
)
"""What only tsc reads, in comments."""
DEFINITION = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def script(entry: str, folder: Traversable) -> str:
    """Join the module `entry` of `folder` and all it imports into one classic script, each after what it needs.

    A module imports from its own folder ("./name.mjs") or from this one ("../../web/name.mjs"). The modules share one
    scope in the script. ValueError: two modules define the same name at their top level, or an import that is neither.
    """
    parts: dict[str, str] = {}
    owner: dict[str, str] = {}

    def add(module: str, place: Traversable) -> None:
        path = str(place / module)
        if path in parts:
            return
        parts[path] = ""  # on the way
        source = TYPES.sub("", (place / module).read_text(encoding="utf-8"))
        for match in IMPORT.finditer(source):
            add(match[2].split("/")[-1], place if match[2].startswith("./") else WEB)
        source = JSON_IMPORT.sub(lambda match: _constant(match[1], place / match[2]), IMPORT.sub("", source))
        if left := re.search(r"^import .*", source, re.MULTILINE):
            raise ValueError(f"{module}: {left[0]}: a page imports from the module's own folder or from viz/web")
        for name in DEFINITION.findall(source):
            if owner.setdefault(name, module) != module:
                raise ValueError(f"both {owner[name]} and {module} define {name}; rename one of them")
        del parts[path]  # and in again, after what it imports
        parts[path] = re.sub(r"^export ", "", source, flags=re.MULTILINE)

    add(entry, folder)
    return '(() => {\n"use strict";\n' + "\n".join(parts.values()) + "})();\n"


def _constant(name: str, file: Traversable) -> str:
    return f"const {name} = {as_json(json.loads(file.read_text(encoding='utf-8')))};\n"


def assemble(
    template: str,
    entry: str,
    style: str,
    data: dict,
    title: str,
    folder: Traversable,
    *,
    words: Mapping[str, str] | None = None,
    language: str = "en",
    weights: str = "",
    worker: str = "",
) -> str:
    """Return the page: template, script and style (all in `folder`), the colours of the theme, and the data in one.

    In the template {{name}} is a part; with `words`, [[name]] is a text of that table and ((name)) a button that
    explains. The policy in its head lets the page run this script and style alone, and forbids it to fetch anything
    from anywhere.

    weights, worker: of a model that the page runs: its weights in base64, and the script of the worker that runs it.
    """
    code, looks = script(entry, folder), variables() + (folder / style).read_text(encoding="utf-8")
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
        "worker": worker,
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


def as_json(data: Mapping) -> str:
    """JSON that no token can end: in a script element only "<" could, and "\\u003c" is the same character."""
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

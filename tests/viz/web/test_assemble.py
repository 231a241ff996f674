"""Modules and the theme become one page."""

import re
from pathlib import Path

import pytest

import minibert
import viz
from viz.figures import style
from viz.web.assemble import script
from viz.web.theme import theme, variables

ROOT = Path(viz.__file__).parents[1]


def test_a_module_comes_after_what_it_imports_and_types_stay_behind(tmp_path):
    (tmp_path / "a.mjs").write_text(
        'import { minus } from "../../web/numbers.mjs";\nimport { b } from "./b.mjs";\n'
        'import C from "./c.json" with { type: "json" };\n'
        "/** What a is. @param {string} x */\nexport const a = (x) => minus(x) + b + /** @type {any} */ (C).c;\n"
    )
    (tmp_path / "b.mjs").write_text("export const b = 1;\n")
    (tmp_path / "c.json").write_text('{"c": "</script>"}')
    made = script("a.mjs", tmp_path)
    assert "import" not in made and "export" not in made and "@param" not in made and "@type" not in made
    assert made.index("const minus") < made.index("const b = 1") < made.index("const a = (x)")
    assert "/** What a is. */\nconst a = (x) => minus(x) + b + (C).c;" in made
    assert 'const C = {"c":"\\u003c/script>"};' in made


def test_a_page_imports_from_its_own_folder_and_this_one_alone(tmp_path):
    (tmp_path / "a.mjs").write_text('import { x } from "../elsewhere/x.mjs";\n')
    with pytest.raises(ValueError, match=r"a\.mjs: import .* from the module's own folder or from viz/web"):
        script("a.mjs", tmp_path)


def test_pages_and_figures_have_the_same_colors():
    light = theme()["light"]
    assert (light["query"], light["key"], light["ink"]) == (style.QUERY, style.KEY, style.INK)
    for name in ("light", "dark"):
        assert set(theme()[name]) == set(light)
    assert variables().startswith(f":root {{ --paper: {light['paper']};")
    for path in [*ROOT.glob("viz/explorer/page/*.*"), *ROOT.glob("viz/web/*.mjs")]:
        allowed = {"#000000", "#ffffff"}  # the ink on a colour
        assert set(re.findall(r"#[0-9a-f]{6}\b", path.read_text(encoding="utf-8"))) <= allowed, path.name


def test_every_color_of_a_style_sheet_is_in_the_theme():
    known = set(re.findall(r"(--[\w-]+):", variables()))
    for path in [*ROOT.glob("viz/explorer/page/*.css")]:
        assert set(re.findall(r"var\((--[\w-]+)", path.read_text(encoding="utf-8"))) <= known, path.name


def test_names_that_the_pages_take_from_python_are_still_there():
    maths = (ROOT / "viz/explorer/page/maths.mjs").read_text(encoding="utf-8")
    name = re.search(r'export const ATTENTION_IN_PYTHON = "(\w+)";', maths)[1]
    attention = (Path(minibert.__file__).parent / "attention.py").read_text(encoding="utf-8")
    assert re.search(rf"\b{name} = ", attention)

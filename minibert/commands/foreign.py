"""Whether the packages `minibert` and `viz` that Python finds are those of this distribution.

PyPI has another `minibert` and another `viz`. pip installs such a distribution over ours without a word, or beside
ours, where Python may find it first. This file imports nothing of the package, which may be another's.
"""

from importlib.util import find_spec

OURS = "minibert-numpy"
"""The name of the distribution, which stands in the file `__init__.py` of both packages."""


def foreign_package() -> str:
    """What is wrong with the first package that is not ours, and what to do, in one line; "" where both are ours."""
    for name in ("minibert", "viz"):
        spec = find_spec(name)
        file = spec.origin if spec else None
        if file is None:
            return f"the package {name} of {OURS} is missing or incomplete: {again()}"
        with open(file, "rb") as source:
            if OURS.encode() not in source.read():
                return f"{file} is not the package {name} of {OURS}: {remedy(name)}"
    return ""


def remedy(name: str) -> str:
    """What to do about a package of this name that another distribution has installed, or that lies in a folder."""
    from importlib.metadata import packages_distributions  # reads the list of every distribution: slow, so only here

    others = sorted({other for other in packages_distributions().get(name, []) if other != OURS})
    if others:
        return f"it belongs to {' and '.join(others)}; pip uninstall {' '.join(others)}, then {again()}"
    return "rename its folder, or run minibert in another one"


def again() -> str:
    return f"install {OURS} again, with pip install --force-reinstall --no-deps and the checkout or wheel file"

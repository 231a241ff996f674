"""Build the site in a folder: `python .github/site/build.py FOLDER`, after `pip install . --group site`.

    index.html       the front page
    explorer.html    `minibert explore`
    read.html        `minibert read`
    reference/       the public interface of minibert and viz, made from the docstrings by pdoc

All links are relative, so the site also works when it is opened from the disk.
"""

import shutil
import sys
from pathlib import Path

import pdoc

import minibert
import viz
from minibert.commands.main import main as command

HERE = Path(__file__).parent


def build(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    front = (HERE / "index.html").read_text(encoding="utf-8").replace("{{version}}", minibert.__version__)
    (folder / "index.html").write_text(front, encoding="utf-8")
    shutil.copy(HERE.parent / "pictures" / "joint.png", folder)
    command(["explore", "--out", str(folder / "explorer.html"), "--read", "read.html"])
    command(["read", "--out", str(folder / "read.html"), "--explorer", "explorer.html"])
    build_reference(folder / "reference")


def build_reference(folder: Path) -> None:
    for package in (minibert, viz):
        for name in package.__all__:  # pdoc sees what has been imported; most names come when they are first used
            setattr(package, name, getattr(package, name))
    pdoc.render.configure(
        docformat="markdown",
        template_directory=HERE / "templates",
        footer_text=f"minibert {minibert.__version__}",
    )
    pdoc.pdoc("minibert", "viz", output_directory=folder)
    (folder / "index.html").unlink()  # the front page has the list of modules


if __name__ == "__main__":
    build(Path(sys.argv[1]))

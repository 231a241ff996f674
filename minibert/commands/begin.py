"""Where the installed command begins: in `minibert_numpy.py`, outside the package, which may be another's."""

import sys
from pathlib import Path


def main() -> None:
    """The command of the package. Where that cannot be imported, one line says whose package is in its place."""
    try:
        from minibert.commands.main import main as command
    except Exception:
        from runpy import run_path

        for folder in sys.path:
            file = Path(folder, "minibert", "commands", "foreign.py")
            if file.is_file() and (message := run_path(str(file))["foreign_package"]()):
                print(f"minibert: {message}", file=sys.stderr)
                sys.exit(2)
        raise
    command()

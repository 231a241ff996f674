"""Finding a model: a bundled name, a folder, an id on the hub that is cached, or one to download."""

from pathlib import Path

from minibert.config import CheckpointError

PACKAGE = Path(__file__).parent


def find_model(model: str | Path, revision: str | None = None) -> Path:
    """The folder of a model."""
    folder = Path(model)
    if folder.is_dir():
        return folder
    if (PACKAGE / str(model) / "config.json").is_file():
        return PACKAGE / str(model)
    raise CheckpointError(f"{model}: no such folder")

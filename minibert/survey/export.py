"""A survey for those who have no model: the sample's queries, keys, attention and tokens in a file, with a manifest.

`viz.read_export` reads it; `viz.export` has the format.
"""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from minibert import __version__
from minibert.corpus.lines import Corpus
from minibert.survey.result import Survey
from minibert.terminal import text_line
from viz.export import Export, write_export, write_table
from viz.files import whole_file


def export(found: Survey, folder: Path, kind: str, **facts: Any) -> list[Path]:
    """Write export.npz or export.parquet and manifest.json, and for parquet heads.parquet as well. Returns the paths.

    kind: "npz" or "parquet". facts: more for the manifest.
    """
    sample, where, path = found.sample, np.ix_(found.layers, found.heads), folder / f"export.{kind}"
    blocks = [block[where] for block in sample.attention]
    about = manifest(found) | facts
    write_export(Export(sample.query[where], sample.key[where], blocks, sample.tokens, sample.sentences, about), path)
    written = [path, folder / "manifest.json"]
    if kind == "parquet":
        written.append(folder / "heads.parquet")
        rows = found.rows
        with whole_file(written[-1]) as beside:
            write_table({name: [row[name] for row in rows] for name in rows[0]}, beside)
    return written


def manifest(found: Survey) -> dict[str, Any]:
    """The facts that a survey knows about itself."""
    corpus, scan = found.corpus, found.scan
    return {
        "model": found.model,
        "layers": list(found.layers),
        "heads": list(found.heads),
        "text": [text_line(encoding.text) for encoding in scan.sample],
        "source": None if corpus.path is None else corpus.name,
        "sha256": digest(corpus),
        "sentences": scan.sentences,
        "measured": found.done,
        "skipped": scan.skipped,
        "points": scan.points if math.isfinite(scan.points) else None,
        "seed": found.seed,
        "version": __version__,
    }


def digest(corpus: Corpus) -> str:
    """The sha256 of the files end to end, or of the typed texts, one a line."""
    found = hashlib.sha256("\n".join(corpus.texts).encode() if corpus.path is None else b"")
    for file in corpus.files:
        with corpus.raw(file) as raw:
            for some in iter(lambda: raw.read(2**20), b""):
                found.update(some)
    return found.hexdigest()

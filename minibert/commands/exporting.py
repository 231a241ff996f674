"""`minibert viz --export`: the sample, and what it is of, for those who have no model."""

import argparse
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from minibert import __version__
from minibert.corpus.lines import Corpus
from minibert.corpus.scan import Scan
from minibert.hub.find import find_model
from minibert.survey.sample import Sample
from minibert.terminal import text_line


def check_export(kind: str | None) -> None:
    """ValueError where what is asked for cannot be written; before anything is computed."""
    if kind == "parquet":
        from viz.export import parquet

        parquet()


def export(
    args: argparse.Namespace, out: Path, sample: Sample, heads: tuple, facts: dict, rows: list[dict]
) -> list[Path]:
    """The sample's queries, keys, attention and tokens with a manifest; for parquet, the table of heads as well.

    heads: the layers, and the heads of each, that are wanted. facts: for the manifest.
    """
    from viz.export import Export, write_export, write_table
    from viz.files import whole_file

    where, path = np.ix_(*heads), out / f"export.{args.export}"
    facts |= {"layers": list(heads[0]), "heads": list(heads[1])}
    blocks = [block[where] for block in sample.attention]
    write_export(Export(sample.query[where], sample.key[where], blocks, sample.tokens, sample.sentences, facts), path)
    written = [path, out / "manifest.json"]
    if args.export == "parquet":
        written.append(out / "heads.parquet")
        columns = {
            name: [row[name] if isinstance(row[name], int) else float(row[name]) for row in rows] for name in rows[0]
        }
        with whole_file(written[-1]) as beside:
            write_table(columns, beside)
    return written


def manifest(args: argparse.Namespace, corpus: Corpus, scanned: Scan) -> dict[str, Any]:
    """The manifest: of what the export is."""
    folder = find_model(args.model) if args.exercises is None else Path(args.model)
    digest = hashlib.sha256("\n".join(corpus.texts).encode() if corpus.path is None else b"")
    for file in corpus.files:
        with corpus.raw(file) as raw:
            for some in iter(lambda: raw.read(2**20), b""):
                digest.update(some)
    return {
        "model": args.model,
        "revision": folder.name if folder.match("models--*/snapshots/*") else None,  # as the hub's cache lays it out
        "exercises": args.exercises and str(args.exercises),
        "text": [text_line(encoding.text) for encoding in scanned.sample],
        "source": None if corpus.path is None else corpus.name,
        "sha256": digest.hexdigest(),
        "column": None if args.column is None else corpus.column,
        "sentences": scanned.sentences,
        "skipped": scanned.skipped,
        "points": scanned.points if math.isfinite(scanned.points) else None,
        "seed": args.seed or 0,
        "version": __version__,
    }

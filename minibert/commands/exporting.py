"""`minibert viz --export`: the sample, and what it is of, for those who have no model."""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minibert import __version__
from minibert.checkpoint.hub import find_model
from minibert.commands.output import text_line
from minibert.commands.sentences import Sample
from minibert.corpus.lines import Corpus
from minibert.corpus.scan import Scan


def check_export(kind: str | None) -> None:
    """ValueError where what is asked for cannot be written; before anything is computed."""
    if kind == "parquet":
        from viz.exported import arrow

        arrow()


def export(
    args: argparse.Namespace,
    out: Path,
    corpus: Corpus,
    scanned: Scan,
    sample: Sample,
    layers: Sequence[int],
    heads: Sequence[int],
    rows: list[dict],
) -> list[Path]:
    """The sample's queries, keys, attention and tokens with a manifest; for parquet, the table of heads as well."""
    from viz.exported import Export, arrow, write_export
    from viz.files import whole_file

    where, path = np.ix_(layers, heads), out / f"export.{args.export}"
    blocks, facts = [block[where] for block in sample.attention], about(args, corpus, scanned, sample)
    arrays = sample.query[where], sample.key[where], blocks, sample.tokens, sample.sentences
    write_export(Export(*arrays, list(layers), list(heads), facts), path)
    written = [path, out / "manifest.json"]
    if args.export == "parquet":
        written.append(out / "heads.parquet")
        columns = {name: [float(row[name]) for row in rows] for name in rows[0]}
        columns |= {name: [row[name] for row in rows] for name in ("layer", "head")}
        with whole_file(written[-1]) as beside:
            arrow().parquet.write_table(arrow().table(columns), beside)
    return written


def about(args: argparse.Namespace, corpus: Corpus, scanned: Scan, sample: Sample) -> dict[str, Any]:
    """The manifest: of what the export is."""
    folder = find_model(args.model) if args.exercises is None else Path(args.model)
    revision = folder.name if folder.parent.name == "snapshots" else None  # as the hub's cache lays it out
    digest = hashlib.sha256("\n".join(corpus.texts).encode() if corpus.path is None else b"")
    for file in corpus.files:
        digest.update(corpus.held[file] if file in corpus.held else file.read_bytes())
    return {
        "model": args.model,
        "revision": revision,
        "exercises": args.exercises and str(args.exercises),
        "text": list(map(text_line, sample.texts)),
        "source": None if corpus.path is None else corpus.name,
        "sha256": digest.hexdigest(),
        "sentences": scanned.sentences,
        "seed": args.seed or 0,
        "version": __version__,
    }

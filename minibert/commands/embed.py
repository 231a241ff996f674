"""Turns each text into a vector: the mean of its tokens' last hidden states, scaled to length 1, or what the
modules.json of the checkpoint asks for. Prints the cosine of every two texts. Models trained for it, such as
sentence-transformers/all-MiniLM-L6-v2, give texts of similar meaning a high cosine; other models hardly do.
"""

import argparse

import numpy as np

from minibert.checkpoint.pooling import Pooling, read_pooling
from minibert.commands.arguments import add_file, add_json, add_model, check_source, new_path, option
from minibert.commands.output import print_json
from minibert.corpus.lines import Corpus
from minibert.corpus.sentences import Sentences
from minibert.errors import UserError
from minibert.files import check_new_file, write_csv
from minibert.heads import sentence_vector
from minibert.hub.find import find_model
from minibert.model import Bert, load
from minibert.terminal import model_name, printable, rounded, text_line

MOST_IN_TABLE = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("texts", metavar="TEXT", nargs="*", default=[], help="sentences, or pairs: 'first ||| second'")
    add_file(parser)
    add_model(parser)
    option(parser, "--csv", new_path, "FILE", "write one row per text: the text, then its numbers")
    option(parser, "--npz", new_path, "FILE", "write arrays: texts [N], vectors [N, hidden]")
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Cosines on standard output, vectors into files."""
    check_source(args, args.texts)
    if not args.texts and args.file is None:
        raise UserError("TEXT is missing; expected one sentence or more, or --file")
    check_new_file(args.csv, "--csv", ".csv")
    check_new_file(args.npz, "--npz", ".npz")
    bert = load(args.model)
    pooling = read_pooling(find_model(args.model))
    corpus = Corpus(args.texts, args.file, args.column)
    texts, vectors_ND = embed(bert, Sentences(bert, corpus, args.skip_bad), pooling)
    if args.csv is not None:
        rows = [
            {"text": text} | dict(enumerate(map(rounded, row))) for text, row in zip(texts, vectors_ND, strict=True)
        ]
        write_csv(args.csv, rows)
    if args.npz is not None:
        from viz.files import whole_file

        with whole_file(args.npz) as beside, beside.open("wb") as file:
            np.savez(file, texts=np.array(texts), vectors=vectors_ND)
    if args.json:
        vectors = [[rounded(number) for number in row] for row in vectors_ND]
        print_json({"model": model_name(bert), "pooling": pooling.mode, "texts": texts, "vectors": vectors})
    else:
        print(table(texts, vectors_ND))


def embed(bert: Bert, sentences: Sentences, pooling: Pooling) -> tuple[list[str], np.ndarray]:
    """The texts, and one row each: vectors_ND."""
    if pooling.longest is not None and sentences.lengths.max() > pooling.longest:
        most = f"this checkpoint makes vectors of at most {pooling.longest} (max_seq_length)"
        raise UserError(f"a text has {sentences.lengths.max()} tokens, and {most}: shorten it")
    encodings = list(sentences)
    traces = bert.stream(encodings, keep=("hidden_states",))
    vectors = [sentence_vector(trace.stacked("hidden_states")[-1], pooling.mode, pooling.normalize) for trace in traces]
    return [text_line(encoding.text) for encoding in encodings], np.stack(vectors)


def table(texts: list[str], vectors_ND: np.ndarray) -> str:
    """The cosine of every two of the first texts; for a single text, the first numbers of its vector."""
    if len(texts) == 1:
        return f"{vectors_ND.shape[1]} numbers: {' '.join(f'{number:.4f}' for number in vectors_ND[0][:6])} ..."
    shown = vectors_ND[:MOST_IN_TABLE] / np.linalg.norm(vectors_ND[:MOST_IN_TABLE], axis=-1, keepdims=True)
    lines = ["    " + "".join(f"{i:6}" for i in range(len(shown)))]
    for i, row in enumerate(shown @ shown.T):
        lines.append(f"{i:4}" + "".join(f"{cosine:z6.2f}" for cosine in row) + f"  {printable(texts[i])}")
    if len(texts) > len(shown):
        lines.append(f"and {len(texts) - len(shown)} more, which --csv or --npz writes")
    return "\n".join(lines)

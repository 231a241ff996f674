"""Turns each text into a vector, as sentence-transformers does: by the modules and prompts of the checkpoint. A
checkpoint without modules.json gives the mean of its tokens' last hidden states. Prints how similar every two texts
are, by the cosine of their vectors if the checkpoint names no other measure. Models trained for it, such as
sentence-transformers/all-MiniLM-L6-v2, give texts of similar meaning a high cosine. Other models hardly do.
"""

import argparse

import numpy as np

from minibert.commands.arguments import add_file, add_json, add_model, check_source, new_path, option
from minibert.commands.output import print_doubts, print_json
from minibert.corpus.doubts import Doubts
from minibert.corpus.lines import Corpus
from minibert.corpus.sentences import Sentences
from minibert.errors import UserError
from minibert.files import check_new_file, write_csv
from minibert.model import load
from minibert.sentence_vectors.embed import embed, encode, prompt_text, sentence_modules, similarities
from minibert.terminal import model_name, printable, rounded, text_line

MOST_IN_TABLE = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("texts", metavar="TEXT", nargs="*", default=[], help="sentences, or pairs: 'first ||| second'")
    add_file(parser)
    add_model(parser)
    option(
        parser, "--prompt", str, "NAME", "put this prompt of the checkpoint before each text (default: its own default)"
    )
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
    settings, before = sentence_modules(bert), prompt_text(bert, args.prompt)
    corpus = Corpus(args.texts, args.file, args.column)
    sentences = Sentences(bert, corpus, args.skip_bad, check=lambda encoding: encode(bert, encoding.text, before))
    doubts = Doubts(bert)
    given = [encoding.text for encoding in sentences if doubts.look([encoding])]
    print_doubts(doubts)
    vectors_ND = embed(bert, given, args.prompt)
    texts = [text_line(text) for text in given]
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
        facts = {"model": model_name(bert), "pooling": list(settings.poolings), "prompt": before}
        print_json(facts | {"left_out": sentences.left_out, "texts": texts, "vectors": vectors})
        return
    print(table(texts, vectors_ND, settings.similarity))
    if sentences.left_out:
        print(sentences.left_out)


def table(texts: list[str], vectors_ND: np.ndarray, similarity: str) -> str:
    """How similar every two of the first texts are; for a single text, the first numbers of its vector."""
    if len(texts) == 1:
        return f"{vectors_ND.shape[1]} numbers: {' '.join(f'{number:.4f}' for number in vectors_ND[0][:6])} ..."
    shown_NN = similarities(vectors_ND[:MOST_IN_TABLE], similarity)
    width = max(6, *(len(f" {number:z.2f}") for number in shown_NN.flat))
    lines = [similarity.ljust(4) if similarity != "cosine" else "    "]
    lines[0] += "".join(f"{i:{width}}" for i in range(len(shown_NN)))
    for i, row in enumerate(shown_NN):
        lines.append(f"{i:4}" + "".join(f"{number:z{width}.2f}" for number in row) + f"  {printable(texts[i])}")
    if len(texts) > len(shown_NN):
        lines.append(f"and {len(texts) - len(shown_NN)} more, which --csv or --npz writes")
    return "\n".join(lines)

"""Command lines with mistakes in them, and the line that each is answered with: what is wrong, and what to do.

Nothing is written, and the exit status is 2. To be read by people: is each line what you would have wished for?
"""

# ruff: noqa: E501 - the lines are as long as they are

import io
import shlex
import sys

import pytest

from minibert.commands.main import main

MISTAKES = """
$ minibert vis
minibert: there is no command 'vis'; did you mean viz?
$ minibert Viz
minibert: there is no command 'Viz'; did you mean viz?
$ minibert atention "A dog."
minibert: there is no command 'atention'; did you mean attention?
$ minibert visualise "A dog."
minibert: there is no command 'visualise'; see `minibert --help`
$ minibert "The cat sat on the mat."
minibert: there is no command 'The cat sat on the mat.'; a text comes after a command: minibert attention 'The cat sat on the mat.'
$ minibert --model tiny viz
minibert: minibert has no option --model of its own; the command comes first, its options after it: minibert COMMAND --model
$ minibert -v
minibert: minibert has no option -v of its own; did you mean -V?
$ minibert exercises
minibert: ACTION is missing; see `minibert exercises --help`
$ minibert exercises strat work
minibert: ACTION is strat; did you mean start?
$ minibert exercises check
minibert: DIR is missing; see `minibert exercises check --help`
$ minibert exercises hint sofmax
minibert: there is no exercise 'sofmax'; did you mean softmax?
$ minibert exercises check folder softmax --json --watch
minibert: --watch and --json exclude each other; see `minibert exercises check --help`
$ minibert exercises check folder --seed -1
minibert: --seed is -1; expected 0 or more; see `minibert exercises check --help`
$ minibert viz --layers all
minibert: there is no option --layers; did you mean --layer?
$ minibert viz --lines 3
minibert: there is no option --lines; see `minibert viz --help`
$ minibert viz --quiet
minibert: there is no option --quiet; see `minibert viz --help`
$ minibert whatif "A [MASK]." --without 0.2
minibert: there is no option --without; see `minibert whatif --help`
$ minibert attention "A dog." "A cat sat."
minibert: 'A cat sat.' is one argument too many; see `minibert attention --help`
$ minibert attention -- "A dog." --layer 0
minibert: --layer stands after --, where options are texts; put it before --; see `minibert attention --help`
$ minibert viz -layer 3
minibert: there is no option -layer; did you mean --layer?
$ minibert viz --model
minibert: --model needs a value after it; see `minibert viz --help`
$ minibert viz --layer
minibert: --layer needs a value after it; see `minibert viz --help`
$ minibert viz --layer x
minibert: --layer is 'x'; expected a number, several (1,3 or 1-3) or all; see `minibert viz --help`
$ minibert viz --layer 4
minibert: --layer is 4; this model has layers 0 to 3, or all
$ minibert viz --layer 3-1
minibert: --layer is 3-1; 3-1 runs backwards: write 1-3
$ minibert viz --layer 1,9 --head 0
minibert: --layer is 1,9; this model has layers 0 to 3, or all
$ minibert viz --layer 0-
minibert: --layer is '0-'; expected a number, several (1,3 or 1-3) or all; see `minibert viz --help`
$ minibert viz --head all --layer -1
minibert: --layer is -1; this model has layers 0 to 3, or all
$ minibert viz --top 0
minibert: --top is 0; expected 1 or more; see `minibert viz --help`
$ minibert viz --top two
minibert: --top is 'two'; expected a whole number, 1 or more; see `minibert viz --help`
$ minibert viz --top 2 --strongest 5
minibert: --top and --strongest exclude each other; leave one out
$ minibert viz --above 2
minibert: --above is 2; expected 0 to 1; see `minibert viz --help`
$ minibert viz --scale 0
minibert: --scale is 0; expected 0.01 to 100; see `minibert viz --help`
$ minibert viz --scale nan
minibert: --scale is nan; expected 0.01 to 100; see `minibert viz --help`
$ minibert viz --scale 2 --weight attention
minibert: --weight has no effect with --scale, since no scale is searched; leave it out
$ minibert viz --dims 4
minibert: --dims is 4; expected one of 2, 3; see `minibert viz --help`
$ minibert viz --format jpg
minibert: --format is jpg; did you mean png?
$ minibert viz --scope modell
minibert: --scope is modell; did you mean model?
$ minibert viz --link brown
minibert: --link is 'brown'; expected two words with a colon between, such as brown:capybara
$ minibert viz --link brown:zebra
minibert: no sentence has both 'brown' and 'zebra'; the words are: the, brown, capybara, is, sleeping, now, .
$ minibert viz --link brown:capybara --draw attention
minibert: --link has no effect on attention, but on joint, matrix, matrix-raw, matrix-paper, matrix-both, joint-raw, joint-paper, joint-exact, joint-plane, distances (--draw); leave it out
$ minibert viz --words --draw distances
minibert: --words has no effect on distances, but on joint, matrix, matrix-raw, matrix-paper, matrix-both, joint-raw, joint-paper, joint-exact, joint-plane, attention, layers (--draw); leave it out
$ minibert viz --layer all --draw joint
minibert: --draw names 'joint', which is not for several heads; for several heads there are: matrix, matrix-raw, matrix-paper, matrix-both, joint-raw, joint-paper, joint-exact, joint-plane, layers, sheet, search, metrics, parked, flat, positions (see --layer and --head for the others)
$ minibert viz --layer 0 --draw joint-plane
minibert: --draw joint-plane draws the plane of --plane; choose one, such as --plane attention
$ minibert viz --draw jiont
minibert: --draw names 'jiont'; did you mean joint?
$ minibert viz --draw ""
minibert: --draw names ''; there are: joint, distances, attention, search, joint-raw, joint-paper, joint-exact, joint-plane, matrix, matrix-raw, matrix-paper, matrix-both, layers, sheet, metrics, parked, flat, positions
$ minibert viz --points 100
minibert: --points has no effect without --file; leave it out
$ minibert viz --skip-bad
minibert: --skip-bad has no effect without --file; leave it out
$ minibert viz --seed 3
minibert: --seed has no effect without --file or --queries, since nothing is drawn at random; leave it out
$ minibert viz ""
minibert: the text is empty; expected a sentence
$ minibert viz "|||"
minibert: one side of ||| is empty; expected a sentence before it and one after it
$ minibert viz "a ||| b ||| c"
minibert: the text has 3 parts; expected a sentence, or two with one ||| between
$ minibert viz "A dog." --file two.txt
minibert: sentences come either as TEXT or by --file, not both; leave one out
$ minibert viz --file nowhere.txt
minibert: --file nowhere.txt is not there; expected a text file with one sentence per line
$ minibert viz --file folder
minibert: folder: no file; expected one, or 'a/*.txt', or a folder of .txt, .jsonl, .ndjson, .csv, .tsv, .parquet
$ minibert viz --file blank.txt
minibert: blank.txt has no sentence that can be used; expected one per line
$ minibert viz --file latin.txt
minibert: latin.txt, line 2: the text is not UTF-8; mend it, or go on without such lines by --skip-bad
$ minibert viz --file parts.txt
minibert: parts.txt, line 3: the text has 3 parts; expected a sentence, or two with one ||| between; mend it, or go on without such lines by --skip-bad
$ minibert viz -
minibert: standard input has no sentence that can be used; expected one per line
$ minibert read -
minibert: standard input: it has 0 sentences; expected one sentence
$ minibert viz --file -
minibert: standard input has no sentence that can be used; expected one per line
$ minibert viz --out two.txt
minibert: --out is two.txt, which is a file or lies in one; expected a folder
$ minibert viz --out two.txt/deeper
minibert: --out is two.txt/deeper, which is a file or lies in one; expected a folder
$ minibert viz --out ""
minibert: --out is empty; expected a name; see `minibert viz --help`
$ minibert viz --model ""
minibert: --model is empty; expected a name; see `minibert viz --help`
$ minibert viz --model Tiny
minibert: there is no model 'Tiny'; did you mean tiny?
$ minibert viz --model tiny-sentimen
minibert: there is no model 'tiny-sentimen'; did you mean tiny-sentiment?
$ minibert viz --model folder
minibert: folder is empty; expected config.json and model.safetensors, or the name of a model, see `minibert models`
$ minibert viz --model ./nowhere
minibert: './nowhere' is not a folder; expected one with a config.json and a model.safetensors, or see `minibert models`
$ minibert attention The cat sat
minibert: 'cat' is one argument too many; a text with spaces needs quotation marks around it; see `minibert attention --help`
$ minibert attention "A dog." --layer all --head 7
minibert: --head is 7; this model has heads 0 to 3, or all
$ minibert attention "A dog." --pair ""
minibert: --pair is empty; expected a sentence; see `minibert attention --help`
$ minibert viz --file two.txt blank.txt
minibert: --file is two.txt, with more files after it; put a pattern in quotes: --file 'books/*.txt'
$ minibert attention --file two.txt blank.txt latin.txt
minibert: 'latin.txt' is one file too many; put a pattern in quotes: --file 'books/*.txt'; see `minibert attention --help`
$ minibert viz --file two.txt --workers 2 --scheduler tcp://127.0.0.1:8786
minibert: --scheduler and --workers exclude each other; see `minibert viz --help`
$ minibert viz --file two.txt --column body
minibert: --column has no effect on two.txt: lines of text have no columns; leave it out
$ minibert attention "A dog." --file two.txt
minibert: sentences come either as TEXT or by --file, not both; leave one out
$ minibert fill
minibert: TEXT is missing; expected a text with [MASK] in it: "The capybara is [MASK]."
$ minibert fill "A dog."
minibert: the text has no [MASK]; write it where a word is to be found: "The capybara is [MASK]."
$ minibert fill "A [MASK]." --top
minibert: --top needs a value after it; see `minibert fill --help`
$ minibert fill "A [MASK]." --model tiny-sentiment
minibert: tiny-sentiment has no masked-language-model head; minibert bundles one that has: tiny
$ minibert fill --file two.txt
minibert: two.txt, line 1: the text has no [MASK]; write it where a word is to be found: "The capybara is [MASK]."; mend it, or go on without such lines by --skip-bad
$ minibert classify
minibert: TEXT is missing; expected a sentence, or a pair: 'first ||| second'
$ minibert classify good bad
minibert: 'bad' is one argument too many; a text with spaces needs quotation marks around it; see `minibert classify --help`
$ minibert classify "A dog." --model tiny
minibert: tiny has no sequence classifier; minibert bundles one that has: tiny-sentiment
$ minibert compare tiny
minibert: MODEL_B is missing; see `minibert compare --help`
$ minibert compare tiny tiny-sentimental
minibert: there is no model 'tiny-sentimental'; did you mean tiny-sentiment?
$ minibert compare tiny tiny-sentiment --closely -1
minibert: --closely is -1; expected 0 or more; see `minibert compare --help`
$ minibert compare tiny tiny-sentiment --points 5
minibert: --points has no effect without --file; leave it out
$ minibert explore --size 0
minibert: --size is 0; expected 0.1 to 999; see `minibert explore --help`
$ minibert explore --points 1
minibert: --points is 1; expected 2 or more; see `minibert explore --help`
$ minibert explore --out two.txt/page.html
minibert: --out is two.txt, which is a file or lies in one; expected a folder
$ minibert explore --file nowhere.txt
minibert: --file nowhere.txt is not there; expected a text file with one sentence per line
$ minibert info folder
minibert: folder is empty; expected config.json and model.safetensors, or the name of a model, see `minibert models`
$ minibert info two.txt
minibert: two.txt is not a folder; expected one with a config.json and a model.safetensors
$ minibert models foo
minibert: 'foo' is one argument too many; see `minibert models --help`
$ minibert download
minibert: MODEL is missing; see `minibert download --help`
$ minibert download tiny --to folder
minibert: --to folder is there already; name a folder that is not, or remove it
$ minibert download tiny --too folder
minibert: there is no option --too; did you mean --to?
$ minibert help vizz
minibert: there is no command 'vizz'; did you mean viz?
$ minibert fill "A [MASK]." --without 9
minibert: --without is '9'; expected heads as LAYER.HEAD, with commas between: 1.2,3.0; see `minibert fill --help`
$ minibert fill "A [MASK]." --without 9.9
minibert: there is no head 9.9; this model has layers 0 to 3 of heads 0 to 3
$ minibert attention "A dog." --measure rollout --head 1
minibert: --head has no effect with --measure rollout, which is of all heads of a layer together; leave it out
$ minibert attention "A dog." --measure rollout --mean heads
minibert: --mean has no effect with --measure rollout, which is of all heads of a layer together; leave it out
$ minibert attention "A dog." --measure norm --words
minibert: --words has no effect with --measure norm, whose rows do not sum to 1; leave it out
$ minibert attention "A dog." --mean all --layer 1
minibert: --mean all is a mean over layers, and --layer chooses one; expected more
$ minibert attention "A dog." --picture dog.gif
minibert: --picture is dog.gif; expected a name that ends in .png, .svg or .pdf
$ minibert attention --file two.txt --picture two.png
minibert: --file has no effect with --picture, which is of one sentence; leave it out
$ minibert attention "A dog." --measure rolout
minibert: --measure is rolout; did you mean rollout?
$ minibert read "A dog." --out two.txt/page.html
minibert: --out is two.txt, which is a file or lies in one; expected a folder
$ minibert embed
minibert: TEXT is missing; expected one sentence or more, or --file
$ minibert whatif "A dog."
minibert: the text has no [MASK], and the model no classifier; write [MASK] where a word is to be found
$ minibert whatif
minibert: TEXT is missing; expected a text with [MASK] in it: "The capybara is [MASK]."
$ minibert whatif --file two.txt
minibert: two.txt, line 1: the text has no [MASK], and the model no classifier; write [MASK] where a word is to be found; mend it, or go on without such lines by --skip-bad
$ minibert fill "The ___ barked."
minibert: the text has “___” but no [MASK]; write it where a word is to be found: "The capybara is [MASK]."
$ minibert fill "The [mask] barked."
minibert: the text has “[mask]” but no [MASK]; write it where a word is to be found: "The capybara is [MASK]."
$ minibert whatif "The [Mask] barked."
minibert: the text has “[Mask]” but no [MASK], and the model no classifier; write [MASK] where a word is to be found
$ minibert whatif --words --file two.txt --width 4
minibert: --width has no effect with --words and --file, which draw no picture; leave it out
$ minibert whatif "A [MASK]." --json --out folder
minibert: --out has no effect with --json, which draws no picture; leave it out
$ minibert attention --pair "It rained."
minibert: TEXT is missing; expected the first sentence of the pair, before --pair
$ minibert explore "A dog." --seed 3
minibert: --seed has no effect where all sentences fit, since none is drawn at random; leave it out
$ minibert explore --out page.txt
minibert: --out is page.txt; expected a folder, or a file that ends in .html
$ minibert explore --out -
minibert: --out is -; expected a name: files are not written to standard output; see `minibert explore --help`
$ minibert viz --out -
minibert: --out is -; expected a name: files are not written to standard output; see `minibert viz --help`
$ minibert viz --file utf16.txt
minibert: utf16.txt cannot be read: it is UTF-16; expected UTF-8: save it anew in that encoding
$ minibert read --file two.txt
minibert: there is no option --file; see `minibert read --help`
$ minibert info --model tiny
minibert: there is no option --model; MODEL is given without it; see `minibert info --help`
$ minibert info ~nobody/bert
minibert: '~nobody/bert' is not a folder; expected one with a config.json and a model.safetensors, or see `minibert models`
$ minibert info https://huggingface.co/google-bert/bert-base-uncased
minibert: 'https://huggingface.co/google-bert/bert-base-uncased' is an address; give the id in it: google-bert/bert-base-uncased
$ minibert info tiny tiny-sentiment
minibert: 'tiny-sentiment' is one argument too many; see `minibert info --help`
$ minibert download tiny --revision main
minibert: tiny is bundled; a revision (main) is for ids on a hub
$ minibert download tiny --to two.txt/there
minibert: --to is two.txt/there, which is a file or lies in one; expected a folder
$ minibert embed "A dog." --csv vectors.txt
minibert: --csv is vectors.txt; expected the name of a file, which ends in .csv
$ minibert embed "A dog." --npz folder
minibert: --npz is folder; expected the name of a file, which ends in .npz
$ minibert attention "A dog." --csv two.txt
minibert: --csv is two.txt; expected the name of a file, which ends in .csv
$ minibert attention --file two.txt --npz all.npz
minibert: --file has no effect with --npz, which is of one sentence; leave it out
$ minibert attention "A dog." -not good
minibert: there is no option -not; see `minibert attention --help`
"""


def pairs():
    lines = MISTAKES.strip().splitlines()
    return [(line.removeprefix("$ "), answer) for line, answer in zip(lines[::2], lines[1::2], strict=True)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two sentences, four files that are not what they should be, and a folder without a model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "two.txt").write_text("A dog barked.\nIt rained.\n", encoding="utf-8")
    (tmp_path / "blank.txt").write_text("\n \n\n", encoding="utf-8")
    (tmp_path / "latin.txt").write_bytes(b"Fine.\nF\xfcr.\n")
    (tmp_path / "utf16.txt").write_text("Fine.\n", encoding="utf-16")
    (tmp_path / "parts.txt").write_text("Fine.\n\na ||| b ||| c\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    return tmp_path


def everything(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_there_are_sixty():
    assert len(pairs()) >= 60 and len(dict(pairs())) == len(pairs())


@pytest.mark.parametrize(("command", "answer"), pairs(), ids=[command for command, _ in pairs()])
def test_a_mistake_is_answered_in_one_line_that_says_what_to_do(command, answer, folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    before = everything(folder)
    name, *arguments = shlex.split(command)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    assert (name, err, out, stop.value.code) == ("minibert", f"{answer}\n", "", 2)
    assert everything(folder) == before, "something was written"

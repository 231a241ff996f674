"""The tokenizer files that releases of `transformers` write, for tests/tokenizer/releases.json.

    python tests/reference/releases.py sources FOLDER               with sentencepiece
    PYTHONPATH=RELEASE python tests/reference/releases.py save FOLDER NAME    for each release
    python tests/reference/releases.py pack FOLDER > tests/tokenizer/releases.json

RELEASE is a folder with one release, made by `pip install --no-deps --target RELEASE transformers==4.30.2` and the same
for the tokenizers and the huggingface_hub of its time. The vocabularies are as small as they can be.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

TEXTS = [
    "The quick capybara is sleeping.",
    "  a nap,\tthe  door ",
    "the [MASK] sleeps",
    "the <mask> sleeps <mask>.",
    "café naïve ÄRGER Ärger",
    "北京 ☃ ﬁ Ａ\u3000b",
    ["the door", "a [SEP] nap"],
    "</s> <s> [CLS]x",
    "İstanbul don't 's 3.14",
    ["it", ""],
    "a\nnap\r\nthe\u00a0door\u3000\u3000is open \n",
]
"""Texts and pairs."""
CLASSES = {
    "bert": "Bert",
    "cased": "Bert",
    "mobilebert": "MobileBert",
    "roberta": "Roberta",
    "xlm-roberta": "XLMRoberta",
    "camembert": "Camembert",
    "albert": "Albert",
}
SOURCES = {"cased": "bert", "mobilebert": "bert"}
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the The quick capybara sleep ##ing nap door caf ##é arger Ärger 北 京"
CORPUS = [
    "the quick capybara is sleeping near the water",
    "a nap, the door was open.",
    "café naïve Ärger; it slept.",
] * 5


def make_sources(folder: Path) -> None:
    """A vocabulary, or a model of sentencepiece, for each family."""
    import sentencepiece
    import tokenizers

    for family in {SOURCES.get(family, family) for family in CLASSES}:
        (folder / "sources" / family).mkdir(parents=True)
    letters = [*"abcdefghijklmnopqrstuvwxyz.,!?'"]
    vocabulary = "\n".join([*WORDS.split(), *letters, *("##" + letter for letter in letters[:26])])
    (folder / "sources" / "bert" / "vocab.txt").write_text(vocabulary + "\n", encoding="utf-8")
    pairs = tokenizers.ByteLevelBPETokenizer()
    pairs.train_from_iterator(CORPUS, vocab_size=290, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    pairs.save_model(str(folder / "sources" / "roberta"))
    rules = folder / "rules.tsv"  # a small table of normal forms: the usual one has 200 kB
    rules.write_text("FB01\t66 69\nFF21\t41\n3000\t20\n")
    own = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": "[CLS],[SEP],[MASK]"}
    for family in ("xlm-roberta", "camembert", "albert"):
        name = "spiece.model" if family == "albert" else "sentencepiece.bpe.model"
        with (folder / "sources" / family / name).open("wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(CORPUS),
                model_writer=file,
                vocab_size=70,
                hard_vocab_limit=False,
                normalization_rule_tsv=str(rules),
                **(own if family == "albert" else {}),
            )


def save(folder: Path, release: str) -> None:
    """What the release that is imported writes, and how it cuts the texts."""
    import transformers

    print(transformers.__version__)
    for family, kind in CLASSES.items():
        for fast in ("Fast", ""):
            to = folder / "made" / release / f"{family}{'' if fast else ', slow'}"
            try:
                tokenizer = getattr(transformers, f"{kind}Tokenizer{fast}")
                choices = {"do_lower_case": False} if family == "cased" else {}
                source = str(folder / "sources" / SOURCES.get(family, family))
                tokenizer.from_pretrained(source, **choices).save_pretrained(str(to))
                again = tokenizer.from_pretrained(str(to))
                ids = [again([tuple(text) if isinstance(text, list) else text])["input_ids"][0] for text in TEXTS]
                (to / "ids").write_text(json.dumps(ids))
            except Exception as error:  # some releases cannot read some of these files
                print(f"{family} {fast}: {type(error).__name__}: {error}")
                shutil.rmtree(to, ignore_errors=True)


def pack(folder: Path) -> str:
    """All of it in one line of JSON. A file that several releases write is there once."""
    contents, made = {}, {}
    for to in sorted((folder / "made").glob("*/*")):
        if not {path.name for path in to.iterdir()} & {"tokenizer.json", "vocab.txt", "vocab.json"}:
            continue  # only a model of sentencepiece
        files = {}
        for path in sorted(to.glob("*.*")):
            if path.suffix != ".model":
                text = path.read_text(encoding="utf-8")
                if path.suffix == ".json":
                    text = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
                files[path.name] = hashlib.sha256(text.encode()).hexdigest()[:8]
                contents[files[path.name]] = text
        made.setdefault(to.name, {})[to.parent.name] = {"files": files, "ids": json.loads((to / "ids").read_text())}
    return json.dumps({"texts": TEXTS, "contents": contents, "made": made}, ensure_ascii=False)


if __name__ == "__main__":
    task, folder = sys.argv[1], Path(sys.argv[2])
    if task == "sources":
        make_sources(folder)
    elif task == "save":
        save(folder, sys.argv[3])
    else:
        print(pack(folder))

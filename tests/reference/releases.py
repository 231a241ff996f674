"""The tokenizer files that releases of `transformers` write, for tests/tokenizer/releases.json.

    python tests/reference/releases.py make FOLDER              all that follows, for every minor release
    python tests/reference/releases.py sources FOLDER           with sentencepiece
    PYTHONPATH=RELEASE python tests/reference/releases.py save FOLDER NAME    for each release
    python tests/reference/releases.py pack FOLDER > tests/tokenizer/releases.json

RELEASE is a folder with one release and with the tokenizers and the huggingface_hub that it requires, all installed by
`pip install --no-deps --target`. FOLDER grows to about 300 MB. The vocabularies are as small as they can be.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
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
    "x" * 101,
    "##ing ▁the ▁ Ġthe",
    "cafe\u0301 na\u200bp na\u00adp \ufffd\x00 ΣΑΣ ẞ",
    "<pad> [PAD]<unk>[UNK] a[MASK]b a<mask>b",
    "🙂👨‍👩‍👧 ½ ² ... —“nap”",
    ["[CLS] nap", "the </s> ''nap``"],
]
"""Texts and pairs."""
CLASSES = {
    "bert": "Bert",
    "cased": "Bert",
    "distilbert": "DistilBert",
    "electra": "Electra",
    "mobilebert": "MobileBert",
    "roberta": "Roberta",
    "xlm-roberta": "XLMRoberta",
    "camembert": "Camembert",
    "albert": "Albert",
}
SOURCES = dict.fromkeys(("cased", "distilbert", "electra", "mobilebert"), "bert")
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

    print(transformers.__version__, file=sys.stderr)
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
                print(f"{family} {fast}: {type(error).__name__}: {error}"[:200], file=sys.stderr)
                shutil.rmtree(to, ignore_errors=True)


def pack(folder: Path) -> str:
    """All of it in JSON. What several releases write is there once, and so is a file that several families have."""
    contents, made = {}, {}
    for to in sorted((folder / "made").glob("*/*"), key=lambda to: (to.name, number(to.parent.name))):
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
        way = {"files": files, "ids": json.loads((to / "ids").read_text())}
        ways = made.setdefault(to.name, [])
        same = next((other for other in ways if {**other, "releases": 0} == {**way, "releases": 0}), None)
        if same is None:
            ways.append(same := {"releases": [], **way})
        same["releases"].append(to.parent.name)
    return json.dumps({"texts": TEXTS, "contents": contents, "made": made}, ensure_ascii=False, separators=(",", ":"))


def number(release: str) -> list[int]:
    return [int(part) for part in release.split(".")]


def make(folder: Path) -> None:
    """Every minor release, one after another, each in its newest form. Those that are in FOLDER are not made again."""
    if not (folder / "sources").exists():
        make_sources(folder)
    listed = subprocess.run([*PIP, "index", "versions", "transformers"], capture_output=True, text=True, check=True)
    releases = listed.stdout.splitlines()[1].removeprefix("Available versions: ").split(", ")
    newest = {".".join(release.split(".")[:2]): release for release in sorted(releases, key=number)}
    for name, release in newest.items():
        if number(name) < FIRST or (folder / "made" / name).exists():
            continue
        shutil.rmtree(folder / "release", ignore_errors=True)
        install(folder / "release", f"transformers=={release}")
        [package] = metadata.distributions(name="transformers", path=[str(folder / "release")])
        lines = (line.split(";")[0] for line in package.requires or [] if "extra" not in line)
        wanted = ["".join(character for character in line if character not in "() ") for line in lines]
        wanted = [line for line in wanted if line.startswith(("tokenizers", "huggingface")) or "numpy<2" in line]
        wanted = ["numpy<2" if "numpy" in line else line for line in wanted]
        if any("<2.0" in line for line in wanted):  # a huggingface_hub 1, which needs these
            wanted += ["httpx", "httpcore", "h11"]
        beside = folder / hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:8]
        if not beside.exists():
            install(beside, *wanted)
        paths = {"PYTHONPATH": f"{folder / 'release'}{os.pathsep}{beside}", "USE_TORCH": "0", "HF_HUB_OFFLINE": "1"}
        paths["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"  # 4.30 knows no newer one
        subprocess.run([sys.executable, __file__, "save", folder, name], env=os.environ | paths, check=True)
    print(pack(folder))


FIRST = [4, 30]
PIP = [sys.executable, "-m", "pip"]


def install(target: Path, *packages: str) -> None:
    subprocess.run([*PIP, "install", "-q", "--no-deps", "--target", target, *packages], check=True)


if __name__ == "__main__":
    task, folder = sys.argv[1], Path(sys.argv[2])
    if task == "make":
        make(folder)
    elif task == "sources":
        make_sources(folder)
    elif task == "save":
        save(folder, sys.argv[3])
    else:
        print(pack(folder))

"""Damaged checkpoints by the thousand: a worker that loads them, and watches what loading does.

    python -m tests.reference.damage FOLDER SEED COUNT

Runs in a process of its own, since it takes memory and time away from itself: 200 MB beyond what the imports took, and
a second of processor time an input. A breach kills it; its last line on standard error is then the input that did.
Prints how many inputs of each kind loaded and how many were refused.
"""

import collections
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

import numpy as np

import minibert
from minibert import UserError
from minibert.checkpoint.parameters import named_arrays
from minibert.whatif.replaced import replaced

MEMORY = 200_000_000
SECONDS = 1.0
ENORMOUS = 1e4
TEXTS = ["The quick capybara [MASK].", ("sleeping 北京", "Ärger 🙂 " + "x" * 150)]

NUMBERS = [
    0,
    1,
    -1,
    2,
    7,
    255,
    2**31,
    2**32,
    2**53,
    2**63,
    2**64,
    -(2**63),
    10**12,
    10**30,
    10**400,
    0.5,
    1e308,
    1e-320,
]
WORDS = ["", "a", "F64", "F16", "BF16", "I8", "F8_E4M3", "BOOL", "bert", "roberta", "relu", "Sequence", "Replace"]
WORDS += ["BertForTokenClassification", "multi_label_classification", "regression", "RobertaModel", "[MASK]"]
WORDS += ["BPE", "ByteLevel", "Metaspace", "Precompiled", "RobertaProcessing", "albert", "electra", "Ġ", "▁"]
WORDS += ["sentence_transformers.models.Pooling", "sentence_transformers.models.Normalize", "Router", "cls", "max"]
WORDS += ["pooling_mode", "prompts", "query", "max_seq_length", "truncate_dim", "linear.bias", "use_residual"]
WORDS += ["Unigram", "TemplateProcessing", "Whitespace", "[UNK]", "\x00", "\ud800", "é" * 300, "##", "NFKD"]
PATHS = [
    "..",
    ".",
    "/",
    "../outside.safetensors",
    "/dev/zero",
    "/etc/passwd",
    "model.safetensors",
    "a/../../b",
    "C:\\x",
]


def damaged_bytes(content: bytes, choose: random.Random) -> bytes:
    """Flip, overwrite, cut, repeat or remove some bytes: anywhere, or at the start, where the lengths are."""
    content = bytearray(content)
    for _ in range(choose.choice([1, 1, 1, 2, 5, 50])):
        size = len(content)
        at = choose.randrange(min(size, choose.choice([8, 16, 2000, size])) or 1) if size else 0
        end = min(size, at + choose.choice([1, 1, 2, 4, 8, 100, 5000]))
        what = choose.randrange(8)
        if what == 0 and size:
            content[at] ^= 1 << choose.randrange(8)
        elif what == 1:
            content[at:end] = choose.randbytes(end - at)
        elif what == 2:
            content[at:end] = choose.choice([b"\x00", b"\xff", b"[", b'{"', b"9"]) * (end - at)
        elif what == 3:
            del content[at:end]
        elif what == 4:
            content[at:at] = content[at:end]
        elif what == 5:
            content[at:at] = choose.choice([b"[", b"{", b'"', b"\x00", b"9", b"-", b"NaN", b"1e999"]) * choose.choice(
                [1, 9, 99999]
            )
        elif what == 6:
            content[at : at + 8] = choose.choice(NUMBERS[:10]).__abs__().__mod__(2**64).to_bytes(8, "little")
        else:
            del content[at:]
    return bytes(content)


def places(value: object, found: list) -> list:
    """Every (container, key) inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        found.append((value, key))
        places(inner, found)
    return found


def damaged_value(value: object, choose: random.Random) -> object:
    what = choose.randrange(8)
    if what == 0 and isinstance(value, int):
        return value + choose.choice([-1, 1, -8, 8, 64, 10**9])
    if what == 1:
        return choose.choice(NUMBERS)
    if what == 2:
        return choose.choice(WORDS)
    if what == 3:
        return choose.choice([*PATHS, choose.choice(PATHS) + "/" + str(value)])
    if what == 4:
        return choose.choice([None, True, False, [], {}, float("nan"), float("inf"), [[]], {"": {}}])
    if what == 5:
        return [value] * choose.choice([1, 2, 1000])
    if what == 6:
        return str(value)
    nest = value
    for _ in range(choose.choice([3, 50, 120, 400])):
        nest = [nest]
    return nest


def damaged_json(text: str, choose: random.Random) -> str:
    """Change, remove, rename, swap or add values anywhere in it."""
    value = json.loads(text)
    for _ in range(choose.choice([1, 1, 1, 2, 4])):
        found = places(value, [])
        if not found:
            break
        if choose.random() < 0.6:  # a vocabulary would otherwise draw nearly all
            found = [place for place in found if len(place[0]) < 50] or found
        inside, key = choose.choice(found)
        what = choose.randrange(7)
        if what == 0:
            del inside[key]
        elif what == 1 and isinstance(inside, dict):
            inside[choose.choice(WORDS + PATHS)] = inside.pop(key)
        elif what == 2:
            other, place = choose.choice(found)
            if place in (other if isinstance(other, dict) else range(len(other))):
                inside[key] = json.loads(json.dumps(other[place]))
        else:
            inside[key] = damaged_value(inside[key], choose)
    return json.dumps(value, ensure_ascii=choose.random() < 0.5)


def damaged_tensors(content: bytes, choose: random.Random) -> bytes:
    """A safetensors file whose header lies, with the right length before it: the lie gets past the first look."""
    length = int.from_bytes(content[:8], "little")
    header = damaged_json(content[8 : 8 + length].decode(), choose).encode(errors="surrogatepass")
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def damage(name: str, content: bytes, choose: random.Random) -> bytes:
    if choose.random() < 0.5 or name in ("vocab.txt", "merges.txt"):
        return damaged_bytes(content, choose)
    if name.endswith(".safetensors"):
        return damaged_tensors(content, choose)
    return damaged_json(content.decode(), choose).encode(errors="surrogatepass")


class Watch:
    """What an input must not do: open a file outside its folder, unpickle, run another program."""

    def __init__(self, folder: Path) -> None:
        self.inside = os.path.realpath(folder) + os.sep
        self.library = tuple(os.path.realpath(path) + os.sep for path in sys.path if path)
        self.breaches: list[str] = []
        self.on = False
        sys.addaudithook(self.look)

    def look(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        if event == "open":
            self.opened(arguments[0])
        elif event.startswith(("pickle.", "subprocess.", "os.system", "os.exec", "socket.", "ctypes.dlopen")):
            self.breaches.append(event)

    def opened(self, path: object) -> None:
        if isinstance(path, (str, os.PathLike)):
            real = os.path.realpath(path)
            if not real.startswith((self.inside, *self.library)):
                self.breaches.append(f"opened {path}")


def embed(bert: minibert.Bert) -> None:
    """Vectors by what sentence-transformers stores. They are finite, unless a damaged weight is itself enormous."""
    try:
        vectors = bert.embed(TEXTS)
    except UserError as error:
        assert str(error) and "\n" not in str(error)
        return
    parts = [part if isinstance(part, tuple) else tuple(vars(part).values()) for part in bert.sentence_modules.modules]
    arrays = [array for part in (bert.weights, *parts) for _, array in named_arrays("", part)]
    assert vectors.dtype == np.float32 and len(vectors) == len(TEXTS)
    assert np.isfinite(vectors).all() or max(np.abs(array).max() for array in arrays) > ENORMOUS


def check(folder: Path) -> bool:
    """Did it load? Whatever is not a load with finite numbers or a CheckpointError is raised."""
    try:
        bert = minibert.load(folder)
    except minibert.CheckpointError as error:
        assert str(error), "a CheckpointError that says nothing"
        return False
    for name, array in bert.weights.named():
        assert array.dtype == np.float32 and np.isfinite(array).all(), f"{name} is not finite float32"
    for text in TEXTS:
        try:
            encoding = bert.encode(text)
        except UserError:
            continue
        assert max(encoding.input_ids) < bert.config.vocab_size
    ids = [number for number in (0, 1, 2) if number != bert.config.pad_token_id][:2]
    ids = minibert.Encoding.from_ids(ids)  # whatever is wrong with other parts
    if bert.config.vocab_size > 2 and bert.config.max_position_embeddings > 1:
        assert len(bert(ids).tokens) == 2
    for ask in (bert.classify, bert.logits, bert.fill_mask, lambda text: replaced(bert, text)):
        try:
            ask(ids)
        except UserError as error:
            assert str(error) and "\n" not in str(error)
    embed(bert)
    return True


def main(folder: Path, seed: int, count: int) -> None:
    originals = {path: path.read_bytes() for path in sorted(folder.glob("*/**/*")) if path.is_file()}
    for checkpoint in folder.iterdir():
        assert not checkpoint.is_dir() or check(checkpoint), "the checkpoints must be sound to begin with"
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    counts = collections.Counter()
    watch = Watch(folder)
    for number in range(seed, seed + count):
        choose = random.Random(number)
        path = choose.choice(list(originals))
        try:
            path.write_bytes(damage(path.name, originals[path], choose))
        except (RecursionError, MemoryError):
            continue
        checkpoint = folder / path.relative_to(folder).parts[0]
        watch.inside = os.path.realpath(checkpoint) + os.sep
        print(f"input {number}: {path.relative_to(folder)}", file=sys.stderr, flush=True)
        signal.setitimer(signal.ITIMER_PROF, 10 * SECONDS)  # its signal kills what hangs, in Rust too
        before, watch.on = time.process_time(), True
        try:
            loaded = check(checkpoint)
        except BaseException:
            traceback.print_exc()
            sys.exit(f"input {number}: {path.name} raised another exception than CheckpointError")
        watch.on = False
        took = time.process_time() - before
        signal.setitimer(signal.ITIMER_PROF, 0)
        if took > SECONDS or watch.breaches:
            sys.exit(f"input {number}: {path.name} took {took:.2f} s; {watch.breaches}")
        counts[f"{path.name} {'loaded' if loaded else 'refused'}"] += 1
        path.write_bytes(originals[path])
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""Train the two bundled models, `tiny` and `tiny-sentiment`, from a folder of texts. Needs torch and transformers.

    python tests/reference/train_bundled.py --books BOOKS --polarity POLARITY --work WORK --out minibert

BOOKS holds one .txt file a book, one paragraph a line; POLARITY holds rt-polarity.pos and rt-polarity.neg. Every stage
keeps what it made in WORK and is skipped when that is there, so an interrupted run goes on where it stopped:

    tokenizer   WordPiece, uncased, trained on the training books         -> WORK/tokenizer.json
    encode      the books as one long row of token ids                    -> WORK/books.npz
    pretrain    masked-language modelling, a checkpoint every 250 steps   -> WORK/pretrain.pt, WORK/tiny-float32
    finetune    the whole encoder and a classifier on film reviews        -> WORK/tiny-sentiment-float32
    export      float16, as the hub would store it, measured and described -> OUT/tiny, OUT/tiny-sentiment

A small BERT first learns how frequent each word is, and then stays there: until a head looks at a neighbour, no value
helps, and until values help, nothing tells a head where to look. Three choices lead off that plateau within 500 steps.
The position table starts as sinusoids (and is then learned slowly). A bias on the scores, -slope |i - j|, favours
neighbours at first and fades to nothing by step 800, so that the model that is measured and stored has none. And the
matrices of the encoder are trained with Muon (Jordan et al. 2024), everything else with AdamW.

Products are taken in bfloat16, weights and everything else kept in float32: eight times faster on a processor that has
them built in (AMX), slower on one that has not. Memory given back and asked for again costs a sixth more;
MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000 in the environment tells glibc to keep it.
"""

import argparse
import json
import math
import os
import shutil
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from huggingface_hub.utils import tqdm
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertTokenizer

import minibert
from minibert.numerics import softmax

SEED = 20261122
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP, MASK = range(5)
VOCABULARY = 8192
ALPHABET = 120
POSITIONS = 128
TOKENS_A_STEP = 8192
STEPS = 9000
WARM_UP, COOL_DOWN, HORIZON = 200, 1000, 11_000
FINETUNE_EPOCHS = 4
FINETUNE_RATE = 2e-4
HELD_OUT = (  # never seen in pretraining: chosen by hand for variety of author, age and subject
    "charles-darwin-the-voyage-of-the-beagle",
    "jane-austen-persuasion",
    "lewis-carroll-through-the-looking-glass",
    "mark-twain-the-adventures-of-tom-sawyer",
    "robert-louis-stevenson-treasure-island",
    "rudyard-kipling-the-jungle-book",
)

CONFIG = dict(
    vocab_size=VOCABULARY,
    hidden_size=256,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=1024,
    max_position_embeddings=POSITIONS,
    hidden_act="gelu",
    initializer_range=0.06,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    pad_token_id=PAD,
)


# --- data -----------------------------------------------------------------------------------------------------------


def read_books(folder: Path) -> dict[str, list[str]]:
    """Name of a book -> its paragraphs."""
    books = {}
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8").replace("\ufeff", "")
        books[path.stem] = [line.strip() for line in text.split("\n") if line.strip()]
    missing = set(HELD_OUT) - set(books)
    if missing:
        raise SystemExit(f"held-out books not found in {folder}: {', '.join(sorted(missing))}")
    return books


def train_tokenizer(books: dict[str, list[str]]) -> Tokenizer:
    """An uncased WordPiece vocabulary, from the training books alone."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    training = [paragraph for name in books if name not in HELD_OUT for paragraph in books[name]]
    # Left alone, the trainer breaks ties between rare characters by chance. Here they are named beforehand.
    count = Counter()
    for paragraph in training:
        count.update(tokenizer.normalizer.normalize_str(paragraph))
    letters = [letter for letter in count if not letter.isspace()]
    alphabet = sorted(letters, key=lambda letter: (-count[letter], letter))[:ALPHABET]
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(alphabet),
        limit_alphabet=ALPHABET,
        show_progress=False,
    )
    tokenizer.train_from_iterator(training, trainer)
    # It numbers pieces that are equally frequent by chance too; sorted, they are numbered alike in every run.
    pieces = SPECIAL + sorted(set(tokenizer.get_vocab()) - set(SPECIAL))
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer.model = models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return tokenizer


def encode_books(books: dict[str, list[str]], tokenizer: Tokenizer) -> dict[str, np.ndarray]:
    """All books of a split end to end: `ids` of the tokens and `starts`, where a sentence begins.

    A sentence begins with a paragraph, and after . ! or ? together with the quotation marks that close it.
    """
    stop = {tokenizer.token_to_id(mark) for mark in ".!?"}
    quote = {tokenizer.token_to_id(mark) for mark in "\"'"}
    arrays = {}
    for split in ("train", "held_out"):
        ids, starts = [], []
        for name in tqdm(books, desc=f"encode {split}", leave=False):
            if (name in HELD_OUT) != (split == "held_out"):
                continue
            for encoding in tokenizer.encode_batch(books[name], add_special_tokens=False):
                paragraph = encoding.ids
                begins = True
                for position, token in enumerate(paragraph):
                    if (begins and token not in quote | stop) or position == 0:
                        starts.append(len(ids) + position)
                        begins = False
                    # An opening quotation mark belongs to the sentence that follows it.
                    if token in stop:
                        begins = True
                    elif begins and token in quote and position + 1 < len(paragraph):
                        opening = encoding.offsets[position][1] == encoding.offsets[position + 1][0]
                        if opening:
                            starts.append(len(ids) + position)
                            begins = False
                ids.extend(paragraph)
        arrays[f"{split}_ids"] = np.array(ids, dtype=np.uint16)
        arrays[f"{split}_starts"] = np.array(starts, dtype=np.int64)
    return arrays


def passages(ids: np.ndarray, starts: np.ndarray, length: int, skip: int = 0) -> np.ndarray:
    """Where passages of `length` tokens begin: each at a sentence's start, no two overlapping."""
    begins, position = [], starts[skip]
    while position + length <= len(ids):
        begins.append(position)
        following = np.searchsorted(starts, position + length)
        if following == len(starts):
            break
        position = starts[following]
    return np.array(begins)


def as_pairs(ids: np.ndarray, starts: np.ndarray, begins: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """[CLS] passage [SEP] the passage after it [SEP]: cut at the sentence start nearest to the middle."""
    body = length - 3
    input_ids = np.full((len(begins), length), SEP, dtype=np.int64)
    token_types = np.zeros((len(begins), length), dtype=np.int64)
    input_ids[:, 0] = CLS
    for row, begin in enumerate(begins):
        inside = starts[np.searchsorted(starts, begin + 8) : np.searchsorted(starts, begin + body - 8)] - begin
        cut = inside[np.abs(inside - body // 2).argmin()] if len(inside) else body // 2
        input_ids[row, 1 : 1 + cut] = ids[begin : begin + cut]
        input_ids[row, 2 + cut : -1] = ids[begin + cut : begin + body]
        token_types[row, 2 + cut :] = 1
    return input_ids, token_types


def as_sentences(ids: np.ndarray, begins: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """[CLS] sentence [SEP], all of one length, so that nothing needs padding."""
    input_ids = np.full((len(begins), length), SEP, dtype=np.int64)
    input_ids[:, 0] = CLS
    input_ids[:, 1:-1] = ids[begins[:, None] + np.arange(length - 2)]
    return input_ids, np.zeros_like(input_ids)


def training_batches(arrays: dict[str, np.ndarray], steps: int) -> list[tuple[int, np.ndarray]]:
    """The plan of a run: (length, where the examples begin) a step. Five of six are pairs, one single sentences."""
    ids, starts = arrays["train_ids"], arrays["train_starts"]
    random = np.random.default_rng(SEED)

    pairs = []
    while len(pairs) < steps:
        begins = random.permutation(passages(ids, starts, POSITIONS - 3, skip=int(random.integers(0, 8))))
        size = TOKENS_A_STEP // POSITIONS
        pairs += [(POSITIONS, begins[i : i + size]) for i in range(0, len(begins) - size, size)]

    sentences = []
    lengths = np.diff(np.append(starts, len(ids)))
    for length in range(6, 49, 2):
        begins = random.permutation(starts[lengths == length - 2])
        size = TOKENS_A_STEP // length
        sentences += [(length, begins[i : i + size]) for i in range(0, len(begins) - size, size)]
    sentences = [sentences[i] for i in random.permutation(len(sentences))]

    return [sentences[(i // 6) % len(sentences)] if i % 6 == 5 else pairs[i] for i in range(steps)]


def choose_masked(input_ids: np.ndarray, rate: float, random: np.random.Generator) -> np.ndarray:
    """A share `rate` of the tokens that are not special, the same number in each row: [rows, masked] places."""
    special = (input_ids == CLS) | (input_ids == SEP)
    score = random.random(input_ids.shape) + special
    count = max(1, round(rate * (input_ids.shape[1] - special[0].sum())))
    return np.sort(np.argsort(score, axis=1)[:, :count], axis=1)


# --- optimisers -----------------------------------------------------------------------------------------------------


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised (Jordan et al. 2024): every singular value of a matrix's step is about 1.

    torch.optim.Muon does the same one matrix at a time; this one takes all matrices of one shape through the iteration
    together. A rate of 0.02, usual for large batches, makes the queries
    and keys of this small one grow until every softmax has one winner and nothing more is learned (entropy 0.3 nats).
    """

    def __init__(self, matrices: list[torch.Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.1):
        super().__init__(matrices, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            shapes = {}
            for matrix in group["params"]:
                state = self.state[matrix]
                if not state:
                    state["momentum"] = torch.zeros_like(matrix)
                state["momentum"].lerp_(matrix.grad, 1 - group["momentum"])
                step = matrix.grad.lerp(state["momentum"], group["momentum"])
                # A 4 D x D matrix and a D x 4 D one are the same problem, transposed.
                shapes.setdefault(tuple(sorted(matrix.shape)), []).append((matrix, step))
            for members in shapes.values():
                wide = torch.stack([s if s.shape[0] <= s.shape[1] else s.T for _, s in members])
                for (matrix, _), orthogonal in zip(members, orthogonalise(wide), strict=True):
                    rows, columns = matrix.shape
                    orthogonal = orthogonal if rows <= columns else orthogonal.T
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(orthogonal, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))


def orthogonalise(wide: torch.Tensor) -> torch.Tensor:
    """Five Newton-Schulz steps X <- a X + (b XX' + c (XX')^2) X, which push every singular value towards 1."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.float()


def schedule(step: int, steps: int) -> float:
    """Linear up to 1, slowly down towards HORIZON, a step that is never reached, and in the last COOL_DOWN to 0."""
    slowly = (HORIZON - step) / HORIZON
    cooling = (HORIZON - (steps - COOL_DOWN)) / HORIZON * (steps - step) / COOL_DOWN
    return min((step + 1) / WARM_UP, slowly, cooling)


# --- pretraining ----------------------------------------------------------------------------------------------------


def new_model() -> BertForMaskedLM:
    """A fresh BERT whose position table starts as sinusoids, scaled like the other embeddings."""
    torch.manual_seed(SEED)
    model = BertForMaskedLM(BertConfig(**CONFIG))
    positions, size = POSITIONS, CONFIG["hidden_size"]
    wavelength = torch.logspace(math.log10(4), math.log10(200), size // 2)
    angle = 2 * math.pi * torch.arange(positions)[:, None] / wavelength
    table = torch.cat([angle.sin(), angle.cos()], dim=1) * math.sqrt(2) * CONFIG["initializer_range"]
    model.bert.embeddings.position_embeddings.weight.data.copy_(table)
    return model


def neighbour_bias(length: int, slope: float) -> torch.Tensor | None:
    """-slope |i - j| for every query i and key j: [length, length], added to the scores of every head."""
    place = torch.arange(length)
    return -slope * (place[:, None] - place).abs().float() if slope > 0 else None


def layer_output(
    layer: torch.nn.Module, wanted: torch.Tensor, hidden: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """What a BertLayer makes of the rows `wanted`, looking at the rows `hidden`. Both [examples, rows, hidden]."""

    def heads(x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (CONFIG["num_attention_heads"], -1)).transpose(1, 2)

    # Written out: torch's fused attention for CPUs does not use the processor's bfloat16 products on the way back.
    own = layer.attention.self
    query, key, value = heads(own.query(wanted)), heads(own.key(hidden)), heads(own.value(hidden))
    scores = (query @ key.mT).float() / math.sqrt(query.shape[-1])
    attention = (scores if bias is None else scores + bias).softmax(-1)
    context = (attention.to(value.dtype) @ value).transpose(1, 2).flatten(2)
    return layer.feed_forward_chunk(layer.attention.output(context, wanted))


def masked_loss(
    model: BertForMaskedLM, input_ids: np.ndarray, token_types: np.ndarray, masked: np.ndarray, slope: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross-entropy, logits and labels at the masked places.

    Nothing else is asked of the last layer, so all but its keys and values is computed for the masked places only.
    """
    labels = torch.from_numpy(np.take_along_axis(input_ids, masked, axis=1)).flatten()
    corrupted = input_ids.copy()
    np.put_along_axis(corrupted, masked, MASK, axis=1)
    places = torch.from_numpy(masked)
    bias = neighbour_bias(input_ids.shape[1], slope)
    *layers, last = model.bert.encoder.layer

    hidden = model.bert.embeddings(torch.from_numpy(corrupted), token_type_ids=torch.from_numpy(token_types))
    for layer in layers:
        hidden = layer_output(layer, hidden, hidden, bias)
    wanted = hidden.gather(1, places[:, :, None].expand(-1, -1, hidden.shape[-1]))
    bias = None if bias is None else bias[places][:, None]
    logits = model.cls(layer_output(last, wanted, hidden, bias).flatten(0, 1)).float()
    return functional.cross_entropy(logits, labels), logits, labels


@torch.no_grad()
def held_out_accuracy(model: BertForMaskedLM, arrays: dict[str, np.ndarray], batches: int | None = None) -> dict:
    """15 % of the tokens masked, all replaced by [MASK], in pairs of passages of the held-out books."""
    model.eval()
    ids, starts = arrays["held_out_ids"], arrays["held_out_starts"]
    begins = passages(ids, starts, POSITIONS - 3)
    random = np.random.default_rng(SEED + 1)
    if batches:
        begins = random.permutation(begins)[: 32 * batches]
    total = top1 = top5 = loss_sum = 0
    for i in tqdm(range(0, len(begins), 32), desc="held-out", leave=False):
        input_ids, token_types = as_pairs(ids, starts, begins[i : i + 32], POSITIONS)
        masked = choose_masked(input_ids, 0.15, random)
        loss, logits, labels = masked_loss(model, input_ids, token_types, masked)
        best = logits.topk(5).indices == labels[:, None]
        total += len(labels)
        loss_sum += loss.item() * len(labels)
        top1 += best[:, 0].sum().item()
        top5 += best.sum().item()
    model.train()
    return {"masked": total, "loss": loss_sum / total, "top1": top1 / total, "top5": top5 / total}


def write_beside(path: Path, write) -> None:
    """Write to a neighbour, then rename, so that an interruption leaves the old file whole."""
    beside = path.with_suffix(".part")
    write(beside)
    os.replace(beside, path)


def pretrain(arrays: dict[str, np.ndarray], work: Path, steps: int, matrix_rate: float, rate: float) -> BertForMaskedLM:
    """`steps` steps of masked-language modelling; every 250 a checkpoint, every 1,000 a look at the held-out books."""
    model = new_model()
    matrices = [p for p in model.bert.encoder.parameters() if p.ndim == 2]
    positions = [model.bert.embeddings.position_embeddings.weight]
    taken = {id(p) for p in matrices + positions}
    others = [p for p in model.parameters() if id(p) not in taken]
    groups = [{"params": others, "lr": rate}, {"params": positions, "lr": rate / 5}]
    optimisers = [
        Muon(matrices, lr=matrix_rate),
        torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    ]
    rates = [[matrix_rate], [rate, rate / 5]]
    plan = training_batches(arrays, steps)
    torch.set_flush_denormal(True)
    log = work / "pretrain.jsonl"

    first, seconds = 0, 0.0
    checkpoint = work / "pretrain.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        for optimiser, saved in zip(optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        first, seconds = state["step"], state["seconds"]

    bar = tqdm(range(first, steps), initial=first, total=steps, desc="pretrain")
    average = None
    began = time.time()
    for step in bar:
        length, begins = plan[step]
        if length == POSITIONS:
            input_ids, token_types = as_pairs(arrays["train_ids"], arrays["train_starts"], begins, length)
        else:
            input_ids, token_types = as_sentences(arrays["train_ids"], begins, length)
        # More blanks at first, for more to learn from a step; nearly as few as in the test at the end.
        masked = choose_masked(input_ids, 0.20 - 0.05 * step / HORIZON, np.random.default_rng((SEED, step)))
        with torch.autocast("cpu", torch.bfloat16):
            loss, _, _ = masked_loss(model, input_ids, token_types, masked, slope=max(0.0, 2 * (1 - step / 800)))
        for optimiser, full_rates in zip(optimisers, rates, strict=True):
            for group, full in zip(optimiser.param_groups, full_rates, strict=True):
                group["lr"] = full * schedule(step, steps)
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        bar.set_postfix(loss=f"{average:.3f}")

        done = step + 1
        if done % 250 == 0 or done == steps:
            state = {
                "model": model.state_dict(),
                "optimisers": [optimiser.state_dict() for optimiser in optimisers],
                "step": done,
                "seconds": seconds + time.time() - began,
            }
            write_beside(checkpoint, lambda path, state=state: torch.save(state, path))
        if done % 1000 == 0 or done == steps:
            row = {"step": done, "seconds": round(seconds + time.time() - began), "train_loss": average}
            row |= held_out_accuracy(model, arrays, batches=None if done == steps else 20)
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")
            tqdm.write(json.dumps(row))
    return model


# --- fine-tuning ----------------------------------------------------------------------------------------------------


def read_polarity(folder: Path) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(review, 0 negative or 1 positive): nine tenths to train on, and every tenth of each class held out."""
    train, held_out = [], []
    for label, name in enumerate(("rt-polarity.neg", "rt-polarity.pos")):
        lines = [line.strip() for line in (folder / name).read_text(encoding="utf-8").splitlines() if line.strip()]
        np.random.default_rng(SEED).shuffle(lines)
        for i, line in enumerate(lines):
            (held_out if i % 10 == 0 else train).append((line, label))
    return train, held_out


def padded(tokenizer: Tokenizer, reviews: list[tuple[str, int]]) -> dict[str, torch.Tensor]:
    """A batch as `transformers` takes it: filled up with [PAD] to the longest, and a mask over what is real."""
    encodings = [tokenizer.encode(text).ids[:POSITIONS] for text, _ in reviews]
    longest = max(map(len, encodings))
    return {
        "input_ids": torch.tensor([ids + [PAD] * (longest - len(ids)) for ids in encodings]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in encodings]),
        "labels": torch.tensor([label for _, label in reviews]),
    }


@torch.no_grad()
def sentiment_accuracy(model: BertForSequenceClassification, tokenizer: Tokenizer, reviews: list) -> float:
    model.eval()
    right = 0
    for i in range(0, len(reviews), 64):
        batch = padded(tokenizer, reviews[i : i + 64])
        right += (model(**batch).logits.argmax(-1) == batch["labels"]).sum().item()
    model.train()
    return right / len(reviews)


def finetune(work: Path, tokenizer: Tokenizer, polarity: Path) -> None:
    """The whole encoder, a fresh pooler and a classifier, on film reviews; the last epoch is kept."""
    train, held_out = read_polarity(polarity)
    torch.manual_seed(SEED)
    model = BertForSequenceClassification.from_pretrained(
        work / "tiny-float32",
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
    ).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=FINETUNE_RATE, weight_decay=0.01)
    size = 32
    steps = FINETUNE_EPOCHS * (len(train) // size)
    random = np.random.default_rng(SEED)
    began, step = time.time(), 0
    bar = tqdm(total=steps, desc="finetune")
    rows = []
    for epoch in range(FINETUNE_EPOCHS):
        order = random.permutation(len(train))
        for i in range(0, len(train) - size + 1, size):
            for group in optimiser.param_groups:
                group["lr"] = FINETUNE_RATE * min((step + 1) / 100, (steps - step) / steps)
            loss = model(**padded(tokenizer, [train[j] for j in order[i : i + size]])).loss
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
        accuracy = sentiment_accuracy(model, tokenizer, held_out)
        rows.append({"epoch": epoch + 1, "seconds": round(time.time() - began), "accuracy": accuracy})
        tqdm.write(json.dumps(rows[-1]))
    bar.close()
    (work / "finetune.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    # The dropout was for training; what is stored says nothing of it.
    model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
    save_folder(model, work / "tiny-sentiment-float32", tokenizer)


# --- export and measurement -----------------------------------------------------------------------------------------


def save_folder(model: torch.nn.Module, folder: Path, tokenizer: Tokenizer) -> None:
    """As the hub would hold it: config.json, model.safetensors, tokenizer.json, tokenizer_config.json."""
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    model.save_pretrained(beside)
    (beside / "model.safetensors").chmod(0o644)
    wrapped = BertTokenizer(tokenizer_object=tokenizer, do_lower_case=True, model_max_length=POSITIONS)
    wrapped.save_pretrained(beside)
    tokenizer.save(str(beside / "tokenizer.json"))
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def export(work: Path, out: Path, tokenizer: Tokenizer) -> None:
    """Halve the numbers: float16 on disk, widened to float32 by whoever loads it."""
    for name, kind in (("tiny", BertForMaskedLM), ("tiny-sentiment", BertForSequenceClassification)):
        model = kind.from_pretrained(work / f"{name}-float32", dtype=torch.float16)
        save_folder(model, out / name, tokenizer)
        size = sum(path.stat().st_size for path in (out / name).iterdir()) / 1e6
        print(f"{name}: {size:.1f} MB in {out / name}")


def held_out_sentences(arrays: dict[str, np.ndarray], count: int) -> list[list[int]]:
    """Whole sentences of 8 to 40 tokens from the held-out books, [CLS] and [SEP] around them."""
    ids, starts = arrays["held_out_ids"], arrays["held_out_starts"]
    lengths = np.diff(np.append(starts, len(ids)))
    fitting = np.flatnonzero((lengths >= 8) & (lengths <= 40))
    chosen = np.random.default_rng(SEED + 2).choice(fitting, count, replace=False)
    return [[CLS, *ids[starts[i] : starts[i] + lengths[i]].tolist(), SEP] for i in chosen]


def map_of_heads(bert: minibert.Bert, encodings: list) -> dict[str, np.ndarray]:
    """Mean attention of each head, [layers, heads]: to self, previous, next, [CLS], [SEP], and the same word elsewhere.

    Means over the queries that are words, not [CLS] or [SEP]; for "same word" over those whose word stands twice.
    """
    sums, counts = {}, {}

    def add(kind: str, attention_LHTS: np.ndarray, wanted_TS: np.ndarray) -> None:
        rows = wanted_TS.any(axis=1)
        sums[kind] = sums.get(kind, 0) + (attention_LHTS * wanted_TS)[:, :, rows].sum(axis=(2, 3))
        counts[kind] = counts.get(kind, 0) + rows.sum()

    for trace, encoding in zip(bert.stream(encodings, keep=("attention",)), encodings, strict=True):
        attention_LHTS = np.stack([layer.attention for layer in trace.layers])
        ids = np.array(encoding.input_ids)
        place, word = np.arange(len(ids)), (ids != CLS) & (ids != SEP)
        offset, query = place[None, :] - place[:, None], word[:, None]
        add("self", attention_LHTS, query & (offset == 0))
        add("previous", attention_LHTS, query & (offset == -1))
        add("next", attention_LHTS, query & (offset == 1))
        add("[CLS]", attention_LHTS, query & (ids == CLS)[None, :])
        add("[SEP]", attention_LHTS, query & (ids == SEP)[None, :])
        add("same word", attention_LHTS, query & (ids[:, None] == ids[None, :]) & (offset != 0))
    return {kind: sums[kind] / max(counts[kind], 1) for kind in sums}


def float16_cost(arrays: dict[str, np.ndarray], work: Path, out: Path) -> dict[str, float]:
    """What storing float16 changes in 2,000 blanks of held-out sentences: top-5 sets, and the largest probability."""
    full, half = minibert.load(work / "tiny-float32"), minibert.load(out / "tiny")
    random = np.random.default_rng(SEED + 3)
    changed, moved, blanks = 0, 0.0, 2000
    for ids in held_out_sentences(arrays, blanks):
        place = int(random.integers(1, len(ids) - 1))
        encoding = minibert.Encoding.from_ids([*ids[:place], MASK, *ids[place + 1 :]])
        rows = [softmax(bert.logits(encoding)[place]) for bert in (full, half)]
        best = [set(np.argsort(-row)[:5].tolist()) for row in rows]
        changed += best[0] != best[1]
        moved = max(moved, float(np.abs(rows[0] - rows[1]).max()))
    return {"blanks": blanks, "top5_changed": changed, "largest_move": moved}


# --- the cards ------------------------------------------------------------------------------------------------------

BLANKS = (
    "The old man sat down in his [MASK].",
    "She opened the [MASK] and went out.",
    "He drank a cup of [MASK] before breakfast.",
    "The sun was shining and the sky was [MASK].",
    "The captain ordered his [MASK] to lower the boats.",
    "They walked up the [MASK] to the top of the hill.",
    "Two and two make [MASK].",
    "He was born in the [MASK] of London.",
    "The dog barked, and the children ran [MASK] the house.",
    "My dear [MASK], I am very glad to see you.",
)
CANDIDATES = (
    "The brown capybara is sleeping now.",
    "The cat saw the dog, and the dog saw the cat.",
    "She said that she knew what she wanted.",
    "A ship without a captain is a ship without a course.",
    "When the rain stopped, we walked slowly home across the wet fields.",
    "He gave her the book, and she gave him the letter.",
    "In the morning the old fisherman pushed his boat into the water.",
    "Nobody answered, so I knocked again, and then again.",
    "The first house was small, the second house was smaller.",
    "My father's garden was full of roses and bees.",
)
KINDS = ("self", "previous", "next", "[CLS]", "[SEP]", "same word")


def table_of_heads(heads: dict[str, np.ndarray]) -> str:
    """A row a head: its mean attention to each kind of key, and the kind it is clearly of (half or more), if any."""
    lines = ["| head | " + " | ".join(KINDS) + " | clearly |", "|---" * (len(KINDS) + 2) + "|"]
    layers, per_layer = heads["self"].shape
    for layer in range(layers):
        for head in range(per_layer):
            shares = [heads[kind][layer, head] for kind in KINDS]
            clear = ", ".join(kind for kind, share in zip(KINDS, shares, strict=True) if share >= 0.5)
            lines.append(f"| {layer}.{head} | " + " | ".join(f"{s:.2f}" for s in shares) + f" | {clear} |")
    return "\n".join(lines)


def sentences_that_show(bert: minibert.Bert, heads: dict[str, np.ndarray]) -> str:
    """For the strongest head of each kind that some head clearly is of, the sentence in which it shows best."""
    lines, taken = [], set()
    for kind in ("previous", "next", "same word"):
        if heads[kind].max() < 0.5:
            continue
        layer, head = np.unravel_index(heads[kind].argmax(), heads[kind].shape)
        shares = {}
        for text in CANDIDATES:
            if text not in taken:
                encoding = bert.encode(text)
                found = map_of_heads(bert, [encoding])[kind] if kind_occurs(encoding, kind) else None
                shares[text] = 0.0 if found is None else float(found[layer, head])
        best = max(shares, key=shares.get)
        taken.add(best)
        lines.append(f'- "{best}" head {layer}.{head}, {kind}: {shares[best]:.2f}')
    return "\n".join(lines)


def kind_occurs(encoding: minibert.Encoding, kind: str) -> bool:
    return kind != "same word" or len(set(encoding.input_ids)) < len(encoding)


def write_cards(arrays: dict[str, np.ndarray], work: Path, out: Path, steps: int) -> None:
    """Measure what is stored, print it, and write it into the two model cards."""
    pretraining = [json.loads(line) for line in (work / "pretrain.jsonl").read_text().splitlines()][-1]
    finetuning = [json.loads(line) for line in (work / "finetune.jsonl").read_text().splitlines()][-1]
    stored = BertForMaskedLM.from_pretrained(out / "tiny", dtype=torch.float32)
    accuracy = held_out_accuracy(stored, arrays)
    bert = minibert.load(out / "tiny")
    encodings = [minibert.Encoding.from_ids(ids) for ids in held_out_sentences(arrays, 1000)]
    heads = map_of_heads(bert, encodings)
    cost = float16_cost(arrays, work, out)
    blanks = "\n".join(
        f"| {text} | " + ", ".join(f"{word} {share:.2f}" for word, share in bert.fill_mask(text)[0]) + " |"
        for text in BLANKS
    )
    facts = {
        "config": CONFIG,
        "tokens_trained_on": f"{len(arrays['train_ids']) / 1e6:.1f} million",
        "tokens_seen": f"{steps * TOKENS_A_STEP / 1e6:.1f} million",
        "passes": round(steps * TOKENS_A_STEP / len(arrays["train_ids"]), 1),
        "steps": f"{steps:,}",
        "tokens_a_step": f"{TOKENS_A_STEP:,}",
        "minutes": f"{pretraining['seconds'] / 60:.0f}",
        "seed": SEED,
        "held_out": ", ".join(name.replace("-", " ") for name in HELD_OUT),
        "masked": f"{accuracy['masked']:,}",
        "top1": f"{accuracy['top1']:.3f}",
        "top5": f"{accuracy['top5']:.3f}",
        "loss": f"{accuracy['loss']:.2f}",
        "blanks": blanks,
        "heads": table_of_heads(heads),
        "shown": sentences_that_show(bert, heads),
        "float16_blanks": f"{cost['blanks']:,}",
        "float16_changed": cost["top5_changed"],
        "float16_move": f"{cost['largest_move']:.4f}",
        "epochs": FINETUNE_EPOCHS,
        "finetune_rate": FINETUNE_RATE,
        "finetune_minutes": f"{finetuning['seconds'] / 60:.0f}",
        "sentiment": f"{finetuning['accuracy']:.3f}",
    }
    for name in ("tiny", "tiny-sentiment"):
        template = (Path(__file__).parent / f"card-{name}.md").read_text(encoding="utf-8")
        card = template.format(**facts)
        (out / name / "README.md").write_text(card, encoding="utf-8")
        print(card)


# --- the whole ------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", type=Path, required=True, help="folder of .txt files, one paragraph a line")
    parser.add_argument("--polarity", type=Path, required=True, help="folder with rt-polarity.pos and rt-polarity.neg")
    parser.add_argument("--work", type=Path, required=True, help="where each stage keeps what it made")
    parser.add_argument("--out", type=Path, required=True, help="where tiny/ and tiny-sentiment/ are written")
    parser.add_argument(
        "--steps", type=int, default=STEPS, help=f"pretraining steps of {TOKENS_A_STEP:,} tokens (default {STEPS})"
    )
    parser.add_argument("--matrix-rate", type=float, default=0.01, help="Muon's learning rate (default 0.01)")
    parser.add_argument("--rate", type=float, default=1e-3, help="AdamW's learning rate (default 0.001)")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)

    if not (args.work / "tokenizer.json").exists():
        tokenizer = train_tokenizer(read_books(args.books))
        write_beside(args.work / "tokenizer.json", lambda path: tokenizer.save(str(path)))
    tokenizer = Tokenizer.from_file(str(args.work / "tokenizer.json"))
    if not (args.work / "books.npz").exists():
        arrays = encode_books(read_books(args.books), tokenizer)
        np.savez(args.work / "books.part.npz", **arrays)
        os.replace(args.work / "books.part.npz", args.work / "books.npz")
    arrays = dict(np.load(args.work / "books.npz"))
    print({name: len(array) for name, array in arrays.items()})

    if not (args.work / "tiny-float32").exists():
        model = pretrain(arrays, args.work, args.steps, args.matrix_rate, args.rate)
        save_folder(model, args.work / "tiny-float32", tokenizer)
    if not (args.work / "tiny-sentiment-float32").exists():
        finetune(args.work, tokenizer, args.polarity)
    export(args.work, args.out, tokenizer)
    write_cards(arrays, args.work, args.out, args.steps)


if __name__ == "__main__":
    main()

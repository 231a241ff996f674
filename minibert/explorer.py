"""From a model and sentences to the explorer's page, which `viz.explorer` makes of plain arrays.

It imports `model`, `whatif` and `viz.explorer`. `minibert.explore` is the public name, so the file is not called so.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minibert.errors import UserError
from minibert.model import Bert, Text, check_texts
from minibert.numerics import softmax
from minibert.speed.cores import one_thread
from minibert.tokenizer.encoding import Encoding
from minibert.trace import Trace
from minibert.whatif.attribution import parts_of_each_state, score_terms
from minibert.whatif.lens import logit_lens
from minibert.whatif.moved import lengths, output_squares
from viz import explorer
from viz.explorer.sentence import PAIR as BETWEEN
from viz.explorer.tour import MASKED, PAIR, WHY
from viz.explorer.words import WORDS

MOST = 12_000_000
"""Parameters that a page can have: float16 in base64 makes 2.7 characters of each, 32 MB of these."""
BY_ITSELF = 6_000_000
"""Parameters up to which a model is put into the page by itself."""
LARGEST = float(np.finfo(np.float16).max)

T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """The sentences of a page: all that there were, or a seeded sample of them, in their order.

    count: how many there were. points: how many points a head may have, two per token.
    """

    encodings: list[Encoding]
    count: int
    points: int
    seed: int

    @property
    def points_here(self) -> int:
        """More than `points` only where one sentence alone has more."""
        return 2 * sum(map(len, self.encodings))


def select(bert: Bert, texts: Iterable[Text], points: int = 10_000, seed: int = 0) -> Selection:
    """Choose sentences with at most `points` points together: all, or a seeded sample of them, but one at least.

    UserError: no text, or one without words or too long for the model.
    """
    encodings = [bert.encode(text) for text in check_texts(texts)]
    if not encodings:
        raise UserError("texts is empty; expected at least one sentence")
    chosen = sample([len(encoding) for encoding in encodings], points, seed)
    return Selection([encodings[i] for i in chosen], len(encodings), points, seed)


def sample(sizes: Sequence[int], points: int, seed: int) -> list[int]:
    """The sentences, by their places, that `select` chooses out of some with so many tokens."""
    if 2 * sum(sizes) <= points:
        return list(range(len(sizes)))
    order = np.random.default_rng(seed).permutation(len(sizes))
    enough = int(np.searchsorted(2 * np.cumsum(np.array(sizes)[order]), points, side="right"))
    return sorted(order[: max(enough, 1)].tolist())


def quiet(things: Iterable[T], count: int, unit: str) -> Iterable[T]:
    """The progress that shows nothing."""
    return things


def explore(
    bert: Bert,
    texts: Iterable[Text] | Selection,
    *,
    points: int = 10_000,
    seed: int = 0,
    live: bool | None = None,
    language: str = "en",
    progress: Callable[[Iterable, int, str], Iterable] = quiet,
    **options: Any,
) -> explorer.Explorer:
    """The page for these sentences or (first, second) pairs: it has `.save(path)` and shows itself in a notebook.

    texts, points, seed: see `select`, which may have chosen them before.
    live: put the model into the page, so that sentences can be typed there; None: if it is a small one.
    progress: wraps the things that are worked on, so many of a unit, and may show how far it is.
    language, options (size, chosen, drawn, tour, code): see `viz.explore`.

    UserError: no text, or one without words or too long for the model; a model that a page cannot run.
    """
    selection = texts if isinstance(texts, Selection) else select(bert, texts, points, seed)
    why = "the model was left out" if live is False else why_not_live(bert)
    if live and why:
        raise UserError(f"the page cannot run the model: {why}")
    if live is None and not why and parameters(bert) > BY_ITSELF:
        why = f"the model has {millions(bert)} parameters, and up to {BY_ITSELF / 1e6:.0f} are put in by themselves"
    traces = bert.stream(selection.encodings, keep=("query", "key", "value"))
    pairs = zip(traces, selection.encodings, strict=True)
    sentences = [sentence(bert, *pair) for pair in progress(pairs, len(selection.encodings), "sentences")]
    with one_thread():  # hundreds of small products: BLAS's own threads would only wait for each other
        page = explorer.explore(
            sentences,
            title=f"minibert · {Path(name_of(bert)).name}",
            notes=notes(bert, selection, why, WORDS.of(language)),
            live=None if why else live_parts(bert),
            unknown=next((e.tokens[e.roles.index("unk")] for e in selection.encodings if "unk" in e.roles), ""),
            language=language,
            progress=lambda layers: progress(layers, bert.config.num_hidden_layers, "layers"),
            **options,
        )
    return replace(page, why_not_live=why)


def notes(bert: Bert, selection: Selection, why_not: str, say: Mapping[str, str]) -> list[str]:
    """What the page says of the model and of the sample. why_not: why it cannot run the model, or empty."""
    lines = [say["note_model"].format(name=name_of(bert))]
    if len(selection.encodings) < selection.count:
        points = f"{max(selection.points, selection.points_here):,}"
        counts = {"chosen": len(selection.encodings), "count": selection.count, "seed": selection.seed}
        lines.append(say["note_sample"].format(**counts, points=points))
    live = say["note_live"].format(numbers=f"{parameters(bert):,}")
    return [*lines, say["note_not_live"].format(why=why_not) if why_not else live]


def name_of(bert: Bert) -> str:
    """The name of the model; of a folder only the last part, since a page is handed on, and a path is private."""
    return Path(bert.name).resolve().name if Path(bert.name).is_dir() else bert.name


def sentence(bert: Bert, trace: Trace, encoding: Encoding) -> explorer.Sentence:
    """What the page needs of a trace; of the values only their lengths."""
    spans = zip(encoding.offsets, encoding.words, strict=True)
    heads = range(bert.config.num_attention_heads)
    outputs = np.stack([output_squares(bert, layer, heads) for layer in range(len(trace.layers))])
    return explorer.Sentence(
        trace.tokens,
        trace.stacked("query"),
        trace.stacked("key"),
        np.linalg.norm(trace.stacked("value"), axis=-1),
        moved_length=lengths(trace.stacked("value"), outputs),
        words=trace.words,
        roles=trace.roles,
        segments=segments(trace),
        text=encoding.text if isinstance(encoding.text, str) else BETWEEN.join(encoding.text),
        spans=[None if word is None else span for span, word in spans],
    )


def segments(trace: Trace) -> Sequence[int]:
    """Whether each token is of the first or the second text: by its type, or, without types, by its word."""
    if any(trace.token_type_ids):
        return trace.token_type_ids
    of_words: list[int] = np.maximum.accumulate([0 if word is None else word[0] for word in trace.words]).tolist()
    return of_words


# The model in the page ------------------------------------------------------------------------------------------------


def parameters(bert: Bert) -> int:
    """Of the encoder and the masked-language-model head; the word embeddings, if they are the decoder too, once."""
    return sum(a.size for a in {id(a): a for name, a in bert.weights.named()}.values())


def millions(bert: Bert) -> str:
    return f"{parameters(bert) / 1e6:.1f} million"


def why_not_live(bert: Bert) -> str:
    """Why a page cannot run this model; empty where it can."""
    if parameters(bert) > MOST:
        return f"the model has {millions(bert)} parameters; a page can have {MOST / 1e6:.0f}"
    if bert.weights.masked_lm is None or bert.tokenizer.mask_id is None:
        return "the model has no masked-language-model head or no mask token: there would be nothing to guess"
    if not all(np.abs(array).max(initial=0) <= LARGEST for _, array in bert.weights.named()):
        return f"the model has weights beyond {LARGEST}, which the page's float16 cannot hold"
    if bert.tokenizer.backend is None:
        return bert.tokenizer.missing
    settings = json.loads(bert.tokenizer.backend.to_str())
    parts = ("normalizer", "pre_tokenizer", "model", "post_processor")
    kinds = [(settings[part] or {}).get("type") for part in parts]
    if kinds[:3] != ["BertNormalizer", "BertPreTokenizer", "WordPiece"] or kinds[3] not in FRAMES:
        other = bert.tokenizer.kind if bert.tokenizer.kind != "WordPiece" else ", ".join(filter(None, kinds))
        return f"the page runs BERT's own tokenizer, not this model's: {other}"
    added = settings["added_tokens"]
    if any(token["normalized"] or token["lstrip"] or token["rstrip"] or token["single_word"] for token in added):
        return "the page cannot use added tokens that are normalised, stripped or single words"
    frames = FRAMES[kinds[3]](settings["post_processor"])
    known = {"A", "B", *(token["content"] for token in added)}
    if not {name for frame in frames.values() for name, _ in frame} <= known:
        return "the page puts only tokens around a text that tokenizer.json calls added"
    return ""


def live_parts(bert: Bert) -> explorer.Live:
    """A model as plain arrays and data. ValueError: a page cannot run it, see `why_not_live`."""
    masked_lm, mask_id, backend = bert.weights.masked_lm, bert.tokenizer.mask_id, bert.tokenizer.backend
    if masked_lm is None or mask_id is None or backend is None:
        raise ValueError(why_not_live(bert))
    tied, mask = masked_lm.decoder is bert.weights.embeddings.word, bert.tokenizer.token(mask_id)
    weights = {
        name: array
        for name, array in bert.weights.named()
        if not name.startswith(("pooler", "classifier", "discriminator")) and not (tied and name == "masked_lm.decoder")
    }
    names = ("num_attention_heads", "hidden_size", "hidden_act", "layer_norm_eps", "max_position_embeddings")
    config = {name: getattr(bert.config, name) for name in names}
    settings = tokenizer(json.loads(backend.to_str()))
    settings["vocabulary"] = [bert.tokenizer.token(number) for number in range(backend.get_vocab_size())]
    return explorer.Live(name_of(bert), config, weights, settings | {"mask": mask}, tour_facts(bert, mask))


def tokenizer(settings: dict[str, Any]) -> dict[str, Any]:
    """What the page needs of a tokenizer.json that is BERT's own."""
    normalizer, model, template = settings["normalizer"], settings["model"], settings["post_processor"]
    accents, lowercase = normalizer["strip_accents"], normalizer["lowercase"]
    return {
        "special": {token["content"]: token["id"] for token in settings["added_tokens"]},
        "frame": FRAMES[template["type"]](template),
        "unknown": model["unk_token"],
        "prefix": model["continuing_subword_prefix"],
        "longest": model["max_input_chars_per_word"],
        "clean": normalizer["clean_text"],
        "chinese": normalizer["handle_chinese_chars"],
        "accents": not (lowercase if accents is None else accents),
        "lowercase": lowercase,
    }


Frame = list[list[Any]]
"""What stands around a text, with token types: [["[CLS]", 0], ["A", 0], ["[SEP]", 0]]."""


def frame_of_bert(settings: dict[str, Any]) -> dict[str, Frame]:
    """BertProcessing: [CLS] A [SEP], and B [SEP] after it."""
    cls, sep = settings["cls"][0], settings["sep"][0]
    single: Frame = [[cls, 0], ["A", 0], [sep, 0]]
    return {"single": single, "pair": [*single, ["B", 1], [sep, 1]]}


def frame_of_template(settings: dict[str, Any]) -> dict[str, Frame]:
    """TemplateProcessing: what it says."""
    frames = {}
    for name in ("single", "pair"):
        parts = [part.get("SpecialToken") or part["Sequence"] for part in settings[name]]
        frames[name] = [[part["id"], part["type_id"]] for part in parts]
    return frames


FRAMES = {"TemplateProcessing": frame_of_template, "BertProcessing": frame_of_bert}
"""By the name that tokenizer.json has for it."""


def tour_facts(bert: Bert, mask: str) -> dict[str, Any] | None:
    """Numbers about the model for the guided tour, or None where the model cannot read the tour's sentences.

    mask: the mask token.
    guess: the likeliest word at the mask. shares: its probability, {"": with all heads, "0.0": without that head, ...}.
    lens: [[word, probability], ...], the likeliest after the embeddings and after each layer.
    across: {"0.0": mean attention of the words of a pair's second sentence to the first, ...}.
    strongest: {"0.0": [word of the second, word of the first, attention of the one to the other, the largest], ...}.
    even: which share of the tokens is the first sentence's.
    why: see `reasons`.
    """
    try:
        encoding = bert.encode(re.sub(r"\[.*?\]", lambda _: mask, MASKED))
        pair = bert(PAIR)
        trace = bert(encoding)
        why = reasons(bert)
    except UserError:
        return None
    (place,) = bert.tokenizer.find_masks(encoding)
    lens_LV = softmax(logit_lens(bert, trace, place))
    guess = int(lens_LV[-1].argmax())
    shares, across, strongest = {"": float(lens_LV[-1, guess])}, {}, {}
    first, is_word = np.array(pair.token_type_ids) == 0, np.array([word is not None for word in pair.words])
    second = ~first & is_word
    attention_LHTT = pair.stacked("attention")
    for layer, head in np.ndindex(attention_LHTT.shape[:2]):
        name, attention_TT = f"{layer}.{head}", attention_LHTT[layer, head]
        without = softmax(bert.without_heads([(layer, head)]).logits(encoding)[place])
        shares[name] = float(without[guess])
        across[name] = float(attention_TT[second][:, first].sum(axis=-1).mean())
        back_TT = np.where(np.outer(second, first & is_word), attention_TT, -1)
        query, key = np.unravel_index(back_TT.argmax(), back_TT.shape)
        strongest[name] = [pair.tokens[query], pair.tokens[key], float(back_TT[query, key])]
    return {
        "guess": bert.tokenizer.token(guess),
        "shares": shares,
        "lens": [[bert.tokenizer.token(int(row.argmax())), float(row.max())] for row in lens_LV],
        "across": across,
        "strongest": strongest,
        "even": float(first.mean()),
        "why": why,
    }


def reasons(bert: Bert) -> dict[str, dict[str, object]]:
    """Why heads attend from the tour's word to the token before it: {"1.2": {...}}.

    Only the heads are there in which that token gets the most attention, and in which most of the score comes from the
    two positions, and next most from the word and an earlier head that attends from the key to the query.
    """
    (trace,) = bert.batch([WHY[0]], keep=("scores", "attention", "context", "intermediate"))
    encoding = bert.encode(WHY[0])
    start = WHY[0].index(WHY[1])
    query = next((i for i, span in enumerate(encoding.offsets) if span[0] == start < span[1]), 0)
    key, attention_LHTS, found = query - 1, trace.stacked("attention"), {}
    for layer, parts in enumerate(itertools.islice(parts_of_each_state(bert, trace), bert.config.num_hidden_layers)):
        for head in np.flatnonzero(attention_LHTS[layer, :, query].argmax(axis=-1) == key).tolist():
            first, second, *_ = terms = score_terms(bert, trace, layer, head, query, key, parts=parts)
            writer = re.fullmatch(r"word x head (\d+)\.(\d+)", second.name)
            if first.name != "position x position" or not writer or min(first.value, second.value) <= 0:
                continue
            back_S = attention_LHTS[int(writer[1]), int(writer[2]), key]
            if back_S.argmax() == query:
                found[f"{layer}.{head}"] = {
                    "query": query,
                    "key": key,
                    "share": f"{attention_LHTS[layer, head, query, key]:.2f}",
                    "first": f"{first.value:+.2f}",
                    "without": f"{first.without:.2f}",
                    "second": f"{second.value:+.2f}",
                    "sum": f"{sum(term.value for term in terms):+.2f}",
                    "writer": second.of_key.removeprefix("head "),
                    "back": f"{back_S[query]:.2f}",
                }
    return found

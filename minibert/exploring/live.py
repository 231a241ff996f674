"""A model as plain arrays and data, for the explorer's page to run."""

import json

from minibert.errors import UserError
from minibert.exploring.told import told
from minibert.model import Bert

MOST = 12_000_000
"""Parameters: float16 in base64 makes 2.7 characters of each, 32 MB of these."""
BY_ITSELF = 6_000_000
"""Parameters up to which a page is live without being asked."""


def live_parts(bert: Bert):
    """A `viz.explorer.Live` of a model. ValueError: why the page cannot run it."""
    from viz.explorer import Live

    if bert.weights.masked_lm is None or bert.tokenizer.mask_id is None:
        raise UserError("the model has no masked-language-model head or no mask token: there would be nothing to guess")
    tied = bert.weights.masked_lm.decoder is bert.weights.embeddings.word
    weights = {
        name: array
        for name, array in bert.weights.named()
        if not name.startswith(("pooler", "classifier", "discriminator")) and not (tied and name == "masked_lm.decoder")
    }
    config = {
        name: getattr(bert.config, name)
        for name in ("num_attention_heads", "hidden_size", "hidden_act", "layer_norm_eps", "max_position_embeddings")
    }
    return Live(bert.name, config, weights, tokenizer(bert), told(bert))


def parameters(bert: Bert) -> int:
    """Of the encoder and the masked-language-model head; the word embeddings, if they are the decoder too, once."""
    return sum(a.size for a in {id(a): a for name, a in bert.weights.named()}.values())


def tokenizer(bert: Bert) -> dict:
    """The settings of a BERT tokenizer. ValueError: one that works in another way."""
    backend = bert.tokenizer.backend
    if backend is None:
        raise UserError(bert.tokenizer.missing)
    settings = json.loads(backend.to_str())
    normalizer, model = settings["normalizer"] or {}, settings["model"]
    template = settings["post_processor"] or {}
    kinds = (normalizer.get("type"), (settings["pre_tokenizer"] or {}).get("type"), model["type"], template.get("type"))
    if kinds[:3] != ("BertNormalizer", "BertPreTokenizer", "WordPiece") or kinds[3] not in FRAMES:
        other = bert.tokenizer.kind if bert.tokenizer.kind != "WordPiece" else ", ".join(filter(None, kinds))
        raise UserError(f"the page runs BERT's own tokenizer, not this model's: {other}")
    added = settings["added_tokens"]
    if any(token["normalized"] or token["lstrip"] or token["rstrip"] or token["single_word"] for token in added):
        raise UserError("the page does not know added tokens that are normalised, stripped or single words")
    frames, special = FRAMES[template["type"]](template), {token["content"]: token["id"] for token in added}
    if not {name for parts in frames.values() for name, _ in parts} <= {"A", "B", *special}:
        raise UserError("the page puts only tokens around a text that tokenizer.json calls added")
    accents, lowercase = normalizer["strip_accents"], normalizer["lowercase"]
    return {
        "vocabulary": [bert.tokenizer.token(number) for number in range(backend.get_vocab_size())],
        "special": special,
        "mask": bert.tokenizer.token(bert.tokenizer.mask_id),
        "frame": frames,
        "unknown": model["unk_token"],
        "prefix": model["continuing_subword_prefix"],
        "longest": model["max_input_chars_per_word"],
        "clean": normalizer["clean_text"],
        "chinese": normalizer["handle_chinese_chars"],
        "accents": not (lowercase if accents is None else accents),
        "lowercase": lowercase,
    }


def of_bert(settings: dict) -> dict[str, list]:
    """BertProcessing: [CLS] A [SEP], and B [SEP] after it."""
    single = [[settings["cls"][0], 0], ["A", 0], [settings["sep"][0], 0]]
    return {"single": single, "pair": [*single, ["B", 1], [settings["sep"][0], 1]]}


FRAMES = {
    "TemplateProcessing": lambda settings: {name: frame(settings[name]) for name in ("single", "pair")},
    "BertProcessing": of_bert,
}
"""What stands around a text, by what a tokenizer calls it."""


def frame(template: list[dict]) -> list[list]:
    """[["[CLS]", 0], ["A", 0], ["[SEP]", 0]]"""
    parts = [part.get("SpecialToken") or part["Sequence"] for part in template]
    return [[part["id"], part["type_id"]] for part in parts]

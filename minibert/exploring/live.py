"""A model as plain arrays and data, for the explorer's page to run."""

import json

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
        raise ValueError(
            f"{bert.name} has no masked-language-model head or no mask token: there would be nothing to guess"
        )
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
        raise ValueError(bert.tokenizer.missing)
    settings = json.loads(backend.to_str())
    normalizer, model = settings["normalizer"] or {}, settings["model"]
    template = settings["post_processor"] or {}
    kinds = (normalizer.get("type"), (settings["pre_tokenizer"] or {}).get("type"), model["type"], template.get("type"))
    if kinds != ("BertNormalizer", "BertPreTokenizer", "WordPiece", "TemplateProcessing"):
        raise ValueError(f"the page runs BERT's own tokenizer, not {', '.join(map(str, kinds))}")
    added = settings["added_tokens"]
    if any(token["normalized"] or token["lstrip"] or token["rstrip"] or token["single_word"] for token in added):
        raise ValueError("the page does not know added tokens that are normalised, stripped or single words")
    accents, lowercase = normalizer["strip_accents"], normalizer["lowercase"]
    return {
        "vocabulary": [bert.tokenizer.token(number) for number in range(backend.get_vocab_size())],
        "special": {token["content"]: token["id"] for token in added},
        "mask": bert.tokenizer.token(bert.tokenizer.mask_id),
        "frame": {name: frame(template[name]) for name in ("single", "pair")},
        "unknown": model["unk_token"],
        "prefix": model["continuing_subword_prefix"],
        "longest": model["max_input_chars_per_word"],
        "clean": normalizer["clean_text"],
        "chinese": normalizer["handle_chinese_chars"],
        "accents": not (lowercase if accents is None else accents),
        "lowercase": lowercase,
    }


def frame(template: list[dict]) -> list[list]:
    """[["[CLS]", 0], ["A", 0], ["[SEP]", 0]]"""
    parts = [part.get("SpecialToken") or part["Sequence"] for part in template]
    return [[part["id"], part["type_id"]] for part in parts]

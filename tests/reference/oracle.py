"""What `transformers` computes, under our names, and random checkpoints for it to compute on."""

import copy
import functools
import random
import string
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers

from minibert import Encoding

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()


def reference_model(folder: Path, kind=transformers.BertForPreTraining) -> torch.nn.Module:
    """The checkpoint in `transformers`, with the eager attention: the default one returns no attention."""
    return kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()


@torch.no_grad()
def reference_trace(model: torch.nn.Module, encoding: Encoding) -> dict[str, np.ndarray]:
    """Every array of a Trace, computed by `transformers`, by path: "hidden_states.0", "layers.0.query", "pooled"..."""
    bert = getattr(model, "bert", model)
    found, hooks = {}, []
    for i, layer in enumerate(bert.encoder.layer):
        for role in ("query", "key", "value"):
            hooks.append(
                getattr(layer.attention.self, role).register_forward_hook(
                    lambda module, inputs, output, path=f"layers.{i}.{role}": found.update({path: output[0]})
                )
            )
        for name, module in (("attention_output", layer.attention), ("intermediate", layer.intermediate)):
            hooks.append(
                module.register_forward_hook(
                    lambda module, inputs, output, path=f"layers.{i}.{name}": found.update(
                        {path: (output[0] if isinstance(output, tuple) else output)[0]}
                    )
                )
            )
        hooks.append(
            layer.attention.output.dense.register_forward_hook(
                lambda module, inputs, output, path=f"layers.{i}.context": found.update({path: inputs[0][0]})
            )
        )
    output = bert(
        torch.tensor([encoding.input_ids]),
        token_type_ids=torch.tensor([encoding.token_type_ids]),
        output_attentions=True,
        output_hidden_states=True,
    )
    for hook in hooks:
        hook.remove()

    heads = bert.config.num_attention_heads
    for i, attention in enumerate(output.attentions):
        for role in ("query", "key", "value"):
            found[f"layers.{i}.{role}"] = found[f"layers.{i}.{role}"].unflatten(-1, (heads, -1)).transpose(0, 1)
        query, key = found[f"layers.{i}.query"], found[f"layers.{i}.key"]
        found[f"layers.{i}.scores"] = query @ key.mT / query.shape[-1] ** 0.5
        found[f"layers.{i}.attention"] = attention[0]
        context, weight = found[f"layers.{i}.context"], bert.encoder.layer[i].attention.output.dense.weight
        found[f"layers.{i}.head_outputs"] = torch.einsum(
            "thk,dhk->htd", context.unflatten(-1, (heads, -1)), weight.unflatten(-1, (heads, -1))
        )
    for i, state in enumerate(output.hidden_states):
        found[f"hidden_states.{i}"] = state[0]
    if output.get("pooler_output") is not None:
        found["pooled"] = output.pooler_output[0]
    if hasattr(model, "cls"):
        found["logits"] = model.cls.predictions(output.last_hidden_state)[0]
        found["probabilities"] = found["logits"].softmax(-1)
    return {path: tensor.numpy() for path, tensor in found.items()}


@functools.lru_cache(maxsize=2)
def in_double_precision(model: torch.nn.Module) -> torch.nn.Module:
    return copy.deepcopy(model).double()


def assert_agrees(ours: dict[str, np.ndarray], model: torch.nn.Module, encoding: Encoding, what: str) -> None:
    """Every array is about as far from a run in float64 as that of `transformers` in float32 is, whatever the machine.

        |ours - exact| <= 4 max |theirs - exact| + (1e-6 + sqrt(n) 2^-24) (1 + max |exact|)

    n is the number of terms of the longest dot product, so sqrt(n) 2^-24 is the usual rounding error of one in float32;
    BLAS adds the terms in another order on every processor. 1e-6 is what erf may be off.
    """
    theirs, exact = reference_trace(model, encoding), reference_trace(in_double_precision(model), encoding)
    terms = max(model.config.hidden_size, model.config.intermediate_size)
    assert ours.keys() == exact.keys(), what
    for path, array in ours.items():
        assert array.shape == exact[path].shape, f"{what}: {path}"
        error = np.abs(array - exact[path])
        rounding = (1e-6 + terms**0.5 * 2**-24) * (1 + np.abs(exact[path]).max())
        allowed = 4 * np.abs(theirs[path] - exact[path]).max() + rounding
        place = tuple(map(int, np.unravel_index(error.argmax(), error.shape)))
        assert error.max() <= allowed, f"{what}: {path}{place} is off by {error.max():.1e}; {allowed:.1e} is allowed"


def letters_tokenizer(vocabulary: int) -> tokenizers.Tokenizer:
    """WordPiece over single letters: any vocabulary size from 60 on, and every word has pieces."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase]
    pieces += ["##" + letter for letter in string.ascii_lowercase] + [".", ",", "!"]
    pieces += [f"[unused{i}]" for i in range(vocabulary - len(pieces))]
    backend = tokenizers.Tokenizer(tokenizers.models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = tokenizers.normalizers.BertNormalizer()
    backend.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    backend.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    backend.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return backend


KINDS = {
    "BertModel": transformers.BertModel,
    "BertModel without pooler": lambda config: transformers.BertModel(config, add_pooling_layer=False),
    "BertForMaskedLM": transformers.BertForMaskedLM,
    "BertForPreTraining": transformers.BertForPreTraining,
    "BertForSequenceClassification": transformers.BertForSequenceClassification,
}


def random_checkpoint(folder: Path, seed: int, kind: str | None = None) -> dict:
    """Write a BERT of random shape and weights as `transformers` writes it; returns what was chosen."""
    choose = random.Random(seed)
    heads = choose.randint(1, 6)
    head_size = choose.choice([3, 8, 16, 25, 32]) if heads > 2 else choose.choice([8, 16, 25, 32])
    chosen = {
        "vocab_size": choose.randint(60, 200),
        "hidden_size": heads * head_size,
        "num_hidden_layers": choose.randint(1, 4),
        "num_attention_heads": heads,
        "intermediate_size": choose.randint(5, 150),
        "max_position_embeddings": choose.randint(70, 130),
        "type_vocab_size": choose.choice([1, 2]),
        "hidden_act": choose.choice(["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"]),
        "layer_norm_eps": choose.choice([1e-12, 1e-6, 1e-3]),
    }
    torch.manual_seed(seed)
    config = transformers.BertConfig(**chosen)
    kind = kind or choose.choice(list(KINDS))
    model = KINDS[kind](config)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.05)
    model.save_pretrained(folder)
    letters_tokenizer(chosen["vocab_size"]).save(str(folder / "tokenizer.json"))
    return chosen | {"kind": kind}

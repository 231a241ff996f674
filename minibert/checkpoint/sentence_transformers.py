"""The settings that sentence-transformers stores beside a BERT: how the vectors of a text's tokens become one vector.

modules.json lists the modules in order: Transformer (the BERT), Pooling, and further ones such as Dense or Normalize.
Each module has a folder with its settings. The settings of the Transformer are in sentence_bert_config.json. The
prompts are in config_sentence_transformers.json. What is not computed here is refused by its name: another module,
another activation, or a setting that would change the vectors. Source: sentence-transformers 6.2, which also reads
what its older releases wrote.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from minibert.checkpoint.parameters import LinearWeights, NormWeights
from minibert.checkpoint.tensors import Stored, find_tensors, read_tensor
from minibert.errors import CheckpointError
from minibert.files import abbreviate, read_json, read_value

FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Older settings have a flag for each pooling. Several poolings are put side by side, in this order."""

ACTIVATIONS = {"Tanh": "tanh", "Identity": "identity", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu"}
"""A Dense module has one of these classes of torch after its product."""

TRANSFORMER_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""sentence-transformers reads the first of these that has a setting."""
WITHOUT_EFFECT = {"dtype", "torch_dtype", "attn_implementation", "trust_remote_code", "add_pooling_layer", "use_fast"}
"""Settings for transformers that change no vector, or only its rounding."""


SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
"""Another name means cosine to sentence-transformers, too."""


@dataclass(frozen=True)
class Dense:
    """y = act(x W + b), plus x R if there is a residual connection."""

    linear: LinearWeights
    activation: str
    residual: np.ndarray | None = None
    """[out, in]"""


@dataclass(frozen=True)
class Normalize:
    """Scale to length 1."""


Module = Dense | NormWeights | Normalize


@dataclass(frozen=True)
class SentenceModules:
    """How a text becomes a vector. The defaults are those of sentence-transformers for a BERT without modules.json."""

    poolings: tuple[str, ...] = ("mean",)
    with_prompt: bool = True
    """Are the tokens of the prompt pooled too?"""
    modules: tuple[Module, ...] = ()
    """what comes after the pooling, in this order"""
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    """the name of the prompt that a text gets if no other is chosen"""
    lowercase: bool = False
    longest: int | None = None
    """The most tokens of a text; sentence-transformers cuts off the rest. None: as many as BERT takes."""
    dimensions: int | None = None
    """The first so many numbers of the vector are kept; None: all."""
    similarity: str = "cosine"


def encoder_folder(folder: Path) -> Path:
    """The folder of the BERT itself. modules.json may name a folder inside, such as 0_Transformer."""
    try:
        kinds = read_modules(folder)
    except CheckpointError:  # a fault that concerns the vectors of sentences alone
        return folder
    inside = next((where for kind, where in kinds if kind == "Transformer"), folder)
    return inside if (inside / "config.json").is_file() else folder


def read_modules(folder: Path) -> list[tuple[str, Path]]:
    """The kind and the folder of each module in modules.json; none if there is no such file."""
    path = folder / "modules.json"
    if not path.is_file():
        return []
    found = module_paths(path)
    return [(kind, folder / inside) for kind, inside in found]


def refuse_other_models(where: str | Path, kinds: Sequence[str]) -> None:
    """CheckpointError: the first module makes vectors of texts without a BERT."""
    if kinds and kinds[0] in ("StaticEmbedding", "BoW", "WordEmbeddings"):
        raise CheckpointError(f"{where} makes its vectors by {kinds[0]} (modules.json), not by a BERT")


def module_paths(path: Path) -> list[tuple[str, str]]:
    """The kind of each module in a modules.json, and its folder, relative to that of the file ("" is the same)."""
    listed, found, names = read_value(path), [], set()
    if not isinstance(listed, list) or not all(isinstance(module, dict) for module in listed):
        raise CheckpointError(f"{path} holds {abbreviate(listed)}; expected a list of modules with type and path")
    for module in listed:
        kind, inside = module.get("type"), module.get("path")
        if not isinstance(kind, str) or not isinstance(inside, str):
            raise CheckpointError(f"{path}: a module is {abbreviate(module)}; expected one with type and path")
        pure = PurePosixPath(inside)
        if pure.is_absolute() or ".." in pure.parts or "\\" in inside or ":" in inside:
            raise CheckpointError(f"{path} names the folder {abbreviate(inside)}; expected one beside the file")
        name = abbreviate(module.get("name"))
        if "name" in module and name in names:
            raise CheckpointError(f"{path} has two modules with the name {name}; expected a name of its own for each")
        names.add(name)
        package, _, name = kind.rpartition(".")
        found.append((name if package.split(".")[0] == "sentence_transformers" else kind, inside))
    return found


def read_sentence_modules(folder: Path, hidden_size: int) -> SentenceModules:
    """Read the settings of a folder. CheckpointError: a file is broken, or has what is not computed here."""
    path = folder / "modules.json"
    if not path.is_file():
        return SentenceModules(longest=read_longest(folder, {}))
    modules = read_modules(folder)
    known = ("Transformer", "Pooling", "Dense", "LayerNorm", "Normalize", "Dropout")
    if unknown := [kind for kind, _ in modules if kind not in known]:
        raise CheckpointError(f"{path} has the module {abbreviate(unknown[0])}; expected only {', '.join(known)}")
    kinds = [kind for kind, _ in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or {"Transformer", "Pooling"} & set(kinds[2:]):
        raise CheckpointError(
            f"{path} has {', '.join(kinds) or 'no module'}; expected Transformer, Pooling, and others after them"
        )
    (_, transformer), (_, pooling), *others = modules
    poolings, with_prompt = read_pooling(pooling / "config.json")
    width, after = hidden_size * len(poolings), []
    for kind, where in others:
        if kind != "Dropout":  # it does nothing to a trained model
            module, width = read_module(kind, where, width)
            after.append(module)
    return SentenceModules(
        poolings=poolings,
        with_prompt=with_prompt,
        modules=tuple(after),
        **read_transformer(transformer),
        **read_prompts(folder / "config_sentence_transformers.json"),
    )


def read_pooling(path: Path) -> tuple[tuple[str, ...], bool]:
    """The poolings, and whether the prompt's tokens count. Old files have one flag for each kind of pooling."""
    settings = read_json(path)
    for flag in settings:
        if flag.startswith("pooling_mode_") and flag not in FLAGS:
            raise CheckpointError(f"{path} has the pooling {abbreviate(flag)}; expected only {', '.join(FLAGS)}")
    chosen = settings.get("pooling_mode") or [name for flag, name in FLAGS.items() if settings.get(flag)] or "mean"
    names = [chosen] if isinstance(chosen, str) else chosen
    if not isinstance(names, list) or not set(map(str, names)) <= set(FLAGS.values()):
        wanted = f"expected one or more of {', '.join(FLAGS.values())}"
        raise CheckpointError(f"{path}: pooling_mode is {abbreviate(chosen)}; {wanted}")
    return tuple(names), bool(settings.get("include_prompt", True))


def read_module(kind: str, folder: Path, width: int) -> tuple[Module, int]:
    """A module that comes after the pooling, and the size of its vectors. width: the size of those that it gets."""
    path = folder / "config.json"
    if kind == "Normalize" and not path.is_file():  # older releases wrote nothing for it
        return Normalize(), width
    settings = read_json(path)
    for key in ("module_input_name", "module_output_name"):
        if settings.get(key) not in (None, "sentence_embedding"):
            raise CheckpointError(f"{path}: {key} is {abbreviate(settings[key])}; expected sentence_embedding")
    if kind == "Normalize":
        return Normalize(), width
    stored = find_module_tensors(folder)
    if kind == "LayerNorm":
        return NormWeights(*(read(stored, folder, f"norm.{name}", width) for name in ("weight", "bias"))), width
    out = stored["linear.weight"].shape[0] if "linear.weight" in stored and stored["linear.weight"].shape else 0
    weight, bias, residual = read(stored, folder, "linear.weight", out, width), np.zeros(out, np.float32), None
    if settings.get("bias", True):
        bias = read(stored, folder, "linear.bias", out)
    elif "linear.bias" in stored:
        raise CheckpointError(f"{path}: bias is {abbreviate(settings['bias'])}, but there is a tensor linear.bias")
    if settings.get("use_residual"):
        residual = (
            np.eye(width, dtype=np.float32) if out == width else read(stored, folder, "residual.weight", out, width)
        )
    return Dense(LinearWeights(weight, bias), read_activation(settings, path), residual), out


def read_activation(settings: dict, path: Path) -> str:
    name = settings.get("activation_function", "torch.nn.modules.activation.Tanh")
    package, _, kind = str(name).rpartition(".")
    if not package.startswith("torch") or kind not in ACTIVATIONS:
        wanted = f"expected {', '.join(ACTIVATIONS)} of torch"
        raise CheckpointError(f"{path}: activation_function is {abbreviate(name)}; {wanted}")
    return ACTIVATIONS[kind]


def find_module_tensors(folder: Path) -> dict[str, Stored]:
    if not (folder / "model.safetensors").is_file():
        found = (
            "pytorch_model.bin, and unpickling runs what is in it" if (folder / "pytorch_model.bin").is_file() else ""
        )
        save = "load it with sentence-transformers and `save` it, which writes model.safetensors"
        raise CheckpointError(f"{folder} has no model.safetensors{found and f' but {found}'}: {save}")
    return find_tensors(folder)


def read(stored: dict[str, Stored], folder: Path, name: str, *shape: int) -> np.ndarray:
    if name not in stored:
        raise CheckpointError(f"{folder} has no tensor {name}; it has {', '.join(sorted(stored)[:5])}")
    if stored[name].shape != shape:
        raise CheckpointError(f"{folder}: {name} has shape {list(stored[name].shape)}; expected {list(shape)}")
    return read_tensor(name, stored[name], shape)


def read_transformer(folder: Path) -> dict[str, Any]:
    """`lowercase` and `longest` of the Transformer module."""
    found = ((path, read_json(path)) for name in TRANSFORMER_FILES if (path := folder / name).is_file())
    path, settings = next(((path, settings) for path, settings in found if settings), (folder, {}))
    check_transformer(settings, path)
    return {"lowercase": bool(settings.get("do_lower_case")), "longest": read_longest(folder, settings)}


def check_transformer(settings: dict, path: Path) -> None:
    """CheckpointError: a setting would change the vectors, and is not obeyed here."""
    expected: dict[str, Sequence] = {
        "transformer_task": (None, "feature-extraction"),
        "module_output_name": (None, "token_embeddings"),
        "processing_kwargs": (None, {}),
        "query_expansion": (None, False),
        "tokenizer_name_or_path": (None,),
        "modality_config": (None, {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}),
    }
    for key, values in expected.items():
        if settings.get(key) not in values:
            raise CheckpointError(f"{path}: {key} is {abbreviate(settings[key])}, which is not obeyed here")
    for key in ("model_args", "model_kwargs", "config_args", "config_kwargs", "tokenizer_args", "processor_kwargs"):
        given = settings.get(key) or {}
        obeyed = {"model_max_length"} if key in ("tokenizer_args", "processor_kwargs") else set()
        if not isinstance(given, dict) or (extra := sorted(set(given) - WITHOUT_EFFECT - obeyed)):
            what = f"{key} has {extra[0]}" if isinstance(given, dict) else f"{key} is {abbreviate(given)}"
            raise CheckpointError(f"{path}: {what}, which is not obeyed here")


def read_longest(folder: Path, settings: dict) -> int | None:
    """The most tokens: of the Transformer's settings, else of the tokenizer's."""
    given = settings.get("tokenizer_args") or settings.get("processor_kwargs") or {}
    tokenizer = folder / "tokenizer_config.json"
    longest = given.get("model_max_length") or settings.get("max_seq_length")
    if longest is None and tokenizer.is_file():
        with suppress(CheckpointError):  # the tokenizer's own note says what is wrong with its file
            longest = read_json(tokenizer).get("model_max_length")
    if longest is None:
        return None
    if not isinstance(longest, int | float) or isinstance(longest, bool) or not 1 <= longest < np.inf:
        raise CheckpointError(f"{folder}: the most tokens are {abbreviate(longest)}; expected a number from 1 on")
    return int(longest)  # 1e30 stands for no limit


def read_prompts(path: Path) -> dict[str, Any]:
    """`prompts`, `default_prompt`, `dimensions` and `similarity`; none if there is no such file."""
    settings = read_json(path) if path.is_file() else {}
    if (kind := settings.get("model_type")) not in (None, "SentenceTransformer"):
        expected = "expected SentenceTransformer: another makes no vector by pooling"
        raise CheckpointError(f"{path}: model_type is {abbreviate(kind)}; {expected}")
    prompts, default = settings.get("prompts") or {}, settings.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(prompt, str | None) for prompt in prompts.values()):
        raise CheckpointError(f"{path}: prompts is {abbreviate(prompts)}; expected names with texts")
    if default in ("query", "document"):  # these two are there, and empty, if the file has none
        prompts = {default: "", **prompts}
    if default is not None and default not in list(prompts):
        names = ", ".join(prompts) or "none"
        raise CheckpointError(f"{path}: default_prompt_name is {abbreviate(default)}; the prompts are {names}")
    dimensions = settings.get("truncate_dim")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise CheckpointError(f"{path}: truncate_dim is {abbreviate(dimensions)}; expected a whole number from 1 on")
    return {
        "prompts": {name: prompt or "" for name, prompt in prompts.items()},
        "default_prompt": default,
        "dimensions": dimensions,
        "similarity": name if (name := settings.get("similarity_fn_name")) in SIMILARITIES else "cosine",
    }

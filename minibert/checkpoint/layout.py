"""A line for a folder or a repository that is not a plain checkpoint: what it is, and what to do."""

from collections.abc import Collection
from fnmatch import fnmatch
from pathlib import Path

from minibert.errors import CheckpointError

CONVERT = (
    'make a model.safetensors in that folder with: python -c "import glob, torch, safetensors.torch; '
    "files = [torch.load(f, 'cpu', weights_only=True) for f in glob.glob('pytorch_model*.bin')]; "
    "safetensors.torch.save_file({n: t.clone().contiguous() for f in files for n, t in f.items()}, "
    "'model.safetensors')\""
)
SAVE = "load it with transformers 4, which reads such files, and `save_pretrained` it to a folder"
STATE = "where you trust the file, load it with torch and save its state_dict by safetensors.torch.save_file"
ORIGINAL = "use the model from which this was made; its card may name it"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
FORMATS = {
    "TensorFlow": (("*.h5", "*.ckpt.*", "*.ckpt-*"), SAVE),
    "Flax": (("*.msgpack",), SAVE),
    "PyTorch": (("*.pt", "*.pth", "*.ckpt"), STATE),
    "ONNX": (("*.onnx",), ORIGINAL),
    "GGUF": (("*.gguf", "ggml*.bin"), ORIGINAL),
    "OpenVINO": (("openvino_model.*",), ORIGINAL),
    "Core ML": (("*.mlmodel", "*.mlmodelc", "*.mlpackage"), ORIGINAL),
    "TensorFlow Serving": (("saved_model.pb",), ORIGINAL),
    "TensorFlow Lite": (("*.tflite",), ORIGINAL),
    "Rust": (("rust_model.ot",), ORIGINAL),
    "MLX or NumPy": (("*.npz",), ORIGINAL),
    "PaddlePaddle": (("*.pdparams", "*.pdmodel"), ORIGINAL),
}
"""Other formats of weights: the names of their files or folders, and what to do."""


def check_listing(where: str | Path, names: Collection[str]) -> None:
    """CheckpointError: these files are not a checkpoint that minibert can read. It says what they are.

    where: the folder or hub id. names: the names of its files, with "/" between folder and file.
    """
    top = {name for name in names if "/" not in name}
    if "config.json" in top and not top.isdisjoint(WEIGHTS):
        return
    get = "" if isinstance(where, Path) else f"`hf download {where} --local-dir FOLDER`, and "
    raise CheckpointError(f"{where} {what_is_there(sorted(names), top, get)}")


def names_in(folder: Path) -> list[str]:
    """The names of the files in a folder and in its folders, with "/" between."""
    return [path.relative_to(folder).as_posix() for depth in ("*", "*/*", "*/*/*") for path in folder.glob(depth)]


def what_is_there(names: list[str], top: Collection[str], get: str) -> str:
    """What is there instead of a checkpoint, and what to do."""

    def first(*patterns: str, among: Collection[str] = names) -> str:
        """The first file or folder with a name like one of these."""
        paths = [[*reversed(Path(name).parents), Path(name)] for name in sorted(among)]
        found = (part for path in paths for part in path for pattern in patterns if fnmatch(part.name, pattern))
        return next((path.as_posix() for path in found), "")

    wanted = "expected config.json and model.safetensors, or the name of a model, see `minibert models`"
    if not names:
        return f"is empty; {wanted}"
    alone = f"has no config.json: it is not a checkpoint of one model, but has {', '.join(sorted(top)[:5])}; {wanted}"
    if not set(WEIGHTS).isdisjoint(top):
        return alone
    inside = [name.rpartition("/")[0] for name in names if name.endswith(("/model.safetensors", "/pytorch_model.bin"))]
    inside = [folder for folder in inside if f"{folder}/config.json" in names]
    if "adapter_config.json" in top:
        return (
            "is an adapter (adapter_config.json), which changes a model that lies elsewhere: merge the two with peft "
            "(merge_and_unload), `save_pretrained` the result, and load that folder"
        )
    if "config.json" in top and any(fnmatch(name, "pytorch_model*.bin") for name in top):
        return f"has only a pytorch_model.bin, and unpickling runs what is in it; if you trust it, {get}{CONVERT}"
    if "config.json" in top and (shard := first("*-of-*.safetensors", among=top)):
        if index := first("*.safetensors.index*.json", among=top):
            return f"has no {WEIGHTS[1]}, but {index}: {get}give that the name {WEIGHTS[1]}"
        missing = f"but not {WEIGHTS[1]}, which lists the tensors in each"
        return f"has a part of the weights ({shard}), {missing}; get it from where the rest is from"
    if "config.json" in top and (variant := first("*.safetensors", among=top)):
        return f"has no model.safetensors, but {variant}: {get}give that the name model.safetensors"
    if inside:
        if len(inside) > 1:
            some = ", ".join(sorted(inside)[:10]) + ", ..." * (len(inside) > 10)
            return f"is no checkpoint itself; there are {len(inside)} inside ({some}): {get}load one of these folders"
        return f"is no checkpoint itself; the one inside is {inside[0]}: {get}load the folder {inside[0]} in it"
    if first("model_index.json", "*unet*"):
        return "is a pipeline of several models (model_index.json); minibert reads a single BERT"
    if formats := {kind: found for kind, (patterns, _) in FORMATS.items() if (found := first(*patterns))}:
        kinds, files, advice = " and ".join(formats), ", ".join(formats.values()), FORMATS[next(iter(formats))][1]
        return f"has weights for {kinds} only ({files}), and minibert reads model.safetensors: {advice}"
    if "config.json" not in top:
        return alone
    others = [name for name in sorted(top) if not name.endswith((".json", ".txt", ".md")) and not name.startswith(".")]
    beside = f" (not {' and not '.join(others[:5])})" if others else ""
    return f"has no model.safetensors, the only weights that minibert reads{beside}; get it from where the rest is from"

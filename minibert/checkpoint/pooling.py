"""The pooling of a sentence-transformers checkpoint, which makes one vector of a sentence, as in its modules.json."""

from dataclasses import dataclass
from pathlib import Path

from minibert.errors import CheckpointError
from minibert.files import read_json, read_value


@dataclass(frozen=True)
class Pooling:
    """mode: "mean" or "max" over all tokens, or "cls", the first token alone. normalize: to length 1?

    longest: the most tokens of a text; sentence-transformers cuts off the rest. None: as many as BERT takes.
    """

    mode: str = "mean"
    normalize: bool = True
    longest: int | None = None


MODES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}


def read_pooling(folder: Path) -> Pooling:
    """The pooling in modules.json. Without that file it is the mean over tokens, normalised.

    CheckpointError: the file is broken, or has other modules than pooling and normalising.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return Pooling()
    try:
        kinds = {module["type"].split(".")[-1]: folder / module["path"] for module in read_value(path)}
    except (TypeError, KeyError, AttributeError):
        raise CheckpointError(f"{path}: expected a list of modules with type and path") from None
    if unknown := set(kinds) - {"Transformer", "Pooling", "Normalize"}:
        raise CheckpointError(f"{path} needs {', '.join(sorted(unknown))}; expected Transformer, Pooling, Normalize")
    settings = kinds.get("Pooling", folder / "1_Pooling") / "config.json"
    chosen = [key for key, value in read_json(settings).items() if key.startswith("pooling_mode_") and value is True]
    if len(chosen) != 1 or chosen[0] not in MODES:
        asked = " and ".join(chosen) or "no pooling"
        raise CheckpointError(f"{settings} needs {asked}; expected one of {', '.join(MODES)}")
    limits = folder / "sentence_bert_config.json"
    longest = read_json(limits).get("max_seq_length") if limits.is_file() else None
    return Pooling(MODES[chosen[0]], "Normalize" in kinds, longest)

"""A model for the page to run: weights, tokenizer and settings as plain arrays and data."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from viz.errors import InputError


@dataclass(frozen=True)
class Live:
    """A BERT that the page can run. The browser's part is in `live/`.

    name: of the model; the page says what "tiny" knows.
    config: num_attention_heads, hidden_size, hidden_act, layer_norm_eps, max_position_embeddings.
    weights: arrays by their paths, such as "layers.0.attention.query.weight" [out, in]; the page holds them in float16.
    tokenizer: vocabulary (tokens by id), special (ids of tokens that may be written in a text), frame (what stands
        round a sentence and a pair), unknown, prefix, longest, clean, chinese, accents, lowercase; see
        `live/tokenizer.mjs`.
    facts: numbers about this model for the guided tour, see `minibert.explorer.tour_facts`; None: the tour is shorter.
    """

    name: str
    config: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]
    tokenizer: Mapping[str, Any]
    facts: Mapping[str, Any] | None = None

    @property
    def head(self) -> dict[str, Any]:
        """All but the numbers."""
        shapes = [[name, list(array.shape)] for name, array in self.weights.items()]
        return {"name": self.name, "config": dict(self.config), "tokenizer": dict(self.tokenizer), "shapes": shapes}

    @property
    def text(self) -> str:
        """The numbers: float16, end to end, in base64. InputError: a number that float16 cannot hold."""
        halves = []
        for name, array in self.weights.items():
            with np.errstate(over="ignore"):
                half = np.ascontiguousarray(array, dtype="<f2")
            if not np.isfinite(half).all():
                raise InputError(f"{name} has numbers beyond 65504: the page's float16 cannot hold them")
            halves.append(half.tobytes())
        return base64.b64encode(b"".join(halves)).decode()

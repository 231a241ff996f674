"""A BERT put together of a student's own functions: what they have written and is right, and ours for the rest.

`assemble` has every exercise checked first, in a process of its own. Only files whose functions are right are imported
here, so nothing runs that has not run to its end before.
"""

import inspect
import types
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from minibert.attention import attend, merge_heads, self_attention, split_heads
from minibert.embeddings import embed
from minibert.encoder import attention_block, encoder_layer, feed_forward_block
from minibert.exercises.checker import Checker, find
from minibert.exercises.worker import load as load_file
from minibert.heads import masked_lm_logits
from minibert.model import Bert, Text, check_keep, load, rows_of_sentences
from minibert.numerics import ACTIVATIONS, gelu, layer_norm, softmax
from minibert.trace import FIELDS

PARTS: dict[str, tuple[str, Callable]] = {
    "softmax": ("softmax", softmax),
    "layer_norm": ("layer_norm", layer_norm),
    "gelu": ("gelu", gelu),
    "embed": ("embeddings", embed),
    "split_heads": ("split_heads", split_heads),
    "scores": ("scores", attend),
    "attend": ("attention", attend),
    "merge_heads": ("merge_and_residual", merge_heads),
    "attention_block": ("merge_and_residual", attention_block),
    "feed_forward_block": ("feed_forward", feed_forward_block),
    "encoder_layer": ("layer", encoder_layer),
    "hidden_states": ("encoder", None),
    "masked_lm_logits": ("masked_lm", masked_lm_logits),
}
"""What a BERT is made of, leaves first: function, its exercise, and the library's own"""

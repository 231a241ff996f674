"""A program that uses the public interface, for the type checker: `mypy` reads it, strictly, and nobody runs it.

Where a public function loses its types, or returns something else, mypy finds it here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from matplotlib.figure import Figure

import minibert
import viz

bert = minibert.load("tiny")
assert_type(bert, minibert.Bert)
assert_type(minibert.__version__, str)
assert_type(bert.config, minibert.BertConfig)
assert_type(bert.name, str)

encoding = bert.tokenizer.encode(("A first sentence.", "A second."))
assert_type(encoding, minibert.Encoding)
assert_type(encoding.tokens, tuple[str, ...])
assert_type(minibert.Encoding.from_ids([101, 102]), minibert.Encoding)

trace = bert("The brown capybara is sleeping now.")
assert_type(trace, minibert.Trace)
layer: minibert.LayerTrace = trace.layers[0]
assert_type(bert.batch(["One.", ("Two.", "Three."), encoding]), list[minibert.Trace])
assert_type(bert.stream(["One."], keep=("query", "key")), Iterator[minibert.Trace])
assert_type(bert.fill_mask("A [MASK].", top=3), list[list[tuple[str, float]]])
bert.logits("A sentence.").argmax()
bert.classify("A fine film.")

assert_type(bert.resume(trace, layer=1, attention=layer.attention), minibert.Trace)
assert_type(bert.without_heads([(1, 2)], mean_over=["One."]), minibert.Bert)
trace.stacked("attention").mean(axis=(0, 1))
assert_type(trace.to_rows("query"), list[dict[Any, Any]])
trace.save("trace.npz")
assert_type(minibert.Trace.load("trace.npz"), minibert.Trace)
vectors: np.ndarray = bert.embed(["One.", ("Two.", "Three.")], prompt="query")

normalized = viz.normalize(layer.query, layer.key, [0] * 12, method="exact")
assert_type(normalized, viz.Normalized)
measures = viz.measure(normalized, layer.attention)
assert_type(measures, viz.Measures)
measures.space.nearest1.mean()
assert_type(viz.pca(np.zeros((5, 3)), components=2), viz.Pca)
distances: np.ndarray = viz.jensen_shannon(layer.attention, layer.attention)
viz.habits(layer.attention, trace.tokens).to_previous.mean()

figure = viz.attention_figure([layer.attention[0]], [trace.tokens])
assert_type(figure, Figure)
assert_type(viz.save(figure, "attention.png"), Path)
page = viz.explore([viz.Sentence(trace.tokens, np.stack([layer.query]), np.stack([layer.key]))])
assert_type(page.save("page.html"), Path)
assert_type(minibert.explore(bert, ["One.", ("Two.", "Three.")]).save("page.html"), Path)

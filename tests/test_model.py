"""The whole model against `transformers`, and the promises of Bert: batch, stream, keep, fill_mask, classify."""

import dataclasses
import os
import random
import re
import tracemalloc

import numpy as np
import pytest
import transformers
from threadpoolctl import threadpool_limits

import minibert
from minibert import model
from minibert.trace import FIELDS, LAYER_FIELDS
from tests.material import everything
from tests.reference.oracle import assert_agrees, random_checkpoint, reference_model, reference_trace

FIRST_SEED = int(os.environ["MINIBERT_SEED"])
SEEDS = range(FIRST_SEED, FIRST_SEED + 24)


def named_arrays(trace: minibert.Trace) -> dict[str, np.ndarray]:
    """The arrays of a Trace by path, as `reference_trace` names them."""
    arrays = {f"hidden_states.{i}": state for i, state in enumerate(trace.hidden_states)}
    for i, layer in enumerate(trace.layers):
        arrays |= {f"layers.{i}.{name}": getattr(layer, name) for name in LAYER_FIELDS}
    return arrays if trace.pooled is None else arrays | {"pooled": trace.pooled}


@pytest.fixture(scope="module")
def reference(minilm_folder):
    return reference_model(minilm_folder, transformers.BertModel)


def test_real_weights_alone_and_in_one_batch(minilm, reference, sentences):
    assert len(sentences) >= 50
    texts = [*sentences, "Yes", "capybara"]
    with threadpool_limits(2, user_api="blas"):  # so that the batch is shared out
        batch = everything(minilm, *texts)
    for text, together in zip(texts, batch, strict=True):
        encoding = minilm.tokenizer.encode(text)
        assert_agrees(named_arrays(everything(minilm, text)[0]), reference, encoding, text)
        assert_agrees(named_arrays(together), reference, encoding, f"in a batch: {text}")


def test_real_weights_in_pairs(minilm, reference, sentences):
    pairs = list(zip(sentences[:12], sentences[12:24], strict=True))
    for pair, trace in zip(pairs, everything(minilm, *pairs), strict=True):
        assert set(trace.token_type_ids) == {0, 1}
        assert_agrees(named_arrays(trace), reference, minilm.tokenizer.encode(pair), str(pair))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_configurations(tmp_path, seed):
    chosen = random_checkpoint(tmp_path, seed)
    bert = minibert.load(tmp_path)
    kinds = {"BertModel": transformers.BertModel, "BertForMaskedLM": transformers.BertForMaskedLM}
    model = reference_model(tmp_path, kinds.get(chosen["kind"], transformers.BertForPreTraining))
    if bert.weights.pooler is None:  # `transformers` would make one up
        getattr(model, "bert", model).pooler = None
    if bert.weights.masked_lm is None and hasattr(model, "cls"):
        del model.cls
    choose = random.Random(seed)
    texts = ["".join(choose.choices("abcdefghij .,", k=length)) + "x" for length in (1, 5, 23, 60)]
    if bert.config.type_vocab_size == 2:
        texts.append((texts[1], texts[2]))
    for text, trace in zip(texts, everything(bert, *texts), strict=True):
        ours = named_arrays(trace)
        if bert.weights.masked_lm is not None:
            ours["logits"] = bert.logits(text)
            shifted = ours["logits"] - ours["logits"].max(-1, keepdims=True)
            ours["probabilities"] = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
        assert_agrees(ours, model, bert.tokenizer.encode(text), f"MINIBERT_SEED={seed} {chosen} {text!r}")


def test_every_array_is_float32_with_its_documented_shape(minilm):
    (trace,) = everything(minilm, ("The brown capybara is sleeping now.", "It is tired."))
    tokens, config = len(trace.tokens), minilm.config
    heads, head_size = config.num_attention_heads, config.head_size
    by_head, by_pair = (heads, tokens, head_size), (heads, tokens, tokens)
    shapes = {"query": by_head, "key": by_head, "value": by_head, "scores": by_pair, "attention": by_pair}
    shapes |= {"context": (tokens, config.hidden_size), "attention_output": (tokens, config.hidden_size)}
    shapes |= {"head_outputs": (heads, tokens, config.hidden_size), "intermediate": (tokens, config.intermediate_size)}
    assert len(trace.layers) == config.num_hidden_layers
    assert len(trace.hidden_states) == config.num_hidden_layers + 1
    for path, array in named_arrays(trace).items():
        name = path.split(".")[-1]
        assert array.dtype == np.float32, path
        assert array.shape == shapes.get(name, (tokens, config.hidden_size) if name != "pooled" else array.shape), path
    assert trace.pooled.shape == (config.hidden_size,)


def test_attention_rows_sum_to_one(minilm, sentences):
    for trace in minilm.batch(sentences[:10]):
        for layer in trace.layers:
            np.testing.assert_allclose(layer.attention.sum(-1), 1, atol=1e-6)
            assert (layer.attention >= 0).all()


def test_keeping_less_changes_nothing_in_what_is_kept(minilm, sentences):
    whole = everything(minilm, *sentences[:6])
    for name in FIELDS:
        for full, part in zip(whole, minilm.batch(sentences[:6], keep=[name]), strict=True):
            kept = {path: array for path, array in named_arrays_kept(part).items() if array is not None}
            assert kept and all(path.split(".")[0] == name or path.endswith(name) for path in kept)
            for path, array in kept.items():
                np.testing.assert_array_equal(array, named_arrays(full)[path])


def named_arrays_kept(trace: minibert.Trace) -> dict[str, np.ndarray | None]:
    arrays = {f"hidden_states.{i}": state for i, state in enumerate(trace.hidden_states or ())}
    for i, layer in enumerate(trace.layers):
        arrays |= {f"layers.{i}.{name}": getattr(layer, name) for name in LAYER_FIELDS}
    return arrays | {"pooled": trace.pooled}


def test_stream_gives_what_batch_gives_in_order(minilm, sentences):
    texts = sentences * 2
    streamed = list(minilm.stream(iter(texts), keep=("attention", "pooled")))
    assert [trace.tokens for trace in streamed] == [minilm.tokenizer.encode(text).tokens for text in texts]
    for text, trace in zip(texts[::9], streamed[::9], strict=True):
        alone = minilm(text)
        for ours, theirs in zip(trace.layers, alone.layers, strict=True):
            np.testing.assert_allclose(ours.attention, theirs.attention, atol=1e-5)
            assert ours.query is None
        np.testing.assert_allclose(trace.pooled, alone.pooled, atol=1e-5)


def test_stream_reads_no_further_ahead_than_a_batch(minilm):
    read = []

    def texts():
        for i in range(10_000):
            read.append(i)
            yield "A short sentence about nothing much."

    next(minilm.stream(texts()))
    assert len(read) < 500


def test_memory_of_a_stream_does_not_grow(minilm, sentences):
    def peak(texts) -> int:
        tracemalloc.start()
        for _ in minilm.stream(texts):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    with threadpool_limits(1, user_api="blas"):  # what two threads need at the same time is chance
        assert peak(sentences * 6) < 1.1 * peak(sentences * 2)


def test_no_texts_is_no_traces(minilm):
    assert minilm.batch([]) == []
    assert list(minilm.stream([])) == []


def test_an_encoding_can_be_given_in_place_of_a_text(minilm):
    text = "The brown capybara is sleeping now."
    encoding = minilm.tokenizer.encode(text)
    np.testing.assert_array_equal(minilm(encoding).pooled, minilm(text).pooled)


def replaced(encoding: minibert.Encoding, **changes) -> minibert.Encoding:
    return dataclasses.replace(encoding, **changes)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda e: replaced(e, input_ids=(*e.input_ids[:-1], 30522)), "input_ids[4] is 30522; expected 0 to 30521"),
        (lambda e: replaced(e, input_ids=(-1, *e.input_ids[1:])), "input_ids[0] is -1"),
        (lambda e: replaced(e, token_type_ids=(2,) * 5), "token_type_ids[0] is 2; expected 0 to 1"),
        (lambda e: replaced(e, token_type_ids=(0,) * 4), "expected one token_type_id per token"),
        (lambda e: replaced(e, input_ids=(), token_type_ids=(), tokens=(), words=()), "no tokens"),
        (lambda e: "word " * 600, "602 tokens, but this model has 512 positions"),
    ],
)
def test_what_the_model_cannot_take_is_named(minilm, bad, message):
    with pytest.raises(ValueError) as raised:
        minilm(bad(minilm.tokenizer.encode("A brown cat")))
    assert message in str(raised.value)


def test_an_unknown_name_to_keep_is_named(minilm):
    with pytest.raises(ValueError, match=r"keep is .*'keys'.*expected.*query"):
        minilm.batch(["A cat"], keep=["keys"])
    with pytest.raises(ValueError, match="expected a collection"):
        minilm.batch(["A cat"], keep="key")


def test_keep_may_be_any_iterable_of_names(minilm):
    (trace,) = minilm.batch(["A cat"], keep=(name for name in ("query", "pooled")))
    assert trace.layers[0].query is not None and trace.pooled is not None and trace.layers[0].key is None
    assert trace.hidden_states is None


def test_a_stream_keeps_queries_keys_and_attention_and_no_more(minilm):
    (trace,) = minilm.stream(["A cat"])
    kept = {name for name in LAYER_FIELDS if getattr(trace.layers[0], name) is not None}
    assert kept == {"query", "key", "attention"} and trace.hidden_states is None and trace.pooled is None


def test_one_trace_of_many_keeps_no_more_memory_than_its_own(minilm, sentences):
    traces = everything(minilm, *sentences[:20])
    for array in named_arrays(traces[0]).values():
        owner = array if array.base is None else array.base
        assert owner.size == array.size


def test_what_is_not_kept_goes_before_the_next_layer_comes(minilm, sentences):
    def peak(keep) -> int:
        tracemalloc.start()
        minilm.batch([" ".join(sentences[:25])[:2000]], keep=keep)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    with threadpool_limits(1, user_api="blas"):
        minilm("wake up")
        attention = 12 * 400 * 400 * 4  # of one layer, and of about 400 tokens
        assert peak(["pooled"]) < 3 * attention
        assert peak(["attention"]) > 5 * attention


@pytest.mark.parametrize("ids", [[1.0, 5.0], [[101, 102]], np.array([[101], [102]]), ["101"], [None]])
def test_ids_that_are_no_whole_numbers_are_named(ids):
    with pytest.raises(TypeError, match=r"input_ids is .*; expected one whole number per token"):
        minibert.Encoding.from_ids(ids)
    with pytest.raises(TypeError, match="token_type_ids is"):
        minibert.Encoding.from_ids([101], ids)


def test_ids_of_any_integer_type_are_taken(minilm):
    assert minibert.Encoding.from_ids(np.array([101, 102], np.uint16)).input_ids == (101, 102)


def test_a_text_of_exactly_as_many_tokens_as_there_are_positions(minilm):
    assert len(minilm.batch(["word " * 510], keep=["pooled"])[0].tokens) == 512
    with pytest.raises(ValueError, match="513 tokens"):
        minilm("word " * 511)


def test_a_batch_of_a_stream_has_at_most_batch_tokens(minilm, monkeypatch):
    sizes = []
    monkeypatch.setattr(model.Bert, "batch", lambda self, texts, keep: sizes.append(sum(map(len, texts))) or [])
    monkeypatch.setattr(model, "BATCH_TOKENS", 12)
    assert list(minilm.stream(["a b"] * 7)) == []  # of four tokens each
    assert sizes == [12, 12, 4]


def test_a_field_of_all_layers_is_one_array(minilm):
    trace = minilm("A cat")
    np.testing.assert_array_equal(trace.stacked("attention")[2], trace.layers[2].attention)
    np.testing.assert_array_equal(trace.stacked("hidden_states")[3], trace.hidden_states[3])
    with pytest.raises(ValueError, match=r"name is 'atention'; expected one of query, key"):
        trace.stacked("atention")
    (trace,) = minilm.batch(["A cat"], keep=["query"])
    with pytest.raises(ValueError, match="holds no attention"):
        trace.stacked("attention")
    with pytest.raises(ValueError, match="holds no hidden_states"):
        trace.stacked("hidden_states")


@pytest.mark.parametrize("kind", [minibert.Trace, minibert.LayerTrace])
def test_help_shows_every_field_with_its_shape(kind):
    for name in (field.name for field in dataclasses.fields(kind)):
        assert re.search(rf"^ +{name} ", kind.__doc__, flags=re.MULTILINE), name


def test_a_checkpoint_without_a_head_says_so(minilm):
    with pytest.raises(ValueError, match="no masked-language-model head"):
        minilm.fill_mask("A [MASK].")
    with pytest.raises(ValueError, match="no sequence classifier"):
        minilm.classify("A fine film.")


def test_fill_mask_gives_the_likeliest_tokens_of_each_mask(tmp_path):
    random_checkpoint(tmp_path, seed=0, kind="BertForMaskedLM")
    bert = minibert.load(tmp_path)
    text = "ab [MASK] c [MASK]."
    encoding = bert.tokenizer.encode(text)
    theirs = reference_trace(reference_model(tmp_path, transformers.BertForMaskedLM), encoding)["probabilities"]
    found = bert.fill_mask(text, top=3)
    assert len(found) == 2
    for place, suggestions in zip([3, 5], found, strict=True):
        best = np.argsort(-theirs[place])[:3]
        assert [token for token, _ in suggestions] == [bert.tokenizer.token(int(i)) for i in best]
        np.testing.assert_allclose([p for _, p in suggestions], theirs[place][best], atol=1e-5)
    with pytest.raises(ValueError, match=r"no \[MASK\]"):
        bert.fill_mask("ab c")
    for top in (0, -1, 2.5, "3", None):
        with pytest.raises(ValueError, match=f"top is {top!r}; expected a whole number, 1 or more"):
            bert.fill_mask(text, top=top)


def test_one_text_in_place_of_many_is_an_error(minilm):
    with pytest.raises(TypeError, match="letter by letter"):
        minilm.batch("hello")
    with pytest.raises(TypeError, match="letter by letter"):
        minilm.stream("hello")  # at the call, not when the first trace is asked for
    with pytest.raises(ValueError, match="keep is"):
        minilm.stream(["hello"], keep=["keys"])


def test_a_bert_shows_itself_in_one_line():
    bert = minibert.load("tiny")
    assert repr(bert).startswith("Bert('tiny': 4 layers of 4 heads, ")
    fewer = bert.without_heads([(1, 2)]).without_heads([(0, 3)])
    assert repr(fewer).startswith("Bert('tiny': 4 layers of 4 heads (1.2, 0.3 off), ")
    assert len(repr(minibert.load("tiny"))) < 120

"""The way back from a guess: exact sums at every node, and models made by hand whose way is known."""

from dataclasses import replace

import numpy as np
import pytest

import minibert
from minibert.checkpoint.parameters import LinearWeights
from minibert.heads import masked_lm_logits
from minibert.numerics import softmax
from minibert.whatif.attribution import embedding_parts, parts_of_states
from minibert.whatif.guess import HEAD, LEAST, Way, direction_of, guess_parts, way_back, writer_of
from tests.checkpoint.test_families import write
from tests.reference.oracle import random_checkpoint

SEA = "The old fisherman went to sea in his little [MASK]."


@pytest.fixture(scope="module")
def tiny() -> minibert.Bert:
    return minibert.load("tiny")


def check(bert, text, place, words, steps=6):
    """Every node is the sum of its parts, and the root is what the model's logits say: within 1e-5 of the largest."""
    encoding = bert.encode(text)
    logits_V, trace = bert.logits(encoding)[place].astype(float), bert(encoding)
    unit = 1e-5 * np.abs(logits_V).max()
    guess, instead = words
    lead = logits_V[guess] - (logits_V.mean() if instead is None else logits_V[instead])
    names, values = guess_parts(bert, trace, place, guess, instead)
    layers, heads = bert.config.num_hidden_layers, bert.config.num_attention_heads
    assert len(names) == len(set(names)) == len(values) == 5 + layers * (heads + 1) and names[-1] == HEAD
    assert values.sum() == pytest.approx(lead, abs=unit)
    root = way_back(bert, trace, place, guess, instead, keep=3, steps=steps)
    assert root.value == pytest.approx(lead, abs=unit)
    assert root.without == pytest.approx(softmax(logits_V)[guess], abs=1e-5)
    way = Way(bert, trace, place, guess, instead, 3)
    for component in root.parts:
        if (writer := writer_of(component.name)) is not None:
            direction_D = way.pulled(way.direction_D, place, writer[0], 2 * layers)
            for node in component.walk():  # what is taken out for the run without it is what its number is of
                assert node.vector @ direction_D == pytest.approx(node.value, abs=unit), node.name
    for node in root.walk():
        if node.parts:
            assert sum(part.value for part in node.parts) == pytest.approx(node.value, abs=unit), node.name
        if node.attention is not None and node.parts:
            assert sum(part.score for part in node.parts) == pytest.approx(node.score, abs=2e-4), node.name
    return root, dict(zip(names, values, strict=True))


def test_every_node_of_trained_models_is_the_sum_of_its_parts(tiny, sentences):
    for place, sentence in enumerate(sentences[:6], 2):
        (logits_V,) = tiny.logits(sentence)[[place]]
        guess, other = (int(i) for i in np.argsort(-logits_V)[[0, 1]])
        check(tiny, sentence, place, (guess, None))
        check(tiny, sentence, place, (guess, other), steps=20)
    check(tiny, ("Who came?", "Nobody [MASK]."), 6, (77, None))


@pytest.mark.parametrize("seed", range(12))
def test_every_node_of_random_shapes_is_the_sum_of_its_parts(seed, tmp_path):
    random_checkpoint(tmp_path, seed, "BertForMaskedLM")
    bert = minibert.load(tmp_path)
    check(bert, "a bcd ef", 1, (7, None))
    check(bert, "a", 1, (7, 9))


@pytest.mark.parametrize("family", ["distilbert", "roberta", "camembert", "electra", "albert"])
def test_every_node_of_the_relatives_is_the_sum_of_its_parts(family, tmp_path):
    write(tmp_path, family, "ForMaskedLM")
    check(minibert.load(tmp_path), minibert.Encoding.from_ids([5, 7, 9, 8, 7]), 2, (7, None))


def test_the_direction_gives_the_logits_of_the_state(tiny):
    trace = tiny(SEA)
    place = trace.roles.index("mask")
    direction_D, added = direction_of(tiny, trace, place, 77, 99)
    logits_V = tiny.logits(SEA)[place]
    state_D = trace.hidden_states[-1][place]
    assert state_D @ direction_D + added == pytest.approx(float(logits_V[77] - logits_V[99]), abs=1e-4)


def test_more_steps_follow_the_largest_parts_further(tiny):
    trace = tiny(SEA)
    place, guess = trace.roles.index("mask"), tiny.tokenizer.backend.token_to_id("boat")
    before = way_back(tiny, trace, place, guess, steps=0)
    assert [part.parts for part in before.parts] == [[]] * len(before.parts)
    after = way_back(tiny, trace, place, guess, steps=1)
    followed = [part for part in after.parts if part.parts]
    open_ones = [part for part in before.parts if part.name.startswith(("head", "feed-forward"))]
    assert [part.name for part in followed] == [max(open_ones, key=lambda part: abs(part.value)).name]
    values = [abs(part.value) for part in after.parts[:-1]]
    assert values == sorted(values, reverse=True) and after.parts[-1].name.endswith(" others")
    values = dict(zip(*guess_parts(tiny, trace, place, guess), strict=True))
    least = LEAST * max(map(abs, values.values()))
    *shown, others = way_back(tiny, trace, place, guess, keep=10**6, steps=0).parts
    assert {part.name for part in shown} == {name for name, value in values.items() if abs(value) >= least}
    assert others.name == f"{len(values) - len(shown)} others"


def test_what_stands_beside_a_part_is_a_run_without_it(tiny):
    """Of a head at the mask: its rows of head_outputs are 0. Of a token that it read: without what it moves from it."""
    trace = tiny(SEA)
    place, guess = trace.roles.index("mask"), tiny.tokenizer.backend.token_to_id("boat")
    root = way_back(tiny, trace, place, guess, keep=8, steps=6)

    def probability(**changed):
        state = tiny.resume(trace, **changed).hidden_states[-1][place : place + 1]
        logits = masked_lm_logits(state, tiny.weights.masked_lm, tiny.config.hidden_act, tiny.config.layer_norm_eps)
        return float(softmax(logits)[0, guess])

    seen = 0
    for part in root.parts:
        kind, _, where = part.name.partition(" ")
        if kind == "head":
            layer, head = map(int, where.split("."))
            fields = trace.layers[layer]
            whole = tiny.batch([SEA], keep=("head_outputs",))[0].layers[layer].head_outputs.copy()
            whole[head, place] = 0
            assert part.without == pytest.approx(probability(layer=layer, head_outputs=whole), abs=1e-6)
            for token in part.parts:
                if "others" not in token.name:
                    context = fields.context.copy()
                    columns = slice(head * 64, head * 64 + 64)
                    context[place, columns] -= (
                        fields.attention[head, place, token.token] * fields.value[head, token.token]
                    )
                    assert token.without == pytest.approx(probability(layer=layer, context=context), abs=1e-6)
                    seen += 1
        elif kind == "feed-forward":
            layer = int(where)
            (full,) = tiny.batch([SEA], keep=("intermediate", "attention_output"))
            intermediate = full.layers[layer].intermediate.copy()
            intermediate[place] = 0
            assert part.without == pytest.approx(probability(layer=layer, intermediate=intermediate), abs=1e-6)
            seen += 1
        else:
            assert part.without is None
    assert seen > 3


def test_the_score_of_a_token_is_that_of_the_run_and_of_a_run_without_the_part(tiny):
    trace = tiny("The king and the [MASK] lived in a great castle.")
    king = tiny.tokenizer.backend.token_to_id("king")
    root = way_back(tiny, trace, 5, king, steps=3)
    (head,) = (part for part in root.parts if part.name == "head 3.2")
    token = head.parts[0]
    scores, attention = trace.layers[3].scores[2, 5], trace.layers[3].attention[2, 5]
    assert token.name == "“king” (2)" and token.attention == pytest.approx(attention[2], abs=1e-6)
    assert token.score == pytest.approx(scores[2] - scores.mean(), abs=1e-5)
    parts = parts_of_states(tiny, trace, 3)
    key = parts.vectors[parts.names.index("word")] @ tiny.weights.layers[3].attention.key.weight[128:192].T
    own = key @ trace.layers[3].query[2, 5] / 8
    (word,) = (part for part in token.parts if part.name == "word")
    assert word.score == pytest.approx(own[2] - own.mean(), abs=1e-4)
    assert word.attention_without == pytest.approx(softmax(scores - own)[2], abs=1e-4)


def handmade(tiny, **heads):
    """`tiny` without feed-forward halves and without heads, but for these: name -> (query, key, value), each a pair of
    weight [64, 256] and bias [64]. `_0_0=...` is head 0 of layer 0."""
    off = [(layer, head) for layer in range(4) for head in range(4) if f"_{layer}_{head}" not in heads]
    layers = list(tiny.without_heads(off).weights.layers)
    for name, projections in heads.items():
        layer, head = map(int, name[1:].split("_"))
        rows, made = slice(head * 64, head * 64 + 64), []
        for whole, (weight, bias) in zip(layers[layer].attention, projections, strict=True):
            new = LinearWeights(whole.weight.copy(), whole.bias.copy())
            new.weight[rows], new.bias[rows] = weight, bias
            made.append(new)
        layers[layer] = layers[layer]._replace(attention=layers[layer].attention._make(made))
    for layer, weights in enumerate(layers):
        zero = LinearWeights(np.zeros_like(weights.output.weight), np.zeros_like(weights.output.bias))
        layers[layer] = weights._replace(output=zero)
    return replace(tiny, weights=tiny.weights._replace(layers=tuple(layers)))


NOTHING = (np.zeros((64, 256), np.float32), np.zeros(64, np.float32))


def looks_for(tiny, trace, place):
    """Query and key of a head that attends to the word at this place, whoever asks."""
    names, vectors = embedding_parts(tiny, trace)
    words = vectors[names.index("word")]
    own = words[place] - words.mean(axis=0)
    weight = np.zeros((64, 256), np.float32)
    weight[0] = 8 * own / np.linalg.norm(own)
    bias = np.zeros(64, np.float32)
    bias[0] = 8
    return (NOTHING[0], bias), (weight, NOTHING[1])


def copies(directions):
    """Values that are these directions [n, 256] of the state."""
    weight = np.zeros((64, 256), np.float32)
    weight[: len(directions)] = directions
    return weight, NOTHING[1]


def test_a_head_made_to_read_one_word_is_the_way_back(tiny):
    trace = tiny(SEA)
    sea, place = trace.tokens.index("sea"), trace.roles.index("mask")
    names, vectors = embedding_parts(tiny, trace)
    word = vectors[names.index("word"), sea]
    made = handmade(tiny, _2_1=(*looks_for(tiny, trace, sea), copies(40 * word[None] / np.linalg.norm(word) ** 2)))
    trace = made(SEA)
    guess = int(made.logits(SEA)[place].argmax())
    names, values = guess_parts(made, trace, place, guess)
    written = {name for name, value in zip(names, values, strict=True) if name.startswith(("head", "feed")) and value}
    assert written == {"head 2.1"}
    root = way_back(made, trace, place, guess, keep=3)
    (head,) = (part for part in root.parts if part.name == "head 2.1")
    token = head.parts[0]
    assert (token.name, token.attention > 0.99) == (f"“sea” ({sea})", True)
    assert max(token.parts, key=lambda part: abs(part.value)).name == "word"
    why = max((part for part in token.parts if "others" not in part.name), key=lambda part: part.score)
    assert why.name == "word" and why.score > 0.8 * token.score and why.attention_without < 0.4
    off = made.without_heads([(2, 1)])
    assert head.without == pytest.approx(softmax(off.logits(SEA)[place])[guess], abs=0.02)  # nothing else moves


def test_a_head_made_to_read_what_another_wrote_leads_on_to_it(tiny):
    """Head 0.0 writes a direction to every token, from “sea”; head 2.3 attends to all, and reads this direction."""
    trace = tiny(SEA)
    sea, place = trace.tokens.index("sea"), trace.roles.index("mask")
    names, vectors = embedding_parts(tiny, trace)
    word = vectors[names.index("word"), sea]
    first = (*looks_for(tiny, trace, sea), copies(20 * word[None] / np.linalg.norm(word) ** 2))
    wrote = tiny.weights.layers[0].attention_output.weight[:, 0]
    reads = wrote / np.linalg.norm(wrote)
    made = handmade(tiny, _0_0=first, _2_3=(NOTHING, NOTHING, copies(10 * reads[None])))
    trace = made(SEA)
    guess = int(made.logits(SEA)[place].argmax())
    root = way_back(made, trace, place, guess, keep=20, steps=200)
    (head,) = (part for part in root.parts if part.name == "head 2.3")
    tokens = [node for node in head.parts if "others" not in node.name]
    assert len(tokens) == len(trace.tokens)
    for token in tokens:
        assert token.attention == pytest.approx(1 / len(trace.tokens), abs=1e-6)
        assert token.score == pytest.approx(0, abs=1e-6)
        earlier = max(token.parts, key=lambda part: abs(part.value))
        assert earlier.name == "head 0.0" and earlier.value / token.value > 0.6
        assert earlier.parts[0].name == f"“sea” ({sea})" and earlier.parts[0].value / earlier.value > 0.99
        assert max(earlier.parts[0].parts, key=lambda part: abs(part.value)).name == "word"


def test_a_model_without_a_masked_lm_head_has_no_way_back(minilm):
    with pytest.raises(ValueError, match="no masked-language-model head"):
        way_back(minilm, minilm("No."), 1, 5)

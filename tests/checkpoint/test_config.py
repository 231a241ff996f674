"""config.json: what is read from it, and what is refused."""

import json

import numpy as np
import pytest
import torch
from transformers.activations import ACT2FN

from minibert import CheckpointError
from minibert.checkpoint.config import HIDDEN_ACTS, SAME_ACTS, BertConfig, read_config
from minibert.files import MOST_TEXT, abbreviate, read_json
from minibert.numerics import ACTIVATIONS
from tests.reference.checkpoints import bert_config

SMALL = {
    "vocab_size": 100,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 32,
}


NOT_BERTS = ("labels", "activation", "pooler_act", "embedding_size", "num_hidden_groups", "pad_token_id", "use_task_id")
"""Not settings of BERT's config.json: of a part that is read later, or of a relative."""


def read(tmp_path, text: str | bytes) -> BertConfig:
    path = tmp_path / "config.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_config(path)


def refusal(tmp_path, text: str | bytes) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "config.json")) and "\n" not in message and len(message) < 400
    return message.removeprefix(str(tmp_path / "config.json"))


def test_the_defaults_are_those_of_transformers(tmp_path):
    """A config without the optional settings means what it means there."""
    theirs = bert_config()
    ours = read(tmp_path, json.dumps(SMALL))
    for name in ("type_vocab_size", "hidden_act", "layer_norm_eps", "tie_word_embeddings"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.labels == () and ours.head_size == 4


def test_what_transformers_writes_is_read(tmp_path):
    theirs = bert_config(id2label={0: "no", 1: "yes", 2: "perhaps"}, layer_norm_eps=1e-5, hidden_act="silu")
    theirs.save_pretrained(tmp_path)
    ours = read_config(tmp_path / "config.json")
    for name in BertConfig.__annotations__:
        if name not in NOT_BERTS:
            assert getattr(ours, name) == getattr(theirs, name), name


def test_a_byte_order_mark_and_other_keys_do_no_harm(tmp_path):
    settings = SMALL | {"architectures": ["BertModel"], "pad_token_id": 0, "id2label": None, "is_decoder": None}
    assert read(tmp_path, b"\xef\xbb\xbf" + json.dumps(settings).encode()).hidden_size == 12


def test_of_a_key_that_comes_twice_the_last_counts(tmp_path):
    """As everywhere in Python, and in transformers."""
    assert read(tmp_path, json.dumps(SMALL)[:-1] + ', "vocab_size": 7}').vocab_size == 7


@pytest.mark.parametrize("name", SMALL)
def test_a_missing_key_is_named(name, tmp_path):
    message = refusal(tmp_path, json.dumps({key: value for key, value in SMALL.items() if key != name}))
    assert message == f": {name} is missing; expected a whole number, 1 or more"


@pytest.mark.parametrize("value", ["12", 12.0, True, None, 0, -3, float("nan"), float("inf"), [12], {"12": 12}])
@pytest.mark.parametrize("name", ["hidden_size", "type_vocab_size", "num_hidden_layers"])
def test_a_count_is_a_whole_number(name, value, tmp_path):
    message = refusal(tmp_path, json.dumps(SMALL | {name: value}))
    assert message == f": {name} is {value!r}; expected a whole number, 1 or more"


@pytest.mark.parametrize("value", ["1e-12", 0, 1, -1e-12, float("nan"), float("inf"), True, None, 10**400])
def test_eps_is_a_small_number(value, tmp_path):
    assert "; expected a number between 0 and 1" in refusal(tmp_path, json.dumps(SMALL | {"layer_norm_eps": value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_type", "mpnet"),
        ("model_type", ["bert"]),
        ("position_embedding_type", "relative_key_query"),
        ("is_decoder", True),
        ("is_decoder", "no"),
        ("add_cross_attention", True),
        ("hidden_act", "quick_gelu"),
        ("hidden_act", {}),
        ("hidden_act", None),
    ],
)
def test_what_is_not_implemented_is_named(name, value, tmp_path):
    message = refusal(tmp_path, json.dumps(SMALL | {name: value}))
    assert message.startswith(f": {name} is {value!r}; expected ") and "minibert implements BERT" in message


@pytest.mark.parametrize("name", [*HIDDEN_ACTS, *SAME_ACTS])
def test_an_activation_by_each_of_its_names(name, tmp_path):
    x = torch.linspace(-9, 9, 2001)
    ours = ACTIVATIONS[read(tmp_path, json.dumps(SMALL | {"hidden_act": name})).hidden_act]
    np.testing.assert_allclose(ours(x.numpy()), ACT2FN[name](x).numpy(), rtol=0, atol=2e-6)


def test_no_name_of_an_activation_that_is_known_is_left_out():
    """Every function of `transformers` that equals one of ours has its name here."""
    x, ours = torch.linspace(-12, 12, 2001), {*HIDDEN_ACTS, *SAME_ACTS}
    for name in ACT2FN:
        if name not in (*ours, "xielu", "prelu"):
            theirs = ACT2FN[name](x).numpy()
            assert min(np.abs(act(x.numpy()) - theirs).max() for act in ACTIVATIONS.values()) > 1e-3, name


REFUSED = {
    "heads cut out": ({"pruned_heads": {"1": [0, 2]}}, "pruned_heads is {'1': [0, 2]}; expected no heads cut out"),
    "pruned, but no table": (
        {"pruned_heads": [1]},
        "pruned_heads is [1]; expected no heads cut out: minibert computes",
    ),
    "quantised": (
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        "quantization_config is {'quant_method': 'gptq', 'bits': 4}; expected none, since minibert reads weights that",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_was_done_to_the_weights_is_named(what, tmp_path):
    change, expected = REFUSED[what]
    assert refusal(tmp_path, json.dumps(SMALL | change)).startswith(f": {expected}")


@pytest.mark.parametrize("nothing", [{}, None, {"0": []}])
def test_settings_that_say_nothing_was_done(nothing, tmp_path):
    assert read(tmp_path, json.dumps(SMALL | {"pruned_heads": nothing, "quantization_config": None})).vocab_size == 100


def test_tying_is_true_or_false(tmp_path):
    assert "is 'yes'; expected true or false" in refusal(tmp_path, json.dumps(SMALL | {"tie_word_embeddings": "yes"}))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("{'hidden_size': 12}", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"vocab_size": ' + "9" * 5000 + "}", "is not JSON"),
        ("[1, 2]", "holds [1, 2]; expected an object"),
        ("null", "holds None; expected an object"),
        ("[" * 500 + "]" * 500, "expected an object"),
        (b'{"vocab_size": "\xff"}', "is not UTF-8 text"),
        (json.dumps(SMALL).encode("utf-16"), "is not UTF-8 text"),
    ],
)
def test_what_is_not_json(text, problem, tmp_path):
    assert problem in refusal(tmp_path, text)


def test_no_file_a_folder_and_one_that_may_not_be_read(tmp_path, monkeypatch):
    for path in (tmp_path / "config.json", tmp_path):
        with pytest.raises(CheckpointError, match="there is no such file"):
            read_config(path)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "config.json"
    path.touch()
    monkeypatch.setattr(type(path), "read_text", refuse)
    with pytest.raises(CheckpointError, match="cannot be read \\(Permission denied\\); check the file and its perm"):
        read_config(path)


def test_a_file_of_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.truncate(MOST_TEXT + 1)  # a hole: no room on the disk is taken
    with pytest.raises(CheckpointError, match="it has more than 64,000,000 bytes"):
        read_json(path)


def test_what_came_is_shown_in_short():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert abbreviate("x" * 1000).endswith("...") and len(abbreviate("x" * 1000)) == 100
    assert abbreviate(10**5000) == "a int too large to show"
    assert abbreviate(deep) == "a list too large to show"
    while deep:  # taken apart by hand: letting go of it all at once would recurse in C
        deep = deep[0]

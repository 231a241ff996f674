"""Vectors of texts against sentence-transformers, over the layouts and settings that its releases have written."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling

import minibert
from minibert import UserError
from minibert.checkpoint.parameters import NormWeights
from minibert.checkpoint.sentence_transformers import FLAGS
from minibert.sentence_vectors.embed import apply, pool, similarities
from tests.commands.test_main import run
from tests.reference.checkpoints import SHAPE, write_model, write_tokenizer
from tests.reference.hub import Hub

TEXTS = ["The quick capybara sleeps.", "caf", "the NAP, the nap: 京 the sleeping quick nap!", "a [MASK] b"]
D = SHAPE["hidden_size"]
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A BERT alone, as transformers writes it. Its tokenizer keeps capitals."""
    folder = tmp_path_factory.mktemp("plain")
    write_model(folder, transformers.BertModel)
    write_tokenizer(folder, lower_case=False)
    return folder


def expected(folder, texts=TEXTS, **options):
    with torch.inference_mode():
        return SentenceTransformer(str(folder), device="cpu").encode(texts, **options)


# --- what the newest release writes ----------------------------------------------------------------------------------


def filled(module):
    """A module with nothing in it zero or one."""
    torch.manual_seed(1)
    for parameter in module.parameters():
        parameter.data = torch.randn_like(parameter)
    return module


MODULES = {
    "normalize": lambda: [Pooling(D), Normalize()],
    **{mode: lambda mode=mode: [Pooling(D, mode)] for mode in FLAGS.values()},
    "three poolings": lambda: [Pooling(D, ("max", "cls", "mean_sqrt_len_tokens"))],
    "dense": lambda: [Pooling(D), filled(Dense(D, 10))],
    "dense without bias, normalised": lambda: [Pooling(D, "cls"), filled(Dense(D, 10, bias=False)), Normalize()],
    "dense with residual": lambda: [Pooling(D), filled(Dense(D, D, use_residual=True))],
    "dense with a residual of its own": lambda: [Pooling(D), filled(Dense(D, 7, use_residual=True))],
    "two dense after two poolings": lambda: [
        Pooling(D, ("cls", "mean")),
        filled(Dense(2 * D, 12, activation_function=torch.nn.GELU())),
        filled(Dense(12, 5, activation_function=torch.nn.Identity())),
    ],
    "relu and silu": lambda: [
        Pooling(D),
        filled(Dense(D, 12, activation_function=torch.nn.ReLU())),
        filled(Dense(12, 5, activation_function=torch.nn.SiLU())),
    ],
    "layer norm and dropout": lambda: [Pooling(D), Dropout(0.3), filled(LayerNorm(D)), Normalize()],
}
SETTINGS = {
    "prompt": {"prompts": {"query": "the quick: ", "passage": "nap "}, "default_prompt_name": "query"},
    "prompt, not by default": {"prompts": {"query": "the quick: "}},
    "truncate_dim": {"truncate_dim": 7},
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_of_the_newest_release(name, plain, tmp_path):
    SentenceTransformer(modules=[Transformer(str(plain)), *MODULES[name]()], device="cpu").save(str(tmp_path))
    np.testing.assert_allclose(minibert.load(tmp_path).embed(TEXTS), expected(tmp_path), atol=TOLERANCE)


@pytest.mark.parametrize("with_prompt", [True, False])
@pytest.mark.parametrize("mode", FLAGS.values())
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_newest_release(name, mode, with_prompt, plain, tmp_path):
    modules = [Transformer(str(plain)), Pooling(D, mode, include_prompt=with_prompt), Normalize()]
    SentenceTransformer(modules=modules, device="cpu", **SETTINGS[name]).save(str(tmp_path))
    bert = minibert.load(tmp_path)
    np.testing.assert_allclose(bert.embed(TEXTS), expected(tmp_path), atol=TOLERANCE)
    for prompt in SETTINGS[name].get("prompts", ()):
        ours = bert.embed(TEXTS, prompt=prompt)
        np.testing.assert_allclose(ours, expected(tmp_path, prompt_name=prompt), atol=TOLERANCE)
        assert np.abs(ours - bert.embed(TEXTS)).max() > 0.01 or prompt == SETTINGS[name].get("default_prompt_name")


# --- what older releases wrote ---------------------------------------------------------------------------------------


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def old_layout(plain, folder, kinds=("Transformer", "Pooling"), inside="", poolings=("mean",), limits=None):
    """modules.json with folders, one flag for each pooling, and the BERT beside them or in a folder of its own."""
    shutil.copytree(plain, folder / inside, dirs_exist_ok=True)
    paths = [inside, *(f"{i}_{kind}" for i, kind in enumerate(kinds[1:], start=1))]
    modules = enumerate(zip(kinds, paths, strict=True))
    put(
        folder / "modules.json",
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{k}"}
            for i, (k, path) in modules
        ],
    )
    flags = {flag: mode in poolings for flag, mode in FLAGS.items() if mode not in ("weightedmean", "lasttoken")}
    put(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": D, **flags})
    if limits is not None:
        put(folder / inside / "sentence_bert_config.json", limits)


def dense(folder, **more):
    put(folder / "config.json", {"in_features": D, "out_features": 9, "bias": True, **more})
    torch.manual_seed(2)
    save_file({"linear.weight": torch.randn(9, D), "linear.bias": torch.randn(9)}, folder / "model.safetensors")


OLD = {
    "mean": {},
    "cls": {"poolings": ["cls"]},
    "max and mean": {"poolings": ["max", "mean"]},
    "no flag": {"poolings": []},
    "normalised": {"kinds": ("Transformer", "Pooling", "Normalize"), "poolings": ["mean_sqrt_len_tokens"]},
    "in a folder": {"inside": "0_Transformer", "poolings": ["cls"], "limits": {"max_seq_length": 40}},
    "lowercase": {"limits": {"max_seq_length": 40, "do_lower_case": True}},
    "lowercase in a folder": {"inside": "0_BERT", "limits": {"do_lower_case": True}},
}


@pytest.mark.parametrize("name", OLD)
def test_layouts_of_older_releases(name, plain, tmp_path):
    old_layout(plain, tmp_path, **OLD[name])
    np.testing.assert_allclose(minibert.load(tmp_path).embed(TEXTS), expected(tmp_path), atol=TOLERANCE)


QUERY = {"default_prompt_name": "q", "prompts": {"q": "the quick "}}
ODD = {
    "a default prompt that is not listed": ("config_sentence_transformers.json", {"default_prompt_name": "document"}),
    "include_prompt is null": ("1_Pooling/config.json", {"pooling_mode": "mean", "include_prompt": None}, QUERY),
    "include_prompt is 0": ("1_Pooling/config.json", {"pooling_mode": ["max"], "include_prompt": 0}, QUERY),
    "a prompt of spaces": (
        "1_Pooling/config.json", {"pooling_mode": ["cls"], "include_prompt": False}, QUERY | {"prompts": {"q": "  "}}
    ),
    "do_lower_case is 1": ("sentence_bert_config.json", {"do_lower_case": 1}),
    "lower case, by the file of another family": ("sentence_xlnet_config.json", {"do_lower_case": True}),
    "a similarity of other models": ("config_sentence_transformers.json", {"similarity_fn_name": "maxsim"}),
}  # fmt: skip
"""A side file, what is in it, and sometimes the prompts. An empty sentence_bert_config.json is no settings."""


@pytest.mark.parametrize("name", ODD)
def test_settings_that_few_files_have(name, plain, tmp_path):
    old_layout(plain, tmp_path, limits={})
    file, settings, *prompts = ODD[name]
    put(tmp_path / file, settings | ({} if "/" not in file else {"word_embedding_dimension": D}))
    if prompts:
        put(tmp_path / "config_sentence_transformers.json", prompts[0])
    bert = minibert.load(tmp_path)
    np.testing.assert_allclose(bert.embed(TEXTS), expected(tmp_path), atol=TOLERANCE)
    assert bert.sentence_modules.similarity == "cosine"


def test_a_prompt_that_leaves_no_token_to_pool(plain, tmp_path):
    """Alone it is q ##u ##i; before "ck" it is a part of one token."""
    old_layout(plain, tmp_path)
    put(tmp_path / "1_Pooling/config.json", {"pooling_mode": "mean", "include_prompt": False})
    put(tmp_path / "config_sentence_transformers.json", {"prompts": {"q": "qui"}})
    bert = minibert.load(tmp_path)
    assert np.isfinite(bert.embed(["the"], prompt="q")).all()
    for text, count in {"ck": 3, "ck.": 4}.items():
        with pytest.raises(UserError, match=rf"alone has 4 tokens with \[CLS\], and with the text there are {count}"):
            bert.embed([text], prompt="q")


@pytest.mark.parametrize("activation", [None, "torch.nn.modules.activation.Tanh", "torch.nn.modules.linear.Identity"])
def test_dense_of_older_releases(activation, plain, tmp_path):
    old_layout(plain, tmp_path, ("Transformer", "Pooling", "Dense", "Normalize"), "0_Transformer")
    dense(tmp_path / "2_Dense", **({"activation_function": activation} if activation else {}))
    np.testing.assert_allclose(minibert.load(tmp_path).embed(TEXTS), expected(tmp_path), atol=TOLERANCE)


def test_a_bert_without_modules_is_pooled_by_the_mean_and_not_scaled(plain):
    ours = minibert.load(plain).embed(TEXTS)
    np.testing.assert_allclose(ours, expected(plain), atol=TOLERANCE)
    assert np.abs(np.linalg.norm(ours, axis=1) - 1).min() > 0.1


def test_a_pair_and_a_real_model(minilm_folder, plain):
    bert = minibert.load(minilm_folder)
    pairs = [("A cat sat.", "It was warm."), ("Why?", "Because.")]
    np.testing.assert_allclose(bert.embed(pairs), expected(minilm_folder, pairs), atol=TOLERANCE)
    mean = bert("A cat.").hidden_states[-1].mean(axis=0)
    np.testing.assert_allclose(bert.embed(["A cat."])[0], mean / np.linalg.norm(mean), atol=1e-6)


# --- what is refused --------------------------------------------------------------------------------------------------

WITH_DENSE = ("Transformer", "Pooling", "Dense")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: put(f / "modules.json", {"a": 1}), "expected a list of modules with type and path"),
        (lambda f: (f / "modules.json").write_text("["), "is not JSON"),
        (
            lambda f: put(f / "modules.json", [{"type": "sentence_transformers.models.Pooling"}]),
            "one with type and path",
        ),
        (
            lambda f: put(f / "modules.json", [{"type": "a.Transformer", "path": "../x"}]),
            "expected one beside the file",
        ),
        (lambda f: old_kinds(f, "Transformer", "Pooling", "WordWeights"), "has the module 'WordWeights'"),
        (
            lambda f: old_kinds(f, "Transformer", "Normalize"),
            "has Transformer, Normalize; expected Transformer, Pooling",
        ),
        (lambda f: put(f / "modules.json", [{"type": "custom_st.Transformer", "path": ""}]), "'custom_st.Transformer'"),
        (
            lambda f: put(f / "1_Pooling/config.json", {"pooling_mode": "median"}),
            "pooling_mode is 'median'; expected one",
        ),
        (lambda f: dense(f / "2_Dense", activation_function="os.system"), "activation_function is 'os.system'"),
        (
            lambda f: dense(f / "2_Dense", module_input_name="token_embeddings"),
            "module_input_name is 'token_embeddings'",
        ),
        (lambda f: (f / "2_Dense" / "model.safetensors").unlink(), "has no model.safetensors: load it with"),
        (lambda f: (f / "2_Dense/model.safetensors").rename(f / "2_Dense/pytorch_model.bin"), "but pytorch_model.bin"),
        (
            lambda f: put(f / "1_Pooling/config.json", {"pooling_mode": ["cls", "max"]}),
            r"has shape \[9, 24\]; expected",
        ),
        (lambda f: put(f / "sentence_bert_config.json", {"config_args": {"hidden_act": "relu"}}), "has hidden_act"),
        (lambda f: put(f / "sentence_bert_config.json", {"transformer_task": "fill-mask"}), "transformer_task is"),
        (lambda f: put(f / "sentence_bert_config.json", {"max_seq_length": "many"}), "the most tokens are 'many'"),
        (lambda f: put(f / "config_sentence_transformers.json", {"default_prompt_name": "q"}), "the prompts are none"),
        (lambda f: put(f / "config_sentence_transformers.json", {"prompts": [1]}), "expected names with texts"),
        (lambda f: put(f / "config_sentence_transformers.json", {"truncate_dim": 0}), "truncate_dim is 0"),
        (lambda f: put(f / "config_sentence_transformers.json", {"truncate_dim": True}), "truncate_dim is True"),
        (
            lambda f: put(f / "config_sentence_transformers.json", {"default_prompt_name": ["q"]}),
            r"default_prompt_name is \['q'\]",
        ),
        (
            lambda f: put(f / "config_sentence_transformers.json", {"model_type": "SparseEncoder"}),
            "model_type is 'SparseEncoder'; expected SentenceTransformer",
        ),
        (lambda f: put(f / "sentence_bert_config.json", {"max_seq_length": float("inf")}), "the most tokens are inf"),
        (lambda f: put(f / "sentence_bert_config.json", {"max_seq_length": float("nan")}), "the most tokens are nan"),
        (
            lambda f: put(f / "sentence_bert_config.json", {"tokenizer_name_or_path": "a/b"}),
            "tokenizer_name_or_path is 'a/b', which is not obeyed here",
        ),
        (
            lambda f: put(f / "sentence_bert_config.json", {"modality_config": {"message": {"method": "get"}}}),
            "modality_config is .*'get'.*, which is not obeyed here",
        ),
        (lambda f: put(f / "modules.json", []), "has no module; expected Transformer, Pooling"),
        (
            lambda f: put(f / "modules.json", [{"type": "a.Transformer", "path": "", "name": "0"}] * 2),
            "has two modules with the name '0'",
        ),
        (lambda f: put(f / "1_Pooling/config.json", {"pooling_mode_median": True}), "has the pooling 'pooling_mode_me"),
        (lambda f: dense(f / "2_Dense", bias=False), "bias is False, but there is a tensor linear.bias"),
        (
            lambda f: save_file({"linear.weight": torch.ones(9, D)}, f / "2_Dense" / "model.safetensors"),
            "has no tensor linear.bias; it has linear.weight",
        ),
    ],
)
def test_what_is_not_computed_here_is_named_and_the_rest_works(change, message, plain, tmp_path):
    old_layout(plain, tmp_path, WITH_DENSE)
    dense(tmp_path / "2_Dense")
    assert minibert.load(tmp_path).embed(TEXTS).shape == (4, 9)
    change(tmp_path)
    bert = minibert.load(tmp_path)
    assert len(bert("the nap").layers) == 2
    with pytest.raises(UserError, match=message):
        bert.embed(TEXTS)


def old_kinds(folder, *kinds):
    put(folder / "modules.json", [{"type": f"sentence_transformers.models.{kind}", "path": ""} for kind in kinds])


def test_a_text_that_is_too_long_and_an_unknown_prompt(plain, tmp_path):
    old_layout(plain, tmp_path, limits={"max_seq_length": 6})
    put(tmp_path / "config_sentence_transformers.json", {"prompts": {"query": "the "}})
    bert = minibert.load(tmp_path)
    assert len(bert.embed(["the quick nap nap"])) == 1
    with pytest.raises(UserError, match=r"7 tokens, and this checkpoint makes vectors of at most 6 \(max_seq_length\)"):
        bert.embed(["the quick nap nap"], prompt="query")
    with pytest.raises(UserError, match=r"the prompt is 'passage'; the prompts of .* are: query"):
        bert.embed(["the nap"], prompt="passage")
    with pytest.raises(TypeError, match="letter by letter"):
        bert.embed("the nap")
    encoding = bert.encode("the nap")
    np.testing.assert_array_equal(bert.embed([encoding]), bert.embed(["the nap"]))
    with pytest.raises(UserError, match="the prompt 'the ' cannot be put before it"):
        bert.embed([encoding], prompt="query")


@pytest.mark.parametrize(
    ("tokenizer", "settings", "longest"),
    [
        ({"model_max_length": 9}, {}, 9),
        ({"model_max_length": 9}, {"max_seq_length": 5}, 5),
        ({"model_max_length": 9}, {"max_seq_length": 5, "tokenizer_args": {"model_max_length": 7}}, 7),
        ({"model_max_length": 1e30}, {}, 10**30),
    ],
)
def test_the_limit_is_found_wherever_it_stands(tokenizer, settings, longest, plain, tmp_path):
    old_layout(plain, tmp_path, limits=settings)
    stored = tmp_path / "tokenizer_config.json"
    put(stored, json.loads(stored.read_text(encoding="utf-8")) | tokenizer)
    bert = minibert.load(tmp_path)
    assert bert.sentence_modules.longest == pytest.approx(longest)
    if longest < 100:
        theirs = SentenceTransformer(str(tmp_path), device="cpu").max_seq_length
        assert theirs == longest


# --- the hub, and the command ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["", "0_Transformer"])
def test_all_side_files_come_from_a_hub(inside, plain, tmp_path, monkeypatch):
    """Each is a process of its own: the client reads its environment when it is imported."""
    import subprocess
    import sys

    folder = tmp_path / "hub"
    old_layout(
        plain, folder, (*WITH_DENSE, "Normalize"), inside, ["cls"], {"max_seq_length": 40, "do_lower_case": True}
    )
    dense(folder / "2_Dense")
    put(folder / "config_sentence_transformers.json", {"prompts": {"query": "the: "}, "default_prompt_name": "query"})
    (folder / "pytorch_model.bin").write_bytes(b"x" * 99)
    hub = Hub()
    hub.repos["someone/vectors"] = {"main": folder}
    variables = {
        "HF_HOME": str(tmp_path / "home"),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def vectors(model, **environment):
        command = [sys.executable, "-m", "minibert", "embed", *TEXTS, "--model", str(model), "--json"]
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return json.loads(done.stdout)["vectors"]

    theirs = expected(folder)
    np.testing.assert_allclose(vectors("someone/vectors"), theirs, atol=TOLERANCE)
    assert "pytorch_model.bin" not in hub.files_asked()
    copy = tmp_path / "copy"
    command = [sys.executable, "-m", "minibert", "download", "someone/vectors", "--to", str(copy)]
    assert subprocess.run(command, capture_output=True, timeout=300).returncode == 0
    hub.shutdown()
    hub.server_close()
    np.testing.assert_allclose(vectors("someone/vectors", HF_HUB_OFFLINE="1"), theirs, atol=TOLERANCE)
    np.testing.assert_allclose(vectors(copy), theirs, atol=TOLERANCE)
    np.testing.assert_allclose(expected(copy), theirs, atol=TOLERANCE)


def test_the_command_with_a_prompt_a_measure_and_lines_left_out(capsys, plain, tmp_path):
    folder, lines = tmp_path / "model", tmp_path / "lines.jsonl"
    old_layout(plain, folder, limits={"max_seq_length": 8})
    settings = {"prompts": {"query": "the "}, "similarity_fn_name": "dot"}
    put(folder / "config_sentence_transformers.json", settings)
    texts = ["the nap", None, "the quick nap", "nap " * 9]
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    table = tmp_path / "vectors.csv"
    more = ("--file", str(lines), "--model", str(folder), "--prompt", "query", "--skip-bad")
    status, out, _ = run(capsys, "embed", *more, "--csv", str(table))
    heading, *rows, last = out.splitlines()
    ours = minibert.load(folder).embed(["the nap", "the quick nap"], prompt="query")
    assert status == 0 and last == "2 lines left out (line 2, 4)"
    assert heading.split()[0] == "dot"
    assert [float(cell) for cell in rows[0].split()[1:3]] == pytest.approx((ours @ ours.T)[0], abs=0.006)
    with table.open(encoding="utf-8", newline="") as file:
        _, *written = csv.reader(file)
    np.testing.assert_allclose(np.array([row[1:] for row in written], float), ours, rtol=1e-5)  # six digits
    status, out, _ = run(capsys, "embed", *more, "--json")
    facts = json.loads(out)
    assert facts["prompt"] == "the " and facts["pooling"] == ["mean"]
    assert facts["left_out"] == "2 lines left out (line 2, 4)"
    status, _, error = run(capsys, "embed", "the nap", "--model", str(folder), "--prompt", "passage")
    assert status == 2 and "the prompts of" in error and error.rstrip().endswith("are: query")


def test_measures_are_those_of_sentence_transformers():
    from sentence_transformers.util import dot_score, euclidean_sim, manhattan_sim, pytorch_cos_sim

    x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    theirs = {"cosine": pytorch_cos_sim, "dot": dot_score, "euclidean": euclidean_sim, "manhattan": manhattan_sim}
    for name, function in theirs.items():
        np.testing.assert_allclose(similarities(x, name), function(x, x).numpy(), atol=1e-5)


def test_poolings_by_hand():
    hidden = np.array([[3, 0], [1, 8]], np.float32)
    assert pool(hidden, "mean").tolist() == [2, 4]
    assert pool(hidden, "max").tolist() == [3, 8]
    assert pool(hidden, "cls").tolist() == [3, 0] and pool(hidden, "lasttoken").tolist() == [1, 8]
    np.testing.assert_allclose(pool(hidden, "weightedmean"), [5 / 3, 16 / 3])
    assert pool(hidden, "weightedmean", skipped=1).tolist() == [1, 8]


def test_a_layer_norm_of_small_numbers_is_that_of_torch():
    """There its eps counts."""
    x = np.array([1, 2, 3, 5], np.float32) / 1000
    norm = NormWeights(np.ones(4, np.float32), np.zeros(4, np.float32))
    np.testing.assert_allclose(apply(norm, x), torch.nn.LayerNorm(4)(torch.from_numpy(x)).detach(), atol=1e-6)

"""Models from a hub: the real client against a hub on 127.0.0.1, each command a process of its own."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minibert
from minibert import CheckpointError, Encoding
from minibert.heads import classify
from minibert.hub.find import FILES, bundled_models, copy_model, fetch_model, find_model, list_models
from tests.checkpoint.test_faults import LAYOUTS
from tests.reference.checkpoints import FORMS, change_config, write_model, write_tokenizer
from tests.reference.hub import COMMITS, Hub

NAME = "someone/small-bert"


@pytest.fixture
def hub(tmp_path):
    """A hub with one repository of two revisions, which has much that nobody needs."""
    server = Hub()
    folders = {revision: tmp_path / "hub" / revision for revision in COMMITS}
    for seed, folder in enumerate(folders.values()):
        folder.mkdir(parents=True)
        write_model(folder, seed=seed)
        write_tokenizer(folder)
        (folder / "vocab.txt").write_text("[PAD]\n")
        (folder / "README.md").write_text("# A small BERT")
        for unwanted in ("pytorch_model.bin", "tf_model.h5", "model-00001-of-00001.safetensors", "onnx/model.onnx"):
            (folder / unwanted).parent.mkdir(exist_ok=True)
            (folder / unwanted).write_bytes(b"x" * 100)
        (folder / "onnx" / "config.json").write_text("{}")
    server.repos[NAME] = folders
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(hub, tmp_path):
    """Run a `minibert` command with this hub and a cache of its own; returns the finished process."""

    def run(*arguments: str | Path, start: bool = False, stderr: int = subprocess.PIPE, **environment: str):
        command = [sys.executable, "-m", "minibert.commands.main", *map(str, arguments)]
        settings = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url, "HF_HUB_ETAG_TIMEOUT": "5"}
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        options = dict(env=variables | settings | environment, cwd=tmp_path, text=True)
        if start:
            return subprocess.Popen(command, stderr=stderr, stdout=subprocess.PIPE, **options)
        return subprocess.run(command, capture_output=True, timeout=300, **options)

    return run


def failed(process, *expected: str) -> str:
    """The one line of a command that failed as it should."""
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr and process.stdout == ""
    [line] = [line for line in process.stderr.splitlines() if line.startswith("minibert: ")]
    print(line)
    assert process.stderr.rstrip().endswith(line)
    for part in expected:
        assert part in line
    return line


def worked(process) -> str:
    assert process.returncode == 0, process.stderr
    return process.stdout


OFFLINE = {"HF_HUB_OFFLINE": "1"}
NOBODY = {"HF_ENDPOINT": "http://127.0.0.1:9"}  # no server listens here


def test_a_hub_id_is_downloaded_once_and_only_what_is_needed(hub, run, tmp_path):
    first = run("fill", "the [MASK]", "--model", NAME)
    assert len(worked(first).splitlines()) == 5 and first.stderr == "", "a progress bar, where there is no terminal"
    wanted = ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"]
    assert hub.files_asked() == wanted

    asked = len(hub.asked)
    for environment in ({}, OFFLINE, NOBODY):
        assert worked(run("fill", "the [MASK]", "--model", NAME, **environment)) == first.stdout
    assert len(hub.asked) == asked
    local = minibert.load(hub.repos[NAME]["main"])
    token, probability = local.fill_mask("the [MASK]")[0][0]
    assert first.stdout.splitlines()[0].split() == [f"{probability:.3f}", token]


def test_a_revision_is_pinned(hub, run, tmp_path):
    newest = worked(run("fill", "the [MASK]", "--model", NAME))
    code = f"import minibert; print(minibert.load({NAME!r}, revision='older').weights.embeddings.word[7, :3])"
    expected = minibert.load(hub.repos[NAME]["older"]).weights.embeddings.word[7, :3]
    worked(run("download", NAME, "--revision", "older"))
    home = {"HF_HOME": str(tmp_path / "home"), **OFFLINE}
    for revision in ("older", COMMITS["older"]):
        ran = subprocess.run(
            [sys.executable, "-c", code.replace("'older'", repr(revision))],
            env=os.environ | home,
            capture_output=True,
            text=True,
        )
        assert ran.stdout.strip() == str(expected), ran.stderr
    assert worked(run("fill", "the [MASK]", "--model", NAME, **OFFLINE)) == newest


def test_download_to_a_folder_for_the_classroom(hub, run, tmp_path):
    to = tmp_path / "stick" / "bert"
    told = worked(run("download", NAME, "--to", to))
    assert str(to) in told
    assert sorted(path.name for path in to.parent.iterdir()) == ["bert"]
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {path.name for path in to.iterdir()}
    assert not any(path.is_symlink() for path in to.iterdir())
    ours, theirs = minibert.load(to), minibert.load(hub.repos[NAME]["main"])
    for (name, array), (_, expected) in zip(ours.weights.named(), theirs.weights.named(), strict=True):
        np.testing.assert_array_equal(array, expected, err_msg=name)
    line = failed(run("download", NAME, "--to", to), "is there already")
    assert str(to) in line
    assert worked(run("fill", "the [MASK]", "--model", to, HF_HOME=str(tmp_path / "other"), **OFFLINE))


def test_a_cache_that_another_program_made_has_no_word_on_modules(hub, run, tmp_path):
    worked(run("info", NAME))
    for path in (tmp_path / "home").rglob(".no_exist"):
        shutil.rmtree(path)
    offline = run("info", NAME, **OFFLINE)
    worked(offline)
    told = f"{NAME} may have files that are not cached, such as modules.json, and HF_HUB_OFFLINE is set; the cached one"
    assert told in offline.stderr and "not cached whole" not in offline.stderr


def test_download_asks_for_the_newest_and_falls_back_on_the_cache(hub, run):
    before = worked(run("fill", "the [MASK]", "--model", NAME))
    change_config(hub.repos[NAME]["main"], layer_norm_eps=0.5)
    assert worked(run("fill", "the [MASK]", "--model", NAME)) == before
    with_no_network = run("download", NAME, **NOBODY)
    worked(with_no_network)
    assert "; the cached one is used" in with_no_network.stderr


def test_models_lists_what_is_here(hub, run):
    assert "cached" not in worked(run("models"))
    worked(run("download", NAME))
    [line] = [line for line in worked(run("models", **OFFLINE)).splitlines() if line.startswith("cached")]
    size = sum(path.stat().st_size for path in hub.repos[NAME]["main"].iterdir() if path.name in NEEDED) / 1e6
    assert line.split() == ["cached", f"{size:.1f}", "MB", NAME]
    bundled = [line.split()[-1] for line in worked(run("models")).splitlines() if line.startswith("bundled")]
    assert bundled == bundled_models()


NEEDED = ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"]


def test_models_says_which_of_the_cache_do_not_load(hub, run):
    hub.repos["someone/mpnet"] = hub.repos[NAME] | {"main": mpnet(hub)}
    failed(run("download", "someone/mpnet"), "model_type is 'mpnet'; expected 'bert'")
    assert hub.files_asked() == ["config.json"], "what we cannot compute is not downloaded"
    hub.cut = "model.safetensors"
    failed(run("download", NAME), "did not arrive")
    listed = worked(run("models", **OFFLINE))
    assert "mpnet" not in listed and NAME not in listed, "neither can be loaded without a network"


def mpnet(hub) -> Path:
    folder = hub.repos[NAME]["main"].parent / "mpnet"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "mpnet"}))
    (folder / "model.safetensors").write_bytes(b"x" * 1000)
    return folder


def cache_of(tmp_path: Path, name: str, *files: Path) -> Path:
    """A cache as another program left it: a ref, and these files."""
    repo = tmp_path / "home" / "hub" / f"models--{name.replace('/', '--')}"
    snapshot = repo / "snapshots" / COMMITS["main"]
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMITS["main"])
    for number, file in enumerate(files):
        (repo / "blobs").mkdir(exist_ok=True)
        blob = repo / "blobs" / str(number)
        blob.write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(Path("..") / ".." / "blobs" / str(number))
    return snapshot


def test_a_cache_that_another_program_left_half_is_completed(hub, run, tmp_path):
    served = hub.repos[NAME]["main"]
    cache_of(tmp_path, NAME, served / "config.json", served / "tokenizer.json")
    assert "not whole" in worked(run("models", **OFFLINE))
    failed(run("info", NAME, **OFFLINE), "not cached whole, and HF_HUB_OFFLINE is set")
    failed(run("info", NAME, **NOBODY), "did not arrive from http://127.0.0.1:9", "Connection refused")
    worked(run("info", NAME))
    worked(run("info", NAME, **OFFLINE))


def test_models_names_the_unsupported_in_a_cache_of_others(hub, run, tmp_path):
    folder = mpnet(hub)
    cache_of(tmp_path, "someone/mpnet", folder / "config.json")
    listed = worked(run("models", **OFFLINE))
    assert "someone/mpnet  (model_type is 'mpnet'; expected 'bert'" in listed


def test_a_sharded_model_of_which_one_shard_is_cached(hub, run, tmp_path):
    served = tmp_path / "sharded"
    FORMS["sharded"](served)
    write_tokenizer(served)
    hub.repos["someone/sharded"] = {"main": served}
    shards = sorted(served.glob("*.safetensors"))
    index = served / "model.safetensors.index.json"
    cache_of(tmp_path, "someone/sharded", served / "config.json", served / "tokenizer.json", index, shards[0])
    failed(run("info", "someone/sharded", **OFFLINE), "not cached whole")
    worked(run("info", "someone/sharded"))
    assert set(hub.files_asked()) >= {path.name for path in shards[1:]}
    worked(run("info", "someone/sharded", **OFFLINE))


def test_a_repository_that_is_not_there(run):
    failed(
        run("info", "someone/nothing"),
        "is not bundled (as tiny and tiny-sentiment are), not a folder here, and not on http://127.0.0.1:",
    )


def test_a_revision_that_is_not_there(run):
    failed(run("download", NAME, "--revision", "newest"), "has no revision 'newest'; those it has are listed on")


def test_a_gated_repository(hub, run):
    hub.gated.add(NAME)
    failed(run("info", NAME), "is gated: accept its terms on http://127.0.0.1:", "`hf auth login`")


def test_a_repository_without_a_config(hub, run):
    (hub.repos[NAME]["main"] / "config.json").unlink()
    failed(run("info", NAME), "has no config.json")


def test_a_repository_with_only_a_pickle(hub, run):
    """Nothing is fetched that would be unpickled, and the message says how to convert it."""
    for path in hub.repos[NAME]["main"].glob("*.safetensors"):
        path.unlink()
    failed(run("info", NAME), "has only a pytorch_model.bin", f"`hf download {NAME} --local-dir FOLDER`", "save_file")
    assert hub.files_asked() == []
    (hub.repos[NAME]["main"] / "pytorch_model.bin").unlink()
    failed(run("info", NAME), "has weights for TensorFlow and ONNX only (tf_model.h5, onnx/model.onnx), and mini")


def test_a_repository_without_a_tokenizer(hub, run, tmp_path):
    """Given ids it works, and without a network, too. Once the hub has a tokenizer, it is fetched."""
    for name in ("tokenizer.json", "vocab.txt"):
        (hub.repos[NAME]["main"] / name).rename(tmp_path / name)
    for environment in ({}, OFFLINE, NOBODY):
        assert "there is no tokenizer.json, no vocab.txt" in worked(run("info", NAME, **environment))
    (tmp_path / "tokenizer.json").rename(hub.repos[NAME]["main"] / "tokenizer.json")
    assert "there is neither" not in worked(run("info", NAME))


def test_a_file_that_is_listed_but_missing(hub, run):
    hub.vanished = "tokenizer.json"
    failed(run("info", NAME), "did not arrive", "Entry Not Found", "tokenizer.json")


def test_a_hub_that_answers_with_errors(hub, run):
    hub.broken = True
    failed(run("info", NAME), "did not arrive from", "500 Internal Server Error")


@pytest.mark.parametrize("name", ["a/b/c", "two words", "-x-/y", "tiny@main", "a\nb"])
def test_what_cannot_be_a_hub_id(name):
    with pytest.raises(
        CheckpointError, match=r"is not bundled \(as tiny and tiny-sentiment are\), not a folder here, and not a hub id"
    ):
        minibert.load(name)


@pytest.mark.parametrize(
    "name",
    ["./missing", "../missing", "/missing", "~/missing", "~nobody/x", "C:\\x", "models\\tiny", "file:///x", "..."],
)
def test_a_path_is_not_asked_for_at_a_hub(name):
    with pytest.raises(CheckpointError, match=f"{re.escape(name[:3])}.* is not .*a folder"):
        minibert.load(name)


@pytest.mark.parametrize(
    "start", ["https://huggingface.co/", "http://mirror.example:8080/", "huggingface.co/", "hf.co/"]
)
@pytest.mark.parametrize("end", ["", "/tree/main", "/resolve/main/config.json", "?x=1"])
def test_an_address_is_answered_with_the_id_in_it(start, end):
    with pytest.raises(CheckpointError, match=r"is an address; give the id in it: google-bert/bert-base-uncased$"):
        minibert.load(f"{start}google-bert/bert-base-uncased{end}")


def test_a_name_longer_than_names_can_be():
    for name in ("x" * 5000, Path("x" * 5000)):
        with pytest.raises(CheckpointError) as caught:
            minibert.load(name)
        assert len(str(caught.value)) < 300


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_is_shown_in_a_terminal(hub, run):
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = run("download", NAME, start=True, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal is an input/output error
        while block := os.read(ours, 4096):
            shown += block
    os.close(ours)
    assert process.wait(300) == 0
    assert b"model.safetensors: 100%" in shown, shown.decode()


def test_without_a_network_and_without_a_cache(run):
    failed(
        run("info", NAME, **NOBODY), "did not arrive", "Connection refused", f"`minibert download {NAME} --to FOLDER`"
    )
    failed(run("info", NAME, **OFFLINE), "not cached whole, and HF_HUB_OFFLINE is set", "--to FOLDER`")


def nothing_half(run, tmp_path) -> None:
    """After a cut: no model that loads without a network, no file under its own name that is not whole."""
    failed(run("info", NAME, **OFFLINE), "not cached whole")
    assert not [path for path in (tmp_path / "home").rglob("*") if path.name.startswith("model.safetensors")]
    assert not list(tmp_path.glob("stick*"))


def test_a_connection_cut_in_the_middle(hub, run, tmp_path):
    hub.cut = "model.safetensors"
    failed(run("download", NAME, "--to", tmp_path / "stick"), "did not arrive", "run it again")
    nothing_half(run, tmp_path)
    hub.cut, hub.broken = "", False
    hub.asked.clear()
    worked(run("download", NAME, "--to", tmp_path / "stick"))
    assert hub.files_asked() == ["model.safetensors"], "what had arrived whole is kept"


def test_ctrl_c_while_a_slow_server_sends(hub, run, tmp_path):
    hub.slow = "model.safetensors"
    process = run("download", NAME, "--to", tmp_path / "stick", start=True)
    assert hub.started.wait(120)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    _, stderr = process.communicate(timeout=30)
    assert time.monotonic() - pressed < 10
    assert process.returncode == 130 and "Traceback" not in stderr
    assert stderr.rstrip().endswith("minibert: interrupted")
    nothing_half(run, tmp_path)


def test_a_copy_that_fails_leaves_nothing(tmp_path, monkeypatch):
    write_model(tmp_path / "from")
    monkeypatch.setattr(Path, "rename", lambda self, to: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left") as caught:
        copy_model(tmp_path / "from", tmp_path / "to")
    assert caught.value.filename == str(tmp_path / "to")
    assert [path.name for path in tmp_path.iterdir()] == ["from"]


CACHE = {
    "a full disk": (OSError(28, "No space left on device"), "(No space left on device); make room there, or set HF_"),
    "no right to write": (PermissionError(13, "Permission denied", "/x"), "(Permission denied); make room there, or"),
    "no network": (ConnectionRefusedError(111, "Connection refused"), "did not arrive from https://huggingface.co (C"),
}


@pytest.mark.parametrize("what", CACHE)
def test_a_cache_that_cannot_be_written_is_not_called_a_fault_of_the_network(what, monkeypatch):
    def broken(*_, **__):
        raise error

    error, expected = CACHE[what]
    monkeypatch.setattr("minibert.hub.find.fetch_model", broken)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://huggingface.co")
    with pytest.raises(CheckpointError) as caught:
        find_model("nobody/nothing-of-this-name")
    assert expected in str(caught.value) and ("network" in str(caught.value)) == (what == "no network")


def test_a_revision_of_a_folder_means_nothing(tmp_path):
    write_model(tmp_path)
    for model, what in ((tmp_path, "a folder"), ("tiny", "bundled")):
        with pytest.raises(CheckpointError, match=f"is {what}; a revision \\(main\\) is for ids on a hub"):
            minibert.load(model, revision="main")


def test_a_bundled_name_comes_before_a_folder_of_the_same_name(tmp_path, monkeypatch):
    for folder in (tmp_path / "package" / "small", tmp_path / "here" / "small"):
        folder.mkdir(parents=True)
        write_model(folder, seed="package" not in str(folder))
    monkeypatch.setattr(minibert.hub.find, "BUNDLED", tmp_path / "package")
    monkeypatch.chdir(tmp_path / "here")
    assert bundled_models() == ["small"]
    word = [minibert.load(name).weights.embeddings.word[3, 3] for name in ("small", "./small")]
    assert word[0] != word[1] == minibert.load(tmp_path / "here" / "small").weights.embeddings.word[3, 3]


def test_a_folder_does_not_import_the_hub(tmp_path):
    write_model(tmp_path)
    code = f"import sys, minibert; minibert.load({str(tmp_path)!r}); print('huggingface_hub' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_only_what_loading_reads_is_asked_for():
    assert not any(pattern.endswith((".bin", ".h5", ".msgpack", ".onnx", ".pkl")) for pattern in FILES)


def test_info(hub, run):
    told = worked(run("info", hub.repos[NAME]["main"]))
    parameters = {id(array): array.size for _, array in minibert.load(hub.repos[NAME]["main"]).weights.named()}
    assert f"{sum(parameters.values()):,}" in told
    for expected in ("num_hidden_layers", "layers.*.attention.query.weight", "2 of 24 x 24", "F32", "tokenizer"):
        assert expected in told


# The real thing, where a hub can be reached: HF_HUB_OFFLINE=0 python -m pytest -m hub

CAPITAL = Encoding.from_ids([101, 1996, 3007, 1997, 2605, 2003, 103, 1012, 102])
PUBLISHED_LOGITS = [
    [-14.7240, -14.2120, -14.6434],
    [-10.3125, -9.7459, -9.9923],
    [-15.1105, -14.8048, -14.9276],
]
DOG = Encoding.from_ids([101, 7592, 1010, 2026, 3899, 2003, 10140, 2002, 7317, 4747, 102])


@pytest.fixture
def real_hub():
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        pytest.skip("HF_HUB_OFFLINE is set; HF_HUB_OFFLINE=0 lets this test reach the hub")


@pytest.mark.hub
@pytest.mark.parametrize("name", ["google-bert/bert-base-uncased", "google-bert/bert-base-cased"])
def test_real_bert_is_that_of_transformers(name, real_hub):
    import torch
    import transformers

    bert = minibert.load(name)
    tokenizer = transformers.AutoTokenizer.from_pretrained(name)
    model = transformers.BertForMaskedLM.from_pretrained(name, attn_implementation="eager", dtype=torch.float32).eval()
    for text in ("The capital of France is [MASK].", "A naïve café, 北京 and an emoji 🙂 are [MASK] here [MASK]!"):
        given = tokenizer(text, return_tensors="pt")
        assert list(bert.tokenizer.encode(text).input_ids) == given["input_ids"][0].tolist()
        with torch.no_grad():
            expected = model(**given, output_hidden_states=True)
        trace = bert(text)
        for ours, theirs in zip(trace.hidden_states, expected.hidden_states, strict=True):
            np.testing.assert_allclose(ours, theirs[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(bert.logits(text), expected.logits[0], rtol=1e-4, atol=1e-4)
    assert bert.fill_mask("The capital of France is [MASK].")[0][0][0].lower() == "paris"


@pytest.mark.hub
def test_published_logits_of_bert_base_uncased(real_hub):
    logits = minibert.load("google-bert/bert-base-uncased").logits(CAPITAL)
    np.testing.assert_allclose(logits[1:4, 1:4], PUBLISHED_LOGITS, atol=1e-4)


@pytest.mark.hub
def test_published_logits_of_a_classifier(real_hub):
    bert = minibert.load("textattack/bert-base-uncased-yelp-polarity")
    logits = classify(bert(DOG).pooled, bert.weights.classifier)
    np.testing.assert_allclose(logits, [-1.3199, 1.5447], atol=1e-4)


HELLO = Encoding.from_ids([0, 31414, 232, 328, 740, 1140, 12695, 69, 46078, 1588, 2])
"""Of RoBERTa's vocabulary. The outputs are those published in the tests of `transformers`, most taken from fairseq."""


@pytest.mark.hub
def test_published_outputs_of_roberta(real_hub):
    bert = minibert.load("FacebookAI/roberta-base")
    logits = [[33.8802, -4.3103, 22.7761], [4.6539, -2.8098, 13.6253], [1.8228, -3.6898, 8.8600]]
    np.testing.assert_allclose(bert.logits(HELLO)[:3, :3], logits, atol=1e-4)
    hidden = [[-0.0231, 0.0782, 0.0074], [-0.1854, 0.0540, -0.0175], [0.0548, 0.0799, 0.1687]]
    np.testing.assert_allclose(bert(HELLO).hidden_states[-1][:3, :3], hidden, atol=1e-4)
    words = [word for word, _ in bert.fill_mask("The goal of life is <mask>.")[0]]
    assert words == ["happiness", "love", "peace", "freedom", "simplicity"]


@pytest.mark.hub
def test_published_logits_of_a_roberta_that_classifies(real_hub):
    bert = minibert.load("FacebookAI/roberta-large-mnli")
    logits = classify(bert(HELLO).pooled, bert.weights.classifier)
    np.testing.assert_allclose(logits, [-0.9469, 0.3913, 0.5118], atol=1e-4)


@pytest.mark.hub
def test_published_outputs_of_xlm_roberta(real_hub):
    ids = [0, 581, 10269, 83, 99942, 136, 60742, 23, 70, 80583, 18276, 2]
    last = [-0.0101, 0.1218, -0.0803, 0.0801, 0.1327, 0.0776, -0.1215, 0.2383, 0.3338, 0.3106, 0.0300, 0.0252]
    trace = minibert.load("FacebookAI/xlm-roberta-base")(Encoding.from_ids(ids))
    np.testing.assert_allclose(trace.hidden_states[-1][:, -1], last, atol=1e-3)


@pytest.mark.hub
def test_published_outputs_of_camembert(real_hub):
    trace = minibert.load("almanach/camembert-base")(Encoding.from_ids([5, 121, 11, 660, 16, 730, 25543, 110, 83, 6]))
    hidden = [[-0.0254, 0.0235, 0.1027], [0.0606, -0.1811, -0.0418], [-0.1561, -0.1127, 0.2687]]
    np.testing.assert_allclose(trace.hidden_states[-1][:3, :3], hidden, atol=1e-4)


BEHIND_A_HIDDEN_TOKEN = {
    "distilbert/distilbert-base-uncased": [
        [-0.1639, 0.3299, 0.1648],
        [-0.1746, 0.3289, 0.1710],
        [-0.1884, 0.3357, 0.1810],
    ],
    "google/electra-small-discriminator": [
        [0.4471, 0.6821, -0.3265],
        [0.4627, 0.5255, -0.3668],
        [0.4532, 0.3313, -0.4344],
    ],
    "albert/albert-base-v2": [
        [-0.6513, 1.5035, -0.2766],
        [-0.6515, 1.5046, -0.2780],
        [-0.6512, 1.5049, -0.2784],
    ],
}


@pytest.mark.hub
@pytest.mark.parametrize("name", BEHIND_A_HIDDEN_TOKEN)
def test_published_outputs_where_the_first_token_is_masked_out(name, real_hub):
    """To the others it is as if it were not there, but that they stand one position later."""
    bert = minibert.load(name)
    table = bert.weights.embeddings._replace(position=bert.weights.embeddings.position[1:])
    later = replace(bert, weights=bert.weights._replace(embeddings=table))
    trace = later(Encoding.from_ids([345, 232, 328, 740, 140, 1695, 69, 6078, 1588, 2]))
    np.testing.assert_allclose(trace.hidden_states[-1][:3, 1:4], BEHIND_A_HIDDEN_TOKEN[name], atol=1e-4)


@pytest.mark.hub
def test_published_guesses_of_albert(real_hub):
    words = [word for word, _ in minibert.load("albert/albert-base-v2").fill_mask("Paris is the [MASK] of France.")[0]]
    assert words == ["capital", "capitol", "comune", "arrondissement", "bastille"]


# Repositories that hold no plain checkpoint, and names that are also folders.


@pytest.mark.parametrize("what", LAYOUTS)
def test_a_repository_that_is_no_plain_checkpoint(what, hub, tmp_path, monkeypatch):
    """The listing is looked at; nothing is downloaded."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(minibert.hub.find, "listing_of", lambda name, revision: ("0" * 40, LAYOUTS[what][0]))
    with pytest.raises(CheckpointError) as caught:
        fetch_model("someone/thing", None)
    print(caught.value)
    assert str(caught.value).startswith("someone/thing ") and LAYOUTS[what][1] in str(caught.value)


def test_shards_that_the_index_does_not_name_are_not_downloaded(hub, run, tmp_path):
    served = tmp_path / "sharded"
    FORMS["sharded"](served)
    (served / "model.fp16.safetensors").write_bytes(b"x" * 100)
    hub.repos["someone/sharded"] = {"main": served}
    worked(run("info", "someone/sharded"))
    assert "model.fp16.safetensors" not in hub.files_asked()


def named_tiny(tmp_path: Path, monkeypatch) -> int:
    write_model(tmp_path / "tiny")
    write_tokenizer(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    return minibert.load(tmp_path / "tiny").config.vocab_size


@pytest.mark.parametrize("name", [Path("tiny"), Path("./tiny"), "./tiny", "tiny/", "../{}/tiny", "{}/tiny"])
def test_a_path_is_a_path(name, tmp_path, monkeypatch):
    size = named_tiny(tmp_path, monkeypatch)
    name = name.format(tmp_path.name) if str(name).startswith("../") else name
    name = name.format(tmp_path) if isinstance(name, str) else name
    assert minibert.load(name).config.vocab_size == size
    assert minibert.load("tiny").config.vocab_size != size


def test_a_path_without_a_folder_is_never_the_bundled_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (Path("tiny"), "./tiny"):
        with pytest.raises(CheckpointError, match=r"tiny.? is not a folder"):
            minibert.load(name)
    for name in ("", None, 3):
        with pytest.raises(CheckpointError, match=f"the model is {name!r}; expected a bundled name, a folder or a hub"):
            minibert.load(name)


def test_a_bare_name_that_is_both_is_the_bundled_model_and_we_say_so(tmp_path, monkeypatch):
    named_tiny(tmp_path, monkeypatch)
    command = [sys.executable, "-m", "minibert"]
    for arguments in (["info", "tiny"], ["fill", "a [MASK]", "--model", "tiny"], ["compare", "tiny", "tiny-sentiment"]):
        ran = subprocess.run([*command, *arguments], capture_output=True, text=True)
        said = [line for line in ran.stderr.splitlines() if "is the bundled model" in line]
        assert said == [f"minibert: tiny is the bundled model; the folder of that name is given as .{os.sep}tiny"]
    ran = subprocess.run([*command, "info", "./tiny"], capture_output=True, text=True)
    assert ran.stdout.splitlines()[0] == "tiny" and f"vocab_size{' ' * 31}173" in ran.stdout and ran.stderr == ""


def test_download_names_the_folder_so_that_it_is_one(tmp_path, monkeypatch):
    named_tiny(tmp_path, monkeypatch)
    (tmp_path / "tiny").rename(tmp_path / "mine")
    command = [sys.executable, "-m", "minibert", "download", "./mine", "--to", "tiny"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.stdout == f"--model .{os.sep}tiny now works without a network\n"


@pytest.mark.hub
def test_the_real_distilbert_that_most_people_try_first(real_hub):
    import transformers

    name = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"
    pipeline, bert = transformers.pipeline("text-classification", name, top_k=None, device="cpu"), minibert.load(name)
    for text in ("A warm, funny and moving film.", "I have seen better."):
        [expected] = pipeline([text])
        assert dict(bert.classify(text)) == {one["label"]: pytest.approx(one["score"], abs=1e-5) for one in expected}


def test_without_the_client_of_the_hub_bundled_models_and_folders_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert [row[:2] for row in list_models()] == [("bundled", name) for name in bundled_models()]
    write_model(tmp_path)
    assert minibert.load(tmp_path).config.hidden_size == 24
    with pytest.raises(CheckpointError, match=f"{NAME} is not bundled .*; for a hub id, pip install huggingface-hub"):
        minibert.load(NAME)

"""How blocks go to workers and sums come back, with no workers: in place of Dask's client, one that works at once."""

import logging
import os
import pickle
import signal
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

import minibert
from minibert.corpus import cluster
from minibert.corpus.lines import Line

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def bert():
    return minibert.load("tiny")


class Soon:
    """What Dask calls a future: here it is there at once, or, where it shall be late, never."""

    def __init__(self, function, arguments, late):
        self.error, self.status = None, "pending" if late or "pending" in map(status, arguments) else "finished"
        try:
            self.value = self.done() and function(*map(value, arguments))
        except Exception as error:
            self.error, self.status = error, "error"

    def done(self):
        return self.status != "pending"

    def exception(self):
        return self.error

    def result(self):
        return value(self)


def status(thing):
    statuses = map(status, thing) if isinstance(thing, list) else [thing.status if isinstance(thing, Soon) else ""]
    return "pending" if "pending" in statuses else ""


def value(thing):
    if isinstance(thing, list):
        return list(map(value, thing))
    if isinstance(thing, Soon) and thing.error:
        raise thing.error
    return thing.value if isinstance(thing, Soon) else thing


class Client:
    """In the place of Dask's: it does the work at once, here. Blocks from the place `late` on are never done."""

    def __init__(self, have=(True, True), late=10**6):
        self.have, self.late, self.asked = have, late, []

    def submit(self, function, *arguments, pure):
        at = pickle.loads(arguments[1])[0].at if function is cluster.part else 0
        return Soon(function, arguments, at >= self.late)

    def gather(self, futures):
        return value(futures)

    def run(self, function, *arguments):
        assert function is cluster.has_model
        self.asked.append(arguments)
        return dict(enumerate(self.have))

    def wait_for_workers(self, count):
        self.have = self.have or [True] * count

    def scheduler_info(self):
        return {"workers": dict(enumerate(self.have))}


def places(models, block):
    if block[0].text == "bad":
        raise {"v": ValueError, "o": OSError, "i": IndexError}[block[1].text](f"at {block[0].at}")
    return [line.at for line in block]


def blocks_of(count, bad=()):
    kinds = dict(bad)
    return [[Line(2 * i, "bad" if i in kinds else "fine"), Line(2 * i + 1, kinds.get(i, ""))] for i in range(count)]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 63, 64, 65, 150])
def test_sums_of_workers_are_of_all_blocks_in_order(bert, count):
    told = []
    sums = list(cluster.Cluster(Client(), bert).each(places, iter(blocks_of(count)), told.append))
    assert [place for one in sums for place in one] == list(range(2 * count)) and sum(told) == 2 * count
    assert [len(one) for one in sums] == [2 * min(64, count - start) for start in range(0, count, 64)]


def test_many_workers_have_groups_of_four_blocks_each(bert):
    sums = list(cluster.Cluster(Client([True] * 20), bert).each(places, blocks_of(100), lambda lines: None))
    assert [len(one) for one in sums] == [160, 40]


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        ({5: "v", 3: "o"}, OSError, "^at 6$"),
        ({70: "v"}, ValueError, "^at 140$"),
        ({0: "i"}, IndexError, "^at 0$"),
    ],
)
def test_the_first_fault_that_a_worker_finds_is_told(bert, bad, error, says):
    with pytest.raises(error, match=says):
        list(cluster.Cluster(Client(), bert).each(places, blocks_of(80, bad), lambda lines: None))


def test_ctrl_c_leaves_what_workers_have_done_by_then(bert):
    told, sums = [], []

    def advance(lines):
        told.append(lines)
        if len(told) == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        for some in cluster.Cluster(Client(late=140), bert).each(places, blocks_of(90), advance):
            sums.append(some)
    assert sums == [list(range(128)), list(range(128, 140))] and told == [128, 12]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_model_is_sent_where_one_worker_has_none_and_it_is_small(bert, monkeypatch):
    which = "tiny", minibert.__version__, cluster.fingerprint(bert)
    assert cluster.Cluster(Client(), bert).models == [which]
    (sent,) = cluster.Cluster(Client([True, False]), bert).models
    assert isinstance(sent.value, minibert.Bert) and sent.value.name == "tiny"
    size = len(pickle.dumps(bert))
    monkeypatch.setattr(cluster, "MOST_SENT", size)
    cluster.Cluster(Client([False]), bert)
    monkeypatch.setattr(cluster, "MOST_SENT", size - 1)
    with pytest.raises(ValueError, match=f"another tiny or none, and {size:,} bytes are too many to send"):
        cluster.Cluster(Client([False]), bert)


def test_a_folder_is_named_to_workers_by_its_whole_path_and_all_that_it_holds_counts(bert, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    client = Client()
    cluster.Cluster(client, replace(bert, name="mine"))
    assert client.asked[0][0] == str(tmp_path / "mine")
    other = minibert.load("tiny-sentiment")
    same, weights, vocabulary, none = (
        cluster.fingerprint(replace(bert, **change))
        for change in (
            {"name": "other"},
            {"weights": other.weights},
            {"tokenizer": SimpleNamespace(backend=SimpleNamespace(to_str=lambda: "another vocabulary"))},
            {"tokenizer": SimpleNamespace(backend=None)},
        )
    )
    assert same == cluster.fingerprint(bert) and len({same, weights, vocabulary, none}) == 4


def names(models, block):
    return [bert.name for bert in models]


def test_workers_have_all_models_in_order_whether_sent_or_not(bert):
    hands = cluster.Cluster(Client(), bert, minibert.load("tiny-sentiment"))
    assert list(hands.each(names, blocks_of(1), lambda lines: None)) == [["tiny", "tiny-sentiment"]]
    hands.models[0] = Soon(replace, [bert], False)
    assert list(hands.each(names, blocks_of(1), lambda lines: None)) == [["tiny", "tiny-sentiment"]]


def test_a_worker_computes_with_one_thread(bert, monkeypatch):
    which, told = cluster.Cluster(Client(), bert).models[0], []
    for blas in (SimpleNamespace(limit=lambda limits: told.append(limits)), None):
        monkeypatch.setattr(cluster, "blas", lambda blas=blas: blas)
        cluster.loaded.__wrapped__(*which)
    assert told == [1]


def test_the_first_worker_is_waited_for(bert, capsys):
    client = Client(have=())
    cluster.Cluster(client, bert)
    assert client.have and capsys.readouterr().err == "minibert: waiting for the first worker\n"
    cluster.Cluster(client, bert)
    assert not capsys.readouterr().err


@pytest.fixture
def dask(monkeypatch):
    """What was begun, and how; `dask.status` is that of the client."""
    dask = SimpleNamespace(begun=[], status="running")

    @contextmanager
    def local(**options):
        muted = os.fstat(2).st_rdev == os.stat(os.devnull).st_rdev
        dask.begun.append((options["n_workers"], options["threads_per_worker"], muted))
        yield "here"

    @contextmanager
    def connect(where, timeout):
        dask.begun.append(where)
        dask.client = Client()
        dask.client.status = dask.status
        yield dask.client

    monkeypatch.setattr("distributed.LocalCluster", local)
    monkeypatch.setattr("distributed.Client", connect)
    return dask


def test_workers_are_begun_in_silence_and_nothing_is_left_of_it(bert, dask):
    def around():
        return os.fstat(2).st_ino, logging.root.manager.disable, signal.getsignal(signal.SIGINT)

    before = around()
    with cluster.cluster(3, None, bert) as hands:
        assert hands.client is dask.client and hands.models[0][0] == "tiny"
        assert os.fstat(2).st_ino == before[0] and logging.root.manager.disable == logging.CRITICAL
    assert dask.begun == [(3, 1, True), "here"] and around() == before
    with cluster.cluster(None, "tcp://there:1", bert):
        pass
    assert dask.begun[2:] == ["tcp://there:1"] and around() == before


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("running", IndexError("mine"), IndexError),
        ("closed", IndexError("of what is gone"), ValueError),
        ("running", CancelledError("of what is gone"), ValueError),
    ],
)
def test_an_error_is_of_the_scheduler_only_where_that_is_gone(bert, dask, state, error, told):
    dask.status = state
    with (
        pytest.raises(told, match="mine" if told is IndexError else "the scheduler is gone"),
        cluster.cluster(1, None, bert),
    ):
        raise error

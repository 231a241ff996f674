"""Workers that die, schedulers that starve or go, disks that are full: the same numbers, or one line. `-m cluster`."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.conftest import find_minilm

resource = pytest.importorskip("resource")  # of Linux and macOS
pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")  # comes with it
pytestmark = pytest.mark.cluster
COMMAND = [sys.executable, "-m", "minibert", "viz", "--draw", "metrics", "--file"]
ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1"}


def begin(command, folder, **options):
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(list(map(str, command)), cwd=folder, env=ENVIRONMENT, **(quiet | options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sentences):
    """With 3,000 sentences, the same with a bad line among them, and what one process finds in them."""
    folder, choose, words = tmp_path_factory.mktemp("faults"), random.Random(0), " ".join(sentences).split()
    texts = [" ".join(choose.choices(words, k=choose.randint(5, 25))) for _ in range(3000)]
    (folder / "some.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    (folder / "long.txt").write_text("\n".join(texts * 10) + "\n", encoding="utf-8")  # not done before it is stopped
    bad = "\n".join([*texts[:1500], "f\xfcnf", *texts[1500:]])
    (folder / "bad.txt").write_bytes(bad.encode("latin-1", "replace"))
    process = begin([*COMMAND, "some.txt", "--out", "plain"], folder)
    assert process.communicate() and process.returncode == 0
    return folder


@pytest.fixture
def dask(folder):
    """`dask("scheduler")` and `dask("worker")` begin one of these; all end with the test."""
    begun = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def begin_one(kind, where=folder):
        options = {
            "scheduler": ["--host", "127.0.0.1", "--port", port, "--no-dashboard"],
            "worker": [f"tcp://127.0.0.1:{port}", "--no-nanny", "--nthreads", "1", "--no-dashboard"],
        }[kind]
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options]
        begun.append(begin(command, where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return begun[-1]

    begin_one.address = f"tcp://127.0.0.1:{port}"
    yield begin_one
    for process in begun:
        process.kill()
        process.wait()


def at_work(*workers, seconds=5.0):
    """Waits until each of these processes has computed for so long: begun, imported, and some blocks done."""
    while min(sum(worker.cpu_times()[:2]) for worker in workers) < seconds:
        time.sleep(0.1)


def workers_of(process):
    """The processes that do the work, as soon as they are there: two of the children, those that compute most."""
    while True:
        children = psutil.Process(process.pid).children(recursive=True)
        busy = sorted(children, key=lambda child: -sum(child.cpu_times()[:2]))[:2]
        if len(busy) == 2 and sum(busy[1].cpu_times()[:2]) > 1:
            return busy
        assert process.poll() is None
        time.sleep(0.1)


def cells(folder, name):
    return (folder / name / "heads.csv").read_text(encoding="utf-8")


def test_workers_killed_twice_and_none_left_for_a_while(folder, dask):
    dask("scheduler")
    process = begin([*COMMAND, "some.txt", "--scheduler", dask.address, "--out", "killed"], folder)
    time.sleep(6)
    for _ in range(2):
        worker = dask("worker")
        at_work(psutil.Process(worker.pid), seconds=3.0)
        worker.kill()
        assert process.poll() is None  # or it would have been done before
        time.sleep(12)
    dask("worker"), dask("worker")
    _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "waiting for the first worker" in said and "no worker is left; waiting for another" in said
    assert cells(folder, "killed") == cells(folder, "plain")


def test_a_scheduler_that_goes_is_one_line(folder, dask):
    scheduler, worker = dask("scheduler"), dask("worker")
    process = begin([*COMMAND, "long.txt", "--scheduler", dask.address, "--out", "gone"], folder)
    at_work(psutil.Process(worker.pid))
    scheduler.kill()
    _, said = process.communicate(timeout=100)
    said = said.removeprefix("minibert: waiting for the first worker\n")  # if it came later than the command
    assert process.returncode == 2 and said.count("\n") == 1 and "the scheduler is gone" in said
    assert not (folder / "gone").exists()


def test_a_bad_line_is_one_line_or_left_out(folder):
    process = begin([*COMMAND, "bad.txt", "--workers", 2, "--out", "bad"], folder)
    _, said = process.communicate()
    assert process.returncode == 2 and said.count("\n") == 1 and "bad.txt, line 1501: the text is not UTF-8" in said
    for name, more in (("bad", []), ("bad2", ["--workers", 2])):
        printed, _ = begin([*COMMAND, "bad.txt", "--skip-bad", *more, "--out", name], folder).communicate()
        assert "3,000 sentences" in printed and "1 line left out" in printed
    assert cells(folder, "bad") == cells(folder, "bad2")


def test_a_model_that_workers_do_not_have_is_sent(folder, dask, tmp_path):
    shutil.copytree(find_minilm(), folder / "here")
    dask("scheduler"), dask("worker", tmp_path)
    (folder / "few.txt").write_text("".join((folder / "some.txt").read_text().splitlines(True)[:300]))
    for name, more in (("sent", ["--scheduler", dask.address]), ("not-sent", [])):
        process = begin([*COMMAND, "few.txt", "--model", "here", *more, "--out", name], folder)
        if more:
            time.sleep(3)
            (folder / "here").rename(folder / "away")  # nobody but the process that was begun has it now
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
        if more:
            (folder / "away").rename(folder / "here")
    assert cells(folder, "sent") == cells(folder, "not-sent")


def test_compare_finds_the_same(folder):
    for name, more in (("compared", []), ("compared-2", ["--workers", 2])):
        command = [sys.executable, "-m", "minibert", "compare", "tiny", "tiny-sentiment", "--file", "some.txt"]
        process = begin([*command, "--closely", 0, "--out", name, *more], folder)
        printed, said = process.communicate()
        assert process.returncode == 0 and "3,000 sentences" in printed, said
    first, second = ((folder / name / "compare.csv").read_text() for name in ("compared", "compared-2"))
    assert first == second


def test_ctrl_c_gives_what_is_done_and_says_so(folder):
    process = begin([*COMMAND, "long.txt", "--workers", 2, "--out", "stopped"], folder, start_new_session=True)
    at_work(*workers_of(process))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130 and said.startswith("minibert: interrupted")
    assert said.endswith(" sentences, not of all 30,000\n")
    assert " of 30,000 sentences" in printed and (folder / "stopped" / "stopped" / "heads.csv").exists()


def test_ctrl_c_while_workers_begin_is_heard_at_once(folder):
    process = begin([*COMMAND, "long.txt", "--workers", 2, "--out", "early"], folder, start_new_session=True)
    while len(psutil.Process(process.pid).children()) < 2:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130 and said == "minibert: interrupted\n"


def test_a_full_disk_is_one_line_and_no_half_file(folder):
    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    (folder / "few.txt").write_text("A dog barked.\n" * 300)
    process = begin([*COMMAND, "few.txt", "--out", "full"], folder, preexec_fn=small_disk)
    _, said = process.communicate()
    assert process.returncode == 2 and said.count("\n") == 1 and "File too large" in said
    assert not list((folder / "full").glob("*"))

"""Files that appear whole or not at all: the one way in which everything here is written."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from viz.files import whole_file

posix = pytest.mark.skipif(os.name != "posix", reason="umask, rights and links are those of POSIX")


def write(path, text):
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_many_writers_of_one_path_all_succeed_and_the_file_is_one_of_theirs(tmp_path):
    texts = [f"{number}\n" * 10_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write, tmp_path / "same.txt", text) for text in texts * 10]:
            done.result()
    assert names(tmp_path) == ["same.txt"]
    assert (tmp_path / "same.txt").read_text(encoding="utf-8") in texts


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_whatever_goes_wrong_the_old_file_stays_and_nothing_else(tmp_path, error):
    write(tmp_path / "file", "old")
    with pytest.raises(error), whole_file(tmp_path / "file") as beside:
        beside.write_text("half", encoding="utf-8")
        raise error
    assert names(tmp_path) == ["file"] and (tmp_path / "file").read_text(encoding="utf-8") == "old"


def test_folders_are_made_and_long_names_are_no_matter(tmp_path):
    write(tmp_path / "a" / "b" / ("n" * 250 + ".txt"), "text")
    assert len(names(tmp_path / "a" / "b")[0]) == 254


def test_an_error_names_the_path_that_was_asked_for(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    for path in (tmp_path / "file" / "under.txt", tmp_path / "folder"):
        with pytest.raises(OSError) as caught:
            write(path, "text")
        assert ".part" not in str(caught.value)
    assert names(tmp_path) == ["file", "folder"]


@posix
def test_rights_are_those_of_the_umask_or_of_the_file_that_is_replaced(tmp_path):
    for umask, rights in ((0o077, 0o600), (0o022, 0o644), (0o002, 0o664)):
        before = os.umask(umask)
        try:
            write(tmp_path / f"{umask}", "text")
        finally:
            os.umask(before)
        assert (tmp_path / f"{umask}").stat().st_mode & 0o777 == rights
    (tmp_path / "2").chmod(0o604)
    write(tmp_path / "2", "new")
    assert (tmp_path / "2").stat().st_mode & 0o777 == 0o604


@posix
def test_a_link_stays_a_link(tmp_path):
    write(tmp_path / "there" / "file", "old")
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and names(tmp_path / "there") == ["file"]
    assert (tmp_path / "there" / "file").read_text(encoding="utf-8") == "new"

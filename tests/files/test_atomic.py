"""A file is written whole or not at all."""

import errno
import os

import pytest

from galrestore.files.atomic import atomic


def test_folder_is_made_and_file_renamed(tmp_path):
    with atomic(tmp_path / "a" / "b.txt") as part:
        part.write_text("whole")
        assert not (tmp_path / "a" / "b.txt").exists()
    assert (tmp_path / "a" / "b.txt").read_text() == "whole"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("error", [RuntimeError("a"), KeyboardInterrupt(), SystemExit(1)])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "b.txt"
    path.write_text("old")

    def write():
        with atomic(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_a_full_disk_is_named_with_the_file(tmp_path):
    path = tmp_path / "b.txt"
    with pytest.raises(OSError, match="No space left") as caught, atomic(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_the_umask_decides_who_may_read_whatever_a_killed_job_left(tmp_path, umask):
    path = tmp_path / "b.txt"
    left = tmp_path / "b.txt.part"
    left.write_text("half")
    left.chmod(0o604)
    before = os.umask(umask)
    try:
        with atomic(path) as part:
            part.write_text("whole")
    finally:
        os.umask(before)
    assert path.read_text() == "whole"
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    assert not left.exists()

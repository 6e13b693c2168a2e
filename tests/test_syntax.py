"""What is kept of sources from process to process is what their bytes say."""

import os

import pytest

from galrestore.syntax import Sources

SOURCE = "import galrestore.a\n\n\ndef f():\n    from galrestore.b import c\n\n    return c\n"
IMPORTS = ["galrestore.a", "galrestore.b", "galrestore.b.c"]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "__pycache__" / "kept.json"


def look(source, memory):
    """What a process finds, which keeps it."""
    sources = Sources(memory)
    found = sources.digest(source), sources.imports(source)
    sources.remember()
    return found


@pytest.fixture
def unread(monkeypatch):
    """Fail where a source is parsed."""

    def fail(text):
        raise AssertionError

    return lambda: monkeypatch.setattr("galrestore.syntax.ast.parse", fail)


def test_imports_at_any_depth(source):
    assert Sources().imports(source) == IMPORTS


def test_the_next_process_does_not_parse(source, memory, unread):
    first = look(source, memory)
    assert [path.name for path in memory.parent.iterdir()] == ["kept.json"]
    unread()
    assert look(source, memory) == first
    # Nor where a file of the same bytes lies elsewhere.
    copied = source.with_name("copied.py")
    copied.write_bytes(source.read_bytes())
    assert look(copied, memory) == first


def test_other_bytes_of_the_same_length_and_date_are_read(source, memory):
    before, stat = look(source, memory), source.stat()
    source.write_text(SOURCE.replace("return c", "return f"))
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert source.stat().st_size == stat.st_size
    assert look(source, memory)[0] != before[0]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"reader": "", "known": {}}', "\0\xff"])
def test_a_broken_file_is_replaced(source, memory, unread, text):
    first = look(source, memory)
    memory.write_text(text)
    assert look(source, memory) == first
    unread()
    assert look(source, memory) == first


def test_a_folder_that_cannot_be_made_is_no_error(source, tmp_path):
    (tmp_path / "file").write_text("")
    memory = tmp_path / "file" / "kept.json"
    assert look(source, memory)[1] == IMPORTS


def test_missing_source_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Sources().digest(tmp_path / "nowhere.py")

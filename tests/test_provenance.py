"""The fingerprint sees code and nothing else, and a file's record survives."""

import subprocess
import sys

import pytest

from galrestore import provenance
from galrestore.provenance import Provenance, sha256_of

PACKAGE = {
    "__init__.py": '"""Package."""\n',
    "maths.py": '"""Maths."""\n\n\ndef double(x):\n    """Double."""\n    return 2 * x\n',
    "other.py": '"""Not reached by the stage."""\n\nVALUE = 1\n',
    "stages/__init__.py": '"""Stages."""\n',
    "stages/first.py": (
        '"""Stage."""\n\n\ndef run(args):\n    """Run."""\n'
        "    from galrestore.maths import double  # imported late\n\n    return double(args)\n"
    ),
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in place of the real one."""
    for name, text in PACKAGE.items():
        path = tmp_path / "galrestore" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "_ROOT", tmp_path / "galrestore")
    _forget()
    yield tmp_path / "galrestore"
    _forget()


def _forget():
    """Let the next fingerprint read the files again."""
    for name in ("_sources", "_path", "_imports", "_is_module"):
        getattr(provenance, name).cache_clear()


def digest():
    _forget()
    return provenance.fingerprint("stages.first")


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_modules_imported_inside_functions_are_reached(package):
    assert provenance.reachable_modules("stages.first") == {
        "galrestore.stages.first",
        "galrestore.maths",
    }


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("maths.py", "    return", "    # a comment\n    return"),
        ("maths.py", '"""Double."""', '"""Twice the value."""'),
        ("maths.py", '"""Maths."""', '"""Arithmetic."""'),
        ("maths.py", "2 * x", "(2  *  x)"),
        ("other.py", "1", "2"),
    ],
)
def test_comments_docstrings_layout_and_strangers_do_not_count(package, file, old, new):
    before = digest()
    replace(package / file, old, new)
    assert digest() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("maths.py", "2 * x", "3 * x"),
        ("stages/first.py", "double(args)", "double(args) + 0"),
        ("maths.py", "def double(x)", "def double(x=1)"),
    ],
)
def test_code_counts_wherever_it_is_reached(package, file, old, new):
    before = digest()
    replace(package / file, old, new)
    assert digest() != before


def test_missing_module_is_an_error(package):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        provenance.fingerprint("stages.nowhere")


def test_record_survives_json():
    record = Provenance("fit", "ab12", '{"a": 1}', 7, {"x.fits": "00"})
    assert Provenance.from_json(record.to_json()) == record


def test_sha256_of_a_file(tmp_path):
    # FIPS 180-2, appendix B.1: the digest of "abc".
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_snakefile_needs_nothing_but_pydantic(tmp_path):
    """What common.smk imports must not reach beyond pydantic."""
    code = (
        "import sys; import galrestore.config, galrestore.provenance, galrestore.errors;"
        "bad = {'numpy', 'torch', 'astropy', 'pandas', 'pyarrow'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_is_quick_to_import():
    """No heavy import stands between the user and --help."""
    code = (
        "import sys; sys.argv = ['galrestore']; from galrestore.cli import main; main([]);"
        "bad = {'numpy', 'torch', 'astropy', 'pandas', 'scipy'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_content_digest_knows_names_and_bytes_and_no_folder(tmp_path):
    for folder, text in (("one", "x"), ("two", "x"), ("three", "y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "page.css").write_text(text)
    one, two, three = (
        provenance.content_digest([tmp_path / folder / "page.css"])
        for folder in ("one", "two", "three")
    )
    assert one == two != three

"""Downloads, the product list and its digests, from the command line."""

import json

import pytest

from galrestore import config
from galrestore.cli import main
from galrestore.files.contracts.downloads import DOWNLOADS
from galrestore.files.tables import read_provenance, read_table
from galrestore.provenance import sha256_of
from tests.archive.loopback import i2d

URI = "mast:JWST/product/jw1_i2d.fits"
NIRCAM = {
    "telescope": "jwst",
    "instrument": "NIRCAM",
    "band": "F115W",
    "field": "patch",
    "format": "i2d",
    "psf_fwhm": 0.04,
    "science": URI,
}


@pytest.fixture
def door(mast, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mast.files[URI] = i2d()
    door = {
        "root": "store",
        "lock": "list.tsv",
        "mosaics": {"nircam": NIRCAM, "other": NIRCAM | {"field": "other"}},
        "transfer": {"attempts": 2, "read_timeout": 1, "backoff": 0.01},
    }
    (tmp_path / "run.yaml").write_text(json.dumps({"acquire": {"mast": door}}))
    return door


def download(door, receipt, file="patch/jw1_i2d.fits"):
    settings = config.load({"seed": 1, "acquire": {"mast": door}}).download(file)
    common = ["--settings", settings, "--seed", "1", "--code", "abc"]
    return main(["acquire", "download", "--file", file, *common, "--receipt", receipt])


def test_resolve_download_pin(mast, door, tmp_path, capsys):
    assert main(["acquire", "resolve", "--configfile", "run.yaml", "--fields", "patch"]) == 0
    assert "patch: 1 file(s), 0.00 GB" in capsys.readouterr().err
    door["fields"] = ["patch"]
    assert download(door, "a.parquet") == 0
    row = read_table("a.parquet", DOWNLOADS).iloc[0]
    assert row["file"] == "store/patch/jw1_i2d.fits"
    assert row["sha256"] == sha256_of(row["file"])
    # The date of retrieval is in its own column and nowhere else ...
    assert row["retrieved"] not in read_provenance("a.parquet").to_json()
    # ... and stays that of the file: a receipt made anew is the same, without the archive.
    mast.files.clear()
    assert download(door, "b.parquet") == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert main(["acquire", "pin", "--lock", "list.tsv", "a.parquet"]) == 0
    lines = (tmp_path / "list.tsv").read_text().splitlines()
    assert row["sha256"] in lines[-1]
    assert lines[-1].endswith("\tretrieved")


def test_a_download_that_fails_is_one_line_and_no_file(mast, door, tmp_path, capsys):
    assert main(["acquire", "resolve", "--configfile", "run.yaml", "--offline"]) == 0
    capsys.readouterr()
    mast.files.clear()
    assert download(door, "a.parquet") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "store/patch/jw1_i2d.fits: is refused by" in lines[0]
    assert not (tmp_path / "a.parquet").exists()
    assert not (tmp_path / "store/patch/jw1_i2d.fits").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fields", "patches"], "fields = 'patches': nothing in run.yaml has this field"),
        (["--fields", "other"], "has nothing for other"),
    ],
)
def test_resolve_says_what_cannot_be_found(mast, door, tmp_path, capsys, arguments, message):
    mast.files.clear()
    assert main(["acquire", "resolve", "--configfile", "run.yaml", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "list.tsv").exists()


def test_a_file_outside_the_settings_is_refused(door, capsys):
    assert main(["acquire", "resolve", "--configfile", "run.yaml", "--offline"]) == 0
    settings = config.load({"seed": 1, "acquire": {"mast": door}}).download("patch/jw1_i2d.fits")
    files = ["--file", "patch/jw2_i2d.fits", "--receipt", "a.parquet"]
    assert main(["acquire", "download", *files, "--settings", settings, "--seed", "1"]) == 2
    assert "products = 'patch/jw2_i2d.fits': not in the settings" in capsys.readouterr().err


def test_the_token_is_written_nowhere(mast, door, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MAST_API_TOKEN", "secret-1234")
    monkeypatch.setenv("GALRESTORE_DEBUG", "1")  # errors with their tracebacks, too
    assert main(["acquire", "resolve", "--configfile", "run.yaml", "--log", "log/a.log"]) == 0
    assert download(door, "a.parquet") == 0
    mast.files.clear()
    (tmp_path / "store/patch/jw1_i2d.fits").unlink()
    assert download(door, "b.parquet") == 2
    # It was sent, in a header ...
    sent = [headers for *_, headers in mast.requests]
    assert any("token secret-1234" in str(headers) for headers in sent)
    # ... and is in no message and no file.
    printed = "".join(capsys.readouterr())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"a.log", "a.parquet", "list.tsv"} <= {path.name for path in files}
    assert "is refused by" in printed
    for content in (printed.encode(), *(path.read_bytes() for path in files)):
        assert b"secret-1234" not in content

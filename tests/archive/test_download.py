"""Every fault of a download ends in a verified file, or in one error and no file."""

import hashlib
import json
import logging
import math
import multiprocessing
import os
import signal
import time

import pandas as pd
import pytest

from galrestore.archive import download
from galrestore.archive.download import fetch
from galrestore.config.archive import Transfer
from galrestore.config.lock import Product
from galrestore.errors import InputError
from galrestore.files.contracts.downloads import DOWNLOADS
from tests.archive.loopback import flc, hlf, i2d

I2D = "mast:JWST/product/jw02756-o003_t001_nircam_clear-f115w_i2d.fits"
# Two megabytes, so that a transfer takes several pieces.
LARGE = hlf(shape=(700, 750))
SMALL = i2d()


def product(uri=I2D, role="i2d", **values):
    return Product(field="patch", mosaic="m", entry="m", role=role, uri=uri, band="F115W", **values)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def left(folder):
    """Names of the files in the field's folder, locks apart."""
    return sorted(p.name for p in (folder / "patch").iterdir() if not p.name.endswith(".lock"))


@pytest.mark.parametrize(
    ("uri", "role", "content"),
    [
        (I2D, "i2d", SMALL),
        ("mast:HLSP/xdf/hlsp_xdf_hst_acswfc-60mas_hudf_f606w_v1_sci.fits", "sci", hlf()),
        ("mast:HST/product/j8wc7rc1q_flc.fits", "flc", flc()),
    ],
)
def test_a_file_arrives_and_is_described(mast, hurried, tmp_path, uri, role, content):
    mast.files[uri] = content
    wanted = product(uri, role, size=len(content))
    row = fetch(wanted, tmp_path, hurried)
    path = tmp_path / "patch" / uri.rsplit("/", 1)[-1]
    assert path.read_bytes() == content
    assert set(row) == {column.name for column in DOWNLOADS}
    assert (row["file"], row["size"], row["sha256"]) == (str(path), len(content), digest(content))
    assert (row["context"] == "jwst_1130.pmap") == (role == "i2d")
    assert row["exposure_time"] == 1208.0 if role == "flc" else math.isnan(row["exposure_time"])
    assert left(tmp_path) == [path.name]
    # The second time nothing is fetched, and the row is the same, date included.
    same = fetch(wanted, tmp_path, hurried)
    assert pd.DataFrame([same]).equals(pd.DataFrame([row]))  # NaN times are equal
    assert len(mast.asked("GET", uri)) == 1


def test_a_truncated_chip_is_refused_until_the_exposure_is_whole(mast, hurried, tmp_path):
    uri = "mast:HST/product/j8wc7rc1q_flc.fits"
    whole = flc(shape=(64, 64))
    mast.files[uri] = whole
    cut = len(whole) // 2 // 2880 * 2880  # whole blocks, without a length that would tell
    mast.faults[uri] = [("cut, no length", cut)] * 3
    with pytest.raises(InputError, match=r"could not be had whole .* in 3 attempt\(s\)"):
        fetch(product(uri, "flc"), tmp_path, hurried)
    assert left(tmp_path) == []
    assert fetch(product(uri, "flc"), tmp_path, hurried)["size"] == len(whole)


def test_a_stand_in_is_refused_without_a_request(mast, hurried, tmp_path):
    wanted = product("mast:HST/product/m_1_flc.fits", "flc", state="stand-in")
    with pytest.raises(InputError, match=r"one of the exposures m; .*galrestore acquire resolve"):
        fetch(wanted, tmp_path, hurried)
    assert mast.requests == []


def test_a_plain_url_is_fetched_as_it_is(mast, hurried, tmp_path):
    uri = f"{mast.url}/hlsps/xdf/x_sci.fits"
    mast.files[uri] = hlf()
    assert fetch(product(uri, "sci"), tmp_path, hurried)["sha256"] == digest(hlf())


FILE = I2D.rsplit("/", 1)[-1]
# Where the file ends without its last extensions, at the boundary of an HDU.
BOUNDARY = len(SMALL) - 4 * 5760


@pytest.mark.parametrize(
    "fault",
    [
        429,
        500,
        503,
        "html",
        "garbage",
        "gzip",
        "gzip, cut",
        "no length",
        ("cut", 5000),
        ("cut", 0),
        ("cut, no length", 5000),
        ("cut, no length", BOUNDARY),
        ("stall", 5000),
        ("stall", 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("listed", [True, False], ids=["listed", "unlisted"])
def test_a_fault_that_passes_is_survived(mast, hurried, tmp_path, fault, listed):
    mast.files[I2D] = SMALL
    mast.faults[I2D] = [fault]
    fetch(product(size=len(SMALL) if listed else 0), tmp_path, hurried)
    assert left(tmp_path) == [FILE]
    assert (tmp_path / "patch" / FILE).read_bytes() == SMALL
    sound = fault in ("gzip", "no length")
    assert len(mast.asked("GET", I2D)) == (1 if sound else 2)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (429, "is refused by .*: 429"),
        (503, "is refused by .*: 503"),
        ("html", "could not be had whole .* in 3 attempt.*a page instead"),
        ("garbage", "could not be had whole .*is no FITS file"),
        ("gzip, cut", "could not be had whole"),
        (("cut", 0), "could not be had whole .*broke after 0 bytes"),
        (("cut, no length", 5000), "could not be had whole .*"),
        (("cut, no length", BOUNDARY), "could not be had whole .*"),
        (("stall", 0), "could not be had whole .*timed out"),
    ],
    ids=str,
)
def test_a_fault_that_stays_is_one_error(mast, hurried, tmp_path, fault, message):
    mast.files[I2D] = SMALL
    mast.faults[I2D] = [fault] * 99
    with pytest.raises(InputError, match=message) as caught:
        fetch(product(), tmp_path, hurried)
    assert FILE in str(caught.value)
    assert FILE not in left(tmp_path)
    # Three attempts, as the settings say, of the session or of the download.
    assert len(mast.asked("GET", I2D)) == 3


@pytest.mark.parametrize(("status", "remedy"), [(404, "resolve"), (401, "MAST_API_TOKEN")])
def test_refusals_for_good_are_not_repeated(mast, hurried, tmp_path, status, remedy):
    mast.files[I2D] = SMALL
    mast.faults[I2D] = [status] * 99
    with pytest.raises(InputError, match=f"{status} .*{remedy}"):
        fetch(product(), tmp_path, hurried)
    assert left(tmp_path) == []
    assert len(mast.asked("GET", I2D)) == 1


def test_nobody_answers(mast, hurried, tmp_path, monkeypatch):
    monkeypatch.setenv("GALRESTORE_MAST_SERVER", "http://127.0.0.1:9")  # discard: no server
    with pytest.raises(
        InputError, match=r"could not be fetched from http://127\.0\.0\.1:9/.*efused"
    ):
        fetch(product(), tmp_path, hurried)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": len(SMALL) - 1}, f"has {len(SMALL)} bytes at .*says {len(SMALL) - 1}"),
        ({"sha256": "0" * 64}, "has sha256 .* the product list says 000"),
    ],
)
def test_another_file_than_the_lists_is_refused_at_once(mast, hurried, tmp_path, values, message):
    mast.files[I2D] = SMALL
    with pytest.raises(InputError, match=message + ".*acquire resolve"):
        fetch(product(**values), tmp_path, hurried)
    assert left(tmp_path) == []
    assert len(mast.asked("GET", I2D)) == 1


def test_a_size_the_server_hides_is_checked_at_the_end(mast, hurried, tmp_path):
    mast.files[I2D] = SMALL
    mast.faults[I2D] = ["gzip"] * 3
    with pytest.raises(InputError, match=f"{len(SMALL)} of {len(SMALL) + 2880} bytes"):
        fetch(product(size=len(SMALL) + 2880), tmp_path, hurried)
    assert FILE not in left(tmp_path)


@pytest.mark.parametrize("tags", ["", "W/"])
def test_a_break_is_continued_where_it_happened(mast, hurried, tmp_path, tags):
    mast.tags = tags
    uri = I2D.replace("i2d", "sci")
    mast.files[uri] = LARGE
    mast.faults[uri] = [("cut", 1_500_000), ("cut", 100_000)]
    fetch(product(uri, "sci"), tmp_path, hurried)
    # Pieces of 65,536 bytes: 22 of them in 1,500,000 bytes, one more in 100,000.
    assert [headers.get("Range") for headers in mast.asked("GET", uri)] == [
        None,
        f"bytes={22 * 65536}-",
        f"bytes={23 * 65536}-",
    ]


def test_a_server_without_ranges_starts_again(mast, hurried, tmp_path):
    uri = I2D.replace("i2d", "sci")
    mast.files[uri] = LARGE
    mast.faults[uri] = [("cut", 70000), "range ignored"]
    fetch(product(uri, "sci"), tmp_path, hurried)
    assert (tmp_path / "patch" / uri.rsplit("/", 1)[-1]).read_bytes() == LARGE
    assert mast.asked("GET", uri)[1]["Range"] == "bytes=65536-"


def test_a_file_that_changed_meanwhile_starts_again(mast, hurried, tmp_path):
    uri = I2D.replace("i2d", "sci")
    name = uri.rsplit("/", 1)[-1]
    mast.files[uri] = LARGE
    mast.faults[uri] = [("cut", 70000)] + [("cut", 0)] * 2
    with pytest.raises(InputError, match="could not be had whole"):
        fetch(product(uri, "sci"), tmp_path, hurried)
    assert left(tmp_path) == [f"{name}.part", f"{name}.part.json"]  # to be continued
    mast.files[uri] = other = hlf(seed=2, shape=(700, 750))
    fetch(product(uri, "sci"), tmp_path, hurried)
    assert (tmp_path / "patch" / name).read_bytes() == other
    assert left(tmp_path) == [name]


@pytest.mark.parametrize("sidecar", [None, "{", '{"url": "http://elsewhere/"}'])
def test_a_partial_file_of_unknown_origin_is_not_continued(mast, hurried, tmp_path, sidecar):
    mast.files[I2D] = SMALL
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / f"{FILE}.part").write_bytes(b"x" * 9000)
    if sidecar is not None:
        (tmp_path / "patch" / f"{FILE}.part.json").write_text(sidecar)
    fetch(product(), tmp_path, hurried)
    assert (tmp_path / "patch" / FILE).read_bytes() == SMALL
    assert "Range" not in mast.asked("GET", I2D)[0]


def test_a_whole_partial_file_is_verified_without_a_transfer(mast, hurried, tmp_path):
    mast.files[I2D] = SMALL
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / f"{FILE}.part").write_bytes(SMALL)
    url = f"{mast.url}/api/v0.1/Download/file?uri={I2D}"
    kept = {"url": url, "size": len(SMALL), "etag": '"1"', "modified": ""}
    (tmp_path / "patch" / f"{FILE}.part.json").write_text(json.dumps(kept))
    fetch(product(), tmp_path, hurried)
    assert left(tmp_path) == [FILE]
    assert mast.requests == []


def test_garbage_under_the_files_name_is_set_aside(mast, hurried, tmp_path, caplog):
    mast.files[I2D] = SMALL
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / FILE).write_bytes(b"\xa5" * len(SMALL))
    with caplog.at_level(logging.WARNING):
        fetch(product(size=len(SMALL)), tmp_path, hurried)
    assert f"set aside as {FILE}.refused" in caplog.text
    assert left(tmp_path) == [FILE, f"{FILE}.refused"]
    assert (tmp_path / "patch" / FILE).read_bytes() == SMALL


def test_a_file_brought_by_hand_is_used(mast, hurried, tmp_path):
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / FILE).write_bytes(SMALL)
    row = fetch(product(size=len(SMALL), sha256=digest(SMALL)), tmp_path, hurried)
    assert row["sha256"] == digest(SMALL)
    assert mast.requests == []


def test_no_room(mast, hurried, tmp_path, monkeypatch):
    mast.files[I2D] = SMALL
    usage = download.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(InputError, match=r"0\.00 GB are free.*acquire\.mast\.root"):
        fetch(product(), tmp_path, hurried)
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["../../x_i2d.fits", "..", ".hidden.fits", "a\\..\\x.fits", "x.fits/..", "..%2fx.fits", "x.sh"],
)
def test_names_that_leave_the_folder_are_no_products(name):
    if name == "../../x_i2d.fits":  # the folders before the name go nowhere
        assert product(f"mast:JWST/product/{name}").path == "patch/x_i2d.fits"
        return
    with pytest.raises(ValueError, match="is no plain name"):
        product(f"mast:JWST/product/{name}")


def test_the_token_goes_to_the_archive_alone(mast, hurried, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("MAST_API_TOKEN", "secret-1234")
    elsewhere = f"{mast.url.replace('127.0.0.1', 'localhost')}/x_sci.fits"
    mast.files |= {I2D: SMALL, f"{mast.url}/x_sci.fits": hlf()}
    mast.faults[I2D] = [("cut", 100)] * 9
    with caplog.at_level(logging.DEBUG), pytest.raises(InputError) as caught:
        fetch(product(), tmp_path, hurried)
    fetch(product(elsewhere, "sci"), tmp_path, hurried)
    tokens = [headers.get("Authorization") for _, _, headers in mast.requests]
    assert tokens == ["token secret-1234"] * 3 + [None]
    assert "secret" not in caplog.text + str(caught.value)


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the job does nothing"
        time.sleep(0.01)


@pytest.fixture
def start():
    """Start a job that fetches: a function that returns its process."""
    context = multiprocessing.get_context("spawn")
    jobs = []

    def begin(wanted, folder, transfer):
        jobs.append(context.Process(target=fetch, args=(wanted, folder, transfer)))
        jobs[-1].start()
        return jobs[-1]

    yield begin
    for job in jobs:
        job.kill()
        job.join()


def test_a_killed_job_is_continued_by_the_next(mast, hurried, tmp_path, start):
    uri = I2D.replace("i2d", "sci")
    mast.files[uri] = LARGE
    mast.faults[uri] = [("stall", 1_200_000)]
    patient = Transfer(read_timeout=60)
    job = start(product(uri, "sci"), tmp_path, patient)
    part = tmp_path / "patch" / (uri.rsplit("/", 1)[-1] + ".part")
    wait_for(lambda: part.exists() and part.stat().st_size >= 1 << 20)
    os.kill(job.pid, signal.SIGKILL)
    job.join()
    kept = part.stat().st_size
    fetch(product(uri, "sci"), tmp_path, hurried)
    assert (tmp_path / "patch" / part.stem).read_bytes() == LARGE
    assert mast.asked("GET", uri)[1]["Range"] == f"bytes={kept}-"


def test_jobs_for_one_file_wait_for_each_other(mast, tmp_path, start):
    uri = I2D.replace("i2d", "sci")
    mast.files[uri] = LARGE
    mast.faults[uri] = [("cut", 1_000_000)]
    wanted, transfer = product(uri, "sci"), Transfer(backoff=0.2)
    job = start(wanted, tmp_path, transfer)
    # Whichever comes first transfers the file, in two pieces; the other finds it.
    wait_for((tmp_path / "patch").exists)
    assert fetch(wanted, tmp_path, transfer)["sha256"] == digest(LARGE)
    job.join(60)
    assert job.exitcode == 0
    assert len(mast.asked("GET", uri)) == 2

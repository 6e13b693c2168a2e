"""A stage that cannot write ends with one error that names the file, and leaves none."""

import os
import resource
import subprocess
import sys

import pandas as pd
import pytest

from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.files.tables import read_table, write_table
from galrestore.provenance import Provenance
from galrestore.rng import stream

ROWS = 5000  # of random numbers, which no compression makes small


@pytest.fixture
def shards(tmp_path):
    """Two shards of a table, 10,000 rows together, and a folder for the result."""
    paths = [tmp_path / f"{k}.parquet" for k in (1, 2)]
    for number, path in enumerate(paths):
        values = stream(1, "no_room", number).normal(size=ROWS)
        frame = pd.DataFrame({column.name: values for column in MEASUREMENTS})
        frame["id"], frame["method"], frame["set"] = range(ROWS), "none", "jwst"
        write_table(path, frame, MEASUREMENTS, Provenance("measure", "c", "{}", 1))
    (tmp_path / "out").mkdir()
    return paths


def gather(shards, output, **options):
    command = [sys.executable, "-m", "galrestore", "gather", "--shards", *shards]
    return subprocess.run(
        [*map(str, command), "--output", str(output)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_ten_thousand_rows_in_order(shards, tmp_path):
    output = tmp_path / "out/all.parquet"
    assert gather(shards, output).returncode == 0
    expected = pd.concat([read_table(path) for path in shards], ignore_index=True)
    pd.testing.assert_frame_equal(read_table(output, MEASUREMENTS), expected)


def test_a_file_larger_than_allowed(shards, tmp_path):
    output = tmp_path / "out/all.parquet"
    limit = shards[0].stat().st_size
    done = gather(
        shards,
        output,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert f"{output}: " in done.stderr
    assert "File too large" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_is_read_only(shards, tmp_path, need):
    folder = tmp_path / "out"
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=16k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        need("mounting a tmpfs needs root")
    try:
        done = gather(shards, folder / "all.parquet")
        assert done.returncode == 2, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "Read-only file system" in done.stderr
        assert f"{folder}/all.parquet" in done.stderr
    finally:
        subprocess.run(["umount", str(folder)], check=True)

"""Shards join in order, whatever their number, and only if they belong together."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from galrestore.errors import InputError, SettingsError
from galrestore.files.cubes import write_cube
from galrestore.files.tables import Column, write_table
from galrestore.provenance import Provenance
from galrestore.stages import gather
from galrestore.stages.common import shard_rows

COLUMNS = (Column("id", "int64", "", "object"), Column("name", "str", "", "name"))
RECORD = Provenance("fit", "ab12", "{}", 7)


def run(folder, count, total=11, suffix="parquet"):
    """Write some rows in shards, gather them, and return the bytes."""
    folder.mkdir(parents=True)
    shards = []
    for k in range(1, count + 1):
        ids = np.arange(total)[shard_rows(f"{k}-of-{count}", total)]
        shards.append(folder / f"{k}.{suffix}")
        if suffix == "parquet":
            frame = pd.DataFrame({"id": ids, "name": [f"n{i}" for i in ids]})
            write_table(shards[-1], frame, COLUMNS, RECORD)
        else:
            pixels = np.repeat(ids, 6).reshape(-1, 2, 3)
            write_cube(shards[-1], {"GT": pixels, "LQ": -pixels}, ids, RECORD)
    output = folder / f"all.{suffix}"
    gather.run(argparse.Namespace(shards=shards, output=output))
    return output.read_bytes()


@pytest.mark.parametrize("suffix", ["parquet", "fits"])
def test_number_of_shards_does_not_show(tmp_path, suffix):
    expected = run(tmp_path / "1", 1, suffix=suffix)
    for count in (2, 4, 13):  # 13 shards of 11 rows: some are empty
        assert run(tmp_path / str(count), count, suffix=suffix) == expected


def test_shards_of_other_code_are_refused(tmp_path):
    frame = pd.DataFrame({"id": [1], "name": ["a"]})
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    write_table(paths[0], frame, COLUMNS, RECORD)
    write_table(paths[1], frame, COLUMNS, Provenance("fit", "cd34", "{}", 7))
    with pytest.raises(InputError, match=r"2\.parquet: was made by other code"):
        gather.run(argparse.Namespace(shards=paths, output=Path(tmp_path / "a.parquet")))


@pytest.mark.parametrize("total", [0, 1, 7, 100])
def test_shards_cover_every_row_once(total):
    rows = [range(total)[shard_rows(f"{k}-of-3", total)] for k in (1, 2, 3)]
    assert [row for shard in rows for row in shard] == list(range(total))


@pytest.mark.parametrize("shard", ["0-of-3", "4-of-3", "a-of-b", "3"])
def test_bad_shards_are_refused(shard):
    with pytest.raises(SettingsError, match="shard"):
        shard_rows(shard, 10)

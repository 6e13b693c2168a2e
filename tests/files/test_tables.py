"""Tables keep their contract, their provenance, and their bytes."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from galrestore.errors import EmptyError, InputError
from galrestore.files.tables import (
    Column,
    concatenate,
    read_provenance,
    read_table,
    write_table,
)
from galrestore.provenance import Provenance

COLUMNS = (
    Column("id", "int64", "", "object"),
    Column("flux", "float64", "electron/s", "flux"),
    Column("good", "bool", "", "whether it is good"),
    Column("name", "str", "", "name"),
)
RECORD = Provenance("fit", "ab12", "{}", 7, {"x.fits": "00"})


def frame(rows=3):
    return pd.DataFrame(
        {
            "id": np.arange(rows) + 2**60,
            "flux": np.linspace(0, 1, rows),
            "good": np.arange(rows) % 2 == 0,
            "name": [f"n{i}" for i in range(rows)],
        }
    )


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_round_trip(tmp_path, rows):
    write_table(tmp_path / "a.parquet", frame(rows), COLUMNS, RECORD)
    back = read_table(tmp_path / "a.parquet", COLUMNS, empty=True)
    assert len(back) == rows
    for name in frame().columns:
        assert list(back[name]) == list(frame(rows)[name])
    assert read_provenance(tmp_path / "a.parquet") == RECORD


def test_a_table_without_rows_is_refused_unless_expected(tmp_path):
    for name, rows in (("a", 0), ("b", 2)):
        write_table(tmp_path / f"{name}.parquet", frame(rows), COLUMNS, RECORD)
    paths = [tmp_path / "b.parquet", tmp_path / "a.parquet"]
    with pytest.raises(EmptyError, match=r"a\.parquet: has no rows"):
        read_table(paths[1], COLUMNS)
    with pytest.raises(EmptyError, match=r"a\.parquet: has no rows"):
        concatenate(paths, COLUMNS)
    assert len(concatenate(paths, COLUMNS, empty=True)) == 2


def test_units_and_meanings_are_stored(tmp_path):
    write_table(tmp_path / "a.parquet", frame(), COLUMNS, RECORD)
    field = pq.read_schema(tmp_path / "a.parquet").field("flux")
    assert field.metadata == {b"unit": b"electron/s", b"meaning": b"flux"}


def test_same_content_same_bytes(tmp_path):
    for name in "ab":
        write_table(tmp_path / f"{name}.parquet", frame(), COLUMNS, RECORD)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_missing_and_spare_columns_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'flux'"):
        write_table(tmp_path / "a.parquet", frame().drop(columns="flux"), COLUMNS, RECORD)
    with pytest.raises(ValueError, match="'spare'"):
        write_table(tmp_path / "a.parquet", frame().assign(spare=1), COLUMNS, RECORD)
    assert list(tmp_path.iterdir()) == []


def test_reading_checks_the_contract(tmp_path):
    path = tmp_path / "a.parquet"
    write_table(path, frame(), COLUMNS, RECORD)
    with pytest.raises(InputError, match=r"a\.parquet: has no column 'size'"):
        read_table(path, [*COLUMNS, Column("size", "float64", "", "size")])
    with pytest.raises(InputError, match="column 'flux' is double, expected int64"):
        read_table(path, [Column("flux", "int64", "", "flux")])


@pytest.mark.parametrize("kept", [0, 10, 500])
def test_broken_files_are_refused(tmp_path, kept):
    path = tmp_path / "a.parquet"
    write_table(path, frame(), COLUMNS, RECORD)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_table(path, COLUMNS)


def test_foreign_tables_have_no_provenance(tmp_path):
    frame().to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="holds no provenance"):
        read_provenance(tmp_path / "a.parquet")


def test_concatenation_keeps_the_order(tmp_path):
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, shift in zip(paths, (5, 0), strict=True):
        write_table(path, frame().assign(id=np.arange(3) + shift), COLUMNS, RECORD)
    assert list(concatenate(paths, COLUMNS)["id"]) == [5, 6, 7, 0, 1, 2]

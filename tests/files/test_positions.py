"""Tables of positions of four kinds."""

import pandas as pd
import pytest
from astropy.table import Table

from galrestore.errors import InputError
from galrestore.files.positions import read_positions

ROWS = {"id": [5, 9], "RA": [150.25, 150.5], "Dec": [2.0, -2.5], "x": [1.5, 2.5], "y": [0.0, 4.0]}


@pytest.mark.parametrize("kind", ["csv", "ecsv", "fits", "parquet"])
def test_all_kinds_hold_the_same(tmp_path, kind):
    path = tmp_path / f"table.{kind}"
    if kind == "parquet":
        pd.DataFrame(ROWS).to_parquet(path)
    else:
        Table(ROWS).write(path, format={"csv": "ascii.csv", "ecsv": "ascii.ecsv"}.get(kind, kind))
    sky, pixels = (read_positions(path, has_wcs) for has_wcs in (True, False))
    assert sky.to_dict("list") == {"id": [5, 9], "ra": [150.25, 150.5], "dec": [2.0, -2.5]}
    assert pixels.to_dict("list") == {"id": [5, 9], "x": [1.5, 2.5], "y": [0.0, 4.0]}


def test_without_ids_rows_are_counted(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n3,4\n5,6\n")
    assert read_positions(tmp_path / "t.csv", True)["id"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.txt", "x,y\n3,4\n", "no known kind"),
        ("t.csv", "x,y\n", "no row"),
        ("t.csv", "x,y\n3,four\n", "column y is 'four' in row 1"),
        ("t.csv", "id,x,y\n1,3,4\n1,5,6\n", "not unique"),
        ("t.csv", "id,x,y\n1.5,3,4\n", "not whole"),
        ("t.fits", "x,y\n3,4\n", "not a readable table"),
        ("t.parquet", "x,y\n3,4\n", "not a readable table"),
    ],
)
def test_broken_tables_are_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        read_positions(tmp_path / name, True)

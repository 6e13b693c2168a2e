"""FITS tables of others: a column, and every reason why there is none."""

import numpy as np
import pytest
from astropy.io import fits

from galrestore.errors import InputError
from galrestore.files.fits_tables import read_column


@pytest.fixture
def file(tmp_path):
    columns = [
        fits.Column("shape", "2D", array=np.arange(6.0).reshape(3, 2)),
        fits.Column("count", "J", array=[1, 2, 3]),
        fits.Column("name", "4A", array=["a", "b", "c"]),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="FITS")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "t.fits")
    return tmp_path / "t.fits"


def test_columns_are_native_floats(file):
    values = read_column(file, "1", "shape")
    assert values.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert values.dtype == np.dtype("=f8")
    assert read_column(file, "FITS", "count").tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("extension", "name", "told"),
    [
        (1, "radius", "has no column 'radius'; it has: shape, count, name"),
        (1, "name", "column 'name' holds no numbers"),
        (0, "shape", "extension 0 is no table"),
        (7, "shape", "has no extension 7; it has: 0 PRIMARY, 1 FITS"),
    ],
)
def test_what_is_wrong_is_said(file, extension, name, told):
    with pytest.raises(InputError, match=told):
        read_column(file, extension, name)


def test_broken_and_missing_files(tmp_path):
    (tmp_path / "t.fits").write_bytes(b"no FITS")
    with pytest.raises(InputError, match="is not a readable FITS file"):
        read_column(tmp_path / "t.fits", 1, "a")
    with pytest.raises(InputError, match="does not exist"):
        read_column(tmp_path / "u.fits", 1, "a")

"""Writing mosaics by window."""

import tracemalloc

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal

from galrestore.files.cubes import read_provenance
from galrestore.files.mosaic_writer import MosaicWriter
from galrestore.provenance import Provenance

RECORD = Provenance("acquire", "0123", '{"a": 1}', 7, {"in.fits": "abc"})


def test_windows_in_any_order_make_a_valid_file(tmp_path):
    path = tmp_path / "a.fits"
    data = np.random.default_rng(2).normal(size=(11, 23)).astype(np.float32)
    header = fits.Header({"BUNIT": "MJy/sr"})
    shapes = {"SCI": (11, 23), "ERR": (11, 23)}
    with MosaicWriter(path, shapes, {"SCI": header}, RECORD) as writer:
        for y0 in (8, 0, 4):
            writer.write("ERR", y0, 0, 2 * data[y0 : y0 + 4])
            writer.write("SCI", y0, 13, data[y0 : y0 + 4, 13:])
            writer.write("SCI", y0, 0, data[y0 : y0 + 4, :13])
        assert not path.exists()
    assert path.stat().st_size % 2880 == 0
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "ERR"]
        assert hdus[0].data is None
        assert hdus["SCI"].header["BUNIT"] == "MJy/sr"
        assert_array_equal(hdus["SCI"].data, data)
        assert_array_equal(hdus["ERR"].data, 2 * data)
    assert read_provenance(path) == RECORD


def test_primary_image_is_stored_as_astropy_stores_it(tmp_path):
    data = np.arange(35, dtype=np.float32).reshape(5, 7)
    with MosaicWriter(tmp_path / "a.fits", {"PRIMARY": (5, 7)}, {}, RECORD) as writer:
        writer.write("PRIMARY", 0, 0, data)
    with fits.open(tmp_path / "a.fits") as hdus:
        hdus.verify("exception")
        fits.PrimaryHDU(data, hdus[0].header).writeto(tmp_path / "b.fits")
    ours, theirs = ((tmp_path / name).read_bytes() for name in ("a.fits", "b.fits"))
    assert len(ours) == len(theirs)
    assert ours[-2880:] == theirs[-2880:]  # 140 bytes of pixels and their padding


def test_failure_leaves_no_file(tmp_path):
    with (
        pytest.raises(RuntimeError, match="midway"),
        MosaicWriter(tmp_path / "a.fits", {"PRIMARY": (5, 7)}, {}, RECORD),
    ):
        raise RuntimeError("midway")
    assert list(tmp_path.iterdir()) == []


def test_unwritten_pixels_are_noticed(tmp_path):
    with (
        pytest.raises(ValueError, match=r"unwritten or written twice: \{'PRIMARY': 7\}"),
        MosaicWriter(tmp_path / "a.fits", {"PRIMARY": (5, 7)}, {}, RECORD) as writer,
    ):
        writer.write("PRIMARY", 1, 0, np.zeros((4, 7)))
    assert list(tmp_path.iterdir()) == []


def test_windows_beyond_the_image_are_refused(tmp_path):
    with (
        pytest.raises(ValueError, match="not inside 5 x 7"),
        MosaicWriter(tmp_path / "a.fits", {"PRIMARY": (5, 7)}, {}, RECORD) as writer,
    ):
        writer.write("PRIMARY", 2, 0, np.zeros((4, 7)))


def test_memory_is_that_of_a_window(tmp_path):
    shape = (2000, 1501)  # 12 MB
    tracemalloc.start()
    with MosaicWriter(tmp_path / "a.fits", {"PRIMARY": shape}, {}, RECORD) as writer:
        for y0 in range(0, 2000, 40):
            writer.write("PRIMARY", y0, 0, np.ones((40, 1501), np.float32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A strip is 0.24 MB; its big-endian copy and its bytes come on top.
    assert peak < 1.5 * 2**20

"""Cubes keep pixels, ids and provenance."""

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal

from galrestore.errors import InputError
from galrestore.files.cubes import read_cube, read_ids, read_provenance, write_cube, write_planes
from galrestore.provenance import Provenance

RECORD = Provenance("degrade", "ab12", '{"long": "' + "x" * 300 + '"}', 7, {"a b.fits": "00"})


def cube(count=4):
    pixels = np.arange(count * 5 * 7, dtype=np.float32).reshape(count, 5, 7)
    return pixels + np.float32(0.25)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_round_trip(tmp_path, count):
    path = tmp_path / "c.fits"
    ids = np.arange(count) + 2**61
    write_cube(path, {"GT": cube(count), "LQ": -cube(count)}, ids, RECORD, "MJy/sr")
    assert_array_equal(read_cube(path, "GT"), cube(count))
    assert_array_equal(read_cube(path, "LQ"), -cube(count))
    assert_array_equal(read_ids(path), ids)
    assert read_provenance(path) == RECORD
    assert fits.getval(path, "BUNIT", "GT") == "MJy/sr"


@pytest.mark.parametrize("count", [0, 1, 41])
def test_planes_in_any_order_make_the_same_file(tmp_path, count):
    ids = np.arange(count) + 2**61
    write_cube(tmp_path / "a.fits", {"STAMP": cube(count)}, ids, RECORD, "MJy/sr")
    order = np.random.default_rng(1).permutation(count)
    batches = ((part, cube(count)[part]) for part in np.array_split(order, 3))
    write_planes(tmp_path / "b.fits", "STAMP", (5, 7), batches, ids, RECORD, "MJy/sr")
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


@pytest.mark.parametrize(
    ("batches", "complaint"),
    [
        ([([0], np.zeros((1, 5, 7)))], "1 of 2 planes are missing"),
        ([([0, 1], np.zeros((2, 7, 5)))], r"planes of shape \(7, 5\), expected \(5, 7\)"),
    ],
)
def test_incomplete_planes_leave_no_file(tmp_path, batches, complaint):
    with pytest.raises(ValueError, match=complaint):
        write_planes(tmp_path / "c.fits", "STAMP", (5, 7), batches, [1, 2], RECORD)
    assert list(tmp_path.iterdir()) == []


def test_planes_can_be_chosen(tmp_path):
    path = tmp_path / "c.fits"
    write_cube(path, {"GT": cube()}, np.arange(4), RECORD)
    keep = np.array([True, False, False, True])
    assert_array_equal(read_cube(path, "GT", keep), cube()[[0, 3]])
    assert_array_equal(read_cube(path, "GT", slice(1, 3)), cube()[1:3])
    assert read_cube(path, "GT").dtype.isnative


def test_same_content_same_bytes(tmp_path):
    for name in "ab":
        write_cube(tmp_path / f"{name}.fits", {"GT": cube()}, np.arange(4), RECORD)
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


def test_shapes_must_agree(tmp_path):
    with pytest.raises(ValueError, match=r"cube GT has shape \(4, 5, 7\), expected \(3, H, W\)"):
        write_cube(tmp_path / "c.fits", {"GT": cube()}, np.arange(3), RECORD)


def test_broken_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "c.fits"
    write_cube(path, {"GT": cube()}, np.arange(4), RECORD)
    with pytest.raises(InputError, match="has no extension 'RS'"):
        read_cube(path, "RS")
    fits.writeto(tmp_path / "d.fits", np.zeros((3, 4)))
    with pytest.raises(InputError, match="holds no provenance"):
        read_provenance(tmp_path / "d.fits")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"c\.fits"):
        read_ids(path)
    with pytest.raises(InputError, match=r"c\.fits: does not exist"):
        read_cube(tmp_path / "e" / "c.fits", "GT")

"""Checksums of FITS files, judged by astropy's and by what they are for."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal

from galrestore.errors import InputError
from galrestore.files.checksums import seal, seal_header, word_sum
from galrestore.files.cubes import write_cube, write_planes
from galrestore.files.images import open_fits
from galrestore.provenance import Provenance

RECORD = Provenance("expose", "ab12", "{}", 7)


def pixels(count=41):
    return np.random.default_rng(3).normal(size=(count, 5, 7)).astype(np.float32)


def astropy_agrees(path):
    """Astropy warns of checksums that do not match, and of nothing else here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, checksum=True) as hdus:
            return all({"CHECKSUM", "DATASUM"} <= set(hdu.header) for hdu in hdus)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], 0),
        ([0, 0], 0),
        ([1, 2], 3),
        # The carry comes back in at the low end, so that -0 stays -0.
        ([2**32 - 1, 1], 1),
        ([2**32 - 1], 2**32 - 1),
        ([2**31, 2**31], 1),
    ],
)
def test_word_sum(words, expected):
    data = np.array(words, dtype=">u4").tobytes()
    assert word_sum(data) == expected
    assert word_sum(data[4:], word_sum(data[:4])) == expected


@pytest.mark.parametrize("count", [0, 1, 41])
def test_astropy_finds_the_checksums_right(tmp_path, count):
    ids = np.arange(count) + 2**61
    write_cube(tmp_path / "a.fits", {"GT": pixels(count)}, ids, RECORD, "MJy/sr")
    batches = [(np.arange(count)[::-1], pixels(count)[::-1])]
    write_planes(tmp_path / "b.fits", "STAMP", (5, 7), batches, ids, RECORD)
    assert astropy_agrees(tmp_path / "a.fits")
    assert astropy_agrees(tmp_path / "b.fits")


def test_sums_are_encoded_as_astropy_encodes_them():
    # Its bytes are encoded one by one: 160 of them, whose 13 punctuation marks are skipped.
    words = np.random.default_rng(5).integers(-(2**31), 2**31, size=(40, 1, 2), dtype=np.int32)
    for block in words:
        hdu = fits.ImageHDU(block)
        header = hdu.header.copy()
        hdu.add_checksum(when="")
        seal_header(header, word_sum(block.astype(">i4").tobytes()))
        assert header["CHECKSUM"] == hdu.header["CHECKSUM"]
        assert header["DATASUM"] == hdu.header["DATASUM"]


def test_sealed_files_hold_no_date(tmp_path):
    for name in ("a.fits", "b.fits"):
        seal([fits.PrimaryHDU(), fits.ImageHDU(pixels())]).writeto(tmp_path / name)
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()
    assert astropy_agrees(tmp_path / "a.fits")
    for number in (0, 1):
        comments = fits.getheader(tmp_path / "a.fits", number).comments
        assert comments["CHECKSUM"] == comments["DATASUM"] == ""


def test_damage_to_a_file_of_this_package_is_found_when_it_is_opened(tmp_path):
    path = tmp_path / "a_flc.fits"
    primary = fits.PrimaryHDU()
    primary.header["GRPROV"] = RECORD.to_json()
    seal([primary, fits.ImageHDU(pixels()[0], name="SCI")]).writeto(path)
    with open_fits(path) as hdus:
        assert_array_equal(hdus["SCI"].data, pixels()[0])
    content = bytearray(path.read_bytes())
    content[2 * 2880 + 50] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a_flc\.fits: is damaged: HDU 1"), open_fits(path):
        pass


def test_checksums_of_other_programs_are_not_judged(tmp_path):
    """Archives' headers are edited after their sums were taken."""
    path = tmp_path / "j_flc.fits"
    fits.writeto(path, pixels()[0], checksum=True)
    fits.setval(path, "MDRIZSKY", value=1.0)
    with open_fits(path) as hdus:
        assert_array_equal(hdus[0].data, pixels()[0])

"""Reading mosaics by window, and every way a mosaic can be unusable."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.errors import InputError
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.images import count_images, open_image
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance, sha256_of

SHAPE = (13, 17)
RECORD = Provenance("acquire", "0123", "{}", 1)


def pixels(shape=SHAPE):
    return np.random.default_rng(1).normal(5, 1, shape).astype(np.float32)


def tan_header(scale=0.05):
    header = fits.Header()
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CUNIT1="deg", CUNIT2="deg")
    header.update(CRPIX1=4.0, CRPIX2=3.0, CRVAL1=150.0, CRVAL2=2.0)
    header.update(CDELT1=-scale / 3600, CDELT2=scale / 3600)
    return header


def write(path, data, header=None):
    fits.PrimaryHDU(data, header).writeto(path)
    return path


def row(science, weight="", kind="", hdu="0", shape=SHAPE, images=1):
    return {
        "mosaic": "odd",
        "telescope": "jwst",
        "instrument": "NIRCAM",
        "band": "F115W",
        "field": "patch",
        "science": str(science),
        "science_hdu": hdu,
        "weight": str(weight),
        "weight_hdu": "0" if weight else "",
        "weight_kind": kind,
        "unit": "MJy/sr",
        "pixel_scale": 0.03,
        "psf_fwhm": 0.05,
        "has_wcs": False,
        "height": shape[0],
        "width": shape[1],
        "images": images,
        "science_sha256": sha256_of(science),
        "weight_sha256": sha256_of(weight) if weight else "",
    }


def test_window_holds_the_pixels_of_the_file(tmp_path):
    data = pixels()
    with open_mosaic(row(write(tmp_path / "a.fits", data))) as mosaic:
        science, rms, mask = mosaic.window(2, 9, 3, 17)
    assert_array_equal(science, data[2:9, 3:17])
    assert science.dtype == np.float32
    assert science.dtype.isnative
    assert rms is None
    assert not mask.any()


def test_attributes_come_from_the_manifest_file(tmp_path):
    described = row(write(tmp_path / "a.fits", pixels()))
    write_table(tmp_path / "a.parquet", pd.DataFrame([described]), MANIFEST, RECORD)
    with open_mosaic(tmp_path / "a.parquet") as mosaic:
        assert (mosaic.name, mosaic.telescope, mosaic.band) == ("odd", "jwst", "F115W")
        assert (mosaic.field, mosaic.unit, mosaic.shape) == ("patch", "MJy/sr", SHAPE)
        assert (mosaic.pixel_scale, mosaic.psf_fwhm, mosaic.n_images) == (0.03, 0.05, 1)
        assert (mosaic.has_weight, mosaic.weight_kind, mosaic.wcs) == (False, "", None)


def test_scaled_integers_become_their_values_and_blank_is_masked(tmp_path):
    path = tmp_path / "scaled.fits"
    stored = np.arange(13 * 17, dtype=np.int16).reshape(SHAPE)
    hdu = fits.PrimaryHDU(stored)
    hdu.header.update(BSCALE=0.5, BZERO=10.0, BLANK=7)
    hdu.writeto(path)
    with open_mosaic(row(path)) as mosaic:
        science, _, mask = mosaic.window(0, 5, 0, 17)
    expected = 10 + 0.5 * np.arange(5 * 17).reshape(5, 17)
    assert_array_equal(np.argwhere(mask), [[0, 7]])
    assert_array_equal(science[~mask], expected[~mask])


def test_compressed_images_are_read_by_window(tmp_path):
    path = tmp_path / "packed.fits"
    data = np.arange(13 * 17, dtype=np.int32).reshape(SHAPE)  # integers pack without loss
    packed = fits.CompImageHDU(data, name="SCI", compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(path)
    with open_mosaic(row(path, hdu="SCI")) as mosaic:
        assert_array_equal(mosaic.window(4, 11, 1, 6)[0], data[4:11, 1:6])


def test_inverse_variance_becomes_noise_and_masks(tmp_path):
    data, weight = pixels(), np.full(SHAPE, 16.0, np.float32)
    data[1, 2], data[3, 4] = np.nan, np.inf
    weight[5, 6], weight[7, 8], weight[9, 10], weight[11, 12] = 0, -1, np.nan, np.inf
    files = write(tmp_path / "sci.fits", data), write(tmp_path / "wht.fits", weight)
    with open_mosaic(row(*files, kind="inverse_variance")) as mosaic:
        _, rms, mask = mosaic.window(0, 13, 0, 17)
    assert_array_equal(np.argwhere(mask), [[i, i + 1] for i in range(1, 12, 2)])
    assert_array_equal(rms[~mask], np.float32(0.25))  # 1 / sqrt(16), exact
    assert np.isinf(rms[mask]).all()


def test_noise_map_is_taken_as_it_is(tmp_path):
    noise = np.abs(pixels()) + 1
    noise[2, 2] = 0
    files = write(tmp_path / "sci.fits", pixels()), write(tmp_path / "rms.fits", noise)
    with open_mosaic(row(*files, kind="rms")) as mosaic:
        _, rms, mask = mosaic.window(1, 4, 2, 9)
    assert_array_equal(np.argwhere(mask), [[1, 0]])
    assert_array_equal(rms[~mask], noise[1:4, 2:9][~mask])


def test_float64_beyond_float32_is_masked(tmp_path):
    data = np.ones(SHAPE)
    data[0, 3] = 1e300
    with open_mosaic(row(write(tmp_path / "a.fits", data))) as mosaic:
        assert_array_equal(np.argwhere(mosaic.window(0, 13, 0, 17)[2]), [[0, 3]])


def test_reference_pixel_has_the_reference_coordinates(tmp_path):
    path = write(tmp_path / "a.fits", pixels(), tan_header())
    with open_mosaic(row(path)) as mosaic:
        ra, dec = mosaic.sky([3.0, 3.0], [2.0, 12.0])  # CRPIX 4, 3 counts from 1
    assert_allclose(ra, [150.0, 150.0], atol=1e-12)
    # 10 pixels north; tan(x) differs from x by 1e-18 deg at this distance.
    assert_allclose(dec, [2.0, 2.0 + 10 * 0.05 / 3600], atol=1e-12)


def test_sky_is_nan_without_a_wcs(tmp_path):
    with open_mosaic(row(write(tmp_path / "a.fits", pixels()))) as mosaic:
        ra, dec = mosaic.sky([1.0, 2.0], [3.0, 4.0])
    assert np.isnan(ra).all()
    assert np.isnan(dec).all()


def test_images_of_all_extensions_count_and_skip_tables(tmp_path):
    path = tmp_path / "many.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("id", "K", array=[1])])
    cube = fits.ImageHDU(np.zeros((2, 3, 4), np.float32))
    images = [fits.ImageHDU(pixels((5 + i, 7))) for i in range(2)]
    fits.HDUList([fits.PrimaryHDU(pixels()), images[0], table, cube, images[1]]).writeto(path)
    assert count_images(path, "all") == 3
    assert count_images(path, 0) == 1
    with open_mosaic(row(path, hdu="all", images=3), image=2) as mosaic:
        assert mosaic.shape == (6, 7)
        assert_array_equal(mosaic.window(0, 6, 0, 7)[0], pixels((6, 7)))
    with pytest.raises(InputError, match="holds 3 images, number 3 is wanted"):
        open_mosaic(row(path, hdu="all", images=3), image=3)


def test_memory_is_that_of_the_window(tmp_path):
    path = write(tmp_path / "big.fits", np.ones((3001, 1501), np.float32))  # 18 MB
    with open_mosaic(row(path, shape=(3001, 1501))) as mosaic:
        tracemalloc.start()
        mosaic.window(2000, 2128, 700, 956)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # The window is 128 x 256 x 4 bytes = 0.13 MB; a few copies and buffers come on top.
    assert peak < 2**20


@pytest.mark.parametrize("window", [(0, 14, 0, 17), (-1, 3, 0, 4), (0, 3, 5, 18), (4, 4, 0, 3)])
def test_windows_beyond_the_image_are_refused(tmp_path, window):
    path = write(tmp_path / "a.fits", pixels())
    with open_mosaic(row(path)) as mosaic, pytest.raises(ValueError, match="not inside 13 x 17"):
        mosaic.window(*window)


def test_truncated_file_is_refused_when_opened(tmp_path):
    path = write(tmp_path / "short.fits", pixels((100, 101)))
    whole = path.read_bytes()
    path.write_bytes(whole[: 2880 + 3000])
    # One header block and 100 x 101 float32.
    expected = f"is truncated: 5880 bytes, its header announces {2880 + 40400}"
    with pytest.raises(InputError, match=expected):
        open_mosaic(row(path, shape=(100, 101)))


def test_missing_padding_at_the_end_is_accepted(tmp_path):
    path = write(tmp_path / "bare.fits", pixels())
    path.write_bytes(path.read_bytes()[: 2880 + 4 * 13 * 17])
    with open_mosaic(row(path)) as mosaic:
        assert_array_equal(mosaic.window(12, 13, 0, 17)[0], pixels()[12:])


@pytest.mark.parametrize("content", [b"", b"SIMPLE", b"\x89PNG\r\n" + bytes(5000)])
def test_other_files_are_no_fits(tmp_path, content):
    path = tmp_path / "other.fits"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable FITS file"):
        open_mosaic(row(path))


def test_missing_file_is_named(tmp_path):
    described = row(write(tmp_path / "a.fits", pixels()))
    (tmp_path / "a.fits").unlink()
    with pytest.raises(InputError, match=r"a\.fits: does not exist"):
        open_mosaic(described)


@pytest.mark.parametrize("hdu", ["3", "SCI"])
def test_missing_extension_lists_those_there_are(tmp_path, hdu):
    path = write(tmp_path / "a.fits", pixels())
    with pytest.raises(InputError, match=f"has no extension '?{hdu}'?; it has: 0 PRIMARY"):
        open_mosaic(row(path, hdu=hdu))


def test_cubes_and_tables_are_refused(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("id", "K", array=[1])])
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(np.zeros((2, 3, 4), np.float32)), table]).writeto(path)
    with pytest.raises(InputError, match="extension 0 has 3 axes, expected a 2-D image"):
        open_mosaic(row(path))
    with pytest.raises(InputError, match="extension 1 is a table"):
        open_mosaic(row(path, hdu="1"))


def test_weight_of_another_shape_is_refused(tmp_path):
    files = write(tmp_path / "s.fits", pixels()), write(tmp_path / "w.fits", pixels((13, 16)))
    with pytest.raises(InputError, match=r"w\.fits: has shape \(13, 16\), the science image"):
        open_mosaic(row(*files, kind="rms"))


def test_changed_file_is_noticed(tmp_path):
    path = write(tmp_path / "a.fits", pixels())
    described = row(path)
    path.unlink()
    write(path, pixels() + 1)
    with pytest.raises(InputError, match="has changed since its manifest was written"):
        open_mosaic(described)


def test_shape_must_be_the_manifest_s(tmp_path):
    described = row(write(tmp_path / "a.fits", pixels()), shape=(13, 18))
    with pytest.raises(InputError, match="is 13 x 17, its manifest says 13 x 18"):
        open_mosaic(described)


def test_broken_wcs_is_refused(tmp_path):
    header = tan_header()
    header["CDELT1"] = 0.0
    path = write(tmp_path / "a.fits", pixels(), header)
    with pytest.raises(InputError, match="broken WCS"):
        open_mosaic(row(path))


def test_image_without_data_is_refused(tmp_path):
    data = np.full((600, 3), np.nan, np.float32)
    path = write(tmp_path / "nan.fits", data)
    with (
        open_mosaic(row(path, shape=data.shape)) as mosaic,
        pytest.raises(InputError, match="has no finite pixel"),
    ):
        mosaic.require_data()
    data[599, 2] = 1.0
    path = write(tmp_path / "one.fits", data)
    with open_mosaic(row(path, shape=data.shape)) as mosaic:
        mosaic.require_data()


def test_files_are_closed_when_opening_fails(tmp_path):
    files = write(tmp_path / "s.fits", pixels()), write(tmp_path / "w.fits", pixels((13, 16)))
    # An open file left behind would end as a ResourceWarning, which is an error here.
    with pytest.raises(InputError), open_image(files[0], "nothing"):
        pass
    with pytest.raises(InputError):
        open_mosaic(row(*files, kind="rms"))

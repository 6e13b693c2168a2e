"""Local folders: manifests, every unusable file, and ready pairs."""

import logging

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.archive.local import describe, pair_files, read_pairs, sky_rms
from galrestore.config.acquire import LocalMosaic, LocalPairs
from galrestore.errors import InputError, SettingsError
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance, sha256_of

RECORD = Provenance("acquire", "0123", "{}", 1)
BASE = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "field": "patch",
    "science": "sci.fits",
    "unit": "electron/s",
    "psf_fwhm": 0.1,
}


def settings(**changes):
    return LocalMosaic(**BASE | changes)


def write(path, shape=(9, 14), header=None, fill=1.0):
    fits.PrimaryHDU(np.full(shape, fill, np.float32), header).writeto(path)


def cosmos_header():
    """Scales in PC with CDELT 1, as the COSMOS cutouts have them."""
    header = fits.Header()
    header.update(WCSAXES=2, CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CUNIT1="deg", CUNIT2="deg")
    header.update(CRPIX1=3.0, CRPIX2=4.0, CRVAL1=150.1, CRVAL2=2.2, CDELT1=1.0, CDELT2=1.0)
    header.update(PC1_1=-0.03 / 3600, PC2_2=0.03 / 3600)
    return header


def test_row_keeps_the_contract_and_opens(tmp_path):
    write(tmp_path / "sci.fits", header=cosmos_header())
    write(tmp_path / "rms.fits", fill=0.5)
    row = describe("m", settings(weight="rms.fits", weight_kind="rms"), tmp_path)
    write_table(tmp_path / "m.parquet", pd.DataFrame([row]), MANIFEST, RECORD)
    assert (row["height"], row["width"], row["images"], row["has_wcs"]) == (9, 14, 1, True)
    assert row["science_sha256"] == sha256_of(tmp_path / "sci.fits")
    assert_allclose(row["pixel_scale"], 0.03, rtol=1e-9)
    with open_mosaic(tmp_path / "m.parquet") as mosaic:
        assert_array_equal(mosaic.window(0, 9, 0, 14)[1], 0.5)


def test_stated_scale_is_used_without_a_wcs(tmp_path):
    write(tmp_path / "sci.fits")
    row = describe("m", settings(pixel_scale=0.04), tmp_path)
    assert (row["pixel_scale"], row["has_wcs"]) == (0.04, False)


def test_neither_scale_nor_wcs_names_the_key(tmp_path):
    write(tmp_path / "sci.fits")
    with pytest.raises(InputError, match=r"state acquire\.local\.mosaics\.m\.pixel_scale"):
        describe("m", settings(), tmp_path)


@pytest.mark.parametrize(("stated", "told"), [(0.0302, False), (0.05, True)])
def test_wcs_wins_and_disagreement_is_told(tmp_path, caplog, stated, told):
    write(tmp_path / "sci.fits", header=cosmos_header())
    with caplog.at_level(logging.WARNING):
        row = describe("m", settings(pixel_scale=stated), tmp_path)
    assert_allclose(row["pixel_scale"], 0.03, rtol=1e-9)
    assert ("the WCS is used" in caplog.text) == told


def test_all_extensions_are_checked(tmp_path):
    images = [fits.ImageHDU(np.ones((6 + i, 5), np.float32)) for i in range(3)]
    first = fits.PrimaryHDU(np.ones((4, 5), np.float32))
    fits.HDUList([first, *images]).writeto(tmp_path / "sci.fits")
    row = describe("m", settings(science_hdu="all", pixel_scale=0.03), tmp_path)
    assert (row["science_hdu"], row["images"], row["height"], row["width"]) == ("all", 4, 4, 5)
    images[1].data[:] = np.nan
    fits.HDUList([first, *images]).writeto(tmp_path / "sci.fits", overwrite=True)
    with pytest.raises(InputError, match="has no finite pixel"):
        describe("m", settings(science_hdu="all", pixel_scale=0.03), tmp_path)


def test_unusable_files_are_named(tmp_path):
    stated = settings(pixel_scale=0.03)
    with pytest.raises(InputError, match=r"sci\.fits: does not exist"):
        describe("m", stated, tmp_path)
    write(tmp_path / "sci.fits", fill=np.nan)
    with pytest.raises(InputError, match=r"sci\.fits: has no finite pixel; check"):
        describe("m", stated, tmp_path)
    (tmp_path / "sci.fits").unlink()
    write(tmp_path / "sci.fits")
    write(tmp_path / "wht.fits", fill=0.0)
    with pytest.raises(InputError, match="no finite pixel of positive weight"):
        describe("m", settings(pixel_scale=0.03, weight="wht.fits"), tmp_path)
    write(tmp_path / "narrow.fits", shape=(9, 13))
    with pytest.raises(InputError, match=r"narrow\.fits: has shape \(9, 13\)"):
        describe("m", settings(pixel_scale=0.03, weight="narrow.fits"), tmp_path)


def stamps(folder, count=3, shape=(16, 18)):
    rng = np.random.default_rng(4)
    for kind in ("gt", "lq"):
        (folder / kind).mkdir()
        for i in reversed(range(count)):
            stamp = rng.uniform(0, 1, shape)
            stamp[0, 0], stamp[1, 1] = 0, 1
            np.save(folder / kind / f"S_{i:02}.npy", stamp.astype([np.float32, np.float64][i % 2]))


def test_pairs_are_read_in_the_order_of_their_names(tmp_path):
    stamps(tmp_path)
    gt, lq = pair_files("ready", LocalPairs(gt="gt/*.npy", lq="lq/*.npy"), tmp_path)
    images, table = read_pairs("ready", gt, lq)
    write_table(tmp_path / "t.parquet", table, PAIRS, RECORD)
    assert images["GT"].shape == images["LQ"].shape == (3, 16, 18)
    assert images["GT"].dtype == np.float32
    for i in range(3):
        assert_array_equal(
            images["LQ"][i], np.load(tmp_path / "lq" / f"S_0{i}.npy").astype(np.float32)
        )
    assert list(table.id) == [0, 1, 2]
    assert set(table.split) == {"test"}
    assert set(table.source) == {"ready"}


def test_noise_of_a_stamp_is_measured_beside_its_source():
    rng = np.random.default_rng(5)
    rows, columns = np.indices((64, 64)) - 31.5
    stamp = rng.normal(0, 0.02, (64, 64)) + np.exp(-(rows**2 + columns**2) / (2 * 5.0**2))
    # About 3700 source-free pixels: MAD has the error 1.17 sigma / sqrt(N), 5 sigma of it
    # are 10 %; unclipped wings of the source below 3 sigma add up to 5 %.
    assert_allclose(sky_rms(stamp), 0.02, rtol=0.15)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda stamp: stamp[:, :-1], r"has shape \(16, 17\)"),
        (lambda stamp: np.where(stamp == 1, np.nan, stamp), "not finite"),
        (lambda stamp: 3 * stamp, "ranges from 0 to 3; min-max normalise"),
        (lambda stamp: (100 * stamp).astype(int), "is int64 of shape"),
        (lambda stamp: stamp[None], "expected 2-D floats"),
        (lambda stamp: np.array([None, stamp], dtype=object), "not a readable .npy file"),
    ],
)
def test_unusable_stamps_are_named(tmp_path, change, problem):
    stamps(tmp_path)
    path = tmp_path / "lq" / "S_01.npy"
    np.save(path, change(np.load(path)), allow_pickle=True)
    files = pair_files("ready", LocalPairs(gt="gt/*.npy", lq="lq/*.npy"), tmp_path)
    with pytest.raises(InputError, match=f"S_01.npy: .*{problem}"):
        read_pairs("ready", *files)


def test_other_files_are_no_stamps(tmp_path):
    stamps(tmp_path)
    (tmp_path / "gt" / "S_02.npy").write_bytes(b"")
    files = pair_files("ready", LocalPairs(gt="gt/*.npy", lq="lq/*.npy"), tmp_path)
    with pytest.raises(InputError, match=r"S_02\.npy: is not a readable \.npy file"):
        read_pairs("ready", *files)


def test_globs_must_find_as_many_files(tmp_path):
    stamps(tmp_path)
    with pytest.raises(SettingsError, match=r"pairs\.ready\.gt = 'none/\*': no such file"):
        pair_files("ready", LocalPairs(gt="none/*", lq="lq/*.npy"), tmp_path)
    (tmp_path / "lq" / "S_02.npy").unlink()
    with pytest.raises(SettingsError, match=r"pairs\.ready\.lq = .*: finds 2 files, gt finds 3"):
        pair_files("ready", LocalPairs(gt="gt/*.npy", lq="lq/*.npy"), tmp_path)
    with pytest.raises(InputError, match="is no folder; give it with --config data_root"):
        pair_files("ready", LocalPairs(gt="*", lq="*"), tmp_path / "absent")


@pytest.mark.real
def test_cosmos_scene_has_its_published_scale(real_data):
    row = describe("a", settings(science="hst_cosmos_f814w/scene_a.fits"), real_data)
    assert_allclose(row["pixel_scale"], 0.03, rtol=1e-6)
    assert (row["height"], row["width"]) == (250, 250)


@pytest.mark.real
def test_hundred_galaxies_in_one_file(real_data):
    name = "hst_cosmos_f814w/real_galaxy_images_extension.fits"
    row = describe("g", settings(science=name, science_hdu="all", pixel_scale=0.03), real_data)
    assert (row["images"], row["has_wcs"]) == (100, False)


@pytest.mark.real
def test_nircam_noise_map_belongs_to_its_image(real_data):
    folder = "jwst_cosmos_web/ring"
    ring = settings(
        telescope="jwst",
        science=f"{folder}/f444w_data.fits",
        weight=f"{folder}/f444w_noise_map.fits",
        pixel_scale=0.06,
        unit="MJy/sr",
    )
    with open_mosaic(describe("r", ring, real_data)) as mosaic:
        _, rms, mask = mosaic.window(0, 209, 0, 209)
    assert not mask.any()
    assert_allclose(np.median(rms), 0.02, rtol=1e-6)


@pytest.mark.real
def test_public_pairs_are_min_max_normalised(real_data):
    globs = LocalPairs(gt="paper_sample/JWST/gt/*.npy", lq="paper_sample/JWST/lq/*.npy")
    images, table = read_pairs("paper", *pair_files("paper", globs, real_data))
    assert images["GT"].shape == (5, 64, 64)
    # Noise of the authors' LQ images: 0.0013 to 0.096 over their ten pairs.
    assert table.noise.between(0.001, 0.1).all()

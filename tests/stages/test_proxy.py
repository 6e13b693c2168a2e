"""Stage proxy from the command line, on Gaussians whose light on any pixels is known."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from galrestore import config
from galrestore.cli import main
from galrestore.config.proxy import Proxy
from galrestore.errors import SettingsError
from galrestore.files import cubes
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.tables import read_table, write_table
from galrestore.provenance import Provenance, sha256_of

RECORD = Provenance("select", "0123", "{}", 1)
KINDS = {"str": "", "bool": False, "int64": 0, "float64": 0.0}
SIGMA = 0.2  # arcsec
# arcsec to the west and north of the centre: two inside, one whose stamp leaves the mosaic.
PLACES = [(-2.013, 1.0), (2.0, -1.507), (9.2, 0.0)]
SIDE = 21.0  # arcsec, whole pixels of 0.03 and of 0.05


def wcs_of(scale):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [53.16, 0.0]
    wcs.wcs.crpix = [SIDE / scale / 2 + 0.5] * 2
    wcs.wcs.cd = np.diag([-scale, scale]) / 3600
    wcs.wcs.set()
    return wcs


def write_mosaic(name, telescope, scale, hole=None):
    """Gaussians of equal surface brightness on both mosaics."""
    side = round(SIDE / scale)
    axis = (np.arange(side) - (side - 1) / 2) * scale
    image = 0.3 + sum(
        np.exp(-0.5 * ((axis[None] - west) ** 2 + (axis[:, None] - north) ** 2) / SIGMA**2)
        for west, north in PLACES
    )
    if hole is not None:
        image[hole] = np.nan
    fits.PrimaryHDU(image.astype(np.float32), wcs_of(scale).to_header()).writeto(f"{name}.fits")
    row = {column.name: KINDS[column.dtype] for column in MANIFEST} | {
        "mosaic": name, "telescope": telescope, "science": f"{name}.fits", "science_hdu": "0",
        "pixel_scale": scale, "psf_fwhm": 0.1, "has_wcs": True, "height": side, "width": side,
        "images": 1, "science_sha256": sha256_of(f"{name}.fits"),
    }  # fmt: skip
    write_table(f"{name}_mosaic.parquet", pd.DataFrame([row]), MANIFEST, RECORD)


def catalogue(scale, ids, telescope="hst"):
    west, north = np.array(PLACES).T
    ra, dec = 53.16 - west / 3600, north / 3600
    x, y = wcs_of(scale).all_world2pix(ra, dec, 0)
    count = len(PLACES)
    frame = pd.DataFrame({c.name: [KINDS[c.dtype]] * count for c in CATALOGUE})
    return frame.assign(
        id=ids, mosaic="acs", telescope=telescope, x=x, y=y, ra=ra, dec=dec, radesys="ICRS",
        pixel_scale=scale, cd1_1=-scale / 3600, cd2_2=scale / 3600, stamp_width=30, star_fwhm=2.0,
    )[[column.name for column in CATALOGUE]]  # fmt: skip


@pytest.fixture
def sky(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_mosaic("acs", "hst", 0.05)
    write_mosaic("nircam", "jwst", 0.03)
    write_table("acs.parquet", catalogue(0.05, [7, 8, 9]), CATALOGUE, RECORD)
    return tmp_path


def run(*extra, **settings):
    files = ["--hst", "acs_mosaic.parquet", "--jwst", "nircam_mosaic.parquet"]
    files += ["--catalogue", "acs.parquet", "--images", "set.fits", "--table", "set.parquet"]
    common = ["--settings", Proxy(**settings).model_dump_json(), "--seed", "1", "--code", "c"]
    return main(["proxy", "multi_epoch", *files, *common, *extra])


def test_both_images_show_the_same_light(sky):
    assert run() == 0
    table = read_table("set.parquet", PAIRS)
    # The third source's stamp reaches 10.8 arcsec from the centre, the mosaics 10.5.
    assert table["id"].tolist() == [7, 8]
    assert set(table["split"]) == {"test"}
    assert_array_equal(cubes.read_ids("set.fits"), [7, 8])
    low, better = (cubes.read_cube("set.fits", name) for name in ("LQ", "GT"))
    # Averaging over pixels of 0.03 and then 0.05 arcsec adds (0.03^2 + 0.05^2) / 12 arcsec^2 to
    # the variance: at most e^-1 of that over SIGMA^2 of the peak, 0.3%. A drizzled pixel covers
    # 5/3 input pixels, of the outermost a part g at a distance (1 - g) / 2 from its centre:
    # its light lies off by g (1 - g) / 2 / (5/3), at most 0.075 input pixels along each axis,
    # 0.0032 arcsec, times the largest slope e^-0.5 / SIGMA: 1.0%.
    for first, second in zip(low, better, strict=True):
        assert_allclose(second, first, atol=0.013)
    # On the original scale the sum above the sky is the flux, 2 pi sigma^2 (in pixels).
    scale = (table["gt_max"] - table["gt_min"]).to_numpy()[:, None, None]
    light = better * scale + table["gt_min"].to_numpy()[:, None, None] - 0.3
    assert_allclose(light.sum(axis=(1, 2)), 2 * np.pi * (SIGMA / 0.05) ** 2, rtol=1e-3)


def test_mosaics_of_another_scale_are_brought_to_it(sky):
    assert run(pixel_scale=0.1, size=32) == 0
    low, better = (cubes.read_cube("set.fits", name) for name in ("LQ", "GT"))
    assert low.shape == (2, 32, 32)
    # As above: 1/16 of pixels of 0.05 arcsec in one image, 0.0375 of 0.03 arcsec in the other,
    # together at most 0.006 arcsec, 1.8%; and 0.3% for the variances.
    assert_allclose(better, low, atol=0.021)


def test_a_blank_pixel_refuses_a_stamp(sky):
    # In the middle of the first source's stamp, on the other mosaic.
    (sky / "nircam.fits").unlink()
    column, row = np.round(wcs_of(0.03).all_world2pix(53.16 + 2.013 / 3600, 1 / 3600, 0)).astype(
        int
    )
    write_mosaic("nircam", "jwst", 0.03, (row, column))
    assert run() == 0
    assert read_table("set.parquet", PAIRS)["id"].tolist() == [8]


def test_split_is_that_of_what_networks_have_seen(sky):
    pairs = pd.DataFrame({c.name: [KINDS[c.dtype]] * 3 for c in PAIRS})
    pairs = pairs.assign(id=[1, 2, 3], split=["train", "test", "validation"])
    write_table("pairs.parquet", pairs, PAIRS, RECORD)
    seen = catalogue(0.03, [1, 2, 3], "jwst")
    write_table("seen.parquet", seen, CATALOGUE, RECORD)
    assert run("--pairs", "pairs.parquet", "--seen", "seen.parquet") == 0
    assert read_table("set.parquet", PAIRS)["split"].tolist() == ["train", "test"]


def test_wide_sources_are_left_out(sky, capsys):
    table = catalogue(0.05, [7, 8, 9]).assign(stamp_width=[66, 64, 66])
    write_table("acs.parquet", table, CATALOGUE, RECORD)
    assert run() == 0
    assert read_table("set.parquet", PAIRS)["id"].tolist() == [8]
    write_table("acs.parquet", table.assign(rejected_by="faint"), CATALOGUE, RECORD)
    assert run() == 2
    assert "no accepted source fits in 64 pixels" in capsys.readouterr().err


def test_a_mosaic_without_a_place_is_refused(sky, capsys):
    image = fits.getdata("nircam.fits")
    (sky / "nircam.fits").unlink()
    fits.PrimaryHDU(image).writeto("nircam.fits")
    row = read_table("nircam_mosaic.parquet", MANIFEST)
    row["science_sha256"] = sha256_of("nircam.fits")
    write_table("nircam_mosaic.parquet", row, MANIFEST, RECORD)
    assert run() == 2
    assert "nircam_mosaic.parquet: has no celestial WCS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("single", "message"),
    [
        ({}, "give simulated, or mosaic with files"),
        ({"mosaic": "a"}, "mosaic goes with either files or exposures_of"),
        ({"simulated": "a", "files": ["b"]}, "mosaic goes with either files or exposures_of"),
        ({"mosaic": "a", "files": ["b"], "truth": "c"}, "known of simulated exposures alone"),
        ({"simulated": "a"}, r"single_epoch.simulated: no set of exposures 'a', there are none"),
        ({"mosaic": "a", "files": ["b"]}, r"single_epoch.mosaic: no hst mosaic 'a'"),
    ],
)
def test_settings_of_single_epochs(single, message):
    with pytest.raises(SettingsError, match=message):
        config.load({"seed": 1, "acquire": {}, "proxy": {"single_epoch": single}})


def test_settings_name_mosaics_that_exist():
    proxy = {"multi_epoch": {"hst": "x", "jwst": "y"}}
    with pytest.raises(SettingsError, match=r"proxy.multi_epoch.hst: no hst mosaic 'x'"):
        config.load({"seed": 1, "acquire": {}, "proxy": proxy})


def shallow(unit="electron/s"):
    ids = np.array([7, 8, 9])
    random = np.random.default_rng(3)
    axis = np.arange(128) - 64
    round_ = np.exp(-0.5 * (axis[None] ** 2 + axis[:, None] ** 2) / 36)
    stamps = (round_ + random.normal(0, 0.01, (3, 128, 128))).astype(np.float32)
    cubes.write_cube("stamps.fits", {"STAMP": stamps}, ids, RECORD, unit)
    sources = catalogue(0.03, ids).assign(
        sky=0.0, stamp_width=[60, 60, 120], rejected_by=["", "", ""]
    )
    write_table("acs.parquet", sources, CATALOGUE, RECORD)
    settings = Proxy(shallow_epoch={"exposures": 4, "mosaics": {"acs": 2000.0}})
    files = ["--catalogue", "acs.parquet", "--stamps", "stamps.fits"]
    files += ["--images", "set.fits", "--table", "set.parquet"]
    common = ["--settings", settings.model_dump_json(), "--seed", "1", "--code", "c"]
    return main(["proxy", "shallow_epoch", *files, *common])


def test_one_exposure_has_twice_the_noise_of_four(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shallow() == 0
    table = read_table("set.parquet", PAIRS)
    # The third source is wider than 64 pixels of 0.05 arcsec, 106.7 of its own.
    assert table["id"].tolist() == [7, 8]
    assert set(table["split"]) == {"test"}
    low, deep = (cubes.read_cube("set.fits", name) for name in ("LQ", "GT"))
    for name, images in (("lq", low), ("gt", deep)):
        first, last = (table[f"{name}_{end}"].to_numpy()[:, None, None] for end in ("min", "max"))
        images *= last - first
        images += first
    corner = np.s_[:, :14, :14]
    # 392 pixels: a standard deviation to 3.6%, a ratio to 4%; three sigma.  The noise of GT
    # is in LQ, so that their ratio is sqrt(4), of the added one sqrt(3).
    assert_allclose(low[corner].std() / deep[corner].std(), 2.0, rtol=0.12)
    added = low - deep
    # Photons of the peak, 1 electron/s on 0.03 arcsec in 2,000 s: 3 / 2000 / (5/3)^2 is added.
    peak, sky = added[:, 28:37, 28:37], added[corner]
    expected = np.sqrt(deep[:, 28:37, 28:37].mean() * 3 / 2000 / (25 / 9) + sky.var())
    # 162 pixels: 5.6%; three sigma.
    assert_allclose(peak.std(), expected, rtol=0.17)


def test_photons_are_counted_in_electrons_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert shallow(unit="MJy/sr") == 2
    assert "stamps.fits: is in MJy/sr, expected electron/s" in capsys.readouterr().err

"""Simulated mosaics: fluxes, positions, noise and formats, read back like real ones."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal

from galrestore.archive.simulated import SimulatedImage, render_mosaic, truth
from galrestore.config.acquire import SimulatedMosaic, SimulatedPopulation, SimulatedSky
from galrestore.errors import SettingsError
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.truth import truth_columns
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import read_table, write_table
from galrestore.provenance import Provenance

SEED = 7
RECORD = Provenance("acquire", "0123", "{}", SEED)
ACS = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F606W",
    "format": "hlf",
    "pixel_scale": 0.05,
    "wavelength": 0.592,
    "psf_fwhm": 0.094,
    "depth": 28.0,
}
NIRCAM = {
    "telescope": "jwst",
    "instrument": "NIRCAM",
    "band": "F444W",
    "format": "i2d",
    "pixel_scale": 0.06,
    "wavelength": 4.421,
    "psf_fwhm": 0.16,
    "depth": 29.5,
    "noise_correlation": 0.2,
}
STARS = {"galaxy_density": 0, "star_density": 30}
EMPTY = {"galaxy_density": 0, "star_density": 0}


def sky(population=None, /, width=31.1, height=23.3, **changes):
    mosaics = {
        "acs": SimulatedMosaic(**ACS | {"hit_density": 30} | changes.get("acs", {})),
        "nircam": SimulatedMosaic(**NIRCAM | changes.get("nircam", {})),
    }
    law = SimulatedPopulation(**population or {})
    return SimulatedSky(width=width, height=height, mosaics=mosaics, population=law)


def render(folder, name, field, **options):
    science = folder / f"{name}_sci.fits"
    weight = folder / f"{name}_wht.fits" if name == "acs" else None
    return render_mosaic(name, field, SEED, science, weight, RECORD, **options)


def whole(row):
    with open_mosaic(row) as mosaic:
        return mosaic, *mosaic.window(0, mosaic.shape[0], 0, mosaic.shape[1])


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_files_do_not_depend_on_the_strip(tmp_path, name):
    rows = [render(tmp_path / str(strip), name, sky(), strip=strip) for strip in (64, 203)]
    for key in ("science_sha256", "weight_sha256", "height", "width"):
        assert rows[0][key] == rows[1][key]
    assert np.nanstd(whole(rows[0])[1]) > 0


def brightest_lone_star(field, name, border=2.5, apart=4.0):
    """Row of the truth: brightest star far from the edges and from other stars."""
    table = truth(field, SEED)
    x, y = (
        position * field.mosaics[name].pixel_scale
        for position in SimulatedImage(name, field, SEED)
        .frame.wcs()
        .all_world2pix(table.ra, table.dec, 0)
    )
    lone = (x > border) & (x < field.width - border) & (y > border) & (y < field.height - border)
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    lone &= np.sum(distance < apart, axis=1) == 1
    return table[lone].sort_values(f"magnitude_{name}").iloc[0]


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_star_has_its_magnitude_and_position(tmp_path, name):
    deep = {"depth": 31.5, "hit_density": 0}
    field = sky(STARS, acs=deep, nircam=deep)
    row = render(tmp_path, name, field)
    star = brightest_lone_star(field, name)
    mosaic, science, _, _ = whole(row)
    x, y = mosaic.wcs.all_world2pix(star.ra, star.dec, 0)
    column, line = round(float(x)), round(float(y))
    half = round(1.2 / mosaic.pixel_scale)
    box = science[line - half : line + half + 1, column - half : column + half + 1]
    box = box.astype(float) - np.nanmedian(science)
    image = SimulatedImage(name, field, SEED)
    signal = float(image.flux(star[f"magnitude_{name}"]))
    # Wings of diffraction beyond 1.2 arcsec: 2 / (pi^2 (theta D / lambda) (1 - e)), 0.6 %
    # of the light for ACS, 3 % at 4.4 micron; the noise of the sum on top.
    wings = 2 / np.pi**2 * image.optics().diffraction / 1.2 / (1 - image.optics().obscuration)
    # Noise of the sky, correlated at most 1.4-fold, and of the star itself.
    noise = image.rms / signal * np.hypot(1.4 * (2 * half + 1), np.sqrt(signal / image.sky_level))
    assert 5 * noise < 0.01
    assert_allclose(box.sum() / (1 - wings), signal, rtol=0.01)
    rows, columns = np.indices(box.shape)
    core = np.where(np.hypot(rows - half, columns - half) <= 4, box, 0)
    centre = (np.sum(core * columns) / core.sum(), np.sum(core * rows) / core.sum())
    # The cut at 4 pixels around the nearest pixel pulls the centroid by about a tenth of
    # the sub-pixel offset, half a pixel at most.
    assert_allclose(centre, (x - column + half, y - line + half), atol=0.06)


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_noise_is_that_of_the_depth(tmp_path, name):
    field = sky(EMPTY, acs={"hit_density": 0})
    mosaic, science, rms, mask = whole(render(tmp_path, name, field))
    image = SimulatedImage(name, field, SEED)
    aperture = np.pi * (0.15 / mosaic.pixel_scale) ** 2
    # 2a / (1 + 2 a^2) = 0.2 has a = 0.1021; the kernel's sum is (1 + 2a) / sqrt(1 + 2a^2).
    lost = {"acs": 1.0, "nircam": (1 + 0.2042) ** 2 / (1 + 2 * 0.1021**2)}[name]
    expected = image.flux(image.settings.depth) / 5 / np.sqrt(aperture) / lost
    assert_allclose(image.rms, expected, rtol=1e-3)
    blank = (science - np.median(science[~mask], axis=None))[~mask]
    # The background's gradient, 2 % of 0.2 MJy/sr along each axis, is uniform noise.
    gradient = {"acs": 0.0, "nircam": 0.02 * 0.2 * np.sqrt(2 / 12)}[name]
    # 5 sigma for N pixels, few of them correlated.
    assert_allclose(
        blank.std(), np.hypot(expected, gradient), rtol=5 * 1.1 / np.sqrt(2 * blank.size)
    )
    assert_allclose(rms[~mask], expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_western_border_is_unexposed(tmp_path, name):
    row = render(tmp_path, name, sky(EMPTY))
    mosaic, science, _, mask = whole(row)
    border = round(0.5 / mosaic.pixel_scale)
    assert mask[:, -border:].all()
    assert not mask[:, :-border].any()
    assert_array_equal(science[:, -border:], 0.0 if name == "acs" else np.nan)


def test_noise_of_sources_follows_their_light(tmp_path):
    field = sky({"galaxy_density": 100})
    row = render(tmp_path, "nircam", field)
    image = SimulatedImage("nircam", field, SEED)
    light = image.scene().light(0, image.frame.height)
    _, science, rms, mask = whole(row)
    expected = image.rms * np.sqrt(1 + np.clip(light, 0, None) / 0.2)  # 0.2 MJy/sr of sky
    assert_allclose(rms[~mask], expected[~mask], rtol=1e-6)
    pull = ((science - light - image.background(0, image.frame.height)) / expected)[~mask]
    assert_allclose(pull.std(), 1, atol=5 * 1.1 / np.sqrt(2 * pull.size))


def test_hits_are_in_the_image_and_in_the_truth(tmp_path):
    field = sky(EMPTY, acs={"hit_density": 60})
    row = render(tmp_path, "acs", field)
    table = truth(field, SEED)
    assert (table.kind == "hit").all()
    assert (table.mosaic == "acs").all()
    assert len(table) > 3
    mosaic, science, _, mask = whole(row)
    x, y = (np.rint(v).astype(int) for v in mosaic.wcs.all_world2pix(table.ra, table.dec, 0))
    image = SimulatedImage("acs", field, SEED)
    inside = ~mask[y, x] & ~mask[y, x + 1]
    charge = (science[y, x] + science[y, x + 1])[inside]
    expected = image.flux(table.magnitude_acs[inside])
    assert (charge > 25 * image.rms).all()
    assert_allclose(charge, expected, atol=5 * np.sqrt(2) * image.rms)


def test_truth_of_a_larger_sky_holds_that_of_a_smaller_one():
    small, large = truth(sky(), SEED), truth(sky(width=52.0, height=40.0), SEED)
    assert (small.kind == "galaxy").sum() > 50
    assert np.isin(small.id, large.id).all()
    # Hits fall on pixels, and the grid of pixels shifts with the extent of the sky.
    small, large = (table[table.kind != "hit"] for table in (small, large))
    assert_frame_equal(small, large[large.id.isin(small.id)].reset_index(drop=True))


def test_truth_keeps_its_contract_and_ids_are_unique(tmp_path):
    field = sky()
    table = truth(field, SEED)
    columns = truth_columns(field.mosaics)
    write_table(tmp_path / "truth.parquet", table, columns, RECORD)
    assert len(read_table(tmp_path / "truth.parquet", columns)) == len(table)
    assert table.id.is_unique
    assert set(table.kind) == {"galaxy", "star", "hit"}
    on_sky = table[table.kind != "hit"]
    assert np.isfinite(on_sky[["ra", "dec", "magnitude_acs", "magnitude_nircam"]]).all(axis=None)


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_manifest_keeps_its_contract(tmp_path, name):
    row = render(tmp_path, name, sky(EMPTY, width=9.0, height=5.5))
    write_table(tmp_path / "m.parquet", pd.DataFrame([row]), MANIFEST, RECORD)
    with open_mosaic(tmp_path / "m.parquet") as mosaic:
        assert mosaic.shape == (round(5.5 / mosaic.pixel_scale), round(9.0 / mosaic.pixel_scale))
        assert mosaic.telescope == {"acs": "hst", "nircam": "jwst"}[name]


def test_headers_are_the_archives(tmp_path):
    field = sky(EMPTY, width=9.0, height=5.5)
    render(tmp_path, "acs", field)
    render(tmp_path, "nircam", field)
    with fits.open(tmp_path / "nircam_sci.fits") as hdus:
        hdus.verify("exception")
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "ERR", "WHT"]
        assert (hdus[0].header["TELESCOP"], hdus[0].header["FILTER"]) == ("JWST", "F444W")
        assert hdus["SCI"].header["BUNIT"] == "MJy/sr"
        # 0.06 arcsec squared in steradians; pi / 648000 rad to an arcsec.
        assert_allclose(hdus["SCI"].header["PIXAR_SR"], (0.06 * np.pi / 648000) ** 2, rtol=1e-12)
    for end in ("sci", "wht"):
        with fits.open(tmp_path / f"acs_{end}.fits") as hdus:
            hdus.verify("exception")
            header = hdus[0].header
    assert (header["INSTRUME"], header["DETECTOR"]) == ("ACS", "WFC")
    # STScI: ABMAG_ZP = -2.5 log PHOTFLAM - 5 log PHOTPLAM - 2.408.
    zeropoint = -2.5 * np.log10(header["PHOTFLAM"]) - 5 * np.log10(header["PHOTPLAM"]) - 2.408
    assert_allclose(zeropoint, 26.5, atol=1e-3)


def test_psf_narrower_than_diffraction_names_the_setting(tmp_path):
    field = sky(nircam={"psf_fwhm": 0.1})
    with pytest.raises(
        SettingsError, match=r"acquire\.simulated\.mosaics\.nircam\.psf_fwhm = 0\.1"
    ):
        render(tmp_path, "nircam", field)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_hlf_need_a_file(tmp_path):
    with pytest.raises(SettingsError, match=r"mosaics\.acs\.format = 'hlf': needs a file"):
        render_mosaic("acs", sky(EMPTY), SEED, tmp_path / "s.fits", None, RECORD)


def test_unknown_filter_needs_a_zeropoint(tmp_path):
    with pytest.raises(SettingsError, match=r"mosaics\.acs\.zeropoint = None: no zeropoint"):
        render(tmp_path, "acs", sky(acs={"band": "F999W"}))
    image = SimulatedImage("acs", sky(acs={"band": "F999W", "zeropoint": 25.0}), SEED)
    assert_allclose(image.flux(25.0), 1.0, rtol=1e-14)

"""Selection of a whole mosaic: PSF and star locus from its stars, limits, padding, frames."""

import logging

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.archive.simulated import SimulatedImage, render_mosaic
from galrestore.config.acquire import SimulatedMosaic, SimulatedPopulation, SimulatedSky
from galrestore.config.select import Select
from galrestore.files.contracts.stars import STARS
from galrestore.files.mosaics import open_mosaic
from galrestore.provenance import Provenance
from galrestore.sources.cutting import cut_stamps
from galrestore.sources.psf import without_pixel
from galrestore.sources.selection import select, star_row
from galrestore.sources.stamp_wcs import stamp_wcs

ACS = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "format": "hlf",
    "pixel_scale": 0.05,
    "wavelength": 0.805,
    "psf_fwhm": 0.1,
    "depth": 28.2,
    "hit_density": 60,
}
NIRCAM = {
    "telescope": "jwst",
    "instrument": "NIRCAM",
    "band": "F277W",
    "format": "i2d",
    "pixel_scale": 0.06,
    "wavelength": 2.786,
    "psf_fwhm": 0.15,
    "depth": 29.8,
    "noise_correlation": 0.2,
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Half an arcmin of sky with 40 stars; gives the open mosaic of an instrument."""
    folder = tmp_path_factory.mktemp("sky")
    law = SimulatedPopulation(galaxy_density=25, star_density=160)
    mosaics = {"acs": SimulatedMosaic(**ACS), "nircam": SimulatedMosaic(**NIRCAM)}
    sky = SimulatedSky(width=31, height=31, mosaics=mosaics, population=law)

    def mosaic(name, **changes):
        science, weight = folder / f"{name}.fits", folder / f"{name}_wht.fits"
        if not science.exists():
            record = Provenance("acquire", "0123", "{}", 3)
            opened[name] = render_mosaic(name, sky, 3, science, weight, record)
        return open_mosaic(opened[name] | changes)

    opened = {}
    return mosaic


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_the_psf_is_measured_on_the_stars_of_the_mosaic(simulated, name):
    # The stated width is 25% off; the measured one is the simulation's.
    true = {"acs": 0.1 / 0.05, "nircam": 0.15 / 0.06}[name]
    with simulated(name, psf_fwhm=0.8 * true * {"acs": 0.05, "nircam": 0.06}[name]) as mosaic:
        selection = select([mosaic], Select(), 4096)
    psf = selection.psf
    assert psf.stars >= 15
    # The method is good to 0.8% (test_psf); 15 stars of S/N 50 and more add
    # 1.25 x 1.5% / sqrt(15) = 0.5%, at three sigma.
    assert_allclose(psf.star_fwhm, true, rtol=0.025)
    table = selection.table
    assert (table["psf_stars"] == psf.stars).all()
    if name == "acs":
        assert (table["star_fwhm"] == psf.star_fwhm).all()
        assert (table["psf_fwhm"] == psf.fwhm).all()
        stars = table[table["reject_star"] & (table["snr"] > 50)]
        assert len(stars) >= psf.stars
        # Stars are as steep as the PSF, hits steeper.
        assert np.median(stars["gradient_ratio"]) < 1.1
    row = star_row(selection, Select())
    assert set(row) == {column.name for column in STARS}
    assert row["locus_stars"] > 15
    on_locus = np.abs(np.log(table["r50"] / row["locus_r50"])) < (
        row["locus_sigma"] * np.hypot(row["locus_width"], row["locus_noise"] / table["snr"])
    )
    expected = on_locus & (table["snr"] >= row["least_snr"]) & ~table["reject_width"]
    assert_array_equal(table["reject_star"], expected)


def test_the_stated_width_can_be_asked_for(simulated, caplog):
    with simulated("acs", psf_fwhm=0.11) as mosaic, caplog.at_level(logging.INFO):
        selection = select([mosaic], Select(psf_stars=0), 4096)
    assert (selection.psf.stars, selection.psf.star_fwhm) == (0, pytest.approx(2.2))
    assert_allclose(selection.table["psf_fwhm"], without_pixel(2.2))
    assert "PSF of 2.20 pixels as stated" in caplog.text


def test_a_surprising_width_is_a_warning(simulated, caplog):
    with simulated("acs", psf_fwhm=0.085) as mosaic:
        select([mosaic], Select(), 4096)
    assert "1.70 is stated" in caplog.text


def test_limits_in_magnitudes_replace_the_confusion_limit(simulated):
    with simulated("acs") as mosaic:
        everything = select([mosaic], Select(), 4096).table
        limits = {"acs": (-4.0, -2.0)}
        selection = select([mosaic], Select(star_magnitudes=limits), 4096)
    table = selection.table
    magnitude = -2.5 * np.log10(table["flux_auto"].clip(lower=1e-30))
    assert everything["reject_star"].sum() > table["reject_star"].sum() > 3
    assert magnitude[table["reject_star"]].between(-4, -2).all()
    row = star_row(selection, Select())
    assert_allclose([row["least_flux"], row["largest_flux"]], [10**0.8, 10**1.6])


def cut(mosaic, **settings):
    settings = Select(jwst_maximum_rms=0.05, size_factor=0.3, **settings)
    selection = select([mosaic], settings, 4096)
    parts = {
        plane: stamp
        for planes, cube in cut_stamps([mosaic], selection, settings, 1, 100)
        for plane, stamp in zip(planes, cube, strict=True)
    }
    accepted = selection.table[selection.table["rejected_by"] == ""]
    return accepted, np.array([parts[plane] for plane in range(len(accepted))])


def test_correlated_padding_continues_the_sky(simulated):
    with simulated("nircam") as mosaic:
        accepted, white = cut(mosaic)
        same, drizzled = cut(mosaic, padding="correlated")
    assert_array_equal(accepted["id"], same["id"])
    assert len(accepted) > 5
    across = {"white": [], "correlated": []}
    for source, pair in zip(accepted.itertuples(), zip(white, drizzled, strict=True), strict=True):
        half = source.stamp_width // 2
        if half > 28:
            continue
        for name, stamp in zip(across, pair, strict=True):
            noise = np.clip((stamp - source.sky) / source.sky_rms, -3, 3)
            assert np.isfinite(noise).all()
            inside = slice(32 - half, 32 + half)
            across[name] += [noise[inside, 31 - half] * noise[inside, 32 - half]]
            across[name] += [noise[31 - half, inside] * noise[32 - half, inside]]
    count = len(np.concatenate(across["white"]))
    # The correlation of neighbours is 0.2, and 0 for white padding; the error of a product
    # is 1 / sqrt(N), half as much again for its own correlation.
    error = 1.5 / np.sqrt(count)
    assert 3 * error < 0.2
    assert_allclose(np.mean(np.concatenate(across["white"])), 0.0, atol=3 * error)
    assert_allclose(np.mean(np.concatenate(across["correlated"])), 0.2, atol=3 * error)


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_stamps_can_be_found_on_the_sky_again(simulated, name):
    with simulated(name) as mosaic:
        accepted, cube = cut(mosaic)
        whole = mosaic.window(0, mosaic.shape[0], 0, mosaic.shape[1])[0]
        assert len(accepted)
        for (_, source), stamp in zip(accepted.iterrows(), cube, strict=True):
            frame = stamp_wcs(source, len(stamp))
            rows, columns = np.nonzero(np.isfinite(stamp))
            place = frame.all_pix2world(columns, rows, 0)
            x, y = mosaic.wcs.all_world2pix(*place, 0)
            assert max(np.abs(x - np.round(x)).max(), np.abs(y - np.round(y)).max()) < 1e-3
            half = min(source["stamp_width"], len(stamp)) // 2
            core = np.abs(rows - len(stamp) // 2 + 0.5) < half
            core &= np.abs(columns - len(stamp) // 2 + 0.5) < half
            pixels = whole[np.round(y[core]).astype(int), np.round(x[core]).astype(int)]
            assert_array_equal(stamp[rows[core], columns[core]], pixels)
    assert (accepted["radesys"] == "ICRS").all()


def test_without_a_wcs_nothing_is_invented(make, caplog):
    mosaic = make.mosaic(make.crowded((150, 170), 12))
    with caplog.at_level(logging.INFO):
        table = select([mosaic], Select(), 4096).table
    assert "no WCS" in caplog.text
    assert table[["ra", "dec", "cd1_1", "cd2_2"]].isna().all(axis=None)
    assert (table["radesys"] == "").all()


def test_frames_need_a_wcs_only(make):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.radesys = ["RA---TAN", "DEC--TAN"], "FK5"
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (10, 20), (50, 60), (-1e-5, 1e-5)
    mosaic = make.mosaic(make.crowded((150, 170), 12), wcs=wcs)
    table = select([mosaic], Select(), 4096).table
    assert (table["radesys"] == "FK5").all()
    assert_allclose(table["cd1_1"], -1e-5, rtol=1e-6)
    # North turns by the offset in right ascension, up to 120 x 1e-5 deg, times sin(dec).
    assert_allclose(table["cd1_2"], 0, atol=1e-5 * np.radians(120e-5) * 0.35)


def test_simulated_sky_states_what_is_measured():
    sky = SimulatedSky(width=20, height=20, mosaics={"acs": SimulatedMosaic(**ACS)})
    assert_allclose(SimulatedImage("acs", sky, 1).optics().fwhm(), 0.1, rtol=1e-6)

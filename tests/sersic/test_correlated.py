"""Errors of fits under correlated noise: closed forms, and pulls under GalSim's COSMOS noise."""

import galsim
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.sersic.fitting import fit_sersic
from galrestore.sersic.residuals import blank_residuals
from galrestore.synthesis.noise import cosmos_correlation, sky_correlation

SIDE, FWHM, RMS, COUNT = 64, 2.0, 7.0, 240
NAMES = ("x", "y", "model_flux", "r50", "n", "q", "background")


@pytest.fixture(scope="module")
def sample():
    """Galaxies of one kind, S/N of 200 in white noise, under noise as in the COSMOS mosaic."""
    truth = {"x": 32.3, "y": 31.6, "r50": 4.0, "n": 1.5, "q": 0.6, "background": 0.0}
    profile = galsim.Sersic(1.5, half_light_radius=4.0).shear(q=0.6, beta=0.5 * galsim.radians)
    profile = galsim.Convolve(profile.shift(0.8, 0.1), galsim.Gaussian(fwhm=FWHM))
    clean = profile.drawImage(nx=SIDE, ny=SIDE, scale=1, dtype=float).array
    truth["model_flux"] = 200 * RMS / np.sqrt((clean**2).sum())
    noise = galsim.getCOSMOSNoise(rng=galsim.BaseDeviate(5), variance=RMS**2)
    images = np.empty((COUNT, SIDE, SIDE))
    for image in images:
        field = galsim.ImageD(SIDE, SIDE, scale=0.03)
        field.addNoise(noise)
        image[:] = truth["model_flux"] * clean + field.array
    return images, truth


@pytest.fixture(scope="module")
def white(sample):
    return fit_sersic(sample[0], FWHM, rms=RMS)


@pytest.fixture(scope="module")
def correlated(sample):
    correlation = cosmos_correlation(0.03, 8)
    return fit_sersic(sample[0], FWHM, rms=RMS, noise_correlation=correlation)


def _scatter_of_pulls(result, truth, name):
    good = result["failure"] == ""
    pulls = ((result[name] - truth[name]) / result[f"{name}_error"])[good]
    return 1.4826 * np.median(np.abs(pulls - np.median(pulls)))


@pytest.mark.parametrize("name", NAMES)
def test_pulls_under_the_noise_of_drizzled_images(sample, white, correlated, name):
    # Linear errors of a nonlinear model: 0.9 to 1.05; the robust scatter of 240 pulls has a
    # standard error of 1.17 / sqrt(240) = 0.075, allowed thrice.  Neighbours correlate by 0.48:
    # errors for white noise are too small by 1.5 at least.
    assert (correlated["failure"] == "").mean() > 0.98
    assert 0.9 - 0.225 < _scatter_of_pulls(correlated, sample[1], name) < 1.05 + 0.225
    assert _scatter_of_pulls(white, sample[1], name) > 1.5


def test_fits_are_the_same(white, correlated):
    for name, values in white.items():
        if not name.endswith("_error") and name != "flag":
            assert_array_equal(values, correlated[name], err_msg=name)


def test_noise_without_correlation_changes_nothing(sample, white):
    for lags in (0, 2):
        correlation = np.zeros((2 * lags + 1, 2 * lags + 1))
        correlation[lags, lags] = 0.3  # in any unit
        found = fit_sersic(sample[0][:20], FWHM, rms=RMS, noise_correlation=correlation)
        for name in NAMES:
            assert_allclose(found[f"{name}_error"], white[f"{name}_error"][:20], rtol=1e-4)


def test_what_fits_leave_shows_the_correlation(sample, white):
    # 240 stamps of some 3,900 pixels that share noise with some ten others: 1e-3 x sqrt(10), and
    # the clip at 4 sigma.
    images, _ = sample
    mask = np.zeros(images.shape, dtype=bool)
    mask[:, :3] = True
    spoilt = images.copy()
    spoilt[:, :3] = 1e5
    left = blank_residuals(spoilt, white, FWHM, mask)
    assert left.shape == images.shape
    assert np.isnan(left[:, :3]).all()
    assert 0.02 < np.isnan(left[:, 3:]).mean() < 0.2  # the galaxy
    assert_allclose(sky_correlation(left, 4), cosmos_correlation(0.03, 4), atol=0.015)


def test_fits_that_failed_leave_nothing(sample):
    images = sample[0][:4].copy()
    images[1] = np.random.default_rng(3).normal(0, RMS, (SIDE, SIDE))  # no galaxy
    y, x = np.indices((SIDE, SIDE)) - 32
    images[2] += 3 * images[2].max() * (np.hypot(x, y) % 8 < 4)  # no Sersic profile
    assert len(blank_residuals(images, fit_sersic(images, FWHM, rms=RMS), FWHM)) == 2


def _shared(part):
    """Correlation of noise of which a part is one number in all pixels."""
    correlation = np.full((2 * SIDE + 1, 2 * SIDE + 1), part)
    correlation[SIDE, SIDE] = 1
    return correlation


def test_noise_shared_by_all_pixels_is_that_of_the_background(sample, white):
    # One number in all pixels moves the background and nothing else: 0.99 of the variance; the
    # rest is white.
    found = fit_sersic(sample[0][:20], FWHM, rms=RMS, noise_correlation=_shared(0.99))
    for name in NAMES[:-1]:
        assert_allclose(found[f"{name}_error"], 0.1 * white[f"{name}_error"][:20], rtol=1e-3)
    expected = np.hypot(np.sqrt(0.99) * RMS, 0.1 * white["background_error"][:20])
    assert_allclose(found["background_error"], expected, rtol=1e-5)


def test_a_known_sky_is_known_whatever_the_noise(sample):
    # The prior has 1e10 times the weight of a pixel, the stamp 4096 times.
    known = (0.0, 1e-5 * RMS)
    found = fit_sersic(sample[0][:20], FWHM, rms=RMS, sky=known, noise_correlation=_shared(0.99))
    assert_allclose(found["background_error"], 1e-5 * RMS, rtol=2e-3)
    # Then the shared number goes into the flux.
    assert np.all(found["model_flux_error"] > 0.1 * found["model_flux"])


def test_masked_pixels_and_company_do_not_count(sample):
    correlation = cosmos_correlation(0.03, 4)
    mask = np.zeros((40, SIDE, SIDE), dtype=bool)
    mask[:, :10] = True
    images = sample[0][:40].copy()
    options = {"rms": RMS, "noise_correlation": correlation}
    found = fit_sersic(images, FWHM, mask=mask, **options)
    images[:, :10] = 1e6
    again = fit_sersic(images[3:4], FWHM, mask=mask[3:4], **options)
    cut = fit_sersic(np.where(mask, np.nan, images), FWHM, threads=2, **options)
    for name in NAMES:
        assert found[f"{name}_error"][3] == again[f"{name}_error"][0]
        assert_allclose(cut[f"{name}_error"], found[f"{name}_error"], rtol=0.02)


@pytest.mark.parametrize(
    ("correlation", "text"),
    [
        (np.ones((4, 5)), "odd sides"),
        (np.ones(5), "odd sides"),
        (np.array([[0.0, 1.0, 2.0]]), "largest at lag 0"),
        (np.full((3, 3), np.nan), "largest at lag 0"),
        (np.zeros((3, 3)), "largest at lag 0"),
    ],
)
def test_impossible_correlations_are_refused(correlation, text):
    with pytest.raises(ValueError, match=text):
        fit_sersic(np.zeros((1, 16, 16)), 2.0, noise_correlation=correlation)

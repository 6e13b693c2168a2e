"""Width of the PSF: Gaussians exactly, diffraction patterns as their closed form says."""

import galsim
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.special import erf

from galrestore.archive.simulated_profiles import Optics
from galrestore.rng import stream
from galrestore.sources.psf import (
    fit_widths,
    measure_psf,
    star_side,
    with_pixel,
    without_pixel,
)


def drawn(profile, scale, side, count=40, key=0):
    """Stars of unit flux at random places within their pixel."""
    places = stream(4, "test.psf", key).uniform(-0.5, 0.5, (2, count))
    stamps = []
    for dx, dy in places.T:
        image = galsim.ImageD(side, side, scale=scale)
        profile.drawImage(image, offset=(dx, dy))
        stamps.append(image.array)
    return np.array(stamps), *places


def width_of_gaussian_and_pixel(fwhm):
    """Width of the azimuthal mean, by its closed form."""
    sigma = fwhm / np.sqrt(8 * np.log(2))
    angle = (np.arange(64) + 0.5) / 64 * np.pi / 2

    def line(x):
        return erf((x + 0.5) / sigma / np.sqrt(2)) - erf((x - 0.5) / sigma / np.sqrt(2))

    def excess(radius):
        ring = line(radius * np.cos(angle)) * line(radius * np.sin(angle))
        return ring.mean() / line(0) ** 2 - 0.5

    return 2 * brentq(excess, 0.1, 3 * fwhm)


def test_the_pixel_adds_a_twelfth_to_the_variance():
    assert_allclose(with_pixel(2.0), np.sqrt(4 + 8 * np.log(2) / 12))
    assert_allclose(without_pixel(with_pixel(1.7)), 1.7)
    assert_allclose(without_pixel(0.6), 0.3)  # narrower than a pixel


@pytest.mark.parametrize("fwhm", [1.2, 2.0, 3.7])
def test_gaussians_are_measured_exactly(fwhm):
    side = star_side(with_pixel(fwhm))
    assert side % 2
    stamps, dx, dy = drawn(galsim.Gaussian(fwhm=fwhm), 1.0, side)
    # Starting off by 30 per cent and 0.1 pixels; GalSim's drawing is good to 1e-4 or so.
    widths = fit_widths(stamps, dx + 0.1, dy - 0.1, 1.3 * fwhm)
    assert_allclose(widths, fwhm, rtol=5e-4)
    measured = measure_psf(stamps, dx, dy, 1.3 * with_pixel(fwhm))
    assert_allclose(measured.fwhm, fwhm, rtol=5e-4)
    # A cubic in r^2 follows a Gaussian to 0.2%.
    assert_allclose(measured.star_fwhm, width_of_gaussian_and_pixel(fwhm), rtol=4e-3)


OPTICS = [
    ("hst", 0.592, 0.05, 0.094),
    ("hst", 0.805, 0.05, 0.1),
    ("hst", 0.805, 0.03, 0.1),
    ("jwst", 1.154, 0.03, 0.055),
    ("jwst", 2.786, 0.06, 0.11),
    ("jwst", 4.421, 0.06, 0.16),
]


@pytest.mark.parametrize(("telescope", "wavelength", "scale", "fwhm"), OPTICS)
def test_diffraction_is_as_wide_as_its_closed_form(telescope, wavelength, scale, fwhm):
    optics = Optics.of_width(telescope, wavelength, scale, fwhm)
    stated = fwhm / scale
    stamps, dx, dy = drawn(optics.psf(), scale, star_side(stated))
    measured = measure_psf(stamps, dx, dy, 1.2 * stated)
    # The width of the azimuthal mean, from the Hankel transform of the optics; a cubic in
    # r^2 follows the profile to 0.4%, and pixel phases of undersampled stars add 0.3%.
    assert_allclose(measured.star_fwhm, stated, rtol=8e-3)
    # The best Gaussian is another thing, but no further away than the wings make it.
    assert_allclose(with_pixel(measured.fwhm), stated, rtol=0.07)


def test_the_error_is_that_of_repeated_measurements():
    found = []
    for key in range(12):
        stamps, dx, dy = drawn(galsim.Gaussian(fwhm=2.0), 1.0, star_side(2.1), 50, key)
        noise = stream(4, "test.psf.noise", key).normal(0, 0.004, stamps.shape)
        found.append(measure_psf(stamps + noise, dx, dy, 2.1))
    widths, errors = np.array([[psf.fwhm, psf.error] for psf in found]).T
    # The standard deviation of twelve has an error of 21%: 3 sigma, and 20% for the MAD's.
    ratio = np.std(widths, ddof=1) / np.median(errors)
    assert 0.5 < ratio < 1.8
    assert_allclose(np.mean(widths), 2.0, atol=5 * np.median(errors) / np.sqrt(12))


def test_outliers_and_holes_do_no_harm():
    stamps, dx, dy = drawn(galsim.Gaussian(fwhm=2.0), 1.0, star_side(2.1))
    stamps[0] = np.nan
    stamps[1] = 0
    stamps[2, :, :5] = np.nan
    stamps[3] *= -1
    wide, *_ = drawn(galsim.Gaussian(fwhm=3.5), 1.0, star_side(2.1), 5)
    stamps[4:9] = wide
    measured = measure_psf(stamps, dx, dy, 2.1)
    assert measured.stars == 40 - 3 - 5
    # The median moves by the outliers' share, within the scatter of exact fits.
    assert_allclose(measured.fwhm, 2.0, rtol=1e-3)
    assert_allclose(measured.star_fwhm, width_of_gaussian_and_pixel(2.0), rtol=4e-3)


@pytest.mark.parametrize("count", [0, 4])
def test_few_stars_leave_what_is_stated(count):
    stamps, dx, dy = drawn(galsim.Gaussian(fwhm=2.0), 1.0, 13, 40)
    measured = measure_psf(stamps[:count], dx[:count], dy[:count], 2.5)
    assert (measured.star_fwhm, measured.stars) == (2.5, 0)
    assert_allclose(measured.fwhm, without_pixel(2.5))
    assert np.isnan(measured.error)

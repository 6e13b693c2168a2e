"""Kernels from PSF images, and the width of the kernel in the authors' own pairs."""

import galsim
import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose

from galrestore.rng import stream
from galrestore.synthesis import psf
from galrestore.synthesis.degradation import FWHM_PER_SIGMA, blur, gaussian_kernel, normalise


def gaussian(shape, row, column, sigma):
    y, x = np.indices(shape)
    return 5 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))


@pytest.mark.parametrize(("row", "column"), [(15.0, 18.0), (14.63, 18.41), (12.5, 20.5)])
@pytest.mark.parametrize("sigma", [0.8, 1.7, 4.0])
def test_centre_of_a_gaussian(row, column, sigma):
    # PSF and window together have variance v = 0.39 at least; sampled at whole pixels, their
    # first moment errs by up to 4 pi v exp(-2 pi^2 v) = 2.2e-3, doubled by the window.
    found = psf.centre_of(gaussian((31, 37), row, column, sigma))
    assert_allclose(found, (row, column), atol=5e-3)


def test_centre_of_a_lopsided_psf_is_that_of_its_core():
    image = gaussian((41, 41), 20.3, 19.8, 1.5) + 0.02 * gaussian((41, 41), 32, 20, 1.5)
    # A companion of 2 % at eight sigma weighs exp(-32).
    assert_allclose(psf.centre_of(image), (20.3, 19.8), atol=2e-3)


@pytest.mark.parametrize("size", [7, 11])
def test_gaussian_image_becomes_the_gaussian_kernel(size):
    # Two pixels of the image in one of the kernel.  A quintic spline errs by about
    # 15 (h / sigma)^6 / 3600 between points h apart: 2.5e-4 of the peak at 1.6 pixels.
    image = gaussian((61, 57), 30.37, 27.81, 1.6)
    kernel, enclosed = psf.kernel_from_image(image, size, 2.0)
    line = gaussian_kernel(0.8 * FWHM_PER_SIGMA, size)
    assert_allclose(kernel, np.outer(line, line), atol=5e-4 * line.max() ** 2)
    assert_allclose(kernel.sum(), 1, rtol=1e-12)
    # Beyond 3.5 pixels, 4.4 sigma, lies less than 1e-4 of a Gaussian.
    assert enclosed == pytest.approx(1, abs=1e-3)


def test_pixels_that_coincide_are_taken_as_they_are():
    image = stream(1, "test.psf").random((9, 9))
    image = image + image[::-1] + image[:, ::-1] + image[::-1, ::-1]
    image[4, 4] += 20
    kernel, enclosed = psf.kernel_from_image(image, 5)
    expected = image[2:7, 2:7]
    # The centroid settles within 1e-5 pixel.
    assert_allclose(kernel, expected / expected.sum(), rtol=2e-3, atol=1e-5)
    assert enclosed == pytest.approx(expected.sum() / image.sum(), rel=1e-3)


def test_galsims_airy_disc():
    # A telescope of 2.4 m with a hole of a third at 0.6 micron, drawn at 0.0125 arcsec: the
    # kernel at 0.05 is GalSim's own surface brightness at its points.
    disc = galsim.Airy(lam=600, diam=2.4, obscuration=0.33)
    image = disc.shift(0.004, -0.003).drawImage(nx=201, ny=201, scale=0.0125, method="sb")
    kernel, _ = psf.kernel_from_image(image.array.astype(float), 9, 4.0)
    expected = disc.drawImage(nx=9, ny=9, scale=0.05, method="sb", dtype=float).array
    expected /= expected.sum()
    assert_allclose(kernel, expected, atol=2e-3 * expected.max())


@pytest.mark.parametrize(
    ("image", "size", "step", "message"),
    [
        (np.ones((9, 9)), 4, 1.0, "odd size and a positive step, got 4"),
        (np.full((9, 9), np.nan), 5, 1.0, "81 pixels of the PSF image are not finite"),
        (np.zeros((9, 9)), 5, 1.0, "holds no light: its sum is 0"),
        (gaussian((9, 9), 4, 4, 1.0), 7, 2.0, "7 pixels needs rows -2.0 to 10.0 .* which has 9"),
        (np.zeros(5), 5, 1.0, "two axes"),
    ],
)
def test_images_that_are_no_psf(image, size, step, message):
    with pytest.raises(ValueError, match=message):
        psf.kernel_from_image(image, size, step)


def test_equivalent_width():
    # Sum of squares of a Gaussian, 1 / (4 pi sigma^2); sampling and the cut at 4.4 sigma cost
    # below 1 %.
    line = gaussian_kernel(1.88, 7)
    for kernel in (line, np.outer(line, line)):
        assert psf.equivalent_fwhm(kernel) == pytest.approx(1.88, rel=0.01)
    wide = gaussian_kernel(5.0, 41)
    assert psf.equivalent_fwhm(wide) == pytest.approx(5.0, rel=1e-6)


def test_blur_with_an_image_is_the_separable_blur():
    images = stream(2, "test.psf").random((3, 23, 31))
    line = gaussian_kernel(1.88, 7)
    assert_allclose(blur(images, np.outer(line, line)), blur(images, line), atol=1e-13)
    # A lopsided kernel is not mirrored: a point becomes it.
    point = np.zeros((1, 15, 15))
    point[0, 6, 8] = 1
    kernel = stream(3, "test.psf").random((5, 3))
    assert_allclose(blur(point, kernel)[0, 4:9, 7:10], kernel, atol=1e-14)
    flat = blur(np.full((2, 9, 9), 3.0), kernel / kernel.sum())
    assert_allclose(flat, 3, rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.6, 0.8, 1.1])
def test_fitted_width_is_the_width_of_the_blur(sigma):
    y, x = np.indices((64, 64))
    truth = np.exp(-np.hypot(y - 31.2, x - 32.4) / 2.5) + 0.3 * gaussian((64, 64), 40, 22, 1.0)
    blurred = blur(truth[None], gaussian_kernel(sigma * FWHM_PER_SIGMA, 7))
    low, bottom, top = normalise(blurred + 0.01 * stream(4, "test.psf").normal(size=(1, 64, 64)))
    fit = psf.fit_kernel_width(normalise(truth[None])[0][0], low[0])
    # Five standard errors; the seed is fixed.
    assert fit.sigma_error < 0.02
    assert abs(fit.sigma - sigma) < 5 * fit.sigma_error
    span = float(top[0] - bottom[0])
    assert fit.noise == pytest.approx(0.01 / span, rel=0.06)
    assert fit.scale == pytest.approx(np.ptp(truth) / span, rel=0.02)


def test_pairs_of_unequal_images():
    with pytest.raises(ValueError, match="expected two equal images"):
        psf.fit_kernel_width(np.ones((3, 4)), np.ones((4, 3)))


@pytest.mark.real
def test_kernel_of_the_authors_pairs(real_data):
    # sigma 0.80 was measured on the pairs of high S/N, whose LQ noise is below 0.05: 0.80,
    # 0.83 and 0.81, each settled to 0.03 to 0.06 by its noise.
    folder = real_data / "paper_sample" / "JWST"
    fits = []
    for number in ("01", "02", "03", "04", "05"):
        truth, low = (np.load(folder / kind / f"JWST_{number}.npy") for kind in ("gt", "lq"))
        fits.append(psf.fit_kernel_width(truth, low))
    clear = [fit for fit in fits if fit.noise < 0.05]
    assert len(clear) == 3
    assert [fit.sigma for fit in clear] == pytest.approx([0.80] * 3, abs=0.05)
    weights = np.array([fit.sigma_error for fit in fits]) ** -2.0
    mean = np.sum(weights * [fit.sigma for fit in fits]) / weights.sum()
    assert weights.sum() ** -0.5 < 0.025
    assert mean == pytest.approx(0.80, abs=0.05)


@pytest.mark.real
@pytest.mark.parametrize(("band", "wavelength"), [("f606w", 592), ("f775w", 769), ("f814w", 805)])
def test_kernels_of_tinytim(real_data, band, wavelength):
    with fits.open(real_data / "psf_acs_tinytim" / f"acs_wfc_{band}.fits") as hdus:
        image = hdus[0].data.astype(float)
    kernel, enclosed = psf.kernel_from_image(image, 25, 0.05 / 0.0494)
    # ACS: 90 to 97 % of the light within 0.6 arcsec (Bohlin 2016, AJ 152, 60), and a core
    # of lambda / D = 0.05 to 0.07 arcsec blurred by pixel and charge diffusion.
    assert 0.9 < enclosed < 0.97
    assert 1.8 < psf.equivalent_fwhm(kernel) < 2.4
    assert np.unravel_index(kernel.argmax(), kernel.shape) == (12, 12)

"""Rendered galaxies against closed forms: flux, size, shape, place."""

import galsim
import numpy as np
import pytest
import sep
from numpy.testing import assert_allclose
from scipy.special import erf

from galrestore.sersic.profile import ellipticity_components, enclosed_fraction
from galrestore.synthesis.rendering import render


def moments(image):
    """Centroid and second moments [pixel], the pixel's own 1/12 taken off."""
    y, x = np.indices(image.shape)
    total = image.sum()
    cx, cy = (image * x).sum() / total, (image * y).sum() / total
    xx = (image * (x - cx) ** 2).sum() / total - 1 / 12
    yy = (image * (y - cy) ** 2).sum() / total - 1 / 12
    return cx, cy, xx, yy, (image * (x - cx) * (y - cy)).sum() / total


def test_round_gaussian_is_an_error_function():
    # Midpoints of cells of h = 1/4 pixel, with their Laplacian, miss about h^4 / 576 of fourth
    # derivatives, 8 / sigma^4 of the peak at sigma = 1.7 pixels: 7e-6.
    sigma = 2.0 / np.sqrt(2 * np.log(2))
    edges = np.arange(66) - 0.5
    column = np.diff(erf((edges - 32.3) / np.sqrt(2) / sigma)) / 2
    row = np.diff(erf((edges - 31.6) / np.sqrt(2) / sigma)) / 2
    expected = 7.0 * np.outer(row, column)
    image = render(7.0, 2.0, 0.5, 1.0, 0.0, 0.3, -0.4, 65)
    assert_allclose(image, expected, atol=1e-5 * expected.max())


@pytest.mark.parametrize("n", [0.3, 1.0, 2.5, 4.0, 6.2])
@pytest.mark.parametrize("r50", [1.2, 5.0])
def test_enclosed_flux(n, r50):
    # Exact overlap of pixels and circle; pixels count as uniform, which costs up to
    # 2 pi r I'(r) / 12 of the flux: 7e-4 for n = 1 and r50 = 5 at 12 pixels, the worst.
    image = render(1.0, r50, n, 1.0, 0.0, 0.2, 0.4, 65)
    for radius in (12.0, 30.0):
        flux = sep.sum_circle(image, [32.2], [32.4], [radius], subpix=0)[0][0]
        assert_allclose(flux, enclosed_fraction(radius / r50, n), atol=1e-3)


def test_cusp_of_a_small_steep_galaxy():
    # n = 6, r50 = 0.7: half of the light in one pixel or so, an FFT of 30,000 points otherwise.
    # A circle within the central pixel holds less, one around it more, than the pixel.
    image = render(1.0, 0.7, 6.0, 1.0, 0.0, 0.0, 0.0, 33)
    low, high = enclosed_fraction(np.array([0.5, np.sqrt(0.5)]) / 0.7, 6.0)
    assert low < image[16, 16] < high
    assert_allclose(image, image.T, atol=1e-12)
    assert_allclose(image, image[::-1, ::-1], atol=1e-12)


@pytest.mark.parametrize(("q", "theta"), [(0.15, 0.4), (0.6, 1.9), (0.95, 3.0)])
def test_shape_and_place(q, theta):
    # n = 1/2 has second moments (a, b)^2 / (2 ln 2) with a b = r50^2.
    r50 = 4.0
    image = render(2.0, r50, 0.5, q, theta, 0.37, -0.21, 64)
    cx, cy, xx, yy, xy = moments(image)
    # Beyond the image of 64 pixels lies less than 1e-4 of the flattest one.
    assert_allclose([cx, cy], [32.37, 31.79], atol=3e-3)
    a2, b2 = (r50**2 * ratio / (2 * np.log(2)) for ratio in (1 / q, q))
    c, s = np.cos(theta), np.sin(theta)
    expected = [a2 * c**2 + b2 * s**2, a2 * s**2 + b2 * c**2, (a2 - b2) * s * c]
    assert_allclose([xx, yy, xy], expected, atol=3e-3 * a2)
    size = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    axes = np.sqrt((xx + yy - size) / (xx + yy + size))
    found = ellipticity_components(axes, np.arctan2(2 * xy, xx - yy) / 2)
    assert_allclose(found, ellipticity_components(q, theta), atol=4e-3)


@pytest.mark.parametrize(("n", "r50", "q"), [(1.0, 4.0, 0.5), (1.0, 3.0, 0.2), (2.0, 3.0, 0.7)])
def test_agrees_with_fourier_transforms(n, r50, q):
    # Where transforms are feasible: thresholds of 1e-3 there, 7e-4 of the peak here.
    parameters = galsim.GSParams(folding_threshold=1e-3, maxk_threshold=3e-4, maximum_fft_size=8192)
    profile = galsim.Sersic(n, half_light_radius=r50, gsparams=parameters)
    profile = profile.shear(q=q, beta=0.7 * galsim.radians).shift(0.5 + 0.21, 0.5 - 0.37)
    drawn = profile.drawImage(nx=48, ny=48, scale=1, dtype=float).array
    image = render(1.0, r50, n, q, 0.7, 0.21, -0.37, 48)
    assert_allclose(image, drawn, atol=1.5e-3 * drawn.max())


def test_indices_that_galsim_refuses():
    with pytest.raises(ValueError, match=r"GalSim cannot draw n = 7, r50 = 2, q = 0.5"):
        render(1.0, 2.0, 7.0, 0.5, 0.0, 0.0, 0.0, 32)

"""The expansion against the profile, and the compiled model against GalSim."""

import galsim
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import erf

from galrestore.sersic.expansion import expand, expansion_table
from galrestore.sersic.fitting import model_images
from galrestore.sersic.kernel import evaluate, workspace
from galrestore.sersic.profile import enclosed_fraction
from galrestore.sersic.psf import Psf
from galrestore.synthesis.rendering import render

SHAPE = (57, 66)


@pytest.mark.parametrize("n", [0.3, 0.5, 1.0, 2.0, 4.0, 6.2, 8.0])
def test_enclosed_flux_of_the_expansion(n):
    # Measured: 2.5e-3 at n = 0.3, which ends in a rim, and 5e-4 or less from n = 0.5.
    amplitudes, widths = expand(n, 16)
    r = np.geomspace(0.05, 6, 40)
    enclosed = (amplitudes * (1 - np.exp(-(r[:, None] ** 2) / (2 * widths**2)))).sum(axis=1)
    assert_allclose(enclosed, enclosed_fraction(r, n), atol=3e-3 if n < 0.5 else 6e-4)


def test_table_passes_through_the_expansion():
    table = expansion_table(16)
    n = np.exp(table.low + 137 * table.step)
    amplitudes, widths = expand(n, 16)
    assert_allclose(table.values[137], [amplitudes, np.log(widths)], rtol=1e-6, atol=1e-9)


def test_gaussian_galaxy_is_an_error_function():
    # A round n = 1/2 galaxy under a Gaussian PSF: variances add, pixels are differences of
    # error functions.  Limit: three times the median error of 1,000 galaxies.
    r50, fwhm = 3.0, 2.0
    variance = r50**2 / (2 * np.log(2)) + fwhm**2 / (8 * np.log(2))
    parameters = {"x": 31.3, "y": 27.6, "model_flux": 5.0, "r50": r50, "n": 0.5}
    image = model_images(parameters | {"q": 1.0, "theta": 0.0}, SHAPE, fwhm)[0]

    def share(count, centre):
        edges = (np.arange(count + 1) - 0.5 - centre) / np.sqrt(2 * variance)
        return np.diff(erf(edges)) / 2

    expected = 5.0 * np.outer(share(SHAPE[0], 27.6), share(SHAPE[1], 31.3))
    assert_allclose(image, expected, atol=3e-4 * expected.max())


@pytest.mark.parametrize("n", [0.5, 1.0, 2.5, 4.0, 6.0])
@pytest.mark.parametrize(("r50", "q", "theta"), [(1.5, 0.8, 0.3), (4.0, 0.3, 2.2), (8.0, 0.6, 1.2)])
def test_model_agrees_with_galsim(n, r50, q, theta):
    # Of 1,000 galaxies with n 0.5 to 6, the median error is 1e-4 of the peak, the worst 4.9e-4.
    profile = galsim.Sersic(n, half_light_radius=r50, flux=2.0)
    profile = profile.shear(q=q, beta=theta * galsim.radians).shift(0.3, -0.45)
    drawn = galsim.Convolve(profile, galsim.Gaussian(fwhm=2.0)).drawImage(
        nx=SHAPE[1], ny=SHAPE[0], scale=1, dtype=float
    )
    # GalSim's centre is that of the image: (W - 1) / 2, (H - 1) / 2.
    parameters = {"x": 32.5 + 0.3, "y": 28.0 - 0.45, "model_flux": 2.0, "r50": r50}
    image = model_images(parameters | {"n": n, "q": q, "theta": theta}, SHAPE, 2.0)[0]
    assert_allclose(image, drawn.array, atol=5e-4 * drawn.array.max())


@pytest.mark.parametrize(("n", "limit"), [(0.5, 5e-4), (1.0, 2e-3), (4.0, 4e-3), (6.0, 1e-2)])
@pytest.mark.parametrize(("dx", "dy"), [(0.1, 0.2), (0.45, -0.3)])
def test_model_without_psf(n, limit, dx, dy):
    # Against pixel integrals in real space.  Four offsets of each of ten shapes gave at worst
    # 3e-4, 8e-4, 1.5e-3 and 5.5e-3 of the peak at these indices; about twice that allowed.
    drawn = render(1.0, 3.0, n, 0.5, 0.7, dx, dy, 64)
    parameters = {"x": 32 + dx, "y": 32 + dy, "model_flux": 1.0, "r50": 3.0, "n": n, "q": 0.5}
    image = model_images(parameters | {"theta": 0.7}, (64, 64), 0.0)[0]
    assert_allclose(image, drawn, atol=limit * drawn.max())


@pytest.mark.parametrize(
    "psf", [[(1.0, 0.85)], [(1.0, 0.2)], [(1.0, 0.0)], [(0.6, 0.2), (0.3, 1.1), (0.1, 9.0)]]
)
def test_derivatives_against_differences(psf):
    # Central differences of step h in single precision: h^2 / 6 of the third derivative and
    # 1e-7 / h of the value, together below 2e-3 of the largest derivative at h = 3e-3.
    table, work = expansion_table(16), workspace(*SHAPE, 16)
    grid = (table.values, table.low, table.step)

    def rows(p):
        out = np.empty((7, SHAPE[0] * SHAPE[1]), dtype=np.float32)
        evaluate(p, np.array(psf), grid, *SHAPE, work, out)
        return out.astype(float)

    # Away from the pixel's edge, where the finely sampled window jumps.
    p = np.array([31.7, 28.2, 2.0, np.log(4), np.log(2.3), 0.4, -0.5, 0.0])
    analytic, h = rows(p), 3e-3
    for j in range(7):
        step = h * np.eye(8)[j]
        numeric = (rows(p + step)[2] - rows(p - step)[2]) / (2 * h)
        assert_allclose(analytic[j], numeric, atol=2e-3 * np.abs(numeric).max())


def test_a_sum_of_gaussians_is_the_sum_of_images():
    # Convolution is linear; the images come in single precision.
    galaxy = {"x": 30.2, "y": 28.9, "model_flux": 3.0, "r50": 2.5, "n": 2.2, "q": 0.5, "theta": 1.0}
    psf = Psf((0.5, 0.3, 0.2), (0.7, 1.4, 5.0))
    image = model_images(galaxy, SHAPE, psf)[0]
    parts = [
        share * model_images(galaxy, SHAPE, Psf((1.0,), (sigma,)))[0]
        for share, sigma in zip(psf.fractions, psf.sigmas, strict=True)
    ]
    assert_allclose(image, sum(parts), atol=1e-6 * image.max())


def test_stamps_beyond_the_row_buffer_are_refused():
    with pytest.raises(ValueError, match="stamps of 600 x 64 pixels exceed 512"):
        workspace(600, 64, 16)

"""Half-light radii seen in circles through the PSF."""

from types import SimpleNamespace

import galsim
import numpy as np
import pytest

from galrestore.sersic.apparent import apparent_radius

# Half the light of a round Gaussian lies within sqrt(2 ln 2) sigma.
GAUSSIAN = np.sqrt(2 * np.log(2))
FWHM = 2 * GAUSSIAN  # of unit sigma


def double(first, second, share=0.5):
    return SimpleNamespace(fractions=(share, 1 - share), sigmas=(first, second))


def test_round_gaussians_add_in_quadrature():
    # n = 1/2 is a Gaussian; the expansion's enclosed flux errs by less than 1e-3.
    sigma = np.array([2.0, 5.0])
    seen = apparent_radius(GAUSSIAN * sigma, 0.5, 1.0, 1.5 * FWHM)
    np.testing.assert_allclose(seen, GAUSSIAN * np.sqrt(sigma**2 + 1.5**2 + 1 / 12), rtol=1e-3)


def test_other_shares_of_a_gaussian():
    # A share s lies within sqrt(-2 ln(1 - s)) sigma; the expansion's flux errs by 1e-3.
    share = np.array([0.2, 0.9])
    seen = apparent_radius(GAUSSIAN * 4.0, 0.5, 1.0, 0.0, share)
    wanted = np.sqrt(-2 * np.log(1 - share)) * np.sqrt(16 + 1 / 12)
    np.testing.assert_allclose(seen, wanted, rtol=2e-3)


def test_point_source_has_the_radius_of_the_psf():
    # Half of (1 - exp(-t)) + (1 - exp(-t / 9)) = 1 at t = r^2 / (2 (1 + 1/12)) needs a PSF
    # whose second variance is 9 times the first, pixel included: x + x^(1/9) = 1 is solved
    # by bisection, x = exp(-t).
    first = 1.0 + 1 / 12
    second = np.sqrt(9 * first - 1 / 12)
    low, high = 0.0, 1.0
    for _ in range(60):
        x = 0.5 * (low + high)
        low, high = (x, high) if x + x ** (1 / 9) < 1 else (low, x)
    wanted = np.sqrt(-2 * first * np.log(x))
    seen = apparent_radius(np.array([1e-3]), 1.0, 1.0, double(1.0, second))
    np.testing.assert_allclose(seen, wanted, rtol=1e-5)


@pytest.mark.parametrize(("n", "q"), [(0.6, 0.3), (1.0, 0.8), (4.0, 0.5)])
def test_equals_galsims_half_light_radius(n, q):
    # GalSim sorts the pixels of a drawn image by radius, a step of which is as wide as the
    # spacing of the grid's radii; half a grid step of 0.25 pixels is 2.5 % of a radius of
    # 5 pixels, and as hundreds of pixels share that radius a fifth of it is left: 0.5 %.
    sersic = galsim.Sersic(n, half_light_radius=4.0, flux=1.0).shear(q=q, beta=0 * galsim.radians)
    psf = 0.6 * galsim.Gaussian(sigma=1.2) + 0.4 * galsim.Gaussian(sigma=4.0)
    pixel = galsim.Gaussian(sigma=np.sqrt(1 / 12))
    image = galsim.Convolve(sersic, psf, pixel).drawImage(
        nx=2000, ny=2000, scale=0.25, method="no_pixel"
    )
    wanted = image.calculateHLR(flux=1.0)
    seen = apparent_radius(np.array([4.0]), n, q, double(1.2, 4.0, 0.6))
    np.testing.assert_allclose(seen, wanted, rtol=0.005)


def test_missing_parameters_stay_missing():
    assert np.isnan(apparent_radius(np.array([np.nan, 2.0]), 1.0, 0.5, 3.0)).tolist() == [
        True,
        False,
    ]

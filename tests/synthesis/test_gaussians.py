"""Sums of Gaussians against GalSim, closed forms and exact integrals."""

import galsim
import numpy as np
import pytest
import sep
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import erf

from galrestore.rng import stream
from galrestore.sersic.profile import enclosed_fraction
from galrestore.synthesis import gaussians
from galrestore.synthesis.expansion import INDEX_RANGE, expansion_table
from galrestore.synthesis.gaussians import render_gaussians
from galrestore.synthesis.population import GALSIM_INDICES
from galrestore.synthesis.rendering import render

NAMES = ("flux", "r50", "n", "q", "theta", "dx", "dy")


def galaxy(**values):
    one = dict.fromkeys(NAMES, 0.0) | {"flux": 1.0, "r50": 3.0, "n": 1.0, "q": 1.0}
    return {name: np.array([value]) for name, value in (one | values).items()}


def population(count):
    """Galaxies over all that can be drawn."""
    rng = stream(8, "test.gaussians")

    def log_uniform(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), count))

    return {
        "flux": log_uniform(1, 100),
        "r50": log_uniform(0.8, 30),
        "n": log_uniform(*INDEX_RANGE),
        "q": rng.uniform(0.15, 1, count),
        "theta": rng.uniform(0, np.pi, count),
        "dx": rng.uniform(-0.5, 0.5, count),
        "dy": rng.uniform(-0.5, 0.5, count),
    }


def test_agrees_with_galsim_over_the_whole_range():
    # The requirement: 2e-4 of the peak for 95 % of the galaxies.  The worst: light beyond
    # 60 half-light radii and amplitudes that cancel to a hundredth, a few 1e-4.
    galaxies = population(60)
    rows = zip(*(galaxies[name] for name in NAMES), strict=True)
    expected = np.stack([render(*row, size=64) for row in rows])
    error = np.abs(render_gaussians(galaxies, 64) - expected).max(axis=(1, 2))
    relative = error / expected.max(axis=(1, 2))
    assert np.quantile(relative, 0.95) < 2e-4
    assert relative.max() < 6e-4


def test_expansion_is_the_profile():
    """The profile's closed forms, at nodes of the table."""
    table = expansion_table()
    values, low, step = table.values, table.low, table.step
    radius = np.geomspace(0.01, 30, 300)
    for k in range(0, len(values), 11):
        n = np.exp(low + k * step)
        amplitudes, widths = values[k, 0], np.exp(values[k, 1])
        flux = (1 - np.exp(-(radius[:, None] ** 2) / (2 * widths**2))) @ amplitudes
        # What images may err by, as for a galaxy all of whose light falls in one pixel.
        assert_allclose(flux, enclosed_fraction(radius, n), atol=2e-4)


def test_range_is_galsims():
    assert INDEX_RANGE == GALSIM_INDICES


@pytest.mark.parametrize("n", [0.3, 1.0, 2.5, 6.2])
@pytest.mark.parametrize("r50", [1.2, 5.0])
def test_enclosed_flux(n, r50):
    # As for GalSim: pixels count as uniform, which costs up to 7e-4 of the flux.
    image = render_gaussians(galaxy(r50=r50, n=n, dx=0.2, dy=0.4), 65)[0]
    for radius in (12.0, 30.0):
        flux = sep.sum_circle(image, [32.2], [32.4], [radius], subpix=0)[0][0]
        assert_allclose(flux, enclosed_fraction(radius / r50, n), atol=1e-3)


@pytest.mark.parametrize("sigma", [0.003, 0.04, 0.3, 0.7, 1.01, 2.0, 6.0, 14.0])
def test_gaussians_of_any_width_are_integrated_over_pixels(sigma):
    # Error functions along the axes.  The next derivative, h**6 / 181,440 d6/dx6 in both
    # axes, is at most 1.7e-4 (h / sigma)**6 of the peak at h = sigma sqrt(0.7), 3e-5 after
    # the box; interpolated grids err by 1.5e-5; light below 1e-5 of the peak is left out.
    image = np.zeros((1, 64, 64), dtype=np.float32)
    rows = np.array([[1.0, 1.0, 1.0, 0.7, 0.0, 0.15, -0.2]])
    table = np.broadcast_to([[1.0], [np.log(sigma)]], (4, 2, 1)).copy()
    gaussians._render(rows, 0.0, table, 0.0, 1.0, np.zeros(9000, np.float32), image)
    edges = np.arange(65) - 0.5
    column = np.diff(erf((edges - 32.15) / sigma / np.sqrt(2 / 0.7))) / 2
    row = np.diff(erf((edges - 31.8) / sigma / np.sqrt(2 * 0.7))) / 2
    expected = np.outer(row, column)
    assert_allclose(image[0], expected, atol=6e-5 * expected.max())


@pytest.mark.parametrize(("n", "r50", "q"), [(0.5, 3.0, 0.8), (1.0, 3.0, 0.5), (4.0, 5.0, 0.7)])
def test_with_psf(n, r50, q):
    # GalSim's transforms at thresholds of 1e-4.
    parameters = galsim.GSParams(
        folding_threshold=1e-4, maxk_threshold=1e-4, maximum_fft_size=16384
    )
    profile = galsim.Sersic(n, half_light_radius=r50, gsparams=parameters)
    profile = profile.shear(q=q, beta=0.7 * galsim.radians).shift(0.5 + 0.21, 0.5 - 0.37)
    seen = galsim.Convolve(profile, galsim.Gaussian(fwhm=2.0), gsparams=parameters)
    expected = seen.drawImage(nx=64, ny=64, scale=1, dtype=float).array
    image = render_gaussians(galaxy(n=n, r50=r50, q=q, theta=0.7, dx=0.21, dy=-0.37), 64, 2.0)
    assert_allclose(image[0], expected, atol=1e-4 * expected.max())


def test_scale_turns_and_shifts():
    one = galaxy(flux=1.0, q=0.4, n=2.0, theta=0.3, dx=0.2, dy=-0.1)
    image = render_gaussians(one, 33)[0]
    assert_allclose(render_gaussians(one | {"flux": np.array([7.0])}, 33)[0], 7 * image, rtol=1e-5)
    turned = galaxy(q=0.4, n=2.0, theta=0.3 + np.pi / 2, dx=0.1, dy=0.2)
    # Edges of Gaussians, at 1e-5 of the peak, fall on other sub-pixels.
    peak = image.max()
    assert_allclose(render_gaussians(turned, 33)[0], np.rot90(image, -1), atol=1e-4 * peak)
    shifted = galaxy(q=0.4, n=2.0, theta=0.3, dx=3.2, dy=-2.1)
    assert_allclose(render_gaussians(shifted, 33)[0][:-2, 3:], image[2:, :-3], atol=1e-4 * peak)


def test_an_image_does_not_depend_on_its_company():
    galaxies = population(7)
    together = render_gaussians(galaxies, 41)
    alone = render_gaussians({name: values[4:5] for name, values in galaxies.items()}, 41)
    assert_array_equal(alone[0], together[4])


@pytest.mark.parametrize("bad", [{"n": 6.4}, {"n": 0.2}, {"q": 0.01}, {"r50": 0.0}, {"dx": np.nan}])
def test_galaxies_that_cannot_be_drawn(bad):
    galaxies = {name: np.append(values, values) for name, values in galaxy().items()}
    for name, value in bad.items():
        galaxies[name][1] = value
    with pytest.raises(ValueError, match="galaxy 1: Gaussians cannot draw flux = 1"):
        render_gaussians(galaxies, 32)
    with pytest.raises(ValueError, match="galaxy 55:"):
        render_gaussians(galaxies | {"id": np.array([54, 55])}, 32)


def test_sizes():
    with pytest.raises(ValueError, match="size must lie between 1 and 1024, got 2000"):
        render_gaussians(galaxy(), 2000)

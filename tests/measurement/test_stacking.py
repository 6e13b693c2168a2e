"""Stacks of Gaussians have the width and the encircled energy of Gaussians."""

import numpy as np
import pytest

from galrestore.measurement.stacking import (
    aligned,
    compare_stacks,
    encircled_energy,
    fit_gaussian,
    radius_of_share,
    ratio_of_widths,
    stack,
)
from galrestore.rng import stream
from galrestore.synthesis.degradation import FWHM_PER_SIGMA
from galrestore.synthesis.stars import draw_centres, render_stars

COUNT, RADIUS = 40, 15
X, Y = draw_centres(np.arange(COUNT), 24.0, 64, seed=2)


def stars(fwhm):
    return render_stars(X, Y, np.full(COUNT, fwhm), 64)


def test_known_shifts_are_undone():
    # A Gaussian of FWHM 4 pixels, seen through pixels, has exp(-2 pi^2 1.7^2 / 4) = 6e-7 of
    # its amplitude at Nyquist's frequency: the shift is exact to about that.
    cut = aligned(stars(4.0), X, Y, RADIUS)
    expected = render_stars(np.array([32.0]), np.array([32.0]), np.array([4.0]), 64)[0]
    window = slice(32 - RADIUS, 32 + RADIUS + 1)
    np.testing.assert_allclose(cut, [expected[window, window]] * COUNT, atol=1e-6)


@pytest.mark.parametrize("fwhm", [2.4, 3.0, 5.0])
def test_the_width_of_the_stack_is_that_of_the_stars(fwhm):
    fit = fit_gaussian(stack(aligned(stars(fwhm), X, Y, RADIUS)))
    # Of 2.4 pixels, sigma 1.06 with the pixel, 4e-3 is left at Nyquist's frequency, which
    # sampling folds back; half of that shows in the width.
    assert fit.fwhm == pytest.approx(fwhm, rel=2e-3)
    assert (fit.x, fit.y) == pytest.approx((0, 0), abs=1e-3)
    assert fit.flux == pytest.approx(1, rel=2e-3)


def test_centroids_that_were_off_by_a_known_shift_widen_the_stack():
    # Uniform errors in +-d along both axes add a variance of d^2 / 3.
    shift = stream(1, "test.stacking").uniform(-1.5, 1.5, (2, COUNT * 50))
    x, y = np.tile(X, 50), np.tile(Y, 50)
    images = render_stars(x, y, np.full(len(x), 5.0), 64)
    image = stack(aligned(images, x + shift[0], y + shift[1], 12))
    sigma = np.hypot(5.0 / FWHM_PER_SIGMA, 1.5 / np.sqrt(3))
    # 2,000 draws know the added variance to 2 %, a fifth of the whole; the shape is not quite
    # Gaussian, which the fit feels at the per cent.
    assert fit_gaussian(image).fwhm == pytest.approx(sigma * FWHM_PER_SIGMA, rel=0.015)


def test_encircled_energy_of_a_gaussian():
    image = render_stars(np.array([20.0]), np.array([20.0]), np.array([7.0]), 41)[0]
    radii = np.array([0.75, 2.0, 4.0, 6.0, 20.0])
    # The pixel adds 1/12 to the variance; a Gaussian encircles 1 - exp(-r^2 / 2 sigma^2).
    variance = (7.0 / FWHM_PER_SIGMA) ** 2 + 1 / 12
    share = 1 - np.exp(-(radii**2) / (2 * variance))
    # Within a pixel light is spread evenly: another 1/12, a hundredth of sigma^2 = 8.9.
    np.testing.assert_allclose(encircled_energy(image, radii), share, rtol=0.015, atol=1e-3)
    assert radius_of_share(radii, share, share[2]) == pytest.approx(4.0)


def test_radii_that_sep_gets_wrong_are_refused():
    with pytest.raises(ValueError, match=r"0\.75 pixel or more"):
        encircled_energy(np.ones((5, 5)), [0.5, 1.0])


def test_ratio_of_widths_is_known():
    noise = 1e-4 * stream(2, "test.stacking").standard_normal((COUNT, 31, 31))
    wide, narrow = (aligned(stars(fwhm), X, Y, RADIUS) for fwhm in (4.2, 3.5))
    ratio, error = ratio_of_widths(wide + noise, narrow)
    assert 0 < error < 0.01
    assert ratio == pytest.approx(1.2, abs=5 * error + 1e-3)
    assert ratio_of_widths(narrow, narrow) == pytest.approx((1, 0), abs=1e-12)


def test_perfect_restoration_leaves_no_residual():
    cut = aligned(stars(3.0), X, Y, RADIUS)
    row, stacks, curves = compare_stacks(cut, cut, cut, np.linspace(1, 15, 15))
    assert (row["ratio"], row["residual"]) == (1, 0)
    assert row["r50_gt"] == row["r50_rs"]
    assert np.array_equal(stacks["gt"], stacks["rs"])
    assert np.array_equal(curves["lq"], curves["rs"])


def test_stars_too_close_to_the_rim_are_refused():
    with pytest.raises(ValueError, match="leave less than 15 pixels"):
        aligned(np.ones((1, 64, 64)), [60.0], [32.0], 15)


def test_a_stack_without_light_is_refused():
    with pytest.raises(ValueError, match="no light"):
        stack(np.zeros((3, 31, 31)))

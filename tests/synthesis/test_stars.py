"""Stars lie where they should and have the width they should."""

import galsim
import numpy as np
import pytest

from galrestore.synthesis.stars import draw_centres, render_stars


def test_stars_are_galsims():
    # Referee: GalSim's Gaussian convolved with the pixel, drawn by FFT, which its parameters
    # make accurate to 1e-6 of the flux; the peak holds 0.13 of it.
    image = render_stars(np.array([30.3]), np.array([33.8]), np.array([2.4]), 64)[0]
    fine = galsim.GSParams(folding_threshold=1e-6, maxk_threshold=1e-6, kvalue_accuracy=1e-7)
    star = galsim.Gaussian(fwhm=2.4, gsparams=fine)
    # GalSim's image centre of an even side is between its middle pixels, at 31.5.
    offset = (30.3 - 31.5, 33.8 - 31.5)
    drawn = star.drawImage(nx=64, ny=64, scale=1, offset=offset, dtype=float)
    np.testing.assert_allclose(image, drawn.array, atol=2e-6)
    # All light but that beyond 12 sigma is in the frame.
    assert image.sum() == pytest.approx(1, abs=1e-12)


def test_centres_fill_the_square_evenly():
    x, y = draw_centres(np.arange(4000), 24.0, 64, seed=1)
    for values in (x, y):
        assert values.min() >= 31.5 - 12
        assert values.max() <= 31.5 + 12
        # Uniform: mean within five errors 24 / sqrt(12 N), no half-pixel phase preferred.
        assert values.mean() == pytest.approx(31.5, abs=5 * 24 / np.sqrt(12 * 4000))
        phases, _ = np.histogram(values % 1, bins=4, range=(0, 1))
        assert np.abs(phases - 1000).max() < 5 * np.sqrt(1000)
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 / np.sqrt(4000)


def test_a_star_does_not_depend_on_its_company():
    x, _ = draw_centres(np.arange(10), 24.0, 64, seed=1)
    assert draw_centres(np.array([7]), 24.0, 64, seed=1)[0][0] == x[7]


def test_a_square_larger_than_the_stamp_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        draw_centres(np.arange(2), 80.0, 64, seed=1)

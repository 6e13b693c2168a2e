"""Padding: level, noise and correlation of the sky, keyed by the object."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import correlate

from galrestore.rng import stream
from galrestore.sources import stamps
from galrestore.sources.padding import fill, noise_correlation


def test_padding_has_the_level_and_noise_of_the_sky():
    stamp = stamps.resized(np.full((10, 10), 99, np.float32), 64)
    filled = fill(stamp, 5.0, 0.25, 1, 7)
    inner = np.isfinite(stamp)
    assert_array_equal(filled[inner], 99)
    padding = filled[~inner]
    # 5-sigma bounds for N = 3996.
    assert_allclose(padding.mean(), 5, atol=5 * 0.25 / np.sqrt(padding.size))
    assert_allclose(padding.std(), 0.25, rtol=5 / np.sqrt(2 * padding.size))


def test_padding_is_keyed_by_seed_and_object():
    stamp = np.full((6, 6), np.nan, np.float32)
    first = fill(stamp, 0, 1, 1, 7)
    assert_array_equal(first, fill(stamp, 0, 1, 1, 7))
    assert (first != fill(stamp, 0, 1, 1, 8)).all()
    assert (first != fill(stamp, 0, 1, 2, 7)).all()


def correlated(side, key):
    """Noise of unit rms with the closed correlation of the kernel (1, 2, 1) x (1, 2, 1)."""
    white = stream(5, "test.padding", key).normal(size=(side + 4, side + 4))
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 6.0
    return correlate(white, kernel)[2:-2, 2:-2].astype(np.float32)


# Autocorrelation of (1, 2, 1): 6, 4, 1 over 6.
LAG1 = 4 / 6


def test_correlation_of_the_sky_is_that_of_its_kernel():
    measured = np.mean([noise_correlation(7 + 2 * correlated(64, k), 7, 2) for k in range(40)], 0)
    line = np.array([0, 0, 1, 4, 6, 4, 1, 0, 0]) / 6
    # Errors of a correlation from 40 x 64^2 pixels, of which one in sum(rho^2) = 3.7 counts:
    # 5 / sqrt(44,000) = 0.024; the subtracted mean takes off 16 / 64^2 = 0.004, and sources
    # of 3 sigma with their wings some more.
    assert_allclose(measured, np.outer(line, line), atol=0.05)


def test_sources_do_not_count_as_sky():
    sky = correlated(64, 1)
    y, x = np.indices(sky.shape)
    source = 1e3 * np.exp(-((y - 30) ** 2 + (x - 20) ** 2) / 18)
    first, second = (noise_correlation(pixels, 0, 1) for pixels in (sky, sky + source))
    # A fifth of the pixels are lost; errors of 2000 pixels, 5 sqrt(3.7 / 2000), both ways.
    assert_allclose(first, second, atol=0.25)
    assert noise_correlation(np.full((64, 64), np.nan), 0, 1) is None
    assert noise_correlation(sky[:9, :9], 0, 1) is None


def test_wings_of_galaxies_are_not_noise():
    # A slope over the whole piece adds its variance, half of the noise's, to every lag.
    slope = np.linspace(-1, 1, 64)[:, None] * np.sqrt(3 / 2)
    found = [noise_correlation(correlated(64, k) + slope, 0, 1.2) for k in range(40)]
    line = np.array([0, 0, 1, 4, 6, 4, 1, 0, 0]) / 6
    # The slope's own correlation falls by some per cent over four lags.
    assert_allclose(np.mean(found, 0), np.outer(line, line), atol=0.06)


def test_correlated_padding_shows_no_seam():
    side, width = 64, 30
    first = side // 2 - width // 2
    last = first + width
    across, beside, spread = [], [], []
    for k in range(60):
        sky = correlated(side, k)
        stamp = np.full_like(sky, np.nan)
        stamp[first:last, first:last] = sky[first:last, first:last]
        filled = fill(stamp, 0.0, 1.0, 1, k, around=sky)
        assert_array_equal(filled[first:last, first:last], sky[first:last, first:last])
        inside = slice(first, last)
        for rim, out in ((first, first - 1), (last - 1, last)):
            across += [filled[inside, rim] * filled[inside, out]]
            across += [filled[rim, inside] * filled[out, inside]]
        beside.append(filled[:, 1:first] * filled[:, : first - 1])
        spread.append(filled[np.isnan(stamp)])
    # 7200 products across the seam, one in 3 of them independent, each with a variance of
    # 1 + rho^2: 5 sqrt(1.44 / 2400) = 0.12; white padding gives 0.
    assert_allclose(np.mean(across), LAG1, atol=0.12)
    assert_allclose(np.mean(beside), LAG1, atol=0.06)
    # The rms of 60 x 3196 pixels, a third of them independent, is good to 1%; lags beyond
    # the kernel scatter and add some.
    assert_allclose(np.std(spread), 1.0, atol=0.04)


def test_correlated_padding_is_keyed_by_seed_and_object():
    sky = correlated(64, 3)
    stamp = stamps.resized(sky[20:40, 20:40].copy(), 64)
    first = fill(stamp, 0, 1, 1, 7, sky)
    assert_array_equal(first, fill(stamp, 0, 1, 1, 7, sky))
    blank = np.isnan(stamp)
    assert (first != fill(stamp, 0, 1, 1, 8, sky))[blank].all()
    assert np.isfinite(first).all()


@pytest.mark.parametrize("rms", [0.0, 1.0])
def test_without_sky_around_the_padding_is_white(rms):
    stamp = np.full((16, 16), np.nan, np.float32)
    nothing = np.full((64, 64), np.nan, np.float32)
    assert_array_equal(fill(stamp, 2, rms, 1, 7, nothing), fill(stamp, 2, rms, 1, 7))

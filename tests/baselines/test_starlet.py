"""Starlet transform: exact sum, published noise factors, thresholds."""

import numpy as np
import pytest

from galrestore.baselines.starlet import hard, noise_level, noise_of_scales, shrink, soft, transform
from galrestore.rng import stream


def test_scales_add_up_to_the_image():
    image = stream(1, "starlet").normal(size=(2, 37, 50))
    coefficients = transform(image, 4)
    assert coefficients.shape == (5, 2, 37, 50)
    np.testing.assert_allclose(coefficients.sum(axis=0), image, atol=1e-14)
    np.testing.assert_array_equal(coefficients[:, 1], transform(image[1], 4))


def test_response_to_a_pixel_is_the_spline():
    # 1 - (6/16)^2 at the centre and -(6/16)(4/16) beside it.
    pixel = np.zeros((21, 21))
    pixel[10, 10] = 1
    finest = transform(pixel, 1)[0]
    assert finest[10, 10] == pytest.approx(1 - 36 / 256, rel=1e-14)
    assert finest[10, 11] == finest[9, 10] == pytest.approx(-24 / 256, rel=1e-14)
    assert finest[10, 13] == 0


def test_noise_factors_are_the_published_ones():
    # Starck & Murtagh (2006), "Astronomical Image and Data Analysis", table of the
    # standard deviations of the B3-spline a trous scales in two dimensions.
    np.testing.assert_allclose(noise_of_scales(4), [0.889, 0.200, 0.086, 0.041], atol=0.002)


def test_rules_of_shrinking():
    values = np.array([-3.0, -1.0, 0.5, 2.0])
    assert hard(values, 2.0).tolist() == [-3.0, 0.0, 0.0, 2.0]
    assert soft(values, 1.5).tolist() == [-1.5, 0.0, 0.0, 0.5]


def test_pure_noise_is_removed():
    noise = stream(2, "starlet").normal(size=(1, 64, 64))
    # A fraction 6e-5 of the coefficients passes 4 sigma, and the smooth rest has a
    # standard deviation of about 0.04.
    for rule in (hard, soft):
        assert shrink(noise, rule, 4.0, np.ones(1)).std() < 0.08
        np.testing.assert_allclose(shrink(noise, rule, 0.0, np.ones(1)), noise, atol=1e-13)


def test_a_bright_point_stays():
    image = stream(3, "starlet").normal(0, 0.01, (1, 41, 53))
    image[0, 20, 30] += 1
    assert shrink(image, hard, 4.0, np.array([0.01]))[0, 20, 30] == pytest.approx(1, abs=0.05)


def test_noise_under_a_galaxy():
    y, x = np.indices((64, 64)) - 32
    galaxy = 50 * np.exp(-np.hypot(x, y) / 5)
    images = galaxy + stream(4, "starlet").normal(7.0, 2.0, (20, 64, 64))
    # Error of a standard deviation from the median absolute deviation: 1.17 / sqrt(N) of
    # N = 4,096 pixels, 1.8 per cent, 2.2 or so as neighbours correlate; 20 images; the
    # galaxy's cusp covers less than 3 per cent of the frame and lifts it by no more.
    noise = noise_level(images)
    assert abs(noise.mean() / 2 - 1) < 0.03 + 3 * 0.022 / np.sqrt(20)
    assert np.abs(noise / 2 - 1).max() < 0.03 + 4 * 0.022
    assert noise_level(np.full((1, 9, 9), 3.0)) == 0

"""Photometry with closed forms."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.sources import measurement
from galrestore.sources.detection import Window


def test_stamp_width_of_the_paper():
    # w = 2 floor(4 a + 5): even, at least 10.
    assert_array_equal(
        measurement.stamp_width([0.0, 1.0, 1.3, 14.99, 15.0]), [10, 18, 20, 128, 130]
    )


@pytest.mark.parametrize("maximum", [16, 63, 64, 128])
def test_largest_axis_is_where_stamps_become_too_wide(maximum):
    limit = measurement.largest_semi_major_axis(maximum)
    assert measurement.stamp_width(limit - 1e-9) <= maximum < measurement.stamp_width(limit)


def photometry(make, sigma, flux=5e4, noise=1.0, others=()):
    data = np.zeros((91, 97))
    make.gaussian(data, 47.25, 43.5, flux, sigma)
    segments = np.zeros(data.shape, np.int32)
    segments[data > 1.5] = 1
    for x, y, own in others:
        make.gaussian(data, x, y, own, sigma)
        segments[int(y) - 8 : int(y) + 9, int(x) - 8 : int(x) + 9] = 2
    data = data.astype(np.float32)
    mask = np.zeros(data.shape, bool)
    rms = np.full(data.shape, noise, np.float32)
    window = Window(100, 200, (500, 500), data, data, rms, mask, np.zeros_like(data))
    row = {"label": [1], "x": [247.25], "y": [143.5], "a": [sigma], "b": [sigma], "theta": [0.0]}
    return measurement.auto_photometry(window, segments, pd.DataFrame(row))


@pytest.mark.parametrize("sigma", [2.0, 3.5])
def test_gaussian_photometry(make, sigma):
    result = photometry(make, sigma)
    # Kron radius of a Gaussian within 6 sigma: int r^2 g / int r g = sqrt(pi / 2) sigma.
    kron = np.sqrt(np.pi / 2)
    assert_allclose(result["kron_radius"], kron, rtol=0.02)
    # The radius is max(2.5 kron, 3.5) = 3.5; light within it 1 - exp(-3.5^2 / 2).
    assert_allclose(result["flux_auto"], 5e4 * (1 - np.exp(-(3.5**2) / 2)), rtol=2e-3)
    assert_allclose(result["r50"], np.sqrt(2 * np.log(2)) * sigma, rtol=0.02)
    # The aperture's area times the variance of a pixel; 5 x 5 subpixels are good to 1%.
    error = np.sqrt(np.pi) * 3.5 * sigma
    assert_allclose(result["fluxerr_auto"], error, rtol=0.01)
    assert_allclose(result["snr"], result["flux_auto"] / result["fluxerr_auto"])


def test_neighbours_are_left_out(make):
    alone, crowded = photometry(make, 2.0), photometry(make, 2.0, others=[(62, 50, 5e4)])
    # sep replaces masked pixels by the aperture's mean, some per cent at its rim.
    assert_allclose(crowded["flux_auto"], alone["flux_auto"], rtol=0.05)


def test_source_without_light_has_no_radius(make):
    result = photometry(make, 2.0, flux=-100.0)
    assert np.isnan(result["r50"])
    assert result["snr"] < 0

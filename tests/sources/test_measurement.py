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


def measured(data, segments, x, y, sigma, noise=1.0, corner=(0, 0), mask=None, roles=None):
    """Measure one source, number 1, in a window at a corner of a mosaic."""
    data = data.astype(np.float32)
    mask = np.zeros(data.shape, bool) if mask is None else mask
    rms = np.full(data.shape, noise, np.float32)
    window = Window(*corner, (500, 500), data, data, rms, mask, np.zeros_like(data), roles)
    row = {"label": [1], "x": [x], "y": [y], "a": [sigma], "b": [sigma], "theta": [0.0]}
    return measurement.auto_photometry(window, segments, pd.DataFrame(row))


def photometry(make, sigma, flux=5e4):
    data = np.zeros((91, 97))
    make.gaussian(data, 47.25, 43.5, flux, sigma)
    segments = np.zeros(data.shape, np.int32)
    segments[data > 1.5] = 1
    return measured(data, segments, 247.25, 143.5, sigma, corner=(100, 200))


@pytest.mark.parametrize("sigma", [2.0, 3.5])
def test_gaussian_photometry(make, sigma):
    result = photometry(make, sigma)
    # Kron radius of a Gaussian within 6 sigma: int r^2 g / int r g = sqrt(pi / 2) sigma.
    kron = np.sqrt(np.pi / 2)
    assert_allclose(result["kron_radius"], kron, rtol=0.02)
    # The radius is max(2.5 kron, 3.5) = 3.5; light within it 1 - exp(-3.5^2 / 2).
    assert_allclose(result["flux_auto"], 5e4 * (1 - np.exp(-(3.5**2) / 2)), rtol=2e-3)
    assert_allclose(result["r50"], np.sqrt(2 * np.log(2)) * sigma, rtol=0.02)
    # The aperture's pixels times their variance.  How many centres lie in a circle of
    # radius R is uncertain by some sqrt(R) x 2 (circle problem): 3% of the area at R = 7.
    error = np.sqrt(np.pi) * 3.5 * sigma
    assert_allclose(result["fluxerr_auto"], error, rtol=0.02)
    assert_allclose(result["snr"], result["flux_auto"] / result["fluxerr_auto"])


def test_pixels_of_neighbours_are_those_opposite(make):
    # A round source on a pixel's centre is its own mirror image, whatever lies beside it.
    def flux(*others):
        data = np.zeros((91, 97))
        make.gaussian(data, 47, 43, 5e4, 2.0)
        segments = np.zeros(data.shape, np.int32)
        segments[data > 1.5] = 1
        for box in others:
            data[box], segments[box] = 700, 2
        return measured(data, segments, 47, 43, 2.0)

    alone = flux()
    one = flux(np.s_[39:47, 50:54])
    for name in ("flux_auto", "fluxerr_auto", "r50"):
        assert_allclose(one[name], alone[name], rtol=1e-6)
    # Where the opposite pixel is a neighbour's as well, there is nothing.
    both = flux(np.s_[42:45, 52:54], np.s_[42:45, 41:43])
    y, x = np.mgrid[-1:2, 5:7]
    lost = 2 * np.sum(5e4 / (8 * np.pi) * np.exp(-(x**2 + y**2) / 8))
    assert_allclose(alone["flux_auto"] - both["flux_auto"], lost, rtol=1e-3)


def test_bumps_and_holes_take_no_part(make):
    data = np.zeros((91, 97))
    make.gaussian(data, 47, 43, 5e4, 2.0)
    segments = np.zeros(data.shape, np.int32)
    segments[data > 1.5] = 1
    alone = measured(data, segments, 47, 43, 2.0)
    odd = np.zeros(data.shape, bool)
    odd[43, 55] = True
    segments[43, 55] = 0
    spoilt = np.where(odd, 1e6, data)
    for hidden in ({"roles": odd.astype(np.uint8)}, {"mask": odd}):
        result = measured(spoilt, segments, 47, 43, 2.0, **hidden)
        assert_allclose(result["flux_auto"], alone["flux_auto"], rtol=1e-6)
    # What was cleaned away is sky, whoever has it.
    segments[43, 55] = 2
    returned = measured(data, segments, 47, 43, 2.0, roles=2 * odd.astype(np.uint8))
    assert returned["flux_auto"] == alone["flux_auto"]


def test_measures_know_no_window(make):
    rng = np.random.default_rng(6)
    data = rng.normal(0, 1, (91, 97))
    make.gaussian(data, 47.3, 43.6, 5e4, 2.0)
    segments = np.zeros(data.shape, np.int32)
    segments[data > 20] = 1
    whole = measured(data, segments, 47.3, 43.6, 2.0)
    part = measured(data[13:80, 11:90], segments[13:80, 11:90], 47.3, 43.6, 2.0, corner=(13, 11))
    for name in whole:
        assert_array_equal(whole[name], part[name])


def test_source_without_light_has_no_radius(make):
    result = photometry(make, 2.0, flux=-100.0)
    assert np.isnan(result["r50"])
    assert result["snr"] < 0

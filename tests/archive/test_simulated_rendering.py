"""Noise, hits and light of simulated mosaics, in strips."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import convolve

from galrestore.archive.simulated_frame import Frame
from galrestore.archive.simulated_rendering import correlation_kernel, hits, noise, pixel_noise

SHAPE = (601, 777)


def correlation(image, rows, columns):
    a = image[rows:, columns:]
    b = image[: image.shape[0] - rows, : image.shape[1] - columns]
    return np.mean(a * b) / np.mean(image**2)


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.5])
def test_noise_has_unit_rms_and_the_correlation_asked_for(rho):
    image = noise(1, "a", 0, SHAPE[0], SHAPE[1], rho).astype(float)
    # Correlated pixels count less: the sum of squared correlations over a plane is below
    # (1 + 2 rho^2 + 2 rho^4)^2 < 2.7; 5 sigma.
    error = 5 * np.sqrt(2.7 / image.size)
    assert_allclose(image.std(), 1, atol=error / np.sqrt(2) * 1.5)
    assert_allclose(image.mean(), 0, atol=5 * (1 + 2 * rho) ** 2 / np.sqrt(image.size))
    assert_allclose(correlation(image, 0, 1), rho, atol=error)
    assert_allclose(correlation(image, 1, 0), rho, atol=error)
    assert_allclose(correlation(image, 1, 1), rho**2, atol=error)


def test_noise_does_not_depend_on_the_strip():
    whole = noise(1, "a", 0, 600, 301, 0.3)
    pieces = [noise(1, "a", y0, min(y0 + 131, 600), 301, 0.3) for y0 in range(0, 600, 131)]
    assert_array_equal(np.concatenate(pieces), whole)


def test_noise_differs_between_mosaics_and_seeds():
    first = noise(1, "a", 0, 8, 8)
    assert not np.isin(first, noise(1, "b", 0, 8, 8)).any()
    assert not np.isin(first, noise(2, "a", 0, 8, 8)).any()


def test_kernel_solves_for_its_correlation():
    # (a, 1, a) has the correlation 2a / (1 + 2 a^2) at lag 1.
    for rho in (0.1, 0.3, 0.599):
        side, middle, _ = correlation_kernel(rho)
        assert_allclose(2 * side * middle, rho, rtol=1e-12)
        assert_allclose(2 * side**2 + middle**2, 1, rtol=1e-12)


@pytest.mark.parametrize(("rho", "tolerance"), [(0.0, 0.0), (0.2, 0.06)])
def test_depth_is_five_sigma_in_the_aperture(rho, tolerance):
    scale, flux = 0.03, 40.0
    image = pixel_noise(flux, scale, rho) * noise(3, "a", 0, *SHAPE, rho).astype(float)
    rows, columns = np.indices((11, 11)) - 5
    aperture = (np.hypot(rows, columns) <= 5).astype(float)  # 81 pixels; pi 5^2 = 78.5
    sums = convolve(image, aperture)[5:-5, 5:-5]
    # The error of a standard deviation from about (601 x 777) / 81 apertures, 5 sigma;
    # at the rim of the aperture correlated neighbours are missing, hence the tolerance.
    error = 5 / np.sqrt(2 * image.size / 81)
    assert_allclose(sums.std() * np.sqrt(78.54 / 81) * 5, flux, rtol=error + tolerance)


def test_hits_have_the_density_and_charge_asked_for():
    frame = Frame.covering(10.0, 0.0, 120.0, 120.0, 0.05)
    ident, row, column, charge, second = hits(1, "a", 100.0, frame, 2.0)
    assert abs(len(row) - 400) < 5 * 20
    assert ((row >= 0) & (row < 2400) & (column >= 0) & (column < 2399)).all()
    assert ((charge >= 2 * 30) & (charge <= 2 * 400)).all()
    assert ((second == 0) | ((second >= 0.3 * charge) & (second <= 0.9 * charge))).all()
    assert 0.3 < np.mean(second == 0) < 0.7
    assert len(np.unique(ident)) == len(row)
    assert len(hits(1, "a", 0.0, frame, 2.0)[0]) == 0

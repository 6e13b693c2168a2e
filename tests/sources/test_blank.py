"""Flux and noise of stamps without a catalogue."""

import numpy as np
from numpy.testing import assert_allclose

from galrestore.sources.blank import measure_stamps, original_scale
from galrestore.synthesis.degradation import normalise


def test_flux_and_noise_of_a_compact_source():
    # A Gaussian of sigma 2 and peak 60 sigma of noise; its flux is 2 pi 4 60 = 1508.  The sum of
    # 4,096 pixels scatters by 64, the sky's level by 1.25 / 64 a pixel or 80 in all: 102; the
    # mean of 50 by 14.  The rms of 4,000 pixels is known to 2 %, the mean of 50 to 0.3 %.
    y, x = np.indices((64, 64))
    light = 60 * np.exp(-((x - 31.6) ** 2 + (y - 32.2) ** 2) / 8)
    stamps = light + 500 + np.random.default_rng(2).normal(0, 1, (50, 64, 64))
    flux, noise = measure_stamps(stamps, 1.5, 5)
    assert abs(flux.mean() - 2 * np.pi * 4 * 60) < 4 * 14
    assert_allclose((noise * np.ptp(stamps, axis=(1, 2))).mean(), 1, atol=0.012)


def test_normalisation_is_undone():
    images = np.random.default_rng(3).normal(5, 2, (4, 9, 11))
    scaled, low, high = normalise(images)
    assert_allclose(original_scale(scaled, low, high), images, rtol=1e-12)


def test_blank_and_constant_stamps():
    flux, noise = measure_stamps(np.stack([np.eye(20), np.eye(20) * 7]), 1.5, 5)
    # More than half of the pixels are exactly 0: level and noise are 0.
    assert_allclose(flux, [20, 140])
    assert_allclose(noise, 0)

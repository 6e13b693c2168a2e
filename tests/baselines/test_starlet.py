"""Starlet transform: exact sum, published noise factors, thresholds."""

import numpy as np
import pytest

from galrestore.baselines.starlet import (
    denoise,
    noise_of_scales,
    starlet_richardson_lucy,
    transform,
)
from galrestore.measurement.image_quality import psnr
from galrestore.rng import stream
from galrestore.synthesis.degradation import gaussian_kernel

LINE = gaussian_kernel(1.88, 7)
KERNEL = np.outer(LINE, LINE)


def test_scales_add_up_to_the_image():
    image = stream(1, "starlet").normal(size=(37, 50))
    coefficients = transform(image, 4)
    assert coefficients.shape == (5, 37, 50)
    np.testing.assert_allclose(coefficients.sum(axis=0), image, atol=1e-14)


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


def test_pure_noise_is_removed():
    noise = stream(2, "starlet").normal(size=(64, 64))
    left = denoise(noise, 4.0)
    # A fraction 6e-5 of the coefficients passes 4 sigma, and the smooth rest has a
    # standard deviation of about 0.04.
    assert left.std() < 0.08
    assert np.array_equal(denoise(noise, 0.0).round(12), noise.round(12))


def test_a_bright_point_stays():
    image = stream(3, "starlet").normal(0, 0.01, (41, 53))
    image[20, 30] += 1
    assert denoise(image, 4.0)[20, 30] == pytest.approx(1, abs=0.05)


def test_real_pairs(real_data):
    # 36.3 dB on the authors' ten pairs; five, the noisier half, are here.
    lq, gt = (
        np.array([np.load(real_data / f"paper_sample/JWST/{k}/JWST_0{i}.npy") for i in range(1, 6)])
        for k in ("lq", "gt")
    )
    restored = starlet_richardson_lucy(lq, KERNEL, 3.0, 10)
    assert psnr(restored, gt).mean() == pytest.approx(33.0, abs=0.5)

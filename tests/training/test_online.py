"""Degradation on the device: the images of stage ``degrade``."""

import numpy as np
import pytest
import torch

from galrestore.rng import stream
from galrestore.synthesis import degradation
from galrestore.synthesis.noise import amplitudes
from galrestore.training.online import Degradation, blur, degrade

GAUSSIAN = degradation.gaussian_kernel(1.88, 7)
# Not symmetric, so that a kernel turned over would show.
SKEWED = np.outer(GAUSSIAN, np.roll(GAUSSIAN, 1))


def _galaxies(count, shape=(24, 32)):
    generator = stream(1, "galaxies")
    y, x = np.indices(shape)
    y0, x0 = generator.uniform(8, 16, (2, count, 1, 1))
    width = generator.uniform(1.5, 4, (count, 1, 1))
    sky = generator.normal(0, 0.01, (count, *shape))
    return np.exp(-0.5 * ((x - x0) ** 2 + (y - y0) ** 2) / width**2) + sky


def _tensor(images):
    return torch.from_numpy(images.astype(np.float32))[:, None]


@pytest.mark.parametrize("kernel", [GAUSSIAN, SKEWED])
def test_low_quality_is_that_of_the_stage(kernel):
    truth = _galaxies(12)
    ids, noise = np.arange(12), np.linspace(0.002, 0.3, 12)  # the largest cannot be reached
    _, expected, _ = degradation.degrade(truth, ids, noise, kernel, 7)
    fields = np.stack([stream(7, "degrade.noise", i).standard_normal((24, 32)) for i in ids])
    level = torch.from_numpy(noise.astype(np.float32))
    found = degrade(_tensor(truth), _tensor(fields), level, kernel)[:, 0].numpy()
    # Single precision: values near 1 are sums of some ten terms rounded to 6e-8.
    np.testing.assert_allclose(found, expected, atol=3e-6)


def test_blur_mirrors_the_edges():
    images = _galaxies(3)
    found = blur(_tensor(images), SKEWED)[:, 0].numpy()
    np.testing.assert_allclose(found, degradation.blur(images, SKEWED), atol=1e-6)


def test_white_fields_have_unit_variance_and_follow_the_generator():
    white = Degradation(GAUSSIAN)
    first, again = (
        white.fields((50, 1, 24, 32), torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert torch.equal(first, again)
    # 38,400 numbers: the variance is known to sqrt(2 / 38400) = 0.7%, the mean to 0.005.
    assert first.var().item() == pytest.approx(1, abs=0.03)
    assert first.mean().item() == pytest.approx(0, abs=0.02)


def test_correlated_fields_have_the_correlation_asked_for():
    lags = np.array([[0.0, 0.2, 0.0], [0.4, 1.0, 0.4], [0.0, 0.2, 0.0]])
    noise = Degradation(GAUSSIAN, amplitudes(lags, (24, 32)))
    fields = noise.fields((200, 1, 24, 32), torch.Generator().manual_seed(5))[:, 0]
    assert fields.shape == (200, 24, 32)
    # About 150,000 pixels: correlations are known to about 0.004.
    assert fields.var().item() == pytest.approx(1, abs=0.02)
    assert (fields[:, :, 1:] * fields[:, :, :-1]).mean().item() == pytest.approx(0.4, abs=0.02)
    assert (fields[:, 1:] * fields[:, :-1]).mean().item() == pytest.approx(0.2, abs=0.02)

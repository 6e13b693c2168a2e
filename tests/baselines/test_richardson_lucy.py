"""Richardson-Lucy: the theorems about it, and scores on real pairs."""

import numpy as np
import pytest

from galrestore.baselines.richardson_lucy import deconvolve, richardson_lucy
from galrestore.measurement.image_quality import psnr
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

LINE = gaussian_kernel(1.88, 7)
KERNEL = np.outer(LINE, LINE)


@pytest.fixture(scope="module")
def galaxy():
    y, x = np.indices((41, 36)) - np.array([20, 18])[:, None, None]
    return np.exp(-np.hypot(x, 1.7 * y) / 2.0)


@pytest.fixture(scope="module")
def blurred(galaxy):
    return blur(galaxy[None], LINE)[0]


@pytest.mark.parametrize("iterations", [1, 5, 20])
def test_flux_is_conserved(blurred, iterations):
    # Kernel of unit sum, edges reflected: exact but for the floor of 1e-6 of the peak.
    model = deconvolve(blurred, KERNEL, iterations)
    assert model.sum() == pytest.approx(blurred.sum(), rel=1e-5)
    assert (model >= 0).all()


def test_likelihood_never_falls(blurred):
    # Richardson-Lucy is an EM algorithm for Poisson noise: the divergence of the data
    # from the blurred model falls with every iteration.
    noisy = blurred * stream(1, "rl").uniform(0.8, 1.2, blurred.shape)
    divergence = []
    for iterations in range(1, 15):
        model = blur(deconvolve(noisy, KERNEL, iterations)[None], LINE)[0]
        divergence.append((noisy * np.log(noisy / model) - noisy + model).sum())
    assert (np.diff(divergence) < 0).all()


def test_noiseless_galaxy_comes_back(galaxy, blurred):
    errors = [
        np.abs(deconvolve(blurred, KERNEL, iterations) - galaxy).max()
        for iterations in (1, 10, 100, 1000)
    ]
    assert np.abs(blurred - galaxy).max() > errors[0]
    assert errors == sorted(errors, reverse=True)
    # The cusp holds frequencies that the kernel dims a hundred times: slow to the end.
    assert errors[-1] < 0.05


def test_sky_and_unit_do_not_matter(blurred):
    noisy = blurred + stream(1, "rl.noise").normal(0, 0.01, blurred.shape)
    stamps = np.array([noisy, 40 * noisy + 300])
    first, second = richardson_lucy(stamps, KERNEL, 5)
    np.testing.assert_allclose(second, first, atol=1e-6)
    assert first.max() == 1
    assert first.min() >= 0


def test_nothing_above_the_sky_stays_nothing():
    assert not richardson_lucy(np.full((1, 9, 11), 2.0), KERNEL, 5).any()


def test_real_pairs(real_data):
    # The authors' ten pairs give 34.1 dB, of which five, the noisier half, are here:
    # 28.4 dB, where the sky-subtracted LQ scaled to its peak has 23.5.
    lq, gt = (
        np.array([np.load(real_data / f"paper_sample/JWST/{k}/JWST_0{i}.npy") for i in range(1, 6)])
        for k in ("lq", "gt")
    )
    assert psnr(richardson_lucy(lq, KERNEL, 5), gt).mean() == pytest.approx(28.4, abs=0.5)

"""Richardson-Lucy: the theorems about it, and steps that can be done by hand."""

from itertools import islice

import numpy as np
import pytest
from skimage.restoration import richardson_lucy as peer

from galrestore.baselines.richardson_lucy import (
    iterate,
    richardson_lucy,
    starlet_richardson_lucy,
)
from galrestore.baselines.starlet import hard, shrink
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

LINE = gaussian_kernel(1.88, 7)
KERNEL = np.outer(LINE, LINE)


def after(iterations, models):
    return next(islice(models, iterations - 1, None))


@pytest.fixture(scope="module")
def galaxy():
    y, x = np.indices((41, 36)) - np.array([20, 18])[:, None, None]
    return np.exp(-np.hypot(x, 1.7 * y) / 2.0)[None]


@pytest.fixture(scope="module")
def blurred(galaxy):
    return blur(galaxy, LINE)


@pytest.mark.parametrize("kernel", [LINE, KERNEL])
@pytest.mark.parametrize("iterations", [1, 5, 20])
def test_flux_is_conserved(blurred, iterations, kernel):
    # Kernel of unit sum, edges reflected: exact but for the least background, 1e-6 of the
    # peak on 1,476 pixels, where the flux is that of 15 peaks: 1e-4 at most.
    model = after(iterations, iterate(blurred, kernel, np.zeros(1)))
    assert model.sum() == pytest.approx(blurred.sum(), rel=1e-4)
    assert (model >= 0).all()


@pytest.mark.parametrize("background", [0.0, 0.3])
def test_likelihood_never_falls(blurred, background):
    # Richardson-Lucy is an EM algorithm for Poisson noise: the divergence of the data
    # from the blurred model falls with every iteration.
    noisy = blurred * stream(1, "rl").uniform(0.8, 1.2, blurred.shape)
    data = noisy + background
    divergence = []
    for model in islice(iterate(noisy, LINE, np.array([background])), 15):
        expected = blur(model, LINE) + background
        divergence.append((data * np.log(data / expected) - data + expected).sum())
    assert (np.diff(divergence) < 0).all()


def test_noiseless_galaxy_comes_back(galaxy, blurred):
    errors = [
        np.abs(after(iterations, iterate(blurred, LINE, np.zeros(1))) - galaxy).max()
        for iterations in (1, 10, 100, 1000)
    ]
    assert errors == sorted(errors, reverse=True)
    assert np.abs(blurred - galaxy).max() > errors[1]
    # The cusp holds frequencies that the kernel dims a hundred times: slow to the end.
    assert errors[-1] < 0.05


def test_steps_by_hand():
    # Without blur each pixel goes its own way, x <- x (d + b) / (x + b), here in units of
    # the noise with b = 2: d + b = 1, 2, 6, 0.  The start is the mean of the positive
    # light, 4 over four pixels.
    image = np.array([[[-1.0, 0.0, 4.0, -2.5]]])
    models = richardson_lucy(image * 3, np.array([3.0]), np.array([0.0, 1.0, 0.0]), 2.0)
    first, second = islice(models, 2)
    start, data = 1.0, np.array([1.0, 2.0, 6.0, 0.0])
    expected = start * data / (start + 2)
    np.testing.assert_allclose(first[0, 0], 3 * expected, rtol=1e-14)
    np.testing.assert_allclose(second[0, 0], 3 * expected * data / (expected + 2), rtol=1e-14)


def test_far_from_edges_it_is_that_of_scikit_image():
    # scikit-image goes on with zeros beyond the edges; five iterations carry that at most
    # 5 x 2 x 3 pixels inwards.  The flat start's level cancels in the first iteration.
    y, x = np.indices((101, 105)) - 50
    image = 0.1 + np.exp(-np.hypot(x, 1.7 * y) / 4.0)
    image *= stream(4, "rl").uniform(0.8, 1.2, image.shape)
    expected = peer(image, KERNEL, num_iter=5, clip=False)
    found = after(5, iterate(image[None], LINE, np.zeros(1)))[0]
    # Our least background is 1e-6 of the peak.
    np.testing.assert_allclose(found[30:-30, 30:-30], expected[30:-30, 30:-30], rtol=1e-4)


def test_starlet_is_richardson_lucy_of_the_filtered_image(blurred):
    noise = np.array([0.02])
    noisy = blurred + stream(2, "rl").normal(0, noise[0], blurred.shape)
    found = after(4, starlet_richardson_lucy(noisy, noise, LINE, 3.0))
    filtered = shrink(noisy, hard, 3.0, noise)
    np.testing.assert_array_equal(found, after(4, iterate(filtered, LINE, np.zeros(1))))


def test_nothing_above_the_sky_stays_nothing():
    assert not after(3, iterate(np.zeros((1, 9, 11)), LINE, np.zeros(1))).any()
    assert not after(3, iterate(np.full((1, 9, 11), -1.0), LINE, np.zeros(1))).any()

"""Sparse deconvolution: first step by hand, truth without noise, silence in noise alone."""

from itertools import islice

import numpy as np

from galrestore.baselines.sparse import sparse
from galrestore.baselines.starlet import shrink, soft
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

LINE = gaussian_kernel(1.88, 7)
KERNEL = np.outer(LINE, LINE)
NOISE = np.array([0.05])


def galaxy():
    y, x = np.indices((41, 36)) - np.array([20, 18])[:, None, None]
    return np.exp(-np.hypot(x, 1.7 * y) / 2.0)[None]


def after(iterations, models):
    return next(islice(models, iterations - 1, None))


def test_first_step_without_blur_is_the_shrunk_image():
    # From 0 a step of 1 down the gradient is the image itself.
    image = galaxy() + stream(1, "sparse").normal(0, 0.05, (1, 41, 36))
    first = next(sparse(image, NOISE, np.array([0.0, 1.0, 0.0]), 1.5))
    np.testing.assert_allclose(first, shrink(image, soft, 1.5, NOISE).clip(0), atol=1e-15)


def test_noiseless_galaxy_comes_back():
    truth = galaxy()
    image = blur(truth, LINE)
    errors = [
        np.abs(after(steps, sparse(image, NOISE, LINE, 0.0)) - truth).max()
        for steps in (1, 10, 100, 300)
    ]
    assert errors == sorted(errors, reverse=True)
    # The cusp holds frequencies that the kernel dims a hundred times: slow to the end.
    assert errors[-1] < 0.05


def test_a_separable_kernel_may_be_given_whole():
    image = blur(galaxy(), LINE)
    line, whole = (after(5, sparse(image, NOISE, kernel, 0.5)) for kernel in (LINE, KERNEL))
    # fftconvolve rounds to about 1e-16 of the largest value.
    np.testing.assert_allclose(line, whole, atol=1e-13)


def test_noise_alone_gives_little_light():
    noise = stream(2, "sparse").normal(size=(1, 64, 64))
    model = after(5, sparse(noise, np.ones(1), LINE, 4.0))
    # Of the noise the last smoothing alone passes, of standard deviation 0.02, and the
    # few starlet coefficients beyond 4 sigma.
    assert model.max() < 0.4
    assert (model >= 0).all()


def test_detail_comes_back_that_noise_hides():
    truth = galaxy()
    noisy = blur(truth, LINE) + stream(3, "sparse").normal(0, NOISE[0], truth.shape)
    model = after(5, sparse(noisy, NOISE, LINE, 0.7))
    # 1,476 pixels, of which the galaxy covers about 60: most of the noise must go.
    assert np.square(model - truth).mean() < np.square(noisy - truth).mean() / 5
    # The peak, dimmed by the blur, rises.
    assert model.max() > noisy.max()

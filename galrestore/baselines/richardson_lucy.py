"""
Richardson-Lucy deconvolution, on a known background or after a starlet filter.

References
----------
Richardson (1972), JOSA 62, 55; Lucy (1974), AJ 79, 745.
"""

import numpy as np

from galrestore.baselines.starlet import hard, shrink
from galrestore.synthesis.degradation import blur

__all__ = ["iterate", "richardson_lucy", "starlet_richardson_lucy"]

# Least background, as a part of the peak: pixels of nothing stay divisible.
_FLOOR = 1e-6


def richardson_lucy(images, noise, kernel, background):
    """
    Deconvolve images on a background.

    Parameters
    ----------
    images : ndarray of float64, shape (N, H, W)
        Images above their sky.
    noise : ndarray, shape (N,)
        Standard deviation of their noise [unit of the images].
    kernel : ndarray, shape (K,) or (K, K)
        PSF of unit sum, K odd, or one axis of a separable one.
    background : float
        Background that is added to image and model, in units of the noise.

    Returns
    -------
    models : iterator of ndarray of float64, shape (N, H, W)
        Non-negative models after 1, 2, ... iterations, without end.

    Notes
    -----
    Richardson-Lucy is made for Poisson noise.  The background stands for the photons of
    the sky: with it the noise counts as even over the frame, and pixels below the sky
    keep their say instead of being cut off at 0.
    """
    return iterate(images, kernel, background * np.asarray(noise))


def starlet_richardson_lucy(images, noise, kernel, threshold):
    """
    Filter images by starlet, then deconvolve them without background.

    Parameters
    ----------
    images, noise, kernel
        As in `richardson_lucy`.
    threshold : float
        Coefficients below this many sigma of the noise are dropped.

    Returns
    -------
    models : iterator of ndarray of float64, shape (N, H, W)
        Non-negative models after 1, 2, ... iterations, without end.
    """
    return iterate(shrink(images, hard, threshold, noise), kernel, np.zeros(len(images)))


def iterate(images, kernel, background):
    """
    Iterate ``x <- x * K^T((image + b) / (K(x) + b))`` from a flat image.

    Parameters
    ----------
    images : ndarray of float64, shape (N, H, W)
        Images above their sky; with the background, negative pixels count as 0.
    kernel : ndarray, shape (K,) or (K, K)
        PSF of unit sum, K odd, or one axis of a separable one.
    background : ndarray, shape (N,)
        Background b of each image [unit of the images].

    Yields
    ------
    model : ndarray of float64, shape (N, H, W)
        Non-negative models; 0 where an image has no positive pixel.

    Notes
    -----
    A flat start is what makes stopping early a regularisation: detail, and noise with
    it, enters with the iterations.  Frames continue by reflection, so that no flux is
    lost over the edges.
    """
    peak = images.max(axis=(1, 2), keepdims=True).clip(0)
    least = _FLOOR * peak + np.finfo(float).tiny
    background = np.maximum(np.reshape(background, (-1, 1, 1)), least)
    data = (images + background).clip(0)
    model = np.ones_like(data) * images.clip(0).mean(axis=(1, 2), keepdims=True)
    transposed = np.flip(kernel)
    while True:
        expected = blur(model, kernel) + background
        model = model * blur(data / expected, transposed)
        yield model

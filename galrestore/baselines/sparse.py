"""Sparse deconvolution: least squares under few starlet coefficients and no negative light."""

import numpy as np

from galrestore.baselines.starlet import shrink, soft
from galrestore.synthesis.degradation import blur

__all__ = ["sparse"]


def sparse(images, noise, kernel, threshold):
    """
    Deconvolve images by accelerated proximal gradients.

    Parameters
    ----------
    images : ndarray of float64, shape (N, H, W)
        Images above their sky.
    noise : ndarray, shape (N,)
        Standard deviation of their noise [unit of the images].
    kernel : ndarray, shape (K,) or (K, K)
        PSF of unit sum, K odd, or one axis of a separable one.
    threshold : float
        Threshold of the starlet coefficients in each step, in units of the noise.

    Yields
    ------
    model : ndarray of float64, shape (N, H, W)
        Non-negative models after 1, 2, ... iterations.

    Notes
    -----
    Each iteration goes down the gradient of ``|image - K(x)|**2 / 2`` (a step of 1 is
    short enough for a kernel of unit sum), shrinks the starlet coefficients softly and
    cuts negative light off.  Starlets are redundant, so that shrinking them is the
    proximal step of an l1 penalty only nearly.

    References
    ----------
    Beck & Teboulle (2009), SIAM Journal on Imaging Sciences 2, 183 (the acceleration).
    Farrens et al. (2017), A&A 601, A66 (starlets and positivity for galaxy images).
    """
    transposed = np.flip(kernel)
    model = ahead = np.zeros_like(images)
    momentum = 1.0
    while True:
        gradient = blur(blur(ahead, kernel) - images, transposed)
        before, model = model, shrink(ahead - gradient, soft, threshold, noise).clip(0)
        last, momentum = momentum, (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = model + (last - 1) / momentum * (model - before)
        yield model

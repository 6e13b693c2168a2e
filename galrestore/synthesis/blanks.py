"""
Noise-only images (Park et al. 2024, appendix A).

Mean and standard deviation of each are those of the sky of an LQ image that was drawn at
random from the training split.
"""

import numpy as np

from galrestore.rng import integer_seed, stream
from galrestore.synthesis.noise import amplitudes, draw_fields

__all__ = ["draw_blanks", "draw_models"]


def draw_models(available, seeds, count, seed):
    """
    Draw the image that each blank copies its noise from.

    Parameters
    ----------
    available : int
        Images to draw from, 1 or more.
    seeds : int
        Random seeds.
    count : int
        Blanks of each seed.
    seed : int
        Seed of the run.

    Returns
    -------
    rows : ndarray of int64, shape (seeds * count,)
        Index of an image for each blank, seed after seed.

    Raises
    ------
    ValueError
        If there is no image.
    """
    if available < 1:
        msg = "blank images copy the noise of training images, and there are none"
        raise ValueError(msg)
    draws = [
        stream(seed, "limits.blanks", index).integers(available, size=count)
        for index in range(seeds)
    ]
    return np.concatenate(draws).astype(np.int64)


def draw_blanks(mean, sigma, seeds, shape, seed, correlation=None):
    """
    Draw noise-only images.

    Parameters
    ----------
    mean, sigma : ndarray of float, shape (seeds * count,)
        Mean and standard deviation of the noise of each image, in any unit.
    seeds : int
        Random seeds; the images of one follow each other.
    shape : tuple of int
        Rows and columns [pixel].
    seed : int
        Seed of the run; the random seeds are made from it.
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1), optional
        Correlation of the noise, see `galrestore.synthesis.noise.amplitudes`; by default
        it is white.

    Returns
    -------
    images : ndarray of float64, shape (seeds * count, H, W)
        mean + sigma g, with g of unit variance.
    """
    spectrum = None if correlation is None else amplitudes(correlation, shape)
    count = len(mean) // seeds
    fields = np.concatenate(
        [
            draw_fields(shape, range(count), integer_seed(seed, "limits.blanks", k), spectrum)
            for k in range(seeds)
        ]
    )
    return np.asarray(mean)[:, None, None] + np.asarray(sigma)[:, None, None] * fields

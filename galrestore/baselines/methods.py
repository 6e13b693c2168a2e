"""One door to all baselines: stamps in, restored stamps out, parameters by class of noise."""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from galrestore.baselines.richardson_lucy import richardson_lucy, starlet_richardson_lucy
from galrestore.baselines.sky import sky_level
from galrestore.baselines.sparse import sparse
from galrestore.baselines.starlet import noise_level
from galrestore.baselines.wiener import wiener

__all__ = ["METHODS", "Choice", "blocks", "iterates", "relative_noise", "restore"]

# Function of each method, and the name of its parameter.
METHODS = {
    "wiener": (wiener, "noise_factor"),
    "richardson_lucy": (richardson_lucy, "background"),
    "starlet_rl": (starlet_richardson_lucy, "threshold"),
    "sparse": (sparse, "threshold"),
}

# Stamps worked on at once: their arrays stay in the cache.
_BLOCK = 32


@dataclass(frozen=True)
class Choice:
    """
    How to run a method on the images of one class of noise.

    Attributes
    ----------
    value : float
        The method's parameter.
    iterations : int
        Iterations; 1 for the Wiener filter.
    scale, offset : float
        What brings images of sky 0 and peak 1 to the scale of GT, where 0 is its lowest
        pixel.
    """

    value: float
    iterations: int
    scale: float = 1.0
    offset: float = 0.0


def restore(method, stamps, kernel, choices, edges=()):
    """
    Restore stamps with a baseline.

    Parameters
    ----------
    method : str
        Key of `METHODS`.
    stamps : ndarray, shape (N, H, W)
        Images, in any unit.
    kernel : ndarray, shape (K,) or (K, K)
        PSF of unit sum, K odd, or one axis of a separable one.
    choices : sequence of Choice
        What to do in each class of `relative_noise`.
    edges : sequence of float, optional
        Where the classes after the first begin, rising.

    Returns
    -------
    restored : ndarray of float32, shape (N, H, W)
        Restored images.
    """
    stamps = np.asarray(stamps)
    restored = np.zeros(stamps.shape, dtype=np.float32)
    classes = np.digitize(relative_noise(stamps), edges)
    for number, choice in enumerate(choices):
        rows = np.flatnonzero(classes == number)
        for block in blocks(rows):
            models = iterates(method, stamps[block], kernel, choice.value)
            last = next(islice(models, choice.iterations - 1, None))
            restored[block] = choice.scale * last + choice.offset
    return restored


def blocks(rows):
    """
    Cut rows into blocks to work on at once.

    Parameters
    ----------
    rows : ndarray of int, shape (N,)
        Rows of stamps.

    Returns
    -------
    parts : list of ndarray of int
        The rows in their order, 32 in each but the last.
    """
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]


def iterates(method, stamps, kernel, value):
    """
    Run a method and show what it has after each iteration.

    Parameters
    ----------
    method, stamps, kernel
        As in `restore`.
    value : float
        The method's parameter.

    Yields
    ------
    restored : ndarray of float64, shape (N, H, W)
        Images with sky 0 and peak 1.
    """
    function, _ = METHODS[method]
    sky = np.reshape([sky_level(stamp) for stamp in stamps], (-1, 1, 1))
    images = np.asarray(stamps, dtype=float) - sky
    for model in function(images, noise_level(images), kernel, value):
        peak = model.max(axis=(1, 2), keepdims=True)
        yield model / np.where(peak > 0, peak, 1)


def relative_noise(stamps):
    """
    Measure the noise of stamps as min-max normalisation would leave it.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images, in any unit.

    Returns
    -------
    noise : ndarray, shape (N,)
        Noise over the range of the pixels; 0 for constant images.
    """
    spread = np.ptp(np.asarray(stamps, dtype=float), axis=(1, 2))
    return noise_level(stamps) / np.where(spread > 0, spread, 1)

"""Sky of a stamp, from the stamp itself."""

import numpy as np

__all__ = ["sky_level"]

_CLIP = 3.0
_ROUNDS = 20
# Standard deviation of a normal distribution over its median absolute deviation.
_MAD = 1.4826


def sky_level(stamp):
    """
    Measure the sky of a stamp by clipping.

    Parameters
    ----------
    stamp : ndarray, shape (H, W)
        Image of a galaxy that leaves sky free.

    Returns
    -------
    sky : float
        Median of the pixels within 3 sigma of their own median, sigma from the median
        absolute deviation [unit of the stamp].
    """
    values = np.asarray(stamp, dtype=float).ravel()
    for _ in range(_ROUNDS):
        sky = np.median(values)
        noise = _MAD * np.median(np.abs(values - sky))
        kept = values[np.abs(values - sky) <= _CLIP * noise]
        if len(kept) == len(values):
            break
        values = kept
    return float(sky)

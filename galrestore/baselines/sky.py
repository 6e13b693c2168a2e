"""Sky and noise of a stamp, from the stamp itself."""

import numpy as np

__all__ = ["scaled_to_peak", "sky_and_noise"]

_CLIP = 3.0
_ROUNDS = 20
# Standard deviation of a normal distribution over its median absolute deviation.
_MAD = 1.4826


def sky_and_noise(stamp):
    """
    Measure sky and noise of a stamp by clipping.

    Parameters
    ----------
    stamp : ndarray, shape (H, W)
        Image of a galaxy that leaves sky free.

    Returns
    -------
    sky, noise : float
        Median, and standard deviation from the median absolute deviation, of the
        pixels within 3 sigma of their own median [unit of the stamp].
    """
    values = np.asarray(stamp, dtype=float).ravel()
    for _ in range(_ROUNDS):
        sky = np.median(values)
        noise = _MAD * np.median(np.abs(values - sky))
        kept = values[np.abs(values - sky) <= _CLIP * noise]
        if len(kept) == len(values):
            break
        values = kept
    return float(sky), float(noise)


def scaled_to_peak(image):
    """
    Divide an image by its brightest pixel.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Image above its sky.

    Returns
    -------
    scaled : ndarray of float32, shape (H, W)
        The image with peak 1; unchanged if no pixel is positive.
    """
    peak = image.max()
    return (image / peak if peak > 0 else image).astype(np.float32)

"""
Deep images as one of their exposures would show them.

References
----------
Park et al. (2024), section 5.1: single-epoch images against the multi-epoch mosaic.
"""

import numpy as np

__all__ = ["added_noise"]


def added_noise(deep, sky, rms, electrons, exposures):
    """
    Return the noise that one exposure has beyond the mean of several equal ones.

    Parameters
    ----------
    deep : ndarray of float, shape (H, W)
        Mean of the exposures.
    sky : float
        Level of its sky.
    rms : float
        Standard deviation of its sky pixels.
    electrons : float
        Collected on a pixel in all exposures, for each unit of the image.
    exposures : int
        Equal exposures in the mean.

    Returns
    -------
    sigma : ndarray of float64, shape (H, W)
        Standard deviation in each pixel: the variance of one exposure is that of the mean,
        sky and photons of the source, times their number.
    """
    photons = np.maximum(np.asarray(deep, dtype=float) - sky, 0) / electrons
    return np.sqrt((exposures - 1) * (rms**2 + photons))

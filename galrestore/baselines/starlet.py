"""
Starlet: isotropic undecimated wavelet transform with the cubic B-spline.

The image is smoothed again and again with a kernel whose holes double ("a trous"); the
differences of consecutive smoothings are the scales, and they add up to the image.

References
----------
Starck, Fadili & Murtagh (2007), IEEE Transactions on Image Processing 16, 297.
"""

from functools import cache

import numpy as np
from scipy.ndimage import convolve1d

__all__ = ["SCALES", "hard", "noise_level", "noise_of_scales", "shrink", "soft", "transform"]

SCALES = 4

_SPLINE = np.array([1, 4, 6, 4, 1]) / 16
# Standard deviation of a normal distribution over its median absolute deviation.
_MAD = 1.4826


def transform(images, scales=SCALES):
    """
    Split images into scales.

    Parameters
    ----------
    images : ndarray, shape (..., H, W)
        Images; reflected at their edges.
    scales : int, optional
        Number of wavelet scales J.

    Returns
    -------
    coefficients : ndarray of float64, shape (J + 1, ..., H, W)
        Scales from fine to coarse, then the last smoothing; their sum is the image.
    """
    smooth = np.asarray(images, dtype=float)
    coefficients = []
    for scale in range(scales):
        coarser = _smoothed(smooth, 2**scale)
        coefficients.append(smooth - coarser)
        smooth = coarser
    return np.array([*coefficients, smooth])


def shrink(images, rule, threshold, noise):
    """
    Shrink the starlet coefficients of images towards 0.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images.
    rule : callable
        `hard` or `soft`.
    threshold : float
        Threshold, in units of the noise of each scale.
    noise : ndarray, shape (N,)
        Standard deviation of the noise [unit of the images], taken to be white.

    Returns
    -------
    shrunk : ndarray of float64, shape (N, H, W)
        Sum of the shrunk scales and of the last smoothing, which stays as it is.
    """
    *planes, smooth = transform(images)
    for plane, response in zip(planes, noise_of_scales(), strict=True):
        smooth = smooth + rule(plane, threshold * response * noise[:, None, None])
    return smooth


def hard(coefficients, threshold):
    """
    Drop coefficients below a threshold.

    Parameters
    ----------
    coefficients, threshold : ndarray
        Coefficients, and thresholds that broadcast to them.

    Returns
    -------
    shrunk : ndarray
        0 where they are smaller than the threshold, else as they are.
    """
    return np.where(np.abs(coefficients) < threshold, 0, coefficients)


def soft(coefficients, threshold):
    """
    Bring coefficients nearer to 0 by a threshold.

    Parameters
    ----------
    coefficients, threshold : ndarray
        Coefficients, and thresholds that broadcast to them.

    Returns
    -------
    shrunk : ndarray
        0 where they are smaller than the threshold, else nearer to 0 by it.
    """
    return coefficients - np.clip(coefficients, -threshold, threshold)


def noise_level(images):
    """
    Measure the noise of images on their finest scale.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images.

    Returns
    -------
    noise : ndarray, shape (N,)
        Standard deviation from the median absolute deviation of the finest scale, where
        galaxies have little light; the noise is taken to be white [unit of the images].
    """
    finest = transform(images, 1)[0]
    return _MAD * np.median(np.abs(finest), axis=(1, 2)) / noise_of_scales(1)[0]


@cache
def noise_of_scales(scales=SCALES):
    """
    Return what white noise of unit variance becomes in each scale.

    Parameters
    ----------
    scales : int, optional
        Number of wavelet scales J.

    Returns
    -------
    sigma : ndarray, shape (J,)
        Standard deviation of the coefficients: the length of the response to a single
        pixel; 0.891, 0.201, 0.086, 0.041, ...
    """
    side = 4 * 2**scales + 1
    pixel = np.zeros((side, side))
    pixel[side // 2, side // 2] = 1
    sigma = np.sqrt((transform(pixel, scales)[:-1] ** 2).sum(axis=(1, 2)))
    sigma.setflags(write=False)
    return sigma


def _smoothed(images, step):
    weights = np.zeros(4 * step + 1)
    weights[::step] = _SPLINE
    rows = convolve1d(images, weights, axis=-2, mode="mirror")
    return convolve1d(rows, weights, axis=-1, mode="mirror")

"""
Starlet: isotropic undecimated wavelet transform with the cubic B-spline.

The image is smoothed again and again with a kernel whose holes double ("a trous"); the
differences of consecutive smoothings are the scales, and they add up to the image.
"""

import numpy as np
from scipy.ndimage import convolve1d

from galrestore.baselines.richardson_lucy import deconvolve
from galrestore.baselines.sky import scaled_to_peak, sky_and_noise

__all__ = ["denoise", "noise_of_scales", "starlet_richardson_lucy", "transform"]

_SPLINE = np.array([1, 4, 6, 4, 1]) / 16
_SCALES = 4
_MAD = 1.4826


def starlet_richardson_lucy(stamps, kernel, threshold=3.0, iterations=10):
    """
    Filter stamps by starlet, then deconvolve them.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images, in any unit.
    kernel : ndarray, shape (K, K)
        PSF of unit sum, K odd.
    threshold : float, optional
        Coefficients below this many sigma of the noise are dropped.
    iterations : int, optional
        Iterations of Richardson-Lucy.

    Returns
    -------
    restored : ndarray of float32, shape (N, H, W)
        Non-negative images with sky 0 and peak 1.
    """
    restored = []
    for stamp in stamps:
        sky, _ = sky_and_noise(stamp)
        filtered = denoise(np.asarray(stamp, dtype=float) - sky, threshold)
        restored.append(scaled_to_peak(deconvolve(filtered, kernel, iterations)))
    return np.array(restored).reshape(np.shape(stamps))


def transform(image, scales=_SCALES):
    """
    Split an image into scales.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Image; reflected at its edges.
    scales : int, optional
        Number of wavelet scales J.

    Returns
    -------
    coefficients : ndarray of float64, shape (J + 1, H, W)
        Scales from fine to coarse, then the last smoothing; their sum is the image.

    References
    ----------
    Starck, Fadili & Murtagh (2007), IEEE Transactions on Image Processing 16, 297.
    """
    smooth = np.asarray(image, dtype=float)
    coefficients = []
    for scale in range(scales):
        coarser = _smoothed(smooth, 2**scale)
        coefficients.append(smooth - coarser)
        smooth = coarser
    return np.array([*coefficients, smooth])


def denoise(image, threshold=3.0, scales=_SCALES):
    """
    Drop starlet coefficients that noise alone could make.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Image above its sky.
    threshold : float, optional
        Hard threshold k: coefficients below k sigma of their scale become 0.
    scales : int, optional
        Number of wavelet scales.

    Returns
    -------
    filtered : ndarray of float64, shape (H, W)
        What is left; the noise is measured on the finest scale by the median absolute
        deviation, and is taken to be white.
    """
    coefficients = transform(image, scales)
    response = noise_of_scales(scales)
    sigma = _MAD * np.median(np.abs(coefficients[0])) / response[0]
    for plane, factor in zip(coefficients[:-1], response, strict=True):
        plane[np.abs(plane) < threshold * factor * sigma] = 0
    return coefficients.sum(axis=0)


def noise_of_scales(scales=_SCALES):
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
    return np.sqrt((transform(pixel, scales)[:-1] ** 2).sum(axis=(1, 2)))


def _smoothed(image, step):
    weights = np.zeros(4 * step + 1)
    weights[::step] = _SPLINE
    rows = convolve1d(image, weights, axis=0, mode="mirror")
    return convolve1d(rows, weights, axis=1, mode="mirror")

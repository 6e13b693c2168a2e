"""Richardson-Lucy deconvolution of stamps above their sky."""

import numpy as np
from scipy.ndimage import convolve, correlate

from galrestore.baselines.sky import scaled_to_peak, sky_and_noise

__all__ = ["deconvolve", "richardson_lucy"]

# Pixels without light start this far below the peak, so that light can move there.
_FLOOR = 1e-6


def richardson_lucy(stamps, kernel, iterations=5):
    """
    Deconvolve stamps after subtraction of their sky.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images, in any unit.
    kernel : ndarray, shape (K, K)
        PSF of unit sum, K odd.
    iterations : int, optional
        Iterations.

    Returns
    -------
    restored : ndarray of float32, shape (N, H, W)
        Non-negative images with sky 0 and peak 1.

    Notes
    -----
    Stopping early is what regularises: the noise grows with the iterations.
    """
    restored = [deconvolve(_above_sky(stamp), kernel, iterations) for stamp in stamps]
    return np.array([scaled_to_peak(image) for image in restored]).reshape(np.shape(stamps))


def deconvolve(image, kernel, iterations):
    """
    Deconvolve one non-negative image.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Image above its sky; negative pixels count as 0.
    kernel : ndarray, shape (K, K)
        PSF of unit sum, K odd.
    iterations : int
        Iterations, each ``x <- x * K^T(image / K(x))``.

    Returns
    -------
    model : ndarray of float64, shape (H, W)
        Non-negative; 0 if no pixel is positive.

    References
    ----------
    Richardson (1972), JOSA 62, 55; Lucy (1974), AJ 79, 745.
    """
    image = np.clip(np.asarray(image, dtype=float), 0, None)
    if image.max() == 0:
        return image
    floor = _FLOOR * image.max()
    model = image + floor
    for _ in range(iterations):
        # Frames continue by reflection, so no flux is lost over the edges.
        blurred = np.maximum(convolve(model, kernel, mode="reflect"), floor)
        model *= correlate(image / blurred, kernel, mode="reflect")
    return model


def _above_sky(stamp):
    sky, _ = sky_and_noise(stamp)
    return stamp - sky

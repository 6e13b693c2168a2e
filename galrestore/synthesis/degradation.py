"""
From ground truth to low quality: HST blur, HST noise, min-max normalisation.

LQ = normalise(K * GT + sigma g), with K a kernel and g noise of unit variance; sigma is
such that sigma / (max - min of the noisy image) is the noise asked for.  GT is normalised
on its own, so that the two are not on one flux scale, as in the authors' pairs.
"""

import numpy as np
from scipy.ndimage import convolve1d

from galrestore.rng import stream
from galrestore.synthesis.noise import amplitudes, draw_fields

__all__ = [
    "FWHM_PER_SIGMA",
    "MOST_OF_LIMIT",
    "add_noise",
    "blur",
    "degrade",
    "draw_noise",
    "gaussian_kernel",
    "normalise",
]

FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
# Noise levels beyond the pure-noise limit 1 / (max - min of g) cannot be reached.
MOST_OF_LIMIT = 0.98
_MOST_STEPS = 100
_CHUNK = 256


def gaussian_kernel(fwhm, size):
    """
    Return a Gaussian kernel sampled at pixel centres.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum [pixel].
    size : int
        Side, odd [pixel].

    Returns
    -------
    line : ndarray of float64, shape (size,)
        One axis of the kernel, of unit sum; the kernel is ``outer(line, line)``.

    Raises
    ------
    ValueError
        If the size is even or the width not positive.

    Notes
    -----
    Kernels fitted to the authors' public pairs are Gaussians of sigma 0.80 pixel, FWHM
    1.88 pixel = 0.094 arcsec at 0.05 arcsec a pixel (Park et al. 2024, section 3.2,
    states 7 x 7 pixels and the width of the HST PSF).
    """
    if size % 2 == 0 or fwhm <= 0:
        msg = f"kernel needs an odd size and a positive width, got {size} and {fwhm}"
        raise ValueError(msg)
    distance = np.arange(size) - size // 2
    line = np.exp(-0.5 * (distance * FWHM_PER_SIGMA / fwhm) ** 2)
    return line / line.sum()


def blur(images, kernel):
    """
    Convolve images with a kernel.

    Parameters
    ----------
    images : ndarray of float, shape (N, H, W)
        Images.
    kernel : ndarray of float64, shape (size,) or (size, size)
        Kernel of odd size, or one axis of a separable one.

    Returns
    -------
    blurred : ndarray of float64, shape (N, H, W)
        Convolved images.  Edges are reflected, the pixel at the edge included: zeros
        beyond it would darken the rim by the sky's level, and the rim, as the lowest
        part of the image, would then set the scale of the min-max normalisation.
    """
    images = np.asarray(images, dtype=float)
    if kernel.ndim == 2:
        return np.stack([_convolve(image, kernel) for image in images]).reshape(images.shape)
    return convolve1d(
        convolve1d(images, kernel, axis=1, mode="reflect"), kernel, axis=2, mode="reflect"
    )


def _convolve(image, kernel):
    from scipy.signal import fftconvolve  # takes longer to import than most stages need

    padded = np.pad(image, [(side // 2, side // 2) for side in kernel.shape], mode="symmetric")
    return fftconvolve(padded, kernel, mode="valid")


def normalise(images):
    """
    Scale each image from its own lowest and highest pixel to 0 and 1.

    Parameters
    ----------
    images : ndarray of float, shape (N, H, W)
        Images.

    Returns
    -------
    scaled : ndarray of float64, shape (N, H, W)
        In [0, 1].
    low, high : ndarray of float64, shape (N,)
        Values that became 0 and 1.

    Raises
    ------
    ValueError
        If an image is constant or not finite.
    """
    images = np.asarray(images, dtype=float)
    low, high = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    bad = ~(high - low > 0) | ~np.isfinite(high - low)
    if bad.any():
        msg = f"image {int(np.argmax(bad))} is constant or not finite and cannot be normalised"
        raise ValueError(msg)
    scaled = (images - low[:, None, None]) / (high - low)[:, None, None]
    return scaled, low, high


def add_noise(images, fields, noise):
    """
    Add noise that is a given fraction of the noisy images' range.

    Parameters
    ----------
    images : ndarray of float, shape (N, H, W)
        Images without noise, none of them constant.
    fields : ndarray of float, shape (N, H, W)
        Noise g of unit variance.
    noise : ndarray of float, shape (N,)
        Fraction wanted, sigma / (max - min of image + sigma g); positive.

    Returns
    -------
    noisy : ndarray of float64, shape (N, H, W)
        image + sigma g.
    sigma : ndarray of float64, shape (N,)
        Noise that was added [unit of the images].
    reached : ndarray of float64, shape (N,)
        The fraction, below the one wanted where that cannot be reached.

    Notes
    -----
    With u = 1 / sigma the condition is h(u) = max(u B + g) - min(u B + g) = 1 / noise.
    h is convex and piecewise linear, so Newton steps from the right of the root fall
    on it after a few pieces, exactly.  As sigma grows, the fraction approaches
    1 / (max - min of g), about 0.14 for 64 x 64 pixels; more is cut to 0.98 of that.
    None of this asks how the pixels of g correlate: sigma is the rms of single pixels.

    The fraction counts the noise added here; that of the ground truth itself, below
    0.02 before the blur and less after it, comes on top.
    """
    count = len(images)
    scene, field = images.reshape(count, -1), fields.reshape(count, -1)
    span = np.ptp(field, axis=1)
    reached = np.minimum(noise, MOST_OF_LIMIT / span)
    inverse = (1 / reached + span) / np.ptp(scene, axis=1)
    todo = np.arange(count)
    for _ in range(_MOST_STEPS):
        if not len(todo):
            break
        lines = inverse[todo, None] * scene[todo] + field[todo]
        high, low = lines.argmax(axis=1), lines.argmin(axis=1)
        slope = scene[todo, high] - scene[todo, low]
        step = (1 / reached[todo] - (field[todo, high] - field[todo, low])) / slope
        # Rounding alone can move an inverse that has arrived.
        moving = np.abs(step - inverse[todo]) > 1e-12 * inverse[todo]
        inverse[todo] = step
        todo = todo[moving]
    sigma = 1 / inverse
    return images + sigma[:, None, None] * fields, sigma, reached


def degrade(images, ids, noise, kernel, seed, correlation=None):
    """
    Make pairs of ground truth and low quality.

    Parameters
    ----------
    images : ndarray of float, shape (N, H, W)
        Ground truth in any unit.
    ids : ndarray of int64, shape (N,)
        Objects; they key the noise.
    noise : ndarray of float, shape (N,)
        Rms of the noise in the min-max normalised LQ.
    kernel : ndarray of float64, shape (size,) or (size, size)
        The blur, see `blur`.
    seed : int
        Seed of the run.
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1), optional
        Correlation of the noise, see `noise.amplitudes`; by default it is white.

    Returns
    -------
    truth, low_quality : ndarray of float32, shape (N, H, W)
        Each image from 0 to 1.
    columns : dict of str to ndarray of float64, shape (N,)
        ``noise`` as reached, ``noise_sigma`` [unit of the ground truth], ``gt_min``,
        ``gt_max``, ``lq_min``, ``lq_max`` [unit of the ground truth].

    Raises
    ------
    ValueError
        If an image is constant or not finite, or if no noise has such a correlation.
    """
    shape = images.shape[1:]
    spectrum = None if correlation is None else amplitudes(correlation, shape)
    truth = np.empty(images.shape, dtype=np.float32)
    low_quality = np.empty(images.shape, dtype=np.float32)
    names = ("noise", "noise_sigma", "gt_min", "gt_max", "lq_min", "lq_max")
    columns = {name: np.empty(len(images)) for name in names}
    for start in range(0, len(images), _CHUNK):
        rows = slice(start, start + _CHUNK)
        part = np.asarray(images[rows], dtype=float)
        truth[rows], columns["gt_min"][rows], columns["gt_max"][rows] = normalise(part)
        fields = draw_fields(shape, ids[rows], seed, spectrum)
        noisy, sigma, reached = add_noise(blur(part, kernel), fields, np.asarray(noise)[rows])
        columns["noise_sigma"][rows], columns["noise"][rows] = sigma, reached
        low_quality[rows], columns["lq_min"][rows], columns["lq_max"][rows] = normalise(noisy)
    return truth, low_quality, columns


def draw_noise(pool, ids, seed):
    """
    Draw the noise of each object from a sample.

    Parameters
    ----------
    pool : ndarray of float, shape (M,)
        Noise of the HST stamps, M >= 1, in any order.
    ids : ndarray of int64, shape (N,)
        Objects; they key the draw.
    seed : int
        Seed of the run.

    Returns
    -------
    noise : ndarray of float64, shape (N,)
        Members of the sample.
    """
    pool = np.sort(np.asarray(pool, dtype=float))
    draws = [stream(seed, "degrade.noise_level", i).integers(len(pool)) for i in ids]
    return pool[np.asarray(draws, dtype=int)]

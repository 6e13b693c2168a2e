"""
Scores of restored images against the ground truth.

Images are arrays of shape (N, H, W): object, row, column.  Arithmetic is in float64
whatever the type of the input.  ``restored`` is RS (or LQ, to score no restoration at
all), ``truth`` is GT, min-max normalised to [0, 1]; RS is not clipped.

PSNR and SSIM as the paper defines them mostly measure the background of the image: the
min-max normalisation gives LQ and GT different zero points and scales, and most pixels
are sky.  Hence the scores after the best scale and offset, and on the source alone.

References
----------
Park et al. (2024), ApJ 972, 45, equations 3 to 5.
Wang et al. (2004), IEEE Transactions on Image Processing 13, 600.
"""

from functools import cache

import numpy as np
from scipy import ndimage

__all__ = [
    "affine_match",
    "nrmse_source",
    "psnr",
    "psnr_authors",
    "scores",
    "sky_level",
    "source_mask",
    "ssim",
    "ssim_authors",
]

# Window and stabilisers of the authors' Denoising/utils.py, with a dynamic range L = 1.
_WINDOW = 11
_WINDOW_SIGMA = 1.5
_C1 = 0.01**2
_C2 = 0.03**2

_CLIP = 3.0
_CLIP_ITERATIONS = 50
# Sources have five connected pixels (paper, section 3.1), diagonal neighbours included.
_MINIMUM_AREA = 5
# Stamps scored at once: the arrays of a block of 64 x 64 stamps stay in the cache, which
# makes blocks 1.5 times as fast as whole sets.
_BLOCK = 32
# Noiseless GT has no sky noise to measure: then a source ends at this part of its peak,
# half of the largest noise that the selection of JWST stamps lets pass (section 3.3).
_FAINTEST = 0.01


def scores(restored, truth, source_sigma=3.0):
    """
    Compute all scores of a set of restored images.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, H, W)
        Images to compare.
    source_sigma : float, optional
        Threshold of `source_mask`.

    Returns
    -------
    columns : dict of str to ndarray, shape (N,)
        ``psnr`` and ``psnr_authors`` [dB], ``ssim`` and ``ssim_authors``; ``psnr_matched`` [dB] and
        ``ssim_matched`` after `affine_match`, with its ``scale`` and ``offset``;
        ``nrmse_source``.

    Raises
    ------
    ValueError
        If the shapes differ, are not (N, H, W) or are too small for SSIM.
    """
    restored, truth = _pair(restored, truth, dtype=None)
    starts = range(0, max(len(truth), 1), _BLOCK)
    blocks = [
        _block_scores(restored[k : k + _BLOCK], truth[k : k + _BLOCK], source_sigma) for k in starts
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _block_scores(restored, truth, source_sigma):
    matched, scale, offset = affine_match(restored, truth)
    return {
        "psnr": psnr(restored, truth),
        "psnr_authors": psnr_authors(restored, truth),
        "ssim": ssim(restored, truth),
        "ssim_authors": ssim_authors(restored, truth),
        "psnr_matched": psnr(matched, truth),
        "ssim_matched": ssim(matched, truth),
        "nrmse_source": nrmse_source(matched, truth, source_mask(truth, source_sigma)),
        "scale": scale,
        "offset": offset,
    }


def psnr(restored, truth):
    """
    Peak signal-to-noise ratio, the peak being the ground truth's.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, H, W)
        Images to compare.

    Returns
    -------
    ratio : ndarray, shape (N,)
        10 log10(max(truth)**2 / MSE) [dB]; infinite for equal images.

    Raises
    ------
    ValueError
        If the shapes differ or are not (N, H, W).

    References
    ----------
    Park et al. (2024), equations 3 and 4.
    """
    restored, truth = _pair(restored, truth)
    return _ratio(truth.max(axis=(1, 2)), restored - truth)


def psnr_authors(restored, truth):
    """
    Peak signal-to-noise ratio, the peak being the restored image's.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, H, W)
        Images to compare.

    Returns
    -------
    ratio : ndarray, shape (N,)
        10 log10(max(restored)**2 / MSE) [dB], as the authors' validation computes it,
        which rewards a peak that is too high.

    Raises
    ------
    ValueError
        If the shapes differ or are not (N, H, W).
    """
    restored, truth = _pair(restored, truth)
    return _ratio(restored.max(axis=(1, 2)), restored - truth)


def ssim(restored, truth):
    """
    Structural similarity, mean over the windows that lie inside the image.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, H, W)
        Images to compare, on a scale where 1 is the dynamic range; H, W >= 11 pixels.

    Returns
    -------
    similarity : ndarray, shape (N,)
        1 for equal images.

    Raises
    ------
    ValueError
        If the shapes differ, are not (N, H, W) or are smaller than the window.

    Notes
    -----
    Gaussian window of 11 x 11 pixels and sigma 1.5, biased variances, C1 = 0.01**2,
    C2 = 0.03**2: equal to ``skimage.metrics.structural_similarity`` with
    ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1``.

    References
    ----------
    Park et al. (2024), equation 5; Wang et al. (2004).
    """
    restored, truth = _pair(restored, truth)
    if min(truth.shape[1:]) < _WINDOW:
        msg = f"SSIM needs images of {_WINDOW} pixels or more a side, got {truth.shape[1:]}"
        raise ValueError(msg)
    return _similarity(restored, truth, _C1, _C2)


def ssim_authors(restored, truth):
    """
    Structural similarity as the other of the authors' two functions has it.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, H, W)
        Images to compare.

    Returns
    -------
    similarity : ndarray, shape (N,)
        1 for equal images.

    Raises
    ------
    ValueError
        If the shapes differ or are not (N, H, W).

    Notes
    -----
    As `ssim`, but with the highest pixel of the restored image as the dynamic range, and over
    the full frame, the outermost pixels repeated beyond it.  No script of the authors calls
    either function, so which of them made Table 1 is not known.

    References
    ----------
    Park et al. (2024), equation 5; the authors' repository, commit 8011110.
    """
    restored, truth = _pair(restored, truth)
    square = np.square(restored.max(axis=(1, 2)))[:, None, None]
    pad = ((0, 0), *((_WINDOW // 2, _WINDOW // 2),) * 2)
    padded = (np.pad(images, pad, mode="edge") for images in (restored, truth))
    return _similarity(*padded, _C1 * square, _C2 * square)


def _similarity(restored, truth, c1, c2):
    """Mean of the similarity over all windows inside the images."""
    mean_r, mean_t = _smooth(restored), _smooth(truth)
    variance_r = _smooth(restored**2) - mean_r**2
    variance_t = _smooth(truth**2) - mean_t**2
    covariance = _smooth(restored * truth) - mean_r * mean_t
    luminance = (2 * mean_r * mean_t + c1) / (mean_r**2 + mean_t**2 + c1)
    structure = (2 * covariance + c2) / (variance_r + variance_t + c2)
    return (luminance * structure).mean(axis=(1, 2))


def affine_match(restored, truth):
    """
    Fit a scale and an offset that bring each restored image closest to the truth.

    Least squares over the whole frame.  It uses the truth, so it is a diagnostic of
    what a score owes to the zero point and the scale, never a part of a restoration.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, H, W)
        Images to compare.

    Returns
    -------
    matched : ndarray of float64, shape (N, H, W)
        ``scale * restored + offset``.
    scale, offset : ndarray, shape (N,)
        The fit; a constant image gets scale 0 and the mean of the truth.

    Raises
    ------
    ValueError
        If the shapes differ or are not (N, H, W).
    """
    restored, truth = _pair(restored, truth)
    mean_r = restored.mean(axis=(1, 2), keepdims=True)
    mean_t = truth.mean(axis=(1, 2), keepdims=True)
    departure = restored - mean_r
    power = (departure**2).sum(axis=(1, 2), keepdims=True)
    product = (departure * (truth - mean_t)).sum(axis=(1, 2), keepdims=True)
    # Rounding leaves a constant image a power of about (eps * mean)**2 a pixel.
    rounding = (np.finfo(float).eps * mean_r) ** 2 * truth[:1].size
    varies = power > 4 * rounding
    scale = np.divide(product, power, out=np.zeros_like(power), where=varies)
    offset = mean_t - scale * mean_r
    return scale * restored + offset, scale[:, 0, 0], offset[:, 0, 0]


def sky_level(images):
    """
    Measure sky and noise of each image by clipping.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images; finite.

    Returns
    -------
    sky, sigma : ndarray, shape (N,)
        Median and standard deviation of the pixels within 3 sigma of their own median,
        [unit of the images].  Where less than half of the frame is sky the galaxy's
        wings raise both.
    """
    images = np.asarray(images, dtype=float)
    levels = np.array([_clipped(np.sort(image, axis=None)) for image in images]).reshape(-1, 2)
    return levels[:, 0], levels[:, 1]


def source_mask(truth, sigma=3.0):
    """
    Mark the pixels of the ground truth that show a source.

    Parameters
    ----------
    truth : ndarray, shape (N, H, W)
        Ground truth.
    sigma : float, optional
        Threshold above the sky, in units of the noise of the sky.

    Returns
    -------
    mask : ndarray of bool, shape (N, H, W)
        Pixels above the sky by ``sigma`` times the noise, and by 1 per cent of the
        peak's height, in connected groups of five or more (diagonals connect): the
        object of the stamp and its neighbours, without lone noise peaks.
    """
    truth = np.asarray(truth, dtype=float)
    sky, noise = sky_level(truth)
    height = truth.max(axis=(1, 2)) - sky
    threshold = sky + np.maximum(sigma * noise, _FAINTEST * height)
    above = truth > threshold[:, None, None]
    within_image = np.zeros((3, 3, 3), dtype=bool)
    within_image[1] = True
    labels, _ = ndimage.label(above, structure=within_image)
    large = np.bincount(labels.ravel(), minlength=1) >= _MINIMUM_AREA
    large[0] = False
    return large[labels]


def nrmse_source(restored, truth, mask):
    """
    Error on the source, in units of the source.

    Parameters
    ----------
    restored : ndarray, shape (N, H, W)
        Restored images on the scale of the truth, as `affine_match` returns them.
    truth : ndarray, shape (N, H, W)
        Ground truth.
    mask : ndarray of bool, shape (N, H, W)
        Pixels of the source, as `source_mask` returns them.

    Returns
    -------
    error : ndarray, shape (N,)
        rms of ``restored - truth`` over the mask divided by the rms of ``truth - sky``
        over the mask: 0 for a perfect image, 1 for a blank sky; NaN for an empty mask.

    Raises
    ------
    ValueError
        If the shapes differ or are not (N, H, W).
    """
    restored, truth = _pair(restored, truth)
    if mask.shape != truth.shape:
        msg = f"mask must have the images' shape {truth.shape}, got {mask.shape}"
        raise ValueError(msg)
    sky = sky_level(truth)[0][:, None, None]
    wrong = np.where(mask, restored - truth, 0)
    light = np.where(mask, truth - sky, 0)
    power = (light**2).sum(axis=(1, 2))
    nothing = np.full(len(truth), np.nan)
    share = np.divide((wrong**2).sum(axis=(1, 2)), power, out=nothing, where=power > 0)
    return np.sqrt(share)


def _pair(restored, truth, dtype=float):
    restored, truth = np.asarray(restored, dtype=dtype), np.asarray(truth, dtype=dtype)
    if restored.shape != truth.shape or truth.ndim != 3:
        msg = f"images must both be (N, H, W), got {restored.shape} and {truth.shape}"
        raise ValueError(msg)
    return restored, truth


def _ratio(peak, difference):
    mse = (difference**2).mean(axis=(1, 2))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(peak**2 / mse)


def _smooth(images):
    """Gaussian means in all windows inside the images, as two matrix products."""
    _, height, width = images.shape
    return _window_matrix(height) @ images @ _window_matrix(width).T


@cache
def _window_matrix(length):
    """Matrix (length - 10, length) that slides the window along an axis."""
    x = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-0.5 * (x / _WINDOW_SIGMA) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((length - _WINDOW + 1, length))
    for row in range(len(matrix)):
        matrix[row, row : row + _WINDOW] = weights
    matrix.setflags(write=False)
    return matrix


def _clipped(ordered):
    """Clip ordered values about their median; clipping keeps a run of them."""
    low, high = 0, len(ordered)
    for _ in range(_CLIP_ITERATIONS):
        kept = ordered[low:high]
        half = len(kept) // 2
        middle = 0.5 * (kept[half] + kept[-half - 1])
        reach = _CLIP * kept.std()
        bounds = np.searchsorted(ordered, [middle - reach, middle + reach], side="left")
        bounds[1] = np.searchsorted(ordered, middle + reach, side="right")
        if (bounds[0], bounds[1]) == (low, high):
            break
        low, high = bounds
    kept = ordered[low:high]
    return np.median(kept), kept.std()

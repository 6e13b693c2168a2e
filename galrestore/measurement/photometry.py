"""
From the scale of the restored image to that of the input, and fluxes in fixed areas.

A restored image RS is min-max normalised: its zero point and scale are its own.  Both
are found from the low-quality image LQ it was made from, never from the ground truth:
by the paper's recipe on two levels (equations 8 and 9), or by least squares on all
pixels.  Either way RS is first blurred by the PSF of LQ.  Images are arrays of shape
(N, H, W); the object is at pixel ``side // 2`` of both axes.

References
----------
Park et al. (2024), ApJ 972, 45, section 4.4.
"""

from dataclasses import dataclass

import numpy as np

from galrestore.sources.background import clipped_mode
from galrestore.synthesis.noise import covariance_of_sums

__all__ = ["Scaling", "area_flux", "levels", "rescale_matched", "rescale_paper"]

# Side of the square whose mean is the upper level (paper, section 4.4).
_CENTRE = 4


@dataclass(frozen=True)
class Scaling:
    """
    Scale s and offset c that bring restored images to the input: s RS + c.

    Attributes
    ----------
    scale : ndarray of float64, shape (N,)
        Factor [unit of LQ]; NaN where it cannot be told, not positive where it fails.
    offset : ndarray of float64, shape (N,)
        What is added after that [unit of LQ].
    covariance : ndarray of float64, shape (N, 2, 2)
        Of scale and offset; NaN where the recipe gives none.
    """

    scale: np.ndarray
    offset: np.ndarray
    covariance: np.ndarray

    @property
    def scale_error(self):
        """Standard error of the scale, an ndarray of shape (N,) [unit of LQ]."""
        return np.sqrt(self.covariance[:, 0, 0])

    @property
    def offset_error(self):
        """Standard error of the offset, an ndarray of shape (N,) [unit of LQ]."""
        return np.sqrt(self.covariance[:, 1, 1])


def levels(images):
    """
    Measure the lower and the upper level of images.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images of an object in the middle; finite.

    Returns
    -------
    lower : ndarray of float64, shape (N,)
        Background: SExtractor's mode after clipping at 3 sigma.
    upper : ndarray of float64, shape (N,)
        Mean of the central 4 x 4 pixels.
    rms : ndarray of float64, shape (N,)
        Noise of the background [unit of the images, as both levels].

    References
    ----------
    Park et al. (2024), section 4.4; Bertin & Arnouts (1996), A&AS 117, 393.
    """
    images = np.asarray(images)
    modes = np.array([clipped_mode(image) for image in images], dtype=float).reshape(-1, 2)
    rows, columns = (
        slice(side // 2 - _CENTRE // 2, side // 2 + _CENTRE // 2) for side in images.shape[1:]
    )
    upper = images[:, rows, columns].mean(axis=(1, 2), dtype=float)
    return modes[:, 0], upper, modes[:, 1]


def rescale_paper(low_quality, blurred):
    """
    Find scale and offset from two levels, as the paper does.

    Parameters
    ----------
    low_quality : ndarray, shape (N, H, W)
        LQ, in any unit.
    blurred : ndarray, shape (N, H, W)
        RS convolved with the PSF of LQ.

    Returns
    -------
    scaling : Scaling
        s = (u_LQ - l_LQ) / (u_RS - l_RS) and c = l_LQ - s l_RS, without covariance.

    Raises
    ------
    ValueError
        If the shapes differ or are not (N, H, W).

    Notes
    -----
    All of the scale hangs on 16 pixels of LQ: its relative error is at least that of
    their mean, rms / 4 over the height there.  Where the middle of the stamp is not
    bright (rings, pairs, objects off the centre) both differences are small.

    References
    ----------
    Park et al. (2024), equations 8 and 9.
    """
    low_quality, blurred = _pair(low_quality, blurred)
    lower, upper, _ = levels(low_quality)
    lower_rs, upper_rs, _ = levels(blurred)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = (upper - lower) / (upper_rs - lower_rs)
    scale = np.where(np.isfinite(scale), scale, np.nan)
    return Scaling(scale, lower - scale * lower_rs, np.full((len(scale), 2, 2), np.nan))


def rescale_matched(low_quality, blurred, rms, use=None, correlation=None):
    """
    Find scale and offset by weighted least squares over all pixels.

    Parameters
    ----------
    low_quality : ndarray, shape (N, H, W)
        LQ, in any unit.
    blurred : ndarray, shape (N, H, W)
        RS convolved with the PSF of LQ.
    rms : ndarray, shape (N,) or (N, H, W)
        Noise of LQ, of each image or of each pixel [unit of LQ]; positive.
    use : ndarray of bool, shape (N, H, W), optional
        Pixels that count; all by default.
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1), optional
        Correlation of the noise at lags of -L to L rows and columns, 1 in the middle; by
        default the noise is white.

    Returns
    -------
    scaling : Scaling
        Minimum of the sum of ((s RS + c - LQ) / rms)**2, whatever the correlation, with its
        covariance under noise so correlated; NaN where the blurred image is constant.

    Raises
    ------
    ValueError
        If the shapes differ or are not (N, H, W), or a noise is not positive.

    Notes
    -----
    The error tells of the noise of LQ alone.  What is wrong with RS is not in it, and
    noise left in RS makes the scale too small, by the ratio of its variance, after the
    blur, to the variance of the blurred image over the frame.
    """
    low_quality, blurred = _pair(low_quality, blurred)
    rms = np.asarray(rms, dtype=float)
    rms = rms[:, None, None] if rms.ndim == 1 else rms
    if not np.all(rms > 0):
        msg = f"the noise of LQ must be positive, got {np.min(rms):g}"
        raise ValueError(msg)
    weight = np.broadcast_to(rms**-2.0, low_quality.shape)
    if use is not None:
        weight = np.where(use, weight, 0.0)
    axes = (1, 2)
    total = weight.sum(axis=axes)
    mean_lq = (weight * low_quality).sum(axis=axes) / total
    mean_rs = (weight * blurred).sum(axis=axes) / total
    departure = blurred - mean_rs[:, None, None]
    power = (weight * departure**2).sum(axis=axes)
    product = (weight * departure * (low_quality - mean_lq[:, None, None])).sum(axis=axes)
    # Rounding leaves a constant image a power of about (eps * mean)**2 a pixel.
    varies = power > 4 * total * (np.finfo(float).eps * mean_rs) ** 2
    variance = np.divide(1.0, power, out=np.full_like(power, np.nan), where=varies)
    scale = product * variance
    if correlation is not None:
        covariance = _correlated(weight, departure, total, mean_rs, variance, correlation)
        return Scaling(scale, mean_lq - scale * mean_rs, covariance)
    covariance = np.empty((len(scale), 2, 2))
    covariance[:, 0, 0] = variance
    covariance[:, 0, 1] = covariance[:, 1, 0] = -mean_rs * variance
    covariance[:, 1, 1] = 1 / total + mean_rs**2 * variance
    return Scaling(scale, mean_lq - scale * mean_rs, covariance)


def _correlated(weight, departure, total, mean_rs, variance, correlation):
    """Covariance of scale and offset as the sums over LQ's pixels that they are."""
    covariance = np.empty((len(weight), 2, 2))
    for k, root in enumerate(np.sqrt(weight)):
        of_scale = root * departure[k] * variance[k]
        of_offset = root / total[k] - mean_rs[k] * of_scale
        covariance[k] = covariance_of_sums(np.stack([of_scale, of_offset]), correlation)
    return covariance


def area_flux(images, sky, area):
    """
    Sum images over fixed areas, above their sky.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images.
    sky : ndarray, shape (N,)
        Sky of each [unit of the images].
    area : ndarray of bool, shape (N, H, W)
        Pixels to sum.

    Returns
    -------
    flux : ndarray of float64, shape (N,)
        Sum of image minus sky [unit of the images]; NaN for an empty area.
    """
    inside = np.where(area, np.asarray(images, dtype=float), 0).sum(axis=(1, 2))
    count = area.sum(axis=(1, 2))
    return np.where(count > 0, inside - count * np.asarray(sky, dtype=float), np.nan)


def _pair(low_quality, blurred):
    low_quality, blurred = (np.asarray(images, dtype=float) for images in (low_quality, blurred))
    if low_quality.shape != blurred.shape or low_quality.ndim != 3:
        msg = f"images must both be (N, H, W), got {low_quality.shape} and {blurred.shape}"
        raise ValueError(msg)
    return low_quality, blurred

"""
Kernels made from images of PSFs, and widths of kernels.

A kernel acts on images whose pixels have integrated the light already.  A PSF image is
therefore sampled at the kernel's points, through a quintic spline, not averaged over its
pixels a second time; for a PSF image that holds the pixel's own blur, as TinyTim's and
stacked stars do, that blur is part of the kernel.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.optimize import minimize_scalar

from galrestore.synthesis.degradation import FWHM_PER_SIGMA, blur, gaussian_kernel

__all__ = ["KernelFit", "centre_of", "equivalent_fwhm", "fit_kernel_width", "kernel_from_image"]

# Steps of the windowed centroid; each shrinks the error fivefold or more.
_STEPS = 50
_SETTLED = 1e-5


class KernelFit(NamedTuple):
    """
    Gaussian blur between the images of a pair, LQ = s K * GT + c + noise.

    Attributes
    ----------
    sigma : float
        Standard deviation of the kernel K [pixel].
    sigma_error : float
        Its standard error, for white noise and a GT without any [pixel].
    scale, offset : float
        s and c.
    noise : float
        Rms of the residuals [unit of LQ].
    """

    sigma: float
    sigma_error: float
    scale: float
    offset: float
    noise: float


def kernel_from_image(image, size, step=1.0):
    """
    Make a kernel from a PSF image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        The PSF, in any unit, anywhere in the frame, on a background of zero.
    size : int
        Side of the kernel, odd [pixel].
    step : float, optional
        Pixels of the PSF image in a pixel of the kernel.

    Returns
    -------
    kernel : ndarray of float64, shape (size, size)
        Of unit sum; the windowed centroid of the PSF lies at its middle.
    enclosed : float
        Share of the image's light within the kernel.

    Raises
    ------
    ValueError
        If the size is even, if the image holds other than finite numbers or no light, or
        if the kernel reaches beyond it.
    """
    image = _checked(image)
    if size % 2 == 0 or size < 1 or not step > 0:
        msg = f"kernel needs an odd size and a positive step, got {size} and {step}"
        raise ValueError(msg)
    row, column = centre_of(image)
    offsets = (np.arange(size) - size // 2) * step
    rows, columns = row + offsets, column + offsets
    for name, points, length in (
        ("rows", rows, image.shape[0]),
        ("columns", columns, image.shape[1]),
    ):
        # The pixels at the rim reach half a pixel farther than their centres.
        if points[0] < -0.5 or points[-1] > length - 0.5:
            msg = (
                f"a kernel of {size} pixels needs {name} {points[0]:.1f} to {points[-1]:.1f} of "
                f"the PSF image, which has {length}"
            )
            raise ValueError(msg)
    grid = np.meshgrid(rows, columns, indexing="ij")
    kernel = map_coordinates(image, grid, order=5, mode="nearest")
    total = kernel.sum()
    if not total > 0:
        msg = f"the PSF holds no light within {size} pixels of its centre"
        raise ValueError(msg)
    return kernel / total, float(total * step**2 / image.sum())


def centre_of(image):
    """
    Measure the centroid of a PSF in a Gaussian window.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        The PSF on a background of zero.

    Returns
    -------
    row, column : float
        Centroid [pixel], 0-based; that of a symmetric PSF is its centre of symmetry.

    Raises
    ------
    ValueError
        If the image holds other than finite numbers or no light, or if its centroid
        wanders out of it.

    References
    ----------
    Bertin & Arnouts (1996), A&AS 117, 393, and SExtractor's manual: windowed positions.
    """
    image = _checked(image)
    y, x = np.indices(image.shape)
    row, column = (float(k) for k in np.unravel_index(np.argmax(image), image.shape))
    # A window about as wide as the PSF; of a Gaussian, half the peak covers 2 pi ln 2 sigma^2.
    variance = max(np.sum(image > image.max() / 2) / (2 * math.pi * math.log(2)), 1.0)
    for _ in range(_STEPS):
        window = image * np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / variance)
        total = window.sum()
        # The window pulls back by half where it is as wide as the PSF.
        up = 2 * np.sum(window * (y - row)) / total
        right = 2 * np.sum(window * (x - column)) / total
        row, column = row + up, column + right
        if not (0 <= row < image.shape[0] and 0 <= column < image.shape[1]):
            break
        if abs(up) + abs(right) < _SETTLED:
            return row, column
    msg = f"the PSF has no centroid: it wandered to row {row:.1f}, column {column:.1f}"
    raise ValueError(msg)


def equivalent_fwhm(kernel):
    """
    Return the width of the Gaussian that averages noise as a kernel does.

    Parameters
    ----------
    kernel : ndarray of float, shape (size,) or (size, size)
        Kernel of unit sum; one axis of it if it is separable.

    Returns
    -------
    fwhm : float
        Full width at half maximum of the Gaussian of the same sum of squares [pixel];
        within 1 % of a sampled Gaussian's own for widths above 1.4 pixels.
    """
    kernel = np.asarray(kernel, dtype=float)
    squares = np.sum(kernel**2)
    area = 1 / squares**2 if kernel.ndim == 1 else 1 / squares
    return FWHM_PER_SIGMA * math.sqrt(area / (4 * math.pi))


def fit_kernel_width(truth, low_quality, size=7, bounds=(0.3, 3.0)):
    """
    Fit the Gaussian blur between the two images of a pair.

    Parameters
    ----------
    truth, low_quality : ndarray of float, shape (H, W)
        GT and LQ of one pair, each on a scale of its own.
    size : int, optional
        Side of the kernel, odd [pixel].
    bounds : tuple of float, optional
        Range of the width's sigma [pixel].

    Returns
    -------
    fit : KernelFit
        The sum of (LQ - s K * GT - c)**2 is smallest for these values.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    truth, low = np.asarray(truth, dtype=float), np.asarray(low_quality, dtype=float)
    if truth.shape != low.shape or truth.ndim != 2:
        msg = f"GT has shape {truth.shape} and LQ {low.shape}, expected two equal images"
        raise ValueError(msg)

    def match(sigma):
        blurred = blur(truth[None], gaussian_kernel(sigma * FWHM_PER_SIGMA, size))[0].ravel()
        design = np.column_stack([blurred, np.ones_like(blurred)])
        factors = np.linalg.lstsq(design, low.ravel(), rcond=None)[0]
        return np.sum((low.ravel() - design @ factors) ** 2), factors

    sigma = minimize_scalar(lambda width: match(width)[0], bounds=bounds, method="bounded").x
    squares, (scale, offset) = match(sigma)
    variance = squares / (low.size - 3)
    step = 0.02 * sigma
    curvature = (match(sigma + step)[0] + match(sigma - step)[0] - 2 * squares) / step**2
    error = math.sqrt(2 * variance / curvature) if curvature > 0 else math.inf
    return KernelFit(float(sigma), error, float(scale), float(offset), math.sqrt(variance))


def _checked(image):
    image = np.asarray(image, dtype=float)
    if image.ndim != 2 or min(image.shape) < 1:
        msg = f"a PSF image has two axes, got shape {image.shape}"
        raise ValueError(msg)
    if not np.isfinite(image).all():
        msg = f"{np.sum(~np.isfinite(image))} pixels of the PSF image are not finite"
        raise ValueError(msg)
    if not (image.sum() > 0 and image.max() > 0):
        msg = f"the PSF image holds no light: its sum is {image.sum():g}"
        raise ValueError(msg)
    return image

"""
Drizzling: exposures of a distorted detector onto one undistorted mosaic.

Surface brightness is averaged, so that a mosaic made of flat-fielded exposures holds
true fluxes although the detector's pixels differ in area.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from astropy.wcs import WCS
from drizzle.resample import Drizzle

from galrestore.synthesis.blot import overlap, pixel_jacobians, pixel_map

__all__ = ["Layer", "drizzle_exposures"]

_STRIP = 256  # rows of a detector drizzled at once
# Pixels around the window whose light a kernel may bring into it, and which drizzle does
# not look at when they lie outside of its image.
_REACH = 8

Kernel = Literal["square", "lanczos3"]


@dataclass(frozen=True)
class Layer:
    """
    One chip of an exposure, ready to be combined.

    Attributes
    ----------
    rate : ndarray of float32, shape (H, W)
        Flat-fielded count rate without sky [electron/s per nominal pixel].
    variance : float or ndarray of float32, shape (H, W)
        Variance of the rate without sources; the variance with sources would give
        bright pixels that are high by chance less weight.
    good : ndarray of bool, shape (H, W)
        Pixels to use.
    wcs : astropy.wcs.WCS
        With all distortions.
    exposure_time : float
        Exposure time [s].
    nominal_scale : float
        Side of the nominal pixel [arcsec], see `galrestore.files.exposures.Chip`.
    """

    rate: np.ndarray
    variance: float | np.ndarray
    good: np.ndarray
    wcs: WCS
    exposure_time: float
    nominal_scale: float


def drizzle_exposures(
    layers: Iterable[Layer],
    wcs,
    window,
    kernel: Kernel = "square",
    pixfrac=1.0,
    weighting: Literal["inverse_variance", "exposure_time"] = "inverse_variance",
):
    """
    Drizzle chips of exposures onto a window of a mosaic.

    Parameters
    ----------
    layers : iterable of Layer
        The chips; taken one at a time.
    wcs : astropy.wcs.WCS
        The mosaic's, without distortions.
    window : tuple of int
        Rows y0 to y1 - 1 and columns x0 to x1 - 1 of the mosaic, as (y0, y1, x0, x1).
    kernel : {"square", "lanczos3"}, optional
        Shape of a pixel's drop.
    pixfrac : float, optional
        Side of the drop in pixels of the detector; 1 for lanczos3.
    weighting : {"inverse_variance", "exposure_time"}, optional
        Weight of a pixel in the mean.

    Returns
    -------
    science : ndarray of float32, shape (y1 - y0, x1 - x0)
        Count rate per pixel of the mosaic [electron/s]; 0 where nothing was exposed.
    weight : ndarray of float32, shape (y1 - y0, x1 - x0)
        Inverse variance without sources; 0 where nothing was exposed.

    Raises
    ------
    ValueError
        If ``pixfrac`` is not in (0, 1], or not 1 for lanczos3.

    Notes
    -----
    The variance is that of the sum over many pixels divided by their number.  A single
    pixel has less scatter, because drops spread over neighbours and correlate them.

    References
    ----------
    Fruchter & Hook (2002), PASP 114, 144, equations 3 to 5 and section 7.
    """
    if not 0 < pixfrac <= 1 or (kernel == "lanczos3" and pixfrac != 1):
        msg = f"pixfrac must be in (0, 1], and 1 for lanczos3, got {pixfrac} for {kernel}"
        raise ValueError(msg)
    y0, y1, x0, x1 = window
    wide = (y0 - _REACH, y1 + _REACH, x0 - _REACH, x1 + _REACH)
    shape = (wide[1] - wide[0], wide[3] - wide[2])
    science, spread = (
        Drizzle(kernel=kernel, fillval=0.0, out_shape=shape, disable_ctx=True) for _ in range(2)
    )
    exact = weighting == "inverse_variance"
    for layer in layers:
        with warnings.catch_warnings():
            # Kernels with negative parts keep flux on average only.
            warnings.filterwarnings("ignore", "Kernel 'lanczos3' is not a flux-conserving")
            _add(layer, wcs, wide, science, None if exact else spread, pixfrac, weighting)
    weight = total = np.maximum(science.out_wht, 0)
    if not exact:
        # Weighted mean of weight times variance: the variance of the mean is that over total.
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.where(total > 0, total / spread.out_img, 0).astype(np.float32)
    image = np.where(weight > 0, science.out_img, 0).astype(np.float32)
    inner = slice(_REACH, -_REACH)
    return image[inner, inner], weight[inner, inner]


def _add(layer, wcs, window, science, spread, pixfrac, weighting):
    """Add one chip to a mosaic in the making, and to the mean of weight times variance."""
    part = overlap(layer.wcs, layer.rate.shape, wcs, window, margin=0)
    if part is None:
        return
    centre = np.array([window[2] + window[3] - 1, window[0] + window[1] - 1]) / 2
    area = abs(np.linalg.det(pixel_jacobians(wcs, *centre)[0]))
    gain = area / layer.nominal_scale**2  # rate per pixel of the mosaic
    # Drizzle gives an output pixel the weights of the input pixels that it holds; but for
    # the kernel lanczos3, of one pixel.
    share = gain if science.kernel == "lanczos3" else 1.0
    y0, y1, x0, x1 = part
    # Strips start at fixed rows, so that the result does not depend on the window.
    for top in range(y0 - y0 % _STRIP, y1, _STRIP):
        strip = (max(top, y0), min(top + _STRIP, y1), x0, x1)
        here = (slice(*strip[:2]), slice(*strip[2:]))
        positions = pixel_map(layer.wcs, wcs, strip) - (window[2], window[0])
        variance = np.broadcast_to(layer.variance, layer.rate.shape)[here] * gain**2
        weight = 1 / variance if weighting == "inverse_variance" else layer.exposure_time
        weight = np.where(layer.good[here], weight * share, 0)
        for mean, values in ((science, layer.rate[here] * gain), (spread, weight * variance)):
            if mean is not None:
                mean.add_image(
                    np.where(layer.good[here], values, 0).astype(np.float32),
                    exptime=1.0,
                    pixmap=positions,
                    pixel_scale_ratio=np.sqrt(gain),
                    weight_map=weight.astype(np.float32),
                    pixfrac=pixfrac,
                )

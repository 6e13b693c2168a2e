"""
One deep mosaic out of dithered exposures, cosmic rays rejected by comparison.

As AstroDrizzle does: each exposure is drizzled alone, the median of all is brought back
to each chip, and pixels that lie far above it are left out of the final mosaic.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import binary_dilation, maximum_filter, minimum_filter

from galrestore.sources.background import clipped_mode
from galrestore.synthesis.blot import blot, overlap
from galrestore.synthesis.drizzling import Layer, drizzle_exposures

__all__ = ["combine_exposures", "layer_of", "reject_cosmic_rays"]

# Thresholds of a hit and of its neighbours: in units of the noise, and of the steepest
# slope of the median image there, whose interpolation is uncertain (AstroDrizzle's
# driz_cr_snr and driz_cr_scale).
_SIGMAS, _SLOPES = (3.5, 3.0), (1.2, 0.7)
_MARGIN = 16  # pixels of the mosaic beyond the window that the comparison looks at
_PIXFRAC = 1.0  # single exposures leave holes with smaller drops


def layer_of(chip, good=None):
    """
    Prepare a chip of an exposure for drizzling.

    Parameters
    ----------
    chip : Chip
        As read by `galrestore.files.exposures.read_exposure`.
    good : ndarray of bool, shape (H, W), optional
        Pixels to use; by default those neither bad nor flagged as hit.

    Returns
    -------
    layer : Layer
        Count rates; the sky is the header's, or the mode of the good pixels.
    """
    good = ~(chip.bad | chip.hit) if good is None else good
    sky = chip.sky if np.isfinite(chip.sky) else clipped_mode(chip.data[good])[0]
    above = chip.data - np.float32(sky)
    # Pixels without source: their error is that of sky, dark current and read-out.
    empty = good & (np.abs(above) < 2 * chip.error)
    variance = float(np.median(chip.error[empty if empty.any() else good])) ** 2
    return Layer(
        rate=above / np.float32(chip.exposure_time),
        variance=variance / chip.exposure_time**2,
        good=good,
        wcs=chip.wcs,
        exposure_time=chip.exposure_time,
        nominal_scale=chip.nominal_scale,
    )


def combine_exposures(exposures, wcs, window, kernel="square", pixfrac=1.0):
    """
    Drizzle exposures onto a window of a mosaic, without cosmic rays.

    Parameters
    ----------
    exposures : sequence of sequence of Layer
        The chips of each exposure.
    wcs : astropy.wcs.WCS
        The mosaic's, without distortions.
    window : tuple of int
        Rows y0 to y1 - 1 and columns x0 to x1 - 1 of the mosaic, as (y0, y1, x0, x1).
    kernel, pixfrac
        As in `galrestore.synthesis.drizzling.drizzle_exposures`.

    Returns
    -------
    science : ndarray of float32, shape (y1 - y0, x1 - x0)
        Count rate [electron/s]; 0 where nothing was exposed.
    weight : ndarray of float32, same shape
        Inverse variance without sources; 0 where nothing was exposed.
    hits : list of list of ndarray of bool
        Pixels rejected in each chip; False also where it lies outside the window.
    """
    hits = reject_cosmic_rays(exposures, wcs, window)
    clean = (
        replace(layer, good=layer.good & ~hit)
        for chips, masks in zip(exposures, hits, strict=True)
        for layer, hit in zip(chips, masks, strict=True)
    )
    science, weight = drizzle_exposures(clean, wcs, window, kernel, pixfrac)
    return science, weight, hits


def reject_cosmic_rays(exposures, wcs, window):
    """
    Find cosmic rays by comparing each exposure with the median of all.

    Parameters
    ----------
    exposures, wcs, window
        As in `combine_exposures`.

    Returns
    -------
    hits : list of list of ndarray of bool
        As returned by `combine_exposures`.

    Notes
    -----
    Of an even number of exposures the lower of the two middle values is the median:
    with two, the darker.

    References
    ----------
    Gonzaga et al. (2012), The DrizzlePac Handbook, section 4.2.7 (driz_cr).
    """
    y0, y1, x0, x1 = window
    wide = (y0 - _MARGIN, y1 + _MARGIN, x0 - _MARGIN, x1 + _MARGIN)
    median = _median(exposures, wcs, wide)
    return [[_hits(layer, median, wcs, wide) for layer in chips] for chips in exposures]


def _median(exposures, wcs, window):
    """Lower median of the exposures that saw a pixel; NaN where none did."""
    stack = np.stack([_alone(chips, wcs, window) for chips in exposures])
    stack.sort(axis=0)  # NaN last
    count = np.sum(np.isfinite(stack), axis=0)
    middle = np.maximum(count - 1, 0) // 2
    return np.take_along_axis(stack, middle[None], axis=0)[0]


def _alone(chips, wcs, window):
    science, weight = drizzle_exposures(chips, wcs, window, pixfrac=_PIXFRAC)
    return np.where(weight > 0, science, np.nan).astype(np.float32)


def _hits(layer, median, wcs, window):
    """Pixels of a chip above the median; see AstroDrizzle's driz_cr."""
    hit = np.zeros(layer.rate.shape, bool)
    part = overlap(layer.wcs, layer.rate.shape, wcs, window, margin=0)
    if part is None:
        return hit
    here = (slice(*part[:2]), slice(*part[2:]))
    model = blot(
        median,
        wcs,
        layer.wcs,
        part,
        origin=(window[0], window[2]),
        nominal_scale=layer.nominal_scale,
        kernel="linear",
    )
    known = np.isfinite(model)
    filled = np.where(known, model, 0)
    steepest = np.maximum(maximum_filter(filled, 3) - filled, filled - minimum_filter(filled, 3))
    variance = np.broadcast_to(layer.variance, layer.rate.shape)[here]
    noise = np.sqrt(variance + np.maximum(filled, 0) / layer.exposure_time)
    excess = layer.rate[here] - filled
    above = [
        known & layer.good[here] & (excess > slope * steepest + sigmas * noise)
        for sigmas, slope in zip(_SIGMAS, _SLOPES, strict=True)
    ]
    hit[here] = above[0] | (above[1] & binary_dilation(above[0], np.ones((3, 3), bool)))
    return hit

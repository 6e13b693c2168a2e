"""Flux and noise of stamps without a catalogue, measured as those of detected sources."""

import numpy as np
import sep

from galrestore.sources.stamp_measures import blank_noise

__all__ = ["measure_stamps", "original_scale", "sky_and_noise"]


def original_scale(images, low, high):
    """
    Undo the min-max normalisation of images.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        From 0 to 1.
    low, high : ndarray, shape (N,)
        Values that became 0 and 1.

    Returns
    -------
    images : ndarray of float64, shape (N, H, W)
        On the scale of ``low`` and ``high``.
    """
    span = np.asarray(high, dtype=float) - low
    return np.asarray(images, dtype=float) * span[:, None, None] + np.asarray(low)[:, None, None]


def measure_stamps(stamps, threshold, minimum_area):
    """
    Measure flux and noise of stamps that hold one source and sky.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images without blank pixels.
    threshold : float
        Detection threshold above the sky [rms].
    minimum_area : int
        Connected pixels a source must have.

    Returns
    -------
    flux : ndarray of float64, shape (N,)
        Sum of the pixels above the sky.
    noise : ndarray of float64, shape (N,)
        Rms of source-free pixels over the stamp's maximum minus minimum; NaN where fewer
        than 16 pixels are free.

    Notes
    -----
    Source-free pixels are those that no source holds, detected with SExtractor's default
    filter above a sky that is itself measured by clipping; both as in stage ``select``.
    """
    flux, noise = np.full(len(stamps), np.nan), np.full(len(stamps), np.nan)
    for k, stamp in enumerate(stamps):
        values = np.asarray(stamp, dtype=float)
        level, rms = sky_and_noise(values, threshold, minimum_area)
        flux[k], noise[k] = np.sum(values - level), rms / np.ptp(values)
    return flux, noise


def sky_and_noise(stamp, threshold, minimum_area):
    """
    Measure the sky between the sources of a stamp.

    Parameters
    ----------
    stamp : ndarray of float, shape (H, W)
        Image; NaN where blank.
    threshold : float
        Detection threshold above the sky [rms].
    minimum_area : int
        Connected pixels a source must have.

    Returns
    -------
    level, rms : float
        Median and rms of the source-free pixels after clipping [unit of the stamp]; NaN
        where fewer than 16 pixels are free.
    """
    values, known = np.asarray(stamp, dtype=float), np.isfinite(stamp)
    level, rms = blank_noise(values, known)
    if rms > 0:
        data = np.where(known, values - level, 0.0)
        free = known & ~_sources(data, rms, threshold, minimum_area)
        level, rms = blank_noise(values, free)
    return level, rms


def _sources(data, rms, threshold, minimum_area):
    """Pixels of sources."""
    _, segments = sep.extract(
        np.ascontiguousarray(data / rms, dtype=np.float32),
        threshold,
        err=1.0,
        minarea=minimum_area,
        filter_type="conv",
        segmentation_map=True,
    )
    return segments > 0

"""
Kron ellipses and isophotes of the objects in the middle of low-quality stamps.

Detected as SExtractor does on a stamp, above its own clipped background: the areas are
defined on LQ alone and then used for LQ, RS and GT alike.

References
----------
Park et al. (2024), ApJ 972, 45, section 4.4; Bertin & Arnouts (1996), A&AS 117, 393.
"""

from dataclasses import dataclass

import numpy as np
import sep

from galrestore.sersic.masks import nearer_to_neighbours, squared_distance
from galrestore.sources.detection import Window
from galrestore.sources.measurement import auto_photometry

__all__ = ["SHAPE", "Apertures", "find_apertures"]

# What describes an aperture: barycentre, second-moment axes and angle, Kron factor.
SHAPE = ("x", "y", "a", "b", "theta", "radius")
# SExtractor's PHOT_AUTOPARAMS, and where this package's apertures end (sources.measurement).
_KRON_FACTOR, _LEAST_RADIUS, _LARGEST_RADIUS = 2.5, 3.5, 10.0
# Farthest barycentre of an object whose isophote does not hold the middle [pixel].
_FARTHEST = 4.0


@dataclass(frozen=True)
class Apertures:
    """
    Areas of N stamps of H x W pixels.

    Attributes
    ----------
    ellipse : ndarray of bool, shape (N, H, W)
        Pixels whose centre is in the Kron ellipse, without those of other sources.
    isophote : ndarray of bool, shape (N, H, W)
        Pixels of the object itself: above the threshold.
    neighbours : ndarray of bool, shape (N, H, W)
        Pixels that are a neighbour's rather than the object's, see
        `galrestore.sersic.masks`.
    shape : dict of str to ndarray of float64, shape (N,)
        `SHAPE`: ``x, y, a, b`` [pixel], ``theta`` [rad] and ``radius``, the ellipse in
        semi-axes; NaN where nothing was detected in the middle.
    """

    ellipse: np.ndarray
    isophote: np.ndarray
    neighbours: np.ndarray
    shape: dict[str, np.ndarray]


def find_apertures(
    stamps, sky, rms, *, threshold=1.5, minimum_area=5, deblend_levels=32, deblend_contrast=0.005
):
    """
    Find the object in the middle of each stamp, its Kron ellipse and its isophote.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Low-quality images; finite.
    sky, rms : ndarray, shape (N,)
        Background and noise of each [unit of the stamps].
    threshold : float, optional
        Detection threshold above the sky [rms].
    minimum_area : int, optional
        Connected pixels a source must have.
    deblend_levels, deblend_contrast : int, float, optional
        SExtractor's DEBLEND_NTHRESH and DEBLEND_MINCONT.

    Returns
    -------
    apertures : Apertures
        Empty areas where no source holds the middle or has its barycentre within four
        pixels of it.

    Notes
    -----
    The ellipse is that of FLUX_AUTO: max(2.5 Kron radii, 3.5) semi-axes of the second
    moments.  Where FLUX_AUTO replaces pixels of other sources by those opposite, they are
    left out here, in all images.
    """
    count, height, width = np.shape(stamps)
    areas = np.zeros((3, count, height, width), dtype=bool)
    shape = {name: np.full(count, np.nan) for name in SHAPE}
    for k, stamp in enumerate(stamps):
        if not rms[k] > 0:
            continue
        data = np.ascontiguousarray(stamp - sky[k], dtype=np.float32)
        sources, segments = sep.extract(
            data,
            threshold,
            err=float(rms[k]),
            minarea=minimum_area,
            filter_type="conv",
            deblend_nthresh=deblend_levels,
            deblend_cont=deblend_contrast,
            segmentation_map=True,
        )
        target = _middle(sources, segments)
        if target is not None:
            found = _measure(data, float(rms[k]), sources, segments, target, areas[:, k])
            for name, value in zip(SHAPE, found, strict=True):
                shape[name][k] = value
    return Apertures(areas[0], areas[1], areas[2], shape)


def _middle(sources, segments):
    """Row of the source in the middle, or None."""
    height, width = segments.shape
    label = segments[height // 2, width // 2]
    if label:
        return int(label) - 1
    if len(sources) == 0:
        return None
    distance = np.hypot(sources["x"] - width // 2, sources["y"] - height // 2)
    return int(distance.argmin()) if distance.min() <= _FARTHEST else None


def _measure(data, rms, sources, segments, target, areas):
    """Fill in the areas of one stamp; return what `SHAPE` lists."""
    rows, columns = (np.arange(side) for side in data.shape)
    ellipses = {
        name: np.asarray(sources[name], dtype=float) for name in ("x", "y", "a", "b", "theta")
    }
    source = {name: values[target : target + 1] for name, values in ellipses.items()}
    source["label"] = np.array([target + 1])
    noise = np.full(data.shape, rms, dtype=np.float32)
    blank = np.zeros(data.shape, dtype=bool)
    window = Window(0, 0, data.shape, data, data, noise, blank, np.zeros_like(data))
    kron = float(auto_photometry(window, segments, source)["kron_radius"][0])
    radius = min(max(_KRON_FACTOR * kron, _LEAST_RADIUS), _LARGEST_RADIUS)
    areas[1] = segments == target + 1
    areas[0] = squared_distance(ellipses, target, rows, columns) <= radius**2
    areas[0] &= (segments == 0) | areas[1]
    areas[2] = nearer_to_neighbours(ellipses, target, rows, columns) & ~areas[1]
    return *(values[target] for values in ellipses.values()), radius

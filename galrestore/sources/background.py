"""
Background level and noise of a mosaic on a mesh, evaluated by window.

The mesh is tied to the mosaic's first pixel, and the maps between its knots are
evaluated point by point, so a value depends on its pixel and never on the window.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import distance_transform_edt, median_filter

__all__ = ["Background", "clipped_mode", "measure_background", "mesh_edges"]

_CLIP = 3.0
# SExtractor's limit of |mean - median| / sigma beyond which a cell counts as crowded.
_SKEW = 0.3
_MOST_CLIPS = 100
# Cells with less data than this are filled from their nearest neighbours.
_LEAST_FRACTION = 0.5


@dataclass(frozen=True)
class Background:
    """
    Background of a mosaic.

    Attributes
    ----------
    rows, columns : ndarray of float64, shapes (M,) and (N,)
        Centres of the mesh cells [pixel].
    level, rms : ndarray of float64, shape (M, N)
        Background and its rms in the cells [unit of the mosaic].
    noise_scale : float
        What a relative noise map must be multiplied with to be in the mosaic's unit:
        median over cells of rms / median of the map; NaN without a map.
    """

    rows: np.ndarray
    columns: np.ndarray
    level: np.ndarray
    rms: np.ndarray
    noise_scale: float

    def window(self, y0, y1, x0, x1):
        """
        Evaluate both maps in a window.

        Parameters
        ----------
        y0, y1, x0, x1 : int
            Rows y0 to y1 - 1 and columns x0 to x1 - 1 of the mosaic.

        Returns
        -------
        level : ndarray of float32, shape (y1 - y0, x1 - x0)
            Bicubic spline through the mesh, constant beyond its outermost centres.
        rms : ndarray of float32, same shape
            Linear between the centres, so that it stays positive.
        """
        rows, columns = np.arange(y0, y1, dtype=float), np.arange(x0, x1, dtype=float)
        return tuple(
            _evaluate(spline, rows, columns) for spline in (self._level_spline, self._rms_spline)
        )

    @cached_property
    def _level_spline(self):
        return _spline(self.rows, self.columns, self.level, 3)

    @cached_property
    def _rms_spline(self):
        return _spline(self.rows, self.columns, self.rms, 1)


def measure_background(shape, read, mesh, filter_size):
    """
    Measure the background of a mosaic, one strip of cells in memory at a time.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the mosaic.
    read : callable
        ``read(y0, y1, x0, x1)`` returns science, noise map (or None) and mask of a
        window, as `galrestore.files.mosaics.Mosaic.window`.
    mesh : int
        Side of the cells [pixel].
    filter_size : int
        Side of the median filter over cells [cell].

    Returns
    -------
    background : Background
        The mesh.

    Raises
    ------
    ValueError
        If no pixel has data.

    Notes
    -----
    SExtractor's estimator (Bertin & Arnouts 1996): pixels of a cell are clipped at 3
    sigma around the median until nothing changes; the level is 2.5 median - 1.5 mean,
    or the median where the two differ by more than 0.3 sigma (crowded cells).  A last
    row or column of cells narrower than half a cell joins the one before it.
    """
    rows, columns = mesh_edges(shape[0], mesh), mesh_edges(shape[1], mesh)
    cells = np.full((4, len(rows) - 1, len(columns) - 1), np.nan)
    for i, (y0, y1) in enumerate(pairwise(rows)):
        science, noise, mask = read(y0, y1, 0, shape[1])
        for j, (x0, x1) in enumerate(pairwise(columns)):
            good = ~mask[:, x0:x1]
            here = None if noise is None else noise[:, x0:x1]
            cells[:, i, j] = _cell(science[:, x0:x1], here, good)
    level, rms, fraction, map_noise = cells
    if not np.any(fraction > 0):
        msg = "no pixel has data"
        raise ValueError(msg)
    sound = fraction >= min(_LEAST_FRACTION, fraction.max())
    scale = np.median(rms[sound] / map_noise[sound])
    level, rms = (_filtered(_filled(values, sound), filter_size) for values in (level, rms))
    centres = [(edges[1:] + edges[:-1] - 1) / 2 for edges in (rows, columns)]
    return Background(*centres, level, rms, float(scale))


def mesh_edges(size, mesh):
    """
    Return where the cells of a mesh begin and end along one axis.

    Parameters
    ----------
    size : int
        Pixels along the axis.
    mesh : int
        Side of a cell [pixel].

    Returns
    -------
    edges : ndarray of int, shape (cells + 1,)
        From 0 to ``size``; the last cell is between 0.5 and 1.5 cells wide.
    """
    cells = max(1, int(size / mesh + 0.5))
    return np.append(np.arange(cells) * mesh, size)


def clipped_mode(values):
    """
    Return SExtractor's estimate of background and noise.

    Parameters
    ----------
    values : ndarray of float, shape (N,)
        Pixels, N >= 1, all finite.

    Returns
    -------
    level, rms : float
        Mode and standard deviation of the pixels left after clipping.
    """
    ordered = np.sort(values, axis=None).astype(float)
    centre = ordered[len(ordered) // 2]
    ordered -= centre  # keeps the sums of squares free of cancellation
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    squares = np.concatenate([[0.0], np.cumsum(ordered**2)])
    low, high = 0, len(ordered)
    for _ in range(_MOST_CLIPS):
        count = high - low
        mean = (sums[high] - sums[low]) / count
        sigma = np.sqrt(max((squares[high] - squares[low]) / count - mean**2, 0.0))
        median = (ordered[low + (count - 1) // 2] + ordered[low + count // 2]) / 2
        kept = (
            max(low, int(np.searchsorted(ordered, median - _CLIP * sigma, "left"))),
            min(high, int(np.searchsorted(ordered, median + _CLIP * sigma, "right"))),
        )
        if kept == (low, high) or kept[0] >= kept[1]:
            break
        low, high = kept
    crowded = abs(mean - median) > _SKEW * sigma
    level = median if crowded else 2.5 * median - 1.5 * mean
    return float(level + centre), float(sigma)


def _cell(science, noise, good):
    """Level, rms, fraction of pixels with data and median of the noise map of a cell."""
    fraction = good.mean()
    if fraction == 0:
        return np.nan, np.nan, 0.0, np.nan
    level, rms = clipped_mode(science[good])
    return level, rms, fraction, np.nan if noise is None else np.median(noise[good])


def _filled(values, sound):
    nearest = distance_transform_edt(~sound, return_distances=False, return_indices=True)
    return values[tuple(nearest)]


def _filtered(values, size):
    return median_filter(values, size=size, mode="nearest")


def _spline(rows, columns, values, degree):
    if values.size == 1:
        return float(values[0, 0])
    # A single row or column of cells is constant along the other axis.
    if len(rows) == 1:
        rows, values = np.array([0.0, 1.0]), np.repeat(values, 2, axis=0)
    if len(columns) == 1:
        columns, values = np.array([0.0, 1.0]), np.repeat(values, 2, axis=1)
    kx, ky = min(degree, len(rows) - 1), min(degree, len(columns) - 1)
    return RectBivariateSpline(rows, columns, values, kx=kx, ky=ky)


def _evaluate(spline, rows, columns):
    if isinstance(spline, float):
        return np.full((len(rows), len(columns)), spline, dtype=np.float32)
    return spline(rows, columns).astype(np.float32)

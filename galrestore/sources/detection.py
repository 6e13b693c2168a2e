"""
Detection of sources in a strip of a mosaic, whatever the strip.

Pixels above the threshold are grouped into components (8-connected); components are
deblended and their sources measured with the arithmetic of SExtractor, in an order that
depends on the mosaic alone.  A component gives the same bits in every window that holds
it whole.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage

from galrestore.sources import deblending, isophotes
from galrestore.sources.cleaning import eaters
from galrestore.sources.components import components, smooth, thresholds
from galrestore.sources.footprints import NOBODYS, PLAIN, RETURNED, labelled

__all__ = ["MERGED", "SINGULAR", "TRUNCATED", "Detections", "Incomplete", "Window"]
__all__ += ["detect", "merged", "spurious"]

# Flags of sources, those of sep: deblended, at the mosaic's edge, thinner than a pixel.
MERGED, TRUNCATED, SINGULAR = 1, 2, 8
# The outermost pixel of a window lacks a neighbour for the smoothing.
_RIM = 2


class Incomplete(Exception):  # noqa: N818 - a signal, not an error
    """
    A component that matters is cut off by the window.

    Parameters
    ----------
    reach : int
        Pixels by which the window should grow at least.
    """

    def __init__(self, reach):
        self.reach = reach
        super().__init__(f"a component of {reach} pixels is cut off by the window")


@dataclass(frozen=True)
class Window:
    """
    Pixels of a window of a mosaic, background subtracted.

    Attributes
    ----------
    y0, x0 : int
        The window's first row and column.
    frame : tuple of int
        Rows and columns of the whole mosaic.
    science : ndarray of float32, shape (H, W)
        Pixels of the mosaic, NaN under the mask.
    data : ndarray of float32, shape (H, W)
        Science minus background, 0 under the mask.
    noise : ndarray of float32, shape (H, W)
        Rms of each pixel, positive; anything under the mask.
    mask : ndarray of bool, shape (H, W)
        True where there is no data.
    level : ndarray of float32, shape (H, W)
        The background.
    roles : ndarray of uint8, shape (H, W), or None
        Role of each pixel in photometry where it is not plain, see `galrestore.sources.footprints`.
    noise_is_mapped : bool
        Whether the noise is a map, not one number.
    """

    y0: int
    x0: int
    frame: tuple[int, int]
    science: np.ndarray
    data: np.ndarray
    noise: np.ndarray
    mask: np.ndarray
    level: np.ndarray
    roles: np.ndarray | None = None
    noise_is_mapped: bool = False


@dataclass(frozen=True)
class Detections:
    """
    Sources of a window.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a source, in the order of completion: ``label``; ``x``, ``y`` (barycentre)
        and ``xpeak``, ``ypeak`` (highest smoothed pixel) in pixels of the mosaic; ``a,
        b, theta, cxx, cyy, cxy``; ``npix`` and ``cflux``, pixels above the threshold and
        their sum after smoothing; ``tnpix``, how many of them exceed it unsmoothed too
        (ISOAREA_IMAGE); ``flux``, ``variance`` and ``peak``, their sum, the sum of
        their variances and the highest, unsmoothed; ``thresh``; ``flags``; ``end``,
        last row of the component; and ``mthresh``, ``abcor`` for cleaning.
    runs : ndarray of int32, shape (R, 5)
        Pixels above the threshold in runs along rows: row, first column and column
        after the last one in the mosaic; label, 0 for groups too small to be sources;
        and role, see `galrestore.sources.footprints`.
    segments : ndarray of int32, shape (H, W)
        Label of the source of each pixel of the window, 0 for none.
    """

    table: pd.DataFrame
    runs: np.ndarray
    segments: np.ndarray


def detect(
    window,
    zone,
    *,
    threshold,
    minimum_area,
    deblend_levels,
    deblend_contrast,
    stream=None,
):
    """
    Detect, deblend and measure sources.

    Parameters
    ----------
    window : Window
        The pixels.
    zone : tuple of int
        ``(y0, y1, x0, x1)`` in pixels of the mosaic: components whose last pixel (of
        the last row) lies in it are wanted, and must be whole in the window.
    threshold : float
        In units of the noise, applied to the smoothed data.  Of a map of the noise, the
        variance is smoothed as well, as in SExtractor.
    minimum_area : int
        Least number of connected pixels.
    deblend_levels, deblend_contrast : int, float
        SExtractor's DEBLEND_NTHRESH and DEBLEND_MINCONT.
    stream : ndarray of uint32, optional
        State of the random numbers, see `galrestore.sources.deblending`; used up where
        the window suffices.  A fresh one by default.

    Returns
    -------
    detections : Detections
        All sources of the wanted components, not cleaned (see `merged`).

    Raises
    ------
    Incomplete
        If a wanted component touches a border of the window inside the mosaic.
    """
    smoothed = np.empty_like(window.data)
    smooth(window.data, smoothed)
    noise = _smoothed_noise(window) if window.noise_is_mapped else window.noise
    runs, boxes = components(smoothed, noise, _grown(window.mask), threshold)
    wanted = _wanted(boxes, zone, window)
    order = wanted[boxes[wanted, 0] >= minimum_area]
    _require_whole(boxes[order], window)
    runs = runs[np.argsort(runs[:, 3], kind="stable")]
    first = np.searchsorted(runs[:, 3], np.arange(len(boxes) + 1))
    base = thresholds(noise, threshold, runs, len(boxes))
    grouped = (runs, order, boxes, first, base)
    segments = np.zeros(window.data.shape, dtype=np.int32)
    stream = deblending.fresh_stream() if stream is None else stream
    settings = (threshold, minimum_area, deblend_levels, deblend_contrast)
    images = (smoothed, window.data, noise, segments)
    cores = _parted(images, grouped, settings, stream)
    measures = np.empty((len(cores), len(isophotes.COLUMNS)))
    isophotes.measure((*images, window.noise), threshold, *grouped, cores, measures)
    bumps = wanted[boxes[wanted, 0] < minimum_area]
    return Detections(
        _table(window, boxes, cores, measures),
        labelled(runs, order, bumps, segments, (window.y0, window.x0)),
        segments,
    )


def merged(detections):
    """
    Clean a catalogue as SExtractor does.

    Parameters
    ----------
    detections : Detections
        All sources of a mosaic in the order of completion; `segments` is not used.

    Returns
    -------
    table : pandas.DataFrame
        Sources that are no bumps in the wings of others, with the pixels of those that
        became part of them: in ``npix, flux, variance, peak`` and extent, though not in
        ``tnpix``, position and shape.
    runs : ndarray of int32, shape (R, 5)
        Runs with the labels of this table, from 1.

    Notes
    -----
    In photometry, pixels of a bump are the sky's, with an exception of SExtractor's: if
    the bump was completed after the source that it is part of, those in the row where
    it was completed are nobody's.
    """
    table = detections.table
    eater = eaters(table)
    kept = eater == np.arange(len(table))
    result = table[kept].copy()
    for name in ("npix", "flux", "variance"):
        result[name] = np.bincount(eater, table[name], len(table))[kept]
    for name, extreme in (("peak", np.maximum), ("ymax", np.maximum), ("xmax", np.maximum)):
        values = table[name].to_numpy().copy()
        extreme.at(values, eater, table[name].to_numpy())
        result[name] = values[kept]
    for name in ("ymin", "xmin"):
        values = table[name].to_numpy().copy()
        np.minimum.at(values, eater, table[name].to_numpy())
        result[name] = values[kept]
    result["label"] = np.arange(1, len(result) + 1)
    source = np.concatenate([[0], np.cumsum(kept)[eater]])
    victim = np.concatenate([[False], ~kept])
    last = np.concatenate([[-1], np.where(eater < np.arange(len(table)), table["end"], -1)])
    runs, label = detections.runs.copy(), detections.runs[:, 3]
    runs[:, 3] = source[label]
    nobodys = (label == 0) | (runs[:, 0] == last[label])
    runs[:, 4] = np.where(nobodys, NOBODYS, np.where(victim[label], RETURNED, PLAIN))
    return result.reset_index(drop=True), runs


def spurious(table, clean_parameter=1.0):
    """
    Tell which sources are bumps in the wings of brighter ones (SExtractor's CLEAN).

    Parameters
    ----------
    table : pandas.DataFrame
        All sources of a mosaic, columns and order of `Detections.table`.
    clean_parameter : float, optional
        Exponent of the wings, CLEAN_PARAM.

    Returns
    -------
    spurious : ndarray of bool, shape (N,)
        See `galrestore.sources.cleaning.eaters`.
    """
    return eaters(table, clean_parameter) != np.arange(len(table))


def _wanted(boxes, zone, window):
    """Components whose last pixel lies in the zone, in the order of completion."""
    y0, y1, x0, x1 = zone
    row, column = boxes[:, 2] + window.y0, boxes[:, 5] + window.x0
    inside = np.flatnonzero((row >= y0) & (row < y1) & (column >= x0) & (column < x1))
    return inside[np.lexsort((boxes[inside, 5], boxes[inside, 2]))]


def _smoothed_noise(window):
    """Root of the map's variance, smoothed like the data; lower at the mosaic's edge."""
    variance = np.empty_like(window.noise)
    smooth(np.where(window.mask, np.float32(0), window.noise) ** 2, variance)
    return np.sqrt(variance)


def _grown(mask):
    """Mask with the pixels that touch it: their smoothed values lack data."""
    return ndimage.binary_dilation(mask, np.ones((3, 3), dtype=bool)) if mask.any() else mask


def _ends(window):
    """For top, bottom, left, right: whether the mosaic ends with the window."""
    height, width = window.data.shape
    return np.array(
        [
            window.y0 == 0,
            window.y0 + height == window.frame[0],
            window.x0 == 0,
            window.x0 + width == window.frame[1],
        ]
    )


def _distances(boxes, window):
    """Pixels between components and top, bottom, left and right of the window."""
    height, width = window.data.shape
    first, last = boxes[:, [1, 3]], (height - 1, width - 1) - boxes[:, [2, 4]]
    return np.column_stack([first[:, 0], last[:, 0], first[:, 1], last[:, 1]])


def _require_whole(boxes, window):
    cut = ((_distances(boxes, window) < _RIM) & ~_ends(window)).any(axis=1)
    if cut.any():
        sides = boxes[cut][:, [2, 4]] - boxes[cut][:, [1, 3]] + 1
        raise Incomplete(int(sides.max()))


def _parted(images, grouped, settings, stream):
    """Deblend; return the cores of all sources."""
    state = stream.copy()
    room = 2 * len(grouped[1]) + 64
    while True:
        cores = np.empty((room, 4))
        count = deblending.part(images, *grouped, settings, stream, cores)
        if count <= room:
            return cores[:count]
        room = count
        stream[:] = state


def _table(window, boxes, cores, measures):
    table = pd.DataFrame(dict(zip(isophotes.COLUMNS, measures.T, strict=True)))
    box = boxes[cores[:, 0].astype(np.int64)]
    at_edge = ((_distances(box, window) == 0) & _ends(window)).any(axis=1)
    table["flags"] = (
        np.where(np.isnan(cores[:, 1]), 0, MERGED)
        | np.where(at_edge, TRUNCATED, 0)
        | np.where(table.pop("singular") > 0, SINGULAR, 0)
    )
    for axis, origin, corner in (("x", window.x0, 3), ("y", window.y0, 1)):
        # One sum of a whole number: the same bits in any window.
        table[axis] += box[:, corner] + origin
        for name in (f"{axis}peak", f"{axis}min", f"{axis}max"):
            table[name] = table[name].astype(np.int64) + origin
    for name in ("npix", "tnpix"):
        table[name] = table[name].astype(np.int64)
    table["end"] = box[:, 2].astype(np.int64) + window.y0
    table["label"] = np.arange(1, len(table) + 1)
    return table

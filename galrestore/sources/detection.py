"""
Detection of sources in a window of a mosaic, whatever the window.

Pixels above the threshold are grouped into components (8-connected), and sep deblends
and measures each component in a cutout of its own.  Neither the order of pixels nor
the random numbers of the deblending then depend on what else is in memory, so that a
component gives the same bits in every window that holds it whole.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import sep
from scipy import ndimage
from scipy.spatial import cKDTree

__all__ = ["Detections", "Incomplete", "Window", "detect", "smooth", "spurious"]

# Positions are kept on this grid: differences to pixel centres are then exact, and
# measurements do not depend on where a window begins.
_GRID = 2.0**20
# Noise outside a component; its square is still finite in float32.
_HUGE = np.float32(1e18)
_CONNECTED = np.ones((3, 3), dtype=bool)
# sep numbers the sub-objects of a component with 16 bits.
_MOST_SUB_OBJECTS = 32_000
# The outermost pixel of a window lacks a neighbour for the smoothing.
_RIM = 2
# SExtractor compares objects within this many semi-major axes (CLEAN_ZONE).
_CLEAN_ZONE = 10.0
_TAKEN = ("a", "b", "theta", "cxx", "cyy", "cxy", "npix", "tnpix", "peak", "thresh", "cflux")


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
    """

    y0: int
    x0: int
    frame: tuple[int, int]
    science: np.ndarray
    data: np.ndarray
    noise: np.ndarray
    mask: np.ndarray
    level: np.ndarray


@dataclass(frozen=True)
class Detections:
    """
    Sources of a window.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a source: ``label``; ``x``, ``y`` and ``xpeak``, ``ypeak`` in pixels of
        the mosaic; sep's shape and flux columns; ``flags``; and ``mthresh``, ``abcor``
        for `spurious`.
    segments : ndarray of int32, shape (H, W)
        Label of the source of each pixel, 0 for none.
    """

    table: pd.DataFrame
    segments: np.ndarray


def detect(window, zone, *, threshold, minimum_area, deblend_levels, deblend_contrast):
    """
    Detect and deblend sources.

    Parameters
    ----------
    window : Window
        The pixels.
    zone : tuple of int
        ``(y0, y1, x0, x1)`` in pixels of the mosaic: components that reach into it
        are wanted, and must be whole in the window.
    threshold : float
        In units of the noise, applied to the smoothed data.
    minimum_area : int
        Least number of connected pixels.
    deblend_levels, deblend_contrast : int, float
        SExtractor's DEBLEND_NTHRESH and DEBLEND_MINCONT.

    Returns
    -------
    detections : Detections
        All sources of the wanted components, not cleaned (see `spurious`).

    Raises
    ------
    Incomplete
        If a wanted component touches a border of the window inside the mosaic.
    """
    limit = np.where(window.mask, _HUGE, np.float32(threshold) * window.noise)
    smoothed = smooth(window.data)
    labels, count = ndimage.label(smoothed > limit, structure=_CONNECTED)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    wanted = [
        (number, box)
        for number, box in enumerate(ndimage.find_objects(labels), 1)
        if sizes[number] >= minimum_area and _meets(box, zone, window)
    ]
    _require_whole(wanted, window)
    settings = (threshold, minimum_area, deblend_levels, deblend_contrast)
    segments, pieces = _deblended(window, labels, wanted, settings)
    table = _table(window, wanted, pieces)
    _add_cleaning(table, segments, window.data, smoothed - limit, minimum_area)
    return Detections(table, segments)


def smooth(data):
    """
    Convolve with SExtractor's default filter.

    Parameters
    ----------
    data : ndarray of float32, shape (H, W)
        Image.

    Returns
    -------
    smoothed : ndarray of float32, shape (H, W)
        Image convolved with (1, 2, 1) x (1, 2, 1) / 16, zero outside.
    """
    padded = np.pad(data, 1)
    lines = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return (lines[:, :-2] + 2 * lines[:, 1:-1] + lines[:, 2:]) * np.float32(1 / 16)


def spurious(table, clean_parameter=1.0):
    """
    Tell which sources are bumps in the wings of brighter ones (SExtractor's CLEAN).

    Parameters
    ----------
    table : pandas.DataFrame
        All sources of a mosaic, columns of `Detections.table`.
    clean_parameter : float, optional
        Exponent of the wings, CLEAN_PARAM.

    Returns
    -------
    spurious : ndarray of bool, shape (N,)
        True where the wing of a source of larger flux lies higher than the source's
        own ``mthresh``, its `minimum_area`-th brightest pixel above the threshold.

    Notes
    -----
    Each source has a Moffat wing (1 + alpha r^2)^-beta that passes through its peak
    and its isophote, r being elliptical.  Differences to SExtractor: sources act from
    the brightest down, so that their order in the table does not matter; and a source
    acts within 20 of its own semi-major axes.
    """
    if not len(table):
        return np.zeros(0, dtype=bool)
    column = {name: table[name].to_numpy(float) for name in table.columns}
    area = np.pi * column["a"] * column["b"]
    amplitude = column["cflux"] / (2 * area * column["abcor"])
    ratio = np.maximum(amplitude / column["thresh"], 0)
    alpha = (ratio ** (1 / clean_parameter) - 1) * area / column["npix"]
    points = np.column_stack([column["x"], column["y"]])
    near = cKDTree(points).query_ball_point(points, 2 * _CLEAN_ZONE * column["a"])
    eater = np.repeat(np.arange(len(table)), [len(list_) for list_ in near])
    victim = np.concatenate([np.asarray(list_, dtype=int) for list_ in near])
    brighter = column["cflux"][eater] > column["cflux"][victim]
    eater, victim = eater[brighter], victim[brighter]
    dx, dy = (points[eater] - points[victim]).T
    radius = (
        column["cxx"][eater] * dx**2 + column["cyy"][eater] * dy**2 + column["cxy"][eater] * dx * dy
    )
    value = np.maximum(1 + alpha[eater] * radius, 1)
    wing = np.where(value > 1, amplitude[eater] * value**-clean_parameter, 0)
    return _eaten(eater, victim, wing > column["mthresh"][victim], column["cflux"])


def _eaten(eater, victim, higher, flux):
    """From the brightest source down, let those that are left remove their victims."""
    eater, victim = eater[higher], victim[higher]
    gone = np.zeros(len(flux), dtype=bool)
    for i in np.lexsort((eater, -flux[eater])):
        if not gone[eater[i]]:
            gone[victim[i]] = True
    return gone


def _meets(box, zone, window):
    y0, y1, x0, x1 = zone
    rows, columns = box
    return (
        rows.start + window.y0 < y1
        and rows.stop + window.y0 > y0
        and columns.start + window.x0 < x1
        and columns.stop + window.x0 > x0
    )


def _borders(window):
    """For each side (top, bottom, left, right): whether the mosaic ends there."""
    height, width = window.data.shape
    return (
        window.y0 == 0,
        window.y0 + height == window.frame[0],
        window.x0 == 0,
        window.x0 + width == window.frame[1],
    )


def _distances(box, window):
    """Pixels between a component and each side of the window."""
    height, width = window.data.shape
    return box[0].start, height - box[0].stop, box[1].start, width - box[1].stop


def _require_whole(wanted, window):
    ends = _borders(window)
    reach = 0
    for _, box in wanted:
        if any(
            distance < _RIM and not end
            for distance, end in zip(_distances(box, window), ends, strict=True)
        ):
            reach = max(reach, *(side.stop - side.start for side in box))
    if reach:
        raise Incomplete(reach)


def _truncated(box, window):
    return any(
        distance == 0 and end
        for distance, end in zip(_distances(box, window), _borders(window), strict=True)
    )


def _extract(data, noise, labels, number, settings):
    """Objects of one component and their segments, in a cutout that is one pixel wider."""
    member = labels == number
    threshold, minimum_area, levels, contrast = settings
    sep.set_extract_pixstack(int(member.size) + 16)
    # No level of deblending holds more; sep's limit also is what it allocates.
    sep.set_sub_object_limit(min(int(member.sum()) // minimum_area + 2, _MOST_SUB_OBJECTS))
    return sep.extract(
        np.ascontiguousarray(data),
        threshold,
        err=np.where(member, noise, _HUGE),
        minarea=minimum_area,
        filter_type="conv",  # "matched" finds half as many objects again as SExtractor
        deblend_nthresh=levels,
        deblend_cont=contrast,
        clean=False,
        segmentation_map=True,
    )


def _around(image, box):
    """Cut a box out of an image with one pixel around it, zero beyond the image."""
    rows, columns = box
    piece = image[
        max(rows.start - 1, 0) : rows.stop + 1, max(columns.start - 1, 0) : columns.stop + 1
    ]
    if piece.shape == (rows.stop - rows.start + 2, columns.stop - columns.start + 2):
        return piece
    height, width = image.shape
    edges = (rows.start == 0, rows.stop == height), (columns.start == 0, columns.stop == width)
    return np.pad(piece, np.array(edges, dtype=int))


def _deblended(window, labels, wanted, settings):
    """Segments of a window and, for each component, sep's table of objects."""
    segments = np.zeros(labels.shape, dtype=np.int32)
    pieces, found = [], 0
    for number, box in wanted:
        cutouts = (_around(image, box) for image in (window.data, window.noise, labels))
        objects, inside = _extract(*cutouts, number, settings)
        inside = inside[1:-1, 1:-1]
        member = inside > 0
        segments[box][member] = inside[member] + found
        found += len(objects)
        pieces.append(objects)
    return segments, pieces


def _table(window, wanted, pieces):
    """Tabulate the sources of all components, with positions in pixels of the mosaic."""
    counts = [len(objects) for objects in pieces]
    # An empty piece of sep's own type makes an empty table of the right columns.
    nothing = sep.extract(np.zeros((3, 3), dtype=np.float32), 1.0)
    objects = np.concatenate([nothing, *pieces])
    columns = {name: objects[name] for name in _TAKEN}
    # sep rounds angles to float32, which may lie beyond pi/2, and its apertures mind.
    columns["theta"] = np.clip(objects["theta"], -np.pi / 2, np.pi / 2)
    for axis, side, origin in (("x", 1, window.x0), ("y", 0, window.y0)):
        corner = np.repeat([box[side].start + origin - 1 for _, box in wanted], counts).astype(int)
        columns[axis] = np.round(objects[axis] * _GRID) / _GRID + corner
        columns[f"{axis}peak"] = objects[f"{axis}peak"] + corner
    truncated = np.repeat([_truncated(box, window) for _, box in wanted], counts).astype(bool)
    columns["flags"] = objects["flag"].astype(np.int64) | np.where(truncated, sep.OBJ_TRUNC, 0)
    columns["label"] = np.arange(1, len(objects) + 1)
    return pd.DataFrame(columns)


def _add_cleaning(table, segments, data, excess, minimum_area):
    """Add what `spurious` needs from pixels: ``mthresh`` and ``abcor`` (as in SExtractor)."""
    pixels = np.flatnonzero(segments)
    label = segments.ravel()[pixels] - 1
    order = np.lexsort((-excess.ravel()[pixels], label))
    pixels, label = pixels[order], label[order]
    count = np.bincount(label, minlength=len(table))
    first = np.concatenate([[0], np.cumsum(count)[:-1]]) if len(table) else np.zeros(0, int)
    ranked = first + np.minimum(minimum_area, count) - 1
    table["mthresh"] = excess.ravel()[pixels][ranked].astype(float)
    threshold, peak = table["thresh"].to_numpy(), table["peak"].to_numpy()
    middle = (threshold + peak) / 2
    above = np.bincount(label[data.ravel()[pixels] > middle[label]], minlength=len(table))
    decline = threshold / middle
    spread = above - table["tnpix"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = 2 * np.pi * np.log(np.where(decline < 1, decline, 0.99))
        abcor = np.where(spread < 0, spread, -1) / (slope * table["a"] * table["b"])
    table["abcor"] = np.where(decline > 0, np.minimum(abcor, 1.0), 1.0)

"""Isophotal measures of sources: sums over the pixels that detection gave them."""

import math

import numpy as np

from galrestore.sources.compiling import compiled

__all__ = ["COLUMNS", "measure"]

# What `measure` fills in, one column each; x and y from the component's first column and
# row, whole positions in pixels of the window.
COLUMNS = (
    *("npix", "tnpix", "flux", "variance", "cflux", "peak", "xpeak", "ypeak"),
    *("x", "y", "a", "b", "theta", "cxx", "cyy", "cxy"),
    *("thresh", "mthresh", "abcor", "ymin", "ymax", "xmin", "xmax", "singular"),
)
_F = np.float32
_SINGULAR, _PIXEL = 0.00694, 1 / 12
_N, _AREA, _FLUX, _VARIANCE, _CFLUX, _PEAK, _XPEAK, _YPEAK = range(8)
_X, _Y, _A, _B, _THETA, _CXX, _CYY, _CXY = range(8, 16)
_THRESH, _MTHRESH, _ABCOR, _YMIN, _YMAX, _XMIN, _XMAX, _THIN = range(16, 24)


@compiled
def measure(images, threshold, runs, order, boxes, first, base, cores, table):
    """
    Measure the sources of components.

    Parameters
    ----------
    images : tuple of ndarray, shape (H, W)
        Smoothed image, data, noise in the smoothed image (float32), sources (int32) as
        painted by `galrestore.sources.deblending.part`, and noise in the data.
    threshold : float
        In units of the noise.
    runs, order, boxes, first, base, cores : ndarray
        As given to and got from `part`.
    table : ndarray of float64, shape (S, 24)
        Output: `COLUMNS`.

    Notes
    -----
    Sums run over the smoothed image, row by row, about the first pixel of the
    component's box: they are the same bits in any window.  As in SExtractor, a source
    that was deblended keeps the barycentre of its core, and has its moments about it;
    moments of sources thinner than a pixel are those of their pixels as boxes.
    """
    smoothed, data, noise, segments, raw_noise = images
    sums = np.zeros((len(table), 7))
    table[:] = 0
    table[:, _PEAK] = -np.inf
    table[:, _YMIN] = table[:, _XMIN] = table[:, _THRESH] = np.inf
    for component in order:
        top, left = boxes[component, 1], boxes[component, 3]
        for run in range(first[component], first[component + 1]):
            y = runs[run, 0]
            for x in range(runs[run, 1], runs[run, 2]):
                i = segments[y, x] - 1
                row, value, pixel = table[i], float(smoothed[y, x]), data[y, x]
                dx, dy = x - left, y - top
                sums[i, 0] += value
                sums[i, 1] += value * dx
                sums[i, 2] += value * dy
                sums[i, 3] += value * dx * dx
                sums[i, 4] += value * dy * dy
                sums[i, 5] += value * dx * dy
                row[_N] += 1
                limit = _F(threshold * noise[y, x])
                row[_THRESH] = min(row[_THRESH], limit)
                row[_AREA] += pixel > limit
                row[_FLUX] += pixel
                row[_VARIANCE] += float(raw_noise[y, x]) ** 2
                row[_PEAK] = max(row[_PEAK], pixel)
                if value > sums[i, 6]:
                    sums[i, 6], row[_XPEAK], row[_YPEAK] = value, x, y
                row[_YMIN], row[_YMAX] = min(row[_YMIN], y), max(row[_YMAX], y)
                row[_XMIN], row[_XMAX] = min(row[_XMIN], x), max(row[_XMAX], x)
    _count_bright(images, runs, order, first, table)
    for i in range(len(table)):
        row = table[i]
        row[_MTHRESH] = cores[i, 3]
        _shape(row, sums[i], cores[i])


@compiled
def _count_bright(images, runs, order, first, table):
    """Count, in column abcor, the pixels of a source halfway from threshold to peak."""
    data, segments = images[1], images[3]
    for component in order:
        for run in range(first[component], first[component + 1]):
            for x in range(runs[run, 1], runs[run, 2]):
                row = table[segments[runs[run, 0], x] - 1]
                middle = (_F(row[_THRESH]) + _F(row[_PEAK])) / _F(2)
                row[_ABCOR] += data[runs[run, 0], x] > middle


@compiled
def _shape(row, sums, core):
    """Fill in position, moments and the correction of axes."""
    total, x, y = sums[0], sums[1] / sums[0], sums[2] / sums[0]
    xx, yy, xy = sums[3] / total, sums[4] / total, sums[5] / total
    if core[1] == core[1]:
        cx, cy = core[1], core[2]
        xx += cx * cx - 2 * x * cx
        yy += cy * cy - 2 * y * cy
        xy += cx * cy - x * cy - cx * y
        x, y = cx, cy
    else:
        xx, yy, xy = xx - x * x, yy - y * y, xy - x * y
    area = xx * yy - xy * xy
    if area < _SINGULAR:
        xx, yy = xx + _PIXEL, yy + _PIXEL
        area = xx * yy - xy * xy
        row[_THIN] = 1
    row[_CFLUX], row[_X], row[_Y] = total, x, y
    row[_CXX], row[_CYY], row[_CXY] = yy / area, xx / area, -2 * xy / area
    row[_THETA] = 0.5 * math.atan2(2 * xy, xx - yy) if xx != yy else math.pi / 4
    spread = math.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    row[_A] = math.sqrt(0.5 * (xx + yy) + spread)
    row[_B] = math.sqrt(max(0.5 * (xx + yy) - spread, 0.0))
    middle = (row[_THRESH] + row[_PEAK]) / 2
    decline = row[_THRESH] / middle
    excess = row[_ABCOR] - row[_AREA]
    row[_ABCOR] = 1.0
    if decline > 0:
        slope = 2 * math.pi * math.log(decline if decline < 1 else 0.99)
        correction = (excess if excess < 0 else -1.0) / (slope * row[_A] * row[_B])
        row[_ABCOR] = min(correction, 1.0)

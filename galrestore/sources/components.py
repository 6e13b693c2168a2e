"""
Connected components of the pixels above a threshold, as runs along rows.

A run is a row, its first column and the column after its last; runs are in the order
of rows and columns.  Pixels that touch at a corner are connected.
"""

import numpy as np

from galrestore.sources.compiling import compiled

__all__ = ["components", "smooth", "thresholds"]

_F = np.float32
_CENTRE, _SIDE, _CORNER = _F(0.25), _F(0.125), _F(0.0625)


@compiled
def smooth(data, smoothed):
    """
    Convolve with SExtractor's default filter, (1, 2, 1) x (1, 2, 1) / 16.

    Parameters
    ----------
    data : ndarray of float32, shape (H, W)
        Image.
    smoothed : ndarray of float32, shape (H, W)
        Output: the convolution, zero outside; terms are added in SExtractor's order.
    """
    height, width = data.shape
    rows = np.zeros((3, width + 2), dtype=np.float32)
    rows[2, 1:-1] = data[0]
    for y in range(height):
        above, here, below = rows[(y + 1) % 3], rows[(y + 2) % 3], rows[y % 3]
        if y + 1 < height:
            below[1:-1] = data[y + 1]
        else:
            below[:] = 0
        line = smoothed[y]
        for x in range(width):
            total = _CORNER * above[x] + _SIDE * above[x + 1]
            total = total + _CORNER * above[x + 2]
            total = total + _SIDE * here[x]
            total = total + _CENTRE * here[x + 1]
            total = total + _SIDE * here[x + 2]
            total = total + _CORNER * below[x]
            total = total + _SIDE * below[x + 1]
            line[x] = total + _CORNER * below[x + 2]


def components(smoothed, noise, mask, threshold):
    """
    Group the pixels above a threshold.

    Parameters
    ----------
    smoothed, noise : ndarray of float32, shape (H, W)
        Image and the noise of each pixel.
    mask : ndarray of bool, shape (H, W)
        True where no pixel counts.
    threshold : float
        In units of the noise.

    Returns
    -------
    runs : ndarray of int32, shape (R, 4)
        Row, first column, column after the last one, component.
    boxes : ndarray of int32, shape (C, 6)
        Of each component, in the order of their first pixels: number of pixels, first
        and last row, first and last column, last column on the last row.
    """
    runs = np.empty((_count(smoothed, noise, mask, threshold), 4), dtype=np.int32)
    boxes = np.empty((len(runs), 6), dtype=np.int32)
    return runs, boxes[: _connect(smoothed, noise, mask, threshold, runs, boxes)]


@compiled
def thresholds(noise, threshold, runs, count):
    """
    Return the threshold of each component.

    Parameters
    ----------
    noise : ndarray of float32, shape (H, W)
        Noise of each pixel.
    threshold : float
        In units of the noise.
    runs : ndarray of int32, shape (R, 4)
        As of `components`.
    count : int
        Number of components C.

    Returns
    -------
    thresholds : ndarray of float32, shape (C,)
        Lowest of a component's pixels.
    """
    lowest = np.full(count, np.inf, dtype=np.float32)
    for run in range(len(runs)):
        component = runs[run, 3]
        for x in range(runs[run, 1], runs[run, 2]):
            lowest[component] = min(lowest[component], _F(threshold * noise[runs[run, 0], x]))
    return lowest


@compiled
def _count(smoothed, noise, mask, threshold):
    """Count runs."""
    count = 0
    for y in range(smoothed.shape[0]):
        before = False
        for x in range(smoothed.shape[1]):
            above = smoothed[y, x] > _F(threshold * noise[y, x]) and not mask[y, x]
            count += above and not before
            before = above
    return count


@compiled
def _connect(smoothed, noise, mask, threshold, runs, boxes):
    """Fill in runs and boxes; return the number of components."""
    height, width = smoothed.shape
    parent = np.empty(len(runs), dtype=np.int32)
    count = previous = start = 0
    for y in range(height):
        previous, start = start, count
        oldest = previous
        x = 0
        while x < width:
            if not (smoothed[y, x] > _F(threshold * noise[y, x]) and not mask[y, x]):
                x += 1
                continue
            begin = x
            while x < width and smoothed[y, x] > _F(threshold * noise[y, x]) and not mask[y, x]:
                x += 1
            runs[count, 0], runs[count, 1], runs[count, 2] = y, begin, x
            parent[count] = count
            while oldest < start and runs[oldest, 2] < begin:
                oldest += 1
            other = oldest
            while other < start and runs[other, 1] <= x:
                one, two = other, count
                while parent[one] != one:
                    parent[one] = parent[parent[one]]
                    one = parent[one]
                while parent[two] != two:
                    parent[two] = parent[parent[two]]
                    two = parent[two]
                parent[max(one, two)] = min(one, two)
                other += 1
            count += 1
    return _number(runs, parent, boxes)


@compiled
def _number(runs, parent, boxes):
    """Give components the numbers of their first runs, and boxes."""
    found = 0
    for i in range(len(runs)):
        y, begin, end = runs[i, 0], runs[i, 1], runs[i, 2]
        root = parent[i]
        if root == i:
            number = found
            found += 1
            boxes[number, 0] = 0
            boxes[number, 1], boxes[number, 2], boxes[number, 3] = y, y, begin
            boxes[number, 4] = boxes[number, 5] = end - 1
        else:
            # A parent comes before its children, so it has its number already.
            number = runs[root, 3]
        runs[i, 3] = number
        box = boxes[number]
        box[0] += end - begin
        box[2] = y
        box[3] = min(box[3], begin)
        box[4] = max(box[4], end - 1)
        box[5] = end - 1
    return found

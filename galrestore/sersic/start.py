"""
Compiled preparation of a fit: box, sky, noise, start values and bounds of one stamp.

Stamps come without NaN, with the square root of each pixel's weight relative to the
others: 0 for masked pixels, negative where there are no data.
"""

import math

import numpy as np

from galrestore.sersic.kernel import inlined, internal

__all__ = ["bounding_box", "first_guess", "set_limits", "sky_level"]

_SMALLEST_RADIUS = 0.1
_LARGEST_ETA = -math.log(0.05)  # ln(a/b) of the smallest axis ratio
# In units of the noise: fluxes between 1e-13 and 1e13 of it.
_LN_FLUX = 30.0
_FEWEST_SKY_PIXELS = 20


@internal
def bounding_box(weights):
    """
    Return the smallest rectangle that holds all pixels with data.

    Parameters
    ----------
    weights : ndarray, shape (H, W)
        Negative where there are no data.

    Returns
    -------
    top, bottom, left, right : int
        First row, last row + 1, and the same of the columns; all 0 if there are none.
    """
    height, width = weights.shape
    top, bottom, left, right = height, 0, width, 0
    for i in range(height):
        for j in range(width):
            if weights[i, j] >= 0:
                top, bottom = min(top, i), max(bottom, i + 1)
                left, right = min(left, j), max(right, j + 1)
    if bottom == 0:
        return 0, 0, 0, 0
    return top, bottom, left, right


@inlined
def sky_level(stamp, weights, box, buffer):
    """
    Return median and robust rms of the outermost tenth of a stamp, at least two pixels.

    Parameters
    ----------
    stamp, weights : ndarray, shape (H, W)
        Image, and 0 or less for pixels to leave out; all others are used where fewer than
        20 lie in the frame.
    box : tuple of int
        From `bounding_box`.
    buffer : ndarray, shape (>= H * W,)
        Overwritten.

    Returns
    -------
    level, rms : float
        Median, and 1.4826 times the median absolute deviation from it.
    """
    top, bottom, left, right = box
    thickness = max(2, min(bottom - top, right - left) // 10)
    count = 0
    for attempt in range(2):
        for i in range(top, bottom):
            for j in range(left, right):
                rim = min(i - top, bottom - 1 - i, j - left, right - 1 - j) < thickness
                if weights[i, j] > 0 and (rim or attempt == 1):
                    buffer[count] = stamp[i, j]
                    count += 1
        if count >= _FEWEST_SKY_PIXELS:
            break
        count = 0 if attempt == 0 else count
    level = 0.0
    for deviations in range(2):
        if deviations:
            for k in range(count):
                buffer[k] = abs(buffer[k] - level)
        middle = _median(buffer, count)
        if deviations == 0:
            level = middle
    return level, 1.4826 * middle


@internal
def _median(values, count):
    """Median of the first values; they are reordered (Hoare's selection)."""
    low, high, k = 0, count - 1, count // 2
    while low < high:
        pivot, i, j = values[(low + high) // 2], low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    if count % 2:
        return values[k]
    below = values[0]
    for i in range(1, k):
        below = max(below, values[i])
    return (below + values[k]) / 2


@internal
def set_limits(height, width, centre, centre_bound, low, high, limits):
    """
    Set the bounds of all parameters of `galrestore.sersic.kernel` but the background.

    Parameters
    ----------
    height, width : int
        Shape of the stamp; the half-light radius stays below twice the larger.
    centre : tuple of float
        Column and row where the source is expected [pixel].
    centre_bound : float
        Farthest centre from there, in either axis [pixel].
    low, high : float
        Range of ln n.
    limits : ndarray, shape (2, 7)
        Overwritten; ``limits[1, 5]`` is the largest ln(a/b).
    """
    for k in range(2):
        sign = 2 * k - 1
        limits[k, 0] = centre[0] + sign * centre_bound
        limits[k, 1] = centre[1] + sign * centre_bound
        limits[k, 2] = sign * _LN_FLUX
        limits[k, 5] = limits[k, 6] = sign * _LARGEST_ETA
    limits[0, 3], limits[1, 3] = math.log(_SMALLEST_RADIUS), math.log(2.0 * max(height, width))
    limits[0, 4], limits[1, 4] = low, high


@inlined
def first_guess(pixels, weights, height, width, centre, psf_variance, p):
    """
    Set start values from the moments of the light, the PSF's taken off.

    Parameters
    ----------
    pixels, weights : ndarray, shape (H * W,)
        Pixels above the sky in units of the noise, and 0 for those to leave out.
    height, width : int
        Shape of the stamp.
    centre : tuple of float
        Column and row where the source is expected [pixel].
    psf_variance : float
        Variance of PSF and pixel [pixel**2].
    p : ndarray, shape (8,)
        Overwritten with parameters of `galrestore.sersic.kernel`, with ln n = 0.

    Returns
    -------
    found : bool
        Whether there is light.
    """
    stamp, valid = pixels.reshape((height, width)), weights.reshape((height, width))
    flux, xx, yy, xy = _moments(stamp, valid, centre[0], centre[1])
    if flux <= 0:
        return False
    xx, yy = xx - psf_variance, yy - psf_variance
    half, swing = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    small, large = max(half - swing, 0.2), max(half + swing, 0.2)
    # The threshold cuts the wings off: r50 is about one standard deviation of the rest.
    p[0], p[1] = centre
    p[2], p[3] = math.log(1.1 * flux), 0.25 * math.log(small * large)
    eta = min(0.5 * math.log(large / small), 2.0)
    angle = math.atan2(2 * xy, xx - yy)
    p[4], p[5], p[6], p[7] = 0.0, eta * math.cos(angle), eta * math.sin(angle), 0.0
    return True


@internal
def _moments(stamp, valid, column, row):
    """
    Return flux and second moments of the light around a position.

    The stamp is smoothed by 3 x 3 pixels; those above one standard deviation count,
    first within a circle, then within three times the ellipse found so far.
    """
    height, width = stamp.shape
    radius = max(height, width) / 3
    xx, yy, xy = radius**2 / 9, radius**2 / 9, 0.0
    flux = 0.0
    for _ in range(3):
        det = max(xx * yy - xy * xy, 0.01)
        total, sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(1, height - 1):
            for j in range(1, width - 1):
                x, y = j - column, i - row
                if (yy * x * x - 2 * xy * x * y + xx * y * y) / det > 9:
                    continue
                value = _smoothed(stamp, valid, i, j)
                if value > 1:
                    total += value
                    sx, sy = sx + value * x, sy + value * y
                    sxx, syy, sxy = sxx + value * x * x, syy + value * y * y, sxy + value * x * y
        if total <= 0:
            return flux, xx, yy, xy
        flux = total
        sx, sy = sx / total, sy / total
        xx = max(sxx / total - sx * sx, 0.25)
        yy = max(syy / total - sy * sy, 0.25)
        xy = sxy / total - sx * sy
    return flux, xx, yy, xy


@internal
def _smoothed(stamp, valid, i, j):
    total, count = np.float64(0), 0
    for di in range(-1, 2):
        for dj in range(-1, 2):
            if valid[i + di, j + dj] > 0:
                total += stamp[i + di, j + dj]
                count += 1
    return total / max(count, 1)

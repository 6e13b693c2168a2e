"""What a fit starts from: the part of a stamp with data, its sky, start values, bounds."""

import math
from functools import lru_cache

import numpy as np

from galrestore.sersic.kernel import PARAMETERS
from galrestore.sersic.solver import moments

__all__ = ["bounding_box", "bounds", "first_guess", "sky_level"]

_SMALLEST_RADIUS = 0.1
_SMALLEST_AXIS_RATIO = 0.05
# In units of the noise: fluxes between 1e-13 and 1e13 of it.
_LN_FLUX = 30.0
_FEWEST_SKY_PIXELS = 20


def bounding_box(finite):
    """
    Return the smallest rectangle that holds all pixels with data.

    Parameters
    ----------
    finite : ndarray of bool, shape (H, W)
        Where there are data.

    Returns
    -------
    rows, columns : slice
        Empty if there are none.
    """
    rows, columns = np.flatnonzero(finite.any(axis=1)), np.flatnonzero(finite.any(axis=0))
    if rows.size == 0:
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def sky_level(stamp, valid):
    """
    Return median and robust rms of the outermost tenth of a stamp, at least two pixels.

    Parameters
    ----------
    stamp : ndarray, shape (H, W)
        Image.
    valid : ndarray of bool, shape (H, W)
        Pixels to use; all of them where fewer than 20 lie in the frame.

    Returns
    -------
    level, rms : float
        Median, and 1.4826 times the median absolute deviation from it.
    """
    values = stamp[_frame(*stamp.shape) & valid]
    if values.size < _FEWEST_SKY_PIXELS:
        values = stamp[valid]
    level = np.median(values)
    return level, 1.4826 * np.median(np.abs(values - level))


@lru_cache(maxsize=512)
def _frame(height, width):
    thickness = max(2, min(height, width) // 10)
    frame = np.ones((height, width), dtype=bool)
    frame[thickness : height - thickness, thickness : width - thickness] = False
    return frame


def bounds(shape, centre, centre_bound, index_bounds):
    """
    Return the bounds of all parameters of `galrestore.sersic.kernel` but the background.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the stamp; the half-light radius stays below twice the larger.
    centre : tuple of float
        Column and row where the source is expected [pixel].
    centre_bound : float
        Farthest centre from there, in either axis [pixel].
    index_bounds : tuple of float
        Range of the Sersic index.

    Returns
    -------
    lower, upper : ndarray, shape (7,)
        Bounds; ``upper[5]`` is the largest ln(a/b), for the axis ratio 0.05.
    """
    eta = -math.log(_SMALLEST_AXIS_RATIO)
    low, high = np.log(index_bounds)
    column, row = centre
    reach = centre_bound
    largest = math.log(2 * max(shape))
    lower = [column - reach, row - reach, -_LN_FLUX, math.log(_SMALLEST_RADIUS), low, -eta, -eta]
    upper = [column + reach, row + reach, _LN_FLUX, largest, high, eta, eta]
    return np.array(lower), np.array(upper)


def first_guess(scaled, valid, centre, psf_variance):
    """
    Return start values from the moments of the light, the PSF's taken off.

    Parameters
    ----------
    scaled : ndarray of float32, shape (H, W)
        Pixels above the sky in units of the noise.
    valid : ndarray of float32, shape (H, W)
        1 for pixels to use, 0 for others.
    centre : tuple of float
        Column and row where the source is expected [pixel].
    psf_variance : float
        Variance of the PSF [pixel**2].

    Returns
    -------
    p : ndarray, shape (8,), or None
        Parameters of `galrestore.sersic.kernel` with ln n = 0; None if there is no light.
    """
    flux, xx, yy, xy = moments(scaled, valid, *map(float, centre))
    if flux <= 0:
        return None
    own = np.array([[xx, xy], [xy, yy]]) - (psf_variance + 1 / 12) * np.eye(2)
    small, large = np.clip(np.linalg.eigvalsh(own), 0.2, None)
    # The threshold cuts the wings off: r50 is about one standard deviation of the rest.
    radius = (small * large) ** 0.25
    eta = min(0.5 * math.log(large / small), 2.0)
    angle = math.atan2(2 * xy, xx - yy)
    p = np.zeros(PARAMETERS)
    p[:4] = *centre, math.log(1.1 * flux), math.log(radius)
    p[5:7] = eta * math.cos(angle), eta * math.sin(angle)
    return p

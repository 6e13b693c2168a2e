"""
Images carried to the pixels of another, by drizzling.

Every input pixel falls as a square, through both celestial coordinates, on the pixels of the
output and leaves there the mean weighted by area: surface brightness is conserved, and so
is flux, the sum of surface brightness times the area of a pixel.

References
----------
Fruchter & Hook (2002), PASP 114, 144.
"""

import numpy as np
from drizzle.resample import Drizzle

__all__ = ["covering_window", "regrid", "rescaled"]

# Pixels beyond the corners: the curvature of a frame over a stamp is far less than one.
_MARGIN = 4
# Drizzle leaves out input pixels whose centre lies outside of the output, with the part of
# them that lies inside: the frame gets a rim that is cut off afterwards [pixel].
_RIM = 2
# Output pixels less covered than this are blank: sums of areas in single precision.
_COVERED = 0.999


def covering_window(wcs, shape, target, part):
    """
    Find the window of an image that covers a part of a frame.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Of the image.
    shape : (int, int)
        Its rows and columns.
    target : astropy.wcs.WCS
        Of the frame.
    part : tuple of int
        First and last + 1 row, first and last + 1 column of the frame.

    Returns
    -------
    window : tuple of int, or None
        First and last + 1 row, first and last + 1 column; None if the image does not
        hold all of it.
    """
    top, bottom, left, right = (edge - 0.5 for edge in part)
    edges = [left, (left + right) / 2, right], [top, (top + bottom) / 2, bottom]
    x, y = (axis.ravel() for axis in np.meshgrid(*edges))
    columns, rows = wcs.all_world2pix(*target.all_pix2world(x, y, 0), 0, quiet=True)
    if not np.isfinite([columns, rows]).all():
        return None
    y0, x0 = (int(np.floor(axis.min())) - _MARGIN for axis in (rows, columns))
    y1, x1 = (int(np.ceil(axis.max())) + _MARGIN + 1 for axis in (rows, columns))
    if y0 < 0 or x0 < 0 or y1 > shape[0] or x1 > shape[1]:
        return None
    return y0, y1, x0, x1


def regrid(pixels, blank, positions, size):
    """
    Drizzle an image on a frame.

    Parameters
    ----------
    pixels : ndarray of float, shape (H, W)
        Surface brightness.
    blank : ndarray of bool, shape (H, W)
        Pixels without data.
    positions : ndarray of float64, shape (H, W, 2)
        As `galrestore.synthesis.blot.pixel_map` returns them.
    size : int
        Rows and columns of the frame [pixel].

    Returns
    -------
    image : ndarray of float32, shape (size, size)
        Surface brightness; NaN where blank pixels or none fall.
    """
    good = np.where(blank, 0, pixels).astype(np.float32)
    shape = (size + 2 * _RIM, size + 2 * _RIM)
    drizzled = Drizzle(kernel="square", out_shape=shape, fillval="NaN", disable_ctx=True)
    drizzled.add_image(
        good,
        exptime=1.0,
        pixmap=positions + _RIM,
        weight_map=(~blank).astype(np.float32),
        pixfrac=1.0,
        in_units="cps",
    )
    # The weight counts input pixels, each of this area on the frame.
    covered = drizzled.out_wht * _area(positions)
    image = np.where(covered >= _COVERED, drizzled.out_img, np.nan)
    return image[_RIM:-_RIM, _RIM:-_RIM].astype(np.float32)


def rescaled(stamp, factor, size):
    """
    Drizzle a stamp on larger or smaller pixels about its central pixel.

    Parameters
    ----------
    stamp : ndarray of float, shape (H, W)
        Surface brightness.
    factor : float
        Side of the new pixels [pixel].
    size : int
        Rows and columns of the result; pixel H // 2 becomes size // 2.

    Returns
    -------
    image : ndarray of float32, shape (size, size)
        Surface brightness; NaN beyond the stamp.
    """
    rows, columns = np.indices(stamp.shape, dtype=float)
    shifted = columns - stamp.shape[1] // 2, rows - stamp.shape[0] // 2
    positions = np.stack(shifted, axis=-1) / factor + size // 2
    return regrid(stamp, np.isnan(stamp), positions, size)


def _area(positions):
    """Area of an input pixel on the frame, in its middle [pixel^2]."""
    middle = tuple(side // 2 for side in positions.shape[:2])
    along, across = (np.gradient(positions, axis=axis)[middle] for axis in (0, 1))
    return abs(across[0] * along[1] - across[1] * along[0])

"""
Stamps of one exposure, in the distorted frame of its detector.

The paper takes exposures as they are, not resampled: noise is then white.  Cosmic rays and
bad pixels are filled only where a stamp has them.

References
----------
Park et al. (2024), section 5.1.
"""

import numpy as np

from galrestore.sources.cosmic_rays import CleanStamp, clean_stamp
from galrestore.sources.regridding import covering_window
from galrestore.sources.stamps import corner
from galrestore.synthesis.blot import blot

__all__ = ["blotted", "cleaned", "detector_windows"]

# Pixels around a stamp that are searched too: hits cannot be told at the very edge.
_BESIDE = 8
# A position is found if going back to the sky returns to within this [arcsec].
_FOUND = 0.005


def detector_windows(wcs, shape, ra, dec, size):
    """
    Find where stamps about sources lie on a chip.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Of the chip, with all distortions.
    shape : (int, int)
        Rows and columns of the chip.
    ra, dec : ndarray of float, shape (N,)
        Positions of the sources [deg].
    size : int
        Rows and columns of the stamps [pixel].

    Returns
    -------
    sources : ndarray of int, shape (K,)
        Those whose stamps lie on the chip.
    windows : list of tuple of int
        Their first and last + 1 row, first and last + 1 column; the source's pixel has
        index size // 2.
    """
    x, y = (np.full(len(ra), np.nan) for _ in "xy")
    # Without the small terms far from the chip, where the polynomial runs away.
    rough_x, rough_y = wcs.wcs_world2pix(ra, dec, 0)
    beyond = size
    near = (np.abs(rough_x - shape[1] / 2) < shape[1] / 2 + beyond) & (
        np.abs(rough_y - shape[0] / 2) < shape[0] / 2 + beyond
    )
    if near.any():
        x[near], y[near] = wcs.all_world2pix(ra[near], dec[near], 0, quiet=True)
    found = np.isfinite(x) & np.isfinite(y)
    back = wcs.all_pix2world(x[found], y[found], 0)
    east = (back[0] - ra[found]) * np.cos(np.radians(dec[found]))
    found[found] = np.hypot(east, back[1] - dec[found]) * 3600 < _FOUND
    columns, rows = (corner(np.where(found, axis, -1.0), size) for axis in (x, y))
    inside = found & (rows >= 0) & (columns >= 0)
    inside &= (rows + size <= shape[0]) & (columns + size <= shape[1])
    windows = [
        (int(row), int(row) + size, int(column), int(column) + size)
        for row, column in zip(rows[inside], columns[inside], strict=True)
    ]
    return np.flatnonzero(inside), windows


def cleaned(chip, noise, window, flagged):
    """
    Cut a stamp, and fill hits and bad pixels if it has any.

    Parameters
    ----------
    chip : galrestore.files.exposures.Chip
        Chip of the exposure.
    noise : float
        See `galrestore.sources.cosmic_rays.effective_read_noise` [electron].
    window : tuple of int
        First and last + 1 row, first and last + 1 column.
    flagged : bool
        Whether hits are flagged in the exposure; if not, L.A.Cosmic looks for them.

    Returns
    -------
    clean : galrestore.sources.cosmic_rays.CleanStamp
        The stamp [electron], sky included, and what was filled.
    """
    y0, y1, x0, x1 = window
    top, left = max(y0 - _BESIDE, 0), max(x0 - _BESIDE, 0)
    wide = slice(top, y1 + _BESIDE), slice(left, x1 + _BESIDE)
    rays = chip.hit[wide] if flagged else None
    clean = clean_stamp(chip.data[wide], noise, chip.bad[wide], rays)
    here = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    return CleanStamp(clean.image[here], clean.cosmic_rays[here], clean.bad[here])


def blotted(mosaic, chip, window):
    """
    Bring a mosaic to the pixels and the exposure time of a stamp.

    Parameters
    ----------
    mosaic : galrestore.files.mosaics.Mosaic
        Of the same sky and filter, in electron/s.
    chip : galrestore.files.exposures.Chip
        Chip that the stamp was cut from.
    window : tuple of int
        Where: first and last + 1 row, first and last + 1 column.

    Returns
    -------
    stamp : ndarray of float32, shape (H, W), or None
        Electrons in a nominal pixel, as the exposure has them but for the sky; None where
        the mosaic does not cover all of the stamp with data.
    """
    part = covering_window(mosaic.wcs, mosaic.shape, chip.wcs, window)
    if part is None:
        return None
    pixels, _, blank = mosaic.window(*part)
    pixels = np.where(blank, np.nan, pixels)
    origin = part[0], part[2]
    stamp = blot(pixels, mosaic.wcs, chip.wcs, window, origin, chip.nominal_scale)
    return None if np.isnan(stamp).any() else stamp * np.float32(chip.exposure_time)

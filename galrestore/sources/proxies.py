"""
Stamps of real HST images beside a better image of the same sky.

That image stands in for the truth: it is no truth, as its band, its noise and its own
resolution are in it.
"""

import numpy as np
from scipy.spatial import KDTree

from galrestore.sources.regridding import covering_window, regrid
from galrestore.sources.stamp_wcs import stamp_wcs
from galrestore.synthesis.blot import pixel_map

__all__ = ["on_frame", "split_like", "stamp_frame"]

# Scales that agree to this are one scale: pixels are then taken as they are.
_SAME_SCALE = 1e-3


def stamp_frame(source, size, pixel_scale):
    """
    Return the frame of a stamp about a source.

    Parameters
    ----------
    source : pandas.Series
        Row of the catalogue.
    size : int
        Rows and columns [pixel].
    pixel_scale : float
        Scale wanted [arcsec].

    Returns
    -------
    wcs : astropy.wcs.WCS
        The tangent plane of the mosaic's own pixels, or, for another scale, one with that
        scale, the source's pixel kept at index size // 2.
    own : bool
        Whether these are the mosaic's own pixels.
    """
    wcs = stamp_wcs(source, size)
    factor = pixel_scale / float(source["pixel_scale"])
    if abs(factor - 1) < _SAME_SCALE:
        return wcs, True
    wcs.wcs.cd = wcs.wcs.cd * factor
    wcs.wcs.crpix = [size // 2 + 1, size // 2 + 1]
    wcs.wcs.set()
    return wcs, False


def on_frame(mosaic, frame, size, own=None):
    """
    Return a mosaic's light on the frame of a stamp.

    Parameters
    ----------
    mosaic : galrestore.files.mosaics.Mosaic
        With celestial coordinates.
    frame : astropy.wcs.WCS
        Of the stamp.
    size : int
        Rows and columns of the stamp [pixel].
    own : (int, int), optional
        First row and column of the stamp in the mosaic, whose own pixels are then taken.

    Returns
    -------
    stamp : ndarray of float32, shape (size, size), or None
        Surface brightness in the mosaic's unit; None where the mosaic does not cover all
        of the stamp with data.
    """
    if own is not None:
        y0, x0 = own
        if y0 < 0 or x0 < 0 or y0 + size > mosaic.shape[0] or x0 + size > mosaic.shape[1]:
            return None
        pixels, _, blank = mosaic.window(y0, y0 + size, x0, x0 + size)
        return None if blank.any() else pixels
    window = covering_window(mosaic.wcs, mosaic.shape, frame, (0, size, 0, size))
    if window is None:
        return None
    pixels, _, blank = mosaic.window(*window)
    stamp = regrid(pixels, blank, pixel_map(mosaic.wcs, frame, window), size)
    return None if np.isnan(stamp).any() else stamp


def split_like(sources, others, splits, radius):
    """
    Give sources the split of what a network has seen of them.

    Parameters
    ----------
    sources : pandas.DataFrame
        Sources with ``ra`` and ``dec`` [deg].
    others : pandas.DataFrame
        Sources that pairs were made of, likewise; those without a place (NaN) are near none.
    splits : ndarray of str, shape (len(others),)
        Split of each of those pairs.
    radius : float
        Farther than this from all others a source was not seen [arcsec].

    Returns
    -------
    splits : ndarray of str, shape (len(sources),)
        ``"train"`` if a source within the radius is a training pair, else
        ``"validation"`` if one is a validation pair, else ``"test"``.
    """
    result = np.full(len(sources), "test", dtype=object)
    placed, known = (frame[["ra", "dec"]].notna().all(axis=1) for frame in (others, sources))
    if not placed.any() or not known.any():
        return result
    splits = np.asarray(splits)[placed]
    tree = KDTree(_points(others[placed]))
    near = tree.query_ball_point(_points(sources[known]), np.deg2rad(radius / 3600))
    for k, members in zip(np.flatnonzero(known), near, strict=True):
        seen = set(splits[members])
        result[k] = next((name for name in ("train", "validation") if name in seen), "test")
    return result


def _points(sources):
    """Points on the unit sphere; chords are angles to 1e-11 over arcseconds."""
    ra, dec = np.deg2rad(sources["ra"].to_numpy()), np.deg2rad(sources["dec"].to_numpy())
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)

"""
Where stamps lie on the sky.

A stamp's frame is a tangent plane that touches the sky at its source, with the matrix
that the mosaic's WCS has there.  Two tangent planes differ by a projection, which over
the few arcsec of a stamp is a matrix to 1e-6 pixels; distortions are followed to first
order.
"""

import numpy as np
from astropy.wcs import WCS

__all__ = ["FRAME", "local_frames", "stamp_wcs"]

FRAME = ("ra", "dec", "cd1_1", "cd1_2", "cd2_1", "cd2_2")

# Half the side of a common stamp: differences over it serve the whole stamp best.
_STEP = 32.0


def local_frames(sky, x, y):
    """
    Find the tangent planes that touch the sky at some pixels.

    Parameters
    ----------
    sky : callable
        ``sky(x, y)`` returns right ascension and declination [deg] of 0-based pixel
        positions; NaN without a WCS, as `galrestore.files.mosaics.Mosaic.sky`.
    x, y : ndarray of float, shape (N,)
        Columns and rows [pixel].

    Returns
    -------
    columns : dict of str to ndarray of float, shape (N,)
        The `FRAME`: sky position [deg] and CD matrix [deg / pixel]; NaN without a WCS.
    """
    ra, dec = sky(x, y)
    columns = {"ra": ra, "dec": dec}
    for axis, (dx, dy) in enumerate(((_STEP, 0.0), (0.0, _STEP)), 1):
        ahead = _project(*sky(x + dx, y + dy), ra, dec)
        behind = _project(*sky(x - dx, y - dy), ra, dec)
        for plane, (high, low) in enumerate(zip(ahead, behind, strict=True), 1):
            columns[f"cd{plane}_{axis}"] = (high - low) / (2 * _STEP)
    return {name: columns[name] for name in FRAME}


def stamp_wcs(source, size):
    """
    Return the WCS of a stamp as it is stored in a cube.

    Parameters
    ----------
    source : mapping or pandas.Series
        Row of the catalogue: ``x, y, ra, dec, cd1_1, cd1_2, cd2_1, cd2_2, radesys``.
    size : int
        Side of the cube's planes [pixel]; the source's pixel has index size // 2 in all
        of them, padded and trimmed ones as well.

    Returns
    -------
    wcs : astropy.wcs.WCS
        Of the plane's pixels, TAN projection; 0-based pixel (column, row) in astropy's
        functions with origin 0.

    Raises
    ------
    ValueError
        If the source's mosaic has no WCS.
    """
    frame = {name: float(source[name]) for name in FRAME}
    if not np.isfinite(list(frame.values())).all():
        msg = (
            f"source at x = {source['x']:.1f}, y = {source['y']:.1f} has no place on the sky: "
            "its mosaic has no celestial WCS"
        )
        raise ValueError(msg)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.radesys = source["radesys"]
    wcs.wcs.crval = frame["ra"], frame["dec"]
    first = np.floor(np.array([source["x"], source["y"]], dtype=float) + 0.5) - size // 2
    wcs.wcs.crpix = np.array([source["x"], source["y"]]) - first + 1
    wcs.wcs.cd = [[frame["cd1_1"], frame["cd1_2"]], [frame["cd2_1"], frame["cd2_2"]]]
    wcs.pixel_shape = (size, size)
    wcs.wcs.set()
    return wcs


def _project(ra, dec, ra0, dec0):
    """Gnomonic projection about (ra0, dec0): xi to the east, eta to the north [deg]."""
    ra, dec, ra0, dec0 = (np.radians(angle) for angle in (ra, dec, ra0, dec0))
    cosine = np.cos(ra - ra0)
    depth = np.sin(dec0) * np.sin(dec) + np.cos(dec0) * np.cos(dec) * cosine
    xi = np.cos(dec) * np.sin(ra - ra0) / depth
    eta = (np.cos(dec0) * np.sin(dec) - np.sin(dec0) * np.cos(dec) * cosine) / depth
    return np.degrees(xi), np.degrees(eta)

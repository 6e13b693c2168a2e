"""
Frame of a simulated mosaic: pixels, tangent plane, sky and flux units.

Tangent-plane coordinates are offsets from the sky's reference point in arcsec, xi to
the east and eta to the north.  All mosaics are north up and east left, and have the
reference point at their centre, so that one plane serves them all exactly.
"""

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

__all__ = ["SR_PER_ARCSEC2", "Frame", "ab_flux", "deproject"]

SR_PER_ARCSEC2 = (np.pi / 180 / 3600) ** 2
_JY_AT_AB_ZERO = 3631.0


@dataclass(frozen=True)
class Frame:
    """
    Pixel grid of a mosaic.

    Attributes
    ----------
    ra, dec : float
        Reference point [deg], at the centre of the grid.
    pixel_scale : float
        Side of a pixel [arcsec].
    height, width : int
        Rows and columns.
    """

    ra: float
    dec: float
    pixel_scale: float
    height: int
    width: int

    @classmethod
    def covering(cls, ra, dec, height, width, pixel_scale):
        """
        Return the frame of a rectangle of sky.

        Parameters
        ----------
        ra, dec : float
            Centre [deg].
        height, width : float
            Extent along declination and right ascension [arcsec].
        pixel_scale : float
            Side of a pixel [arcsec].

        Returns
        -------
        frame : Frame
            Extents rounded to whole pixels, one at least.
        """
        rows, columns = (max(1, round(extent / pixel_scale)) for extent in (height, width))
        return cls(ra, dec, pixel_scale, rows, columns)

    def pixels(self, xi, eta):
        """
        Return pixel coordinates of tangent-plane positions.

        Parameters
        ----------
        xi, eta : ndarray of float, shape (N,)
            Offsets east and north [arcsec].

        Returns
        -------
        x, y : ndarray of float, shape (N,)
            Column and row, 0-based.
        """
        x = (self.width - 1) / 2 - np.asarray(xi) / self.pixel_scale
        return x, (self.height - 1) / 2 + np.asarray(eta) / self.pixel_scale

    def jacobian(self, x, y):
        """Return None: pixels are squares along west and north, everywhere."""
        return

    def wcs(self):
        """Return the TAN WCS of the grid, an `astropy.wcs.WCS` in degrees."""
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.cunit = ["deg", "deg"]
        wcs.wcs.crval = [self.ra, self.dec]
        wcs.wcs.crpix = [(self.width + 1) / 2, (self.height + 1) / 2]  # FITS counts from 1
        wcs.wcs.cdelt = [-self.pixel_scale / 3600, self.pixel_scale / 3600]
        wcs.wcs.radesys = "ICRS"
        return wcs


def deproject(xi, eta, ra, dec):
    """
    Return sky coordinates of tangent-plane positions.

    Parameters
    ----------
    xi, eta : ndarray of float, shape (N,)
        Offsets east and north [arcsec].
    ra, dec : float
        Reference point [deg].

    Returns
    -------
    ra, dec : ndarray of float, shape (N,)
        Sky coordinates [deg], right ascension in [0, 360).

    References
    ----------
    Calabretta & Greisen (2002), A&A 395, 1077, section 5.1.3 (gnomonic projection).
    """
    xi, eta = np.radians(np.asarray(xi) / 3600), np.radians(np.asarray(eta) / 3600)
    sin0, cos0 = np.sin(np.radians(dec)), np.cos(np.radians(dec))
    along = cos0 - eta * sin0
    east = np.arctan2(xi, along)
    north = np.arctan2(sin0 + eta * cos0, np.hypot(xi, along))
    return (ra + np.degrees(east)) % 360, np.degrees(north)


def ab_flux(magnitude, unit, pixel_scale, zeropoint=None):
    """
    Return the sum of pixels that an AB magnitude stands for.

    Parameters
    ----------
    magnitude : float or ndarray
        Magnitude [mag(AB)].
    unit : {"electron/s", "MJy/sr"}
        Unit of the pixels.
    pixel_scale : float
        Side of a pixel [arcsec].
    zeropoint : float, optional
        Magnitude of 1 electron/s; for that unit only.

    Returns
    -------
    flux : float or ndarray
        Sum over the pixels, in their unit.

    Raises
    ------
    ValueError
        For another unit, or for electron/s without a zeropoint.
    """
    if unit == "MJy/sr":
        at_zero = _JY_AT_AB_ZERO / 1e6 / (pixel_scale**2 * SR_PER_ARCSEC2)
        return at_zero * 10 ** (-0.4 * np.asarray(magnitude))
    if unit == "electron/s" and zeropoint is not None:
        return 10 ** (-0.4 * (np.asarray(magnitude) - zeropoint))
    msg = f"no flux scale for unit {unit!r} and zeropoint {zeropoint!r}"
    raise ValueError(msg)

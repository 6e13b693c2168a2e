"""
Detector of simulated exposures: chips, pointing, distortion, hot pixels.

The distortion has the parts of ACS/WFC's and their order of magnitude: axes 4 degrees
from perpendicular, quadratic terms (SIP), a smooth table of the filter (NPOL,
``WCSDVARR``) and one of the detector (D2IM, ``D2IMARR``).
"""

from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable, Sip

from galrestore.archive.simulated_frame import deproject
from galrestore.rng import stream
from galrestore.synthesis.blot import pixel_jacobians

__all__ = ["NOMINAL_SCALE", "ChipFrame", "Pointing", "chip_wcs", "distortion_hdus", "hot_pixels"]

NOMINAL_SCALE = 0.05  # arcsec, ACS/WFC
# Scales along rows and columns [arcsec/pixel], and what the axes lack of a right angle.
_SCALES, _SKEW = (0.0498, 0.0500), np.radians(4.3)
# Quadratic and cubic terms [pixel**-1, pixel**-2] like those of ACS/WFC, F814W.
_SIP_A = {(2, 0): 8.6e-6, (1, 1): -5.2e-6, (0, 2): 2.2e-6, (3, 0): 1.2e-11}
_SIP_B = {(2, 0): -1.7e-6, (1, 1): 6.1e-6, (0, 2): -7.2e-6, (0, 3): -1.1e-11}
_NPOL, _D2IM = 0.05, 0.02  # amplitudes of the tables [pixel]
_SPACING = 64  # of the tables' points [pixel]
# Currents [electron/s]: a power law from the least that is called warm.
_HOT_CURRENTS, _HOT_SLOPE = (0.06, 20.0), -1.7
_BESIDE = 400  # positions outside the chip by so much are not iterated [pixel]


@dataclass(frozen=True)
class Pointing:
    """
    Where an exposure points.

    Attributes
    ----------
    ra, dec : float
        Middle of the chips [deg].
    roll : float
        Position angle of the columns, from north to east [deg].
    """

    ra: float
    dec: float
    roll: float


class ChipFrame:
    """
    Pixel grid of a chip, as `simulated_rendering.Scene` takes it.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        With all distortions.
    shape : (int, int)
        Rows and columns.
    ra, dec : float
        Reference point of the tangent plane [deg].
    """

    def __init__(self, wcs, shape, ra, dec):
        self.wcs, (self.height, self.width) = wcs, shape
        self._centre = ra, dec

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
            Column and row, 0-based; without the small terms far from the chip.
        """
        ra, dec = deproject(xi, eta, *self._centre)
        x, y = self.wcs.wcs_world2pix(ra, dec, 0)
        near = (np.abs(x - self.width / 2) < self.width / 2 + _BESIDE) & (
            np.abs(y - self.height / 2) < self.height / 2 + _BESIDE
        )
        x[near], y[near] = self.wcs.all_world2pix(ra[near], dec[near], 0, tolerance=1e-7)
        return x, y

    def jacobian(self, x, y):
        """
        Return how west and north change with column and row.

        Parameters
        ----------
        x, y : float
            Position [pixel].

        Returns
        -------
        matrix : ndarray of float64, shape (2, 2)
            [arcsec/pixel].
        """
        return pixel_jacobians(self.wcs, x, y)[0] * [[-1.0], [1.0]]


def chip_wcs(shape, gap, chips, version, pointing):
    """
    Return the WCS of one chip.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of a chip.
    gap : float
        Pixels between two chips.
    chips : int
        1, or 2 above each other.
    version : int
        Chip, from 1 at the bottom (WFC2 of two).
    pointing : Pointing
        Where the exposure points.

    Returns
    -------
    wcs : astropy.wcs.WCS
        With all distortions.
    """
    roll = np.radians(pointing.roll)
    along = np.array([np.sin(roll), np.cos(roll)])  # east and north along a column
    away = (version - (chips + 1) / 2) * (shape[0] + gap) * _SCALES[1]
    across = roll - np.pi / 2 + _SKEW
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    wcs.wcs.crval = deproject(*(away * along), pointing.ra, pointing.dec)
    wcs.wcs.crpix = (np.array(shape[::-1]) + 1) / 2
    columns = (_SCALES[0] * np.array([np.sin(across), np.cos(across)]), _SCALES[1] * along)
    wcs.wcs.cd = np.stack(columns, axis=1) / 3600
    wcs.wcs.radesys = "ICRS"
    wcs.sip = Sip(_polynomial(_SIP_A), _polynomial(_SIP_B), None, None, wcs.wcs.crpix)
    wcs.cpdis1, wcs.cpdis2 = (_table(shape, _NPOL, version + axis) for axis in (0.0, 0.5))
    wcs.det2im1, wcs.det2im2 = (_table(shape, _D2IM, axis) for axis in (0.25, 0.75))
    wcs.wcs.set()
    return wcs


def distortion_hdus(wcs, version):
    """
    Return what a file needs to hold the WCS of one chip.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        As returned by `chip_wcs`.
    version : int
        Chip, from 1; its tables ``WCSDVARR`` are numbered 2 version - 1 and 2 version.

    Returns
    -------
    cards : astropy.io.fits.Header
        For the extension ``SCI``.
    hdus : list of astropy.io.fits.ImageHDU
        Tables; those of the detector (``D2IMARR``) with the first chip only.
    """
    cards, tables = wcs.to_header(relax=True), []
    for key, kind, name in (
        ("D2IM", (wcs.det2im1, wcs.det2im2), "D2IMARR"),
        ("DP", (wcs.cpdis1, wcs.cpdis2), "WCSDVARR"),
    ):
        for axis, table in enumerate(kind, start=1):
            number = axis if key == "D2IM" else 2 * (version - 1) + axis
            cards["D2IMDIS" + str(axis) if key == "D2IM" else f"CPDIS{axis}"] = "Lookup"
            cards[f"{key}{axis}.EXTVER"] = float(number)
            cards[f"{key}{axis}.NAXES"] = 2.0
            cards[f"{key}{axis}.AXIS.1"], cards[f"{key}{axis}.AXIS.2"] = 1.0, 2.0
            if key == "DP" or version == 1:
                tables.append(_table_hdu(table, name, number))
    return cards, tables


def hot_pixels(seed, shape, version, fraction):
    """
    Place the hot and warm pixels of a chip, the same in all exposures.

    Parameters
    ----------
    seed : int
        Seed of the run.
    shape : (int, int)
        Rows and columns.
    version : int
        Chip.
    fraction : float
        Share of pixels with an excess current.

    Returns
    -------
    current : ndarray of float32, shape (H, W)
        Dark current above the others' [electron/s]; 0 for normal pixels.
    """
    rng = stream(seed, "acquire.hot", version)
    current = np.zeros(shape, np.float32)
    count = rng.binomial(current.size, fraction)
    places = rng.choice(current.size, count, replace=False)
    low, high = (bound ** (_HOT_SLOPE + 1) for bound in _HOT_CURRENTS)
    current.flat[places] = rng.uniform(high, low, count) ** (1 / (_HOT_SLOPE + 1))
    return current


def _polynomial(terms):
    matrix = np.zeros((4, 4))
    for powers, value in terms.items():
        matrix[powers] = value
    return matrix


def _table(shape, amplitude, phase):
    """Return a smooth look-up table over a chip, one wave along its longer side."""
    rows, columns = (n // _SPACING + 2 for n in shape)
    y, x = np.mgrid[:rows, :columns] * _SPACING
    waves = np.sin(2 * np.pi * (x / shape[1] + phase)) * np.cos(np.pi * (y / shape[0] - phase))
    table = (amplitude * waves).astype(np.float32)
    return DistortionLookupTable(table, (1.0, 1.0), (1.0, 1.0), (_SPACING, _SPACING))


def _table_hdu(table, name, number):
    hdu = fits.ImageHDU(table.data, name=name, ver=number)
    for axis in (1, 2):
        hdu.header[f"CRPIX{axis}"] = table.crpix[axis - 1]
        hdu.header[f"CRVAL{axis}"] = table.crval[axis - 1]
        hdu.header[f"CDELT{axis}"] = table.cdelt[axis - 1]
    return hdu

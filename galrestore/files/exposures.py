"""
Single exposures of HST: chips of ACS/WFC and WFC3/UVIS with their full distortion.

An exposure (``_flt``, or ``_flc`` with the trails of charge transfer removed) holds
the extensions ``SCI``, ``ERR`` and ``DQ`` once for each chip, numbered by ``EXTVER``,
and the tables ``D2IMARR`` and ``WCSDVARR`` that the chips' WCS refer to.  Its pixels
are electrons with the sky left in.  Images are flat-fielded: a uniform sky gives equal
values although pixels differ in area, so a value stands for a surface brightness times
the area of a *nominal* pixel (`Chip.nominal_scale`), not for the flux in the pixel.
"""

import enum
import warnings
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from galrestore.errors import InputError
from galrestore.files.images import open_fits, reading, require_whole

__all__ = ["BAD_PIXEL", "COSMIC_RAY", "Chip", "DataQuality", "Exposure", "read_exposure"]

_FETCH = "fetch it again"
_NAMES = {"ACS": "WFC", "WFC3": "UVIS"}  # chips are called WFC1, WFC2, UVIS1, UVIS2


class DataQuality(enum.IntFlag):
    """
    Bits of the plane ``DQ``.

    References
    ----------
    Lucas & Ryon (2022), ACS Data Handbook 11.0, table 3.4; Pagul & Rivera (2024), WFC3
    Data Handbook 6.0, table 3.3.
    """

    DECODING_ERROR = 1
    FILLED = 2
    BAD_DETECTOR_PIXEL = 4
    MASKED = 8
    HOT = 16
    UNSTABLE = 32
    WARM = 64
    BIAS_STRUCTURE = 128
    SATURATED = 256
    BAD_REFERENCE = 512
    CHARGE_TRAP = 1024
    AD_SATURATED = 2048
    COSMIC_RAY_ASTRODRIZZLE = 4096
    COSMIC_RAY_CRREJ = 8192


COSMIC_RAY = DataQuality.COSMIC_RAY_ASTRODRIZZLE | DataQuality.COSMIC_RAY_CRREJ
# Pixels whose value says little about the sky.  Left out: warm pixels and charge traps,
# which calibration corrects, and unstable pixels, which are normal most of the time.
BAD_PIXEL = (
    DataQuality.DECODING_ERROR
    | DataQuality.FILLED
    | DataQuality.BAD_DETECTOR_PIXEL
    | DataQuality.MASKED
    | DataQuality.HOT
    | DataQuality.BIAS_STRUCTURE
    | DataQuality.SATURATED
    | DataQuality.BAD_REFERENCE
    | DataQuality.AD_SATURATED
)


@dataclass(frozen=True)
class Chip:
    """
    One chip of an exposure.

    Attributes
    ----------
    name : str
        Chip, such as ``"WFC1"`` or ``"UVIS2"``.
    version : int
        ``EXTVER`` of its extensions.
    data : ndarray of float32, shape (H, W)
        Flat-fielded electrons, sky included.
    error : ndarray of float32, shape (H, W)
        Standard deviation [electron].
    dq : ndarray of int32, shape (H, W)
        Bits of `DataQuality`.
    wcs : astropy.wcs.WCS
        Full distortion: detector-to-image table, polynomial (SIP) and look-up table of
        the filter, then TAN; 0-based pixels through ``all_pix2world(x, y, 0)``.
    exposure_time : float
        Exposure time [s].
    nominal_scale : float
        Side of the nominal pixel whose area pixel values refer to [arcsec].
    read_noise : float
        Read noise [electron]; NaN if the header has none.
    sky : float
        Sky found by AstroDrizzle (``MDRIZSKY``) [electron]; NaN if the header has none.
    """

    name: str
    version: int
    data: np.ndarray
    error: np.ndarray
    dq: np.ndarray
    wcs: WCS
    exposure_time: float
    nominal_scale: float
    read_noise: float
    sky: float

    @property
    def shape(self):
        """Rows and columns, a tuple of int."""
        return self.data.shape

    @property
    def bad(self):
        """Pixels that say little about the sky (`BAD_PIXEL`), ndarray of bool."""
        return ((self.dq & BAD_PIXEL) != 0) | ~np.isfinite(self.data)

    @property
    def hit(self):
        """Pixels flagged as hit by a cosmic ray (`COSMIC_RAY`), ndarray of bool."""
        return (self.dq & COSMIC_RAY) != 0


@dataclass(frozen=True)
class Exposure:
    """
    One exposure.

    Attributes
    ----------
    name : str
        Root name, such as ``"j8bt06nyq"``.
    instrument : str
        ``"ACS/WFC"`` or the like.
    band : str
        Filter.
    zeropoint : float
        AB magnitude of 1 electron/s; NaN if the header does not say.
    chips : tuple of Chip
        In the order of the file.
    """

    name: str
    instrument: str
    band: str
    zeropoint: float
    chips: tuple

    @property
    def cosmic_rays_flagged(self):
        """Whether any pixel is flagged as hit, that is, whether hits were looked for."""
        return any(bool(chip.hit.any()) for chip in self.chips)


def read_exposure(path):
    """
    Read an exposure of ACS or WFC3.

    Parameters
    ----------
    path : str or Path
        FITS file ``_flt`` or ``_flc``.

    Returns
    -------
    exposure : Exposure
        All its chips; rates, if the file holds such, are multiplied by the exposure time.

    Raises
    ------
    InputError
        If the file is missing, truncated, not FITS or a drizzled product; if a chip
        lacks an extension, its distortion tables, a known unit or an exposure time; or
        if the planes of a chip differ in shape.
    """
    with open_fits(path) as hdus, reading(path):
        # astropy finds the end of a truncated file only when it has read all headers.
        versions = [hdu.ver for hdu in hdus if hdu.name == "SCI"]
        primary = hdus[0].header
        _require_exposure(path, hdus, versions)
        chips = tuple(_chip(path, hdus, version) for version in versions)
        instrument = "/".join(
            str(primary[key]) for key in ("INSTRUME", "DETECTOR") if key in primary
        )
        return Exposure(
            name=str(primary.get("ROOTNAME", "")).strip(),
            instrument=instrument,
            band=_band(primary),
            zeropoint=_zeropoint(hdus["SCI", versions[0]].header, primary),
            chips=chips,
        )


def _require_exposure(path, hdus, versions):
    names = [hdu.name for hdu in hdus]
    if not versions:
        found = ", ".join(filter(None, names)) or "none"
        raise InputError(
            path,
            f"has no extension SCI, its extensions are: {found}",
            "an exposure (_flt, _flc) has SCI, ERR and DQ for each chip",
        )
    if {"WHT", "CTX"} & set(names):
        raise InputError(
            path, "is a drizzled product (it has WHT or CTX), no exposure", "give _flt or _flc"
        )


def _chip(path, hdus, version):
    science = _plane(path, hdus, "SCI", version)
    error = _plane(path, hdus, "ERR", version, science.shape)
    dq = _plane(path, hdus, "DQ", version, science.shape)
    header, primary = hdus["SCI", version].header, hdus[0].header
    time = _exposure_time(path, header, primary)
    electrons = _electrons(path, header, version, time)
    wcs = _distorted_wcs(path, hdus, version)
    nominal = header.get("IDCSCALE")
    return Chip(
        name=_name(header, primary, version),
        version=version,
        data=np.float32(electrons) * science.astype(np.float32),
        error=np.float32(electrons) * error.astype(np.float32),
        dq=dq.astype(np.int32),
        wcs=wcs,
        exposure_time=time,
        nominal_scale=_scale(wcs) if nominal is None else float(nominal),
        read_noise=_read_noise(primary),
        sky=electrons * float(header.get("MDRIZSKY", np.nan)),
    )


def _plane(path, hdus, name, version, shape=None):
    """Read one plane; a plane of equal pixels may be a header with their value only."""
    if (name, version) not in hdus:
        raise InputError(
            path,
            f"has no extension {name},{version}",
            "an exposure has SCI, ERR and DQ for each chip",
        )
    hdu = hdus[name, version]
    header = hdu.header
    if header.get("NAXIS") == 0 and "PIXVALUE" in header:
        return np.full((header["NPIX2"], header["NPIX1"]), header["PIXVALUE"])
    if not hdu.is_image or len(hdu.shape) != 2:
        raise InputError(path, f"extension {name},{version} is no 2-D image", _FETCH)
    require_whole(path, hdu)
    if shape is not None and hdu.shape != shape:
        raise InputError(
            path, f"extension {name},{version} has shape {hdu.shape}, SCI has {shape}", _FETCH
        )
    return np.asarray(hdu.data)


def _distorted_wcs(path, hdus, version):
    """Return the WCS of a chip, whose tables are copied out of the open file."""
    header = hdus["SCI", version].header
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # obsolete cards that astropy mends by itself
        try:
            wcs = WCS(header, fobj=hdus, naxis=2)
        except KeyError as error:
            raise InputError(
                path, f"SCI,{version} refers to a distortion table that is absent ({error})", _FETCH
            ) from error
        except Exception as error:  # wcslib raises a dozen unrelated types
            raise InputError(path, f"SCI,{version} has a broken WCS ({error})", _FETCH) from error
    if not wcs.has_celestial:
        raise InputError(path, f"SCI,{version} has no celestial WCS", "mend its header")
    return wcs


def _scale(wcs):
    """Side of the square of a pixel's area, whatever the angle of its sides [arcsec]."""
    return float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))) * 3600


def _exposure_time(path, header, primary):
    time = header.get("EXPTIME", primary.get("EXPTIME"))
    if not isinstance(time, int | float) or not time > 0:
        raise InputError(path, f"has EXPTIME = {time!r}, expected seconds above 0", "leave it out")
    return float(time)


def _electrons(path, header, version, time):
    unit = str(header.get("BUNIT", "")).strip().upper()
    factors = {"ELECTRONS": 1.0, "ELECTRON": 1.0, "ELECTRONS/S": time, "ELECTRON/S": time}
    if unit not in factors:
        raise InputError(
            path,
            f"SCI,{version} has BUNIT = {unit!r}, expected ELECTRONS or ELECTRONS/S",
            "calibrated exposures of ACS and WFC3 have it",
        )
    return factors[unit]


def _name(header, primary, version):
    detector = primary.get("DETECTOR", _NAMES.get(primary.get("INSTRUME"), "CHIP"))
    return f"{detector}{header.get('CCDCHIP', version)}"


def _band(primary):
    """Return the filter; ACS has two wheels, of which one is clear."""
    wheels = [str(primary.get(key, "")) for key in ("FILTER", "FILTER1", "FILTER2")]
    return next((wheel for wheel in wheels if wheel and not wheel.startswith("CLEAR")), "")


def _zeropoint(header, primary):
    """Return the AB zeropoint of the photometry cards, as the ACS Data Handbook defines it."""
    flam, pivot = (header.get(key, primary.get(key)) for key in ("PHOTFLAM", "PHOTPLAM"))
    if not flam or not pivot:
        return np.nan
    return float(-2.5 * np.log10(flam) - 5 * np.log10(pivot) - 2.408)


def _read_noise(primary):
    """Return the mean read noise of the amplifiers used; those not used have 0."""
    noises = [primary.get(f"READNSE{amplifier}", 0.0) for amplifier in "ABCD"]
    used = [float(noise) for noise in noises if isinstance(noise, int | float) and noise > 0]
    return float(np.mean(used)) if used else np.nan

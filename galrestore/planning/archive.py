"""
How much the archive holds, where its product list does not say.

Sizes become known when the list is resolved; until then they follow from the sky that a
product's frame covers.
"""

import math

__all__ = [
    "ASSUMPTIONS",
    "EXPOSURE_BYTES",
    "EXPOSURE_PIXELS",
    "EXPOSURE_SKY",
    "FRAMES",
    "POINTING_SKY",
    "hst_pixels",
    "nircam_bytes",
    "nircam_pixels",
    "pointings",
]

_PIXEL = 4  # bytes
# Sky inside the frame of a product [arcmin^2], by field.
FRAMES = {
    "goods_n": 625.0,
    "goods_s": 625.0,
    "hudf": 27.6,
    "hudfp2": 20.0,
    "abell2744": 25.0,
}
ASSUMPTIONS = (
    "HLF mosaics have 25,000 x 25,000 pixels of 0.06 arcsec (GOODS-S; GOODS-N taken alike)",
    "XDF mosaics have 5,250 x 5,250 pixels of 0.06 arcsec; HUDFP2 and Abell 2744 frames cover "
    "20 and 25 arcmin2 (recalled, unverified)",
    "a NIRCam pointing's frame is 5.1 x 2.2 arcmin with pixels of 0.031 and 0.063 arcsec, its two "
    "modules see 9.7 arcmin2, and an i2d file has seven planes of 4 bytes",
    "the product list names one NIRCam pointing; the estimate is for as many as the paper's "
    "number of JWST stamps needs, these being as dense on the sky as in the measured run, whose "
    "simulated field is rich",
    "HST stamps are as dense in exposures and in Abell 2744 as in the frames of all HST mosaics; "
    "an ACS exposure sees 202 x 202 arcsec in 2 x 2,048 x 4,096 pixels of SCI, ERR (4 bytes each) "
    "and DQ (2)",
    "expose has no job: the exposures are the archive's",
    "present, compare, gather and check are left out: minutes",
)
_FRAME, POINTING_SKY = 5.1 * 2.2, 2 * 2.2**2  # arcmin^2
EXPOSURE_PIXELS = 2 * 2048 * 4096  # of ACS/WFC
EXPOSURE_BYTES = EXPOSURE_PIXELS * (4 + 4 + 2)
EXPOSURE_SKY = (202 / 60) ** 2  # arcmin^2
_CHANNELS = {"short": 0.031, "long": 0.063}  # arcsec
_PLANES = 7
_ARCSEC2 = 3600.0  # in an arcmin^2


def hst_pixels(field, pixel_scale, size):
    """
    Return the pixels of an HST mosaic.

    Parameters
    ----------
    field : str
        Piece of sky.
    pixel_scale : float
        Pixel scale [arcsec].
    size : int
        Bytes of the science file, 0 where unknown.

    Returns
    -------
    pixels : float
        From the size, or from the sky of the field's frame.

    Raises
    ------
    ValueError
        If neither is known.
    """
    if size:
        return size / _PIXEL
    if field not in FRAMES:
        msg = f"the size of field {field!r} is not known: resolve the product list"
        raise ValueError(msg)
    return FRAMES[field] * _ARCSEC2 / pixel_scale**2


def nircam_pixels():
    """
    Return the pixels of a pointing's frame in one filter.

    Returns
    -------
    pixels : dict of str to float
        For the ``short`` and the ``long`` channel.
    """
    return {name: _FRAME * _ARCSEC2 / scale**2 for name, scale in _CHANNELS.items()}


def nircam_bytes(pixels):
    """Return the size of an i2d file of so many pixels [byte]."""
    return _PLANES * _PIXEL * pixels


def pointings(stamps, density):
    """
    Return the pointings that give so many stamps.

    Parameters
    ----------
    stamps : int
        Stamps wanted, in all filters together.
    density : float
        Stamps found on an arcmin^2, in all filters together.

    Returns
    -------
    count : int
        Pointings, rounded up.

    Raises
    ------
    ValueError
        If the density is not positive.
    """
    if density <= 0:
        msg = f"density must be positive, got {density:g}"
        raise ValueError(msg)
    return math.ceil(stamps / (density * POINTING_SKY))

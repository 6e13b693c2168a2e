"""
FITS images: one two-dimensional image of a file, opened, checked and read by window.

Whatever is wrong with a file becomes an `InputError` here; what astropy merely warns
of, such as a file that ends too early, is checked anew.
"""

import contextlib
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from galrestore.errors import InputError
from galrestore.files.checksums import require_sound

__all__ = [
    "celestial_wcs",
    "count_images",
    "first_image",
    "open_fits",
    "open_image",
    "read_window",
    "reading",
    "require_whole",
    "wcs_scale",
]

_FETCH = "fetch it again"


@contextlib.contextmanager
def open_image(path, extension, image=0):
    """
    Open one two-dimensional image of a FITS file.

    Parameters
    ----------
    path : str or Path
        FITS file, plain or with tile-compressed images.
    extension : int or str
        Index or name; ``"all"`` for one image in each extension.
    image : int, optional
        With ``"all"``: which of the images, from 0.

    Yields
    ------
    hdu : astropy.io.fits image HDU
        The image, whose ``section`` reads windows.

    Raises
    ------
    InputError
        If the file is missing, truncated or not FITS, if the extension is missing,
        or if it is not a two-dimensional image.
    """
    with open_fits(path) as hdus:
        with reading(path):
            hdu = _find(path, hdus, extension, image)
            require_whole(path, hdu)
        yield hdu


def count_images(path, extension):
    """
    Return how many images an extension setting stands for.

    Parameters
    ----------
    path : str or Path
        FITS file.
    extension : int or str
        As in `open_image`.

    Returns
    -------
    count : int
        1, or the number of two-dimensional images in the file for ``"all"``.

    Raises
    ------
    InputError
        If the file is not readable or ends before the last of its images.
    """
    if extension != "all":
        return 1
    count = 0
    with open_fits(path) as hdus, reading(path):
        for hdu in _images(path, hdus):
            require_whole(path, hdu)
            count += 1
    return count


def first_image(path):
    """
    Return the index of the first two-dimensional image of a file.

    Parameters
    ----------
    path : str or Path
        FITS file.

    Returns
    -------
    index : int
        From 0, the primary one.

    Raises
    ------
    InputError
        If the file is not readable or holds no such image.
    """
    with open_fits(path) as hdus, reading(path):
        first = next(_images(path, hdus))
        return hdus.index_of(first)


def celestial_wcs(path, hdu):
    """
    Return the celestial WCS of an open image.

    Parameters
    ----------
    path : str or Path
        File, for messages.
    hdu : astropy.io.fits image HDU
        As opened by `open_image`.

    Returns
    -------
    wcs : astropy.wcs.WCS or None
        Two axes, right ascension first; None if the header describes no sky.

    Raises
    ------
    InputError
        If the header's WCS is broken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # obsolete cards that astropy mends by itself
        try:
            wcs = WCS(hdu.header, naxis=2)
            return wcs.celestial if wcs.has_celestial else None
        except Exception as error:  # wcslib raises a dozen unrelated types
            raise InputError(path, f"has a broken WCS ({error})", "mend its header") from error


def wcs_scale(wcs):
    """
    Return the pixel scale of a celestial WCS at its reference pixel.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates in two axes.

    Returns
    -------
    scale : float
        Side of a square of a pixel's area [arcsec].
    """
    return float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)))) * 3600


def read_window(path, hdu, y0, y1, x0, x1):
    """
    Read a window of an open image; only its pixels are in memory.

    Parameters
    ----------
    path : str or Path
        File, for messages.
    hdu : astropy.io.fits image HDU
        As opened by `open_image`.
    y0, y1, x0, x1 : int
        Rows y0 to y1 - 1 and columns x0 to x1 - 1, inside the image.

    Returns
    -------
    pixels : ndarray of float32, shape (y1 - y0, x1 - x0)
        Physical values in native byte order; blank integers are NaN.

    Raises
    ------
    InputError
        If the file cannot be read there.
    """
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
            warnings.simplefilter("ignore")
            # FITS is big-endian; float64 beyond float32 becomes infinite, hence masked.
            return np.array(hdu.section[y0:y1, x0:x1], dtype=np.float32)
    except Exception as error:  # as in `reading`
        raise InputError(path, f"is truncated or broken ({error})", _FETCH) from error


@contextlib.contextmanager
def open_fits(path):
    """
    Open a FITS file whose headers are read when they are asked for.

    Parameters
    ----------
    path : str or Path
        FITS file.

    Yields
    ------
    hdus : astropy.io.fits.HDUList
        The open file, not mapped into memory.

    Raises
    ------
    InputError
        If the file is missing or not FITS, or is one of this package that was damaged
        since (mosaics have no checksums in them: their digests are in manifests).
    """
    if not Path(path).is_file():
        raise InputError(path, "does not exist", "check the folder and the name of the file")
    with contextlib.ExitStack() as stack:
        with reading(path):
            # No memory map: a file cut short while mapped ends the process.
            # Opened here, because astropy leaves it open where headers make no sense.
            file = stack.enter_context(open(path, "rb"))
            hdus = stack.enter_context(fits.open(file, mode="readonly", memmap=False))
            if "GRPROV" in hdus[0].header:
                len(hdus)  # reads every header
                require_sound(path, hdus)
        yield hdus


@contextlib.contextmanager
def reading(path):
    """
    Turn astropy's errors into ours; what it merely warns of is to be checked anew.

    Parameters
    ----------
    path : str or Path
        File, for messages.

    Raises
    ------
    InputError
        Where the body meets any error: astropy raises a dozen unrelated types where the
        cards of a header make no sense.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        problem = f"is not a readable FITS file ({reason})"
        raise InputError(path, problem, _FETCH) from error


def _find(path, hdus, extension, image):
    if extension == "all":
        for number, hdu in enumerate(_images(path, hdus)):
            if number == image:
                return hdu
        raise InputError(path, f"holds {number + 1} images, number {image} is wanted")
    key = int(extension) if str(extension).isdigit() else extension
    try:
        hdu = hdus[key]
    except (KeyError, IndexError) as error:
        found = ", ".join(f"{i} {hdu.name}".strip() for i, hdu in enumerate(hdus))
        raise InputError(path, f"has no extension {key!r}", f"it has: {found}") from error
    if not hdu.is_image or len(hdu.shape) != 2:
        kind = f"has {len(hdu.shape)} axes" if hdu.is_image else "is a table"
        raise InputError(path, f"extension {key!r} {kind}, expected a 2-D image")
    return hdu


def _images(path, hdus):
    """Yield the two-dimensional images, one at least."""
    found = False
    for hdu in hdus:
        if hdu.is_image and len(hdu.shape) == 2:
            found = True
            yield hdu
    if not found:
        raise InputError(path, "holds no 2-D image", "name the right file or extension")


def require_whole(path, hdu):
    """
    Compare a file's length with the end of an image that its header announces.

    Parameters
    ----------
    path : str or Path
        FITS file.
    hdu : astropy.io.fits image HDU
        Image of the open file.

    Raises
    ------
    InputError
        If the file ends before the image.
    """
    if isinstance(hdu, fits.CompImageHDU) or Path(path).suffix in {".gz", ".bz2", ".xz"}:
        return  # lengths of compressed data are known only when they are read
    end = hdu.fileinfo()["datLoc"] + hdu.size
    length = Path(path).stat().st_size
    if length < end:
        problem = f"is truncated: {length} bytes, its header announces {end}"
        raise InputError(path, problem, _FETCH)

"""
Verification of a FITS file from the archive: whole, readable, and what it should be.

astropy takes a file that ends between two extensions for a shorter one, and reads
pixels only when asked; so length, extensions and every pixel are looked at here.
"""

import itertools
import os
import warnings

from astropy.io import fits

from galrestore.errors import InputError

__all__ = ["verify"]

_BLOCK = 2880  # bytes; FITS files are made of such blocks
_MEMORY = 1 << 26  # bytes of pixels read at once
# Extensions that a product of each role must hold; "" for an image in the first HDU.
_EXTENSIONS = {
    "sci": [""],
    "wht": [""],
    "i2d": ["SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"],
    "flc": ["SCI", "ERR", "DQ", "SCI", "ERR", "DQ", "D2IMARR", "WCSDVARR"],
}
# Look-up tables of a chip's distortion: card of its header, of their number, extension.
_TABLES = (("D2IMDIS", "D2IM", "D2IMARR"), ("CPDIS", "DP", "WCSDVARR"))
_AGAIN = "fetch it again"


def verify(path, role, size=0):
    """
    Verify a file.

    Parameters
    ----------
    path : str or Path
        FITS file.
    role : {"sci", "wht", "i2d", "flc"}
        What the file should be.
    size : int, optional
        Size it should have [byte]; 0 if that is not known.

    Returns
    -------
    header : astropy.io.fits.Header
        Header of the first HDU.

    Raises
    ------
    InputError
        If the size is another, the file is not FITS or not whole, an extension or a table
        of a chip's distortion is missing, its pixels cannot be read, or astropy warns of anything.
    """
    length = os.path.getsize(path)
    if size and length != size:
        raise InputError(path, f"has {length} bytes instead of {size}", _AGAIN)
    with open(path, "rb") as file:
        begin = file.read(80)
    if not begin.startswith(b"SIMPLE  ="):
        raise InputError(path, f"is no FITS file, it begins with {begin[:40]!r}", _AGAIN)
    if length % _BLOCK:
        raise InputError(path, f"has {length} bytes, no multiple of {_BLOCK}: cut short", _AGAIN)
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            # No memory map: reading stays in blocks of a known size.
            with fits.open(file, memmap=False, lazy_load_hdus=True) as hdus:
                _require_extensions(path, role, hdus)
                _require_length(path, length, hdus)
                if role == "flc":
                    _require_tables(path, hdus)
                for hdu in hdus:
                    _read(hdu)
                return hdus[0].header.copy()
    except InputError:
        raise
    except Exception as error:  # whatever astropy says of a broken file, warnings included
        problem = f"is not wholly readable ({str(error).splitlines()[0]})"
        raise InputError(path, problem, _AGAIN) from error


def _require_extensions(path, role, hdus):
    found = [hdu.name for hdu in hdus if hdu.is_image and len(hdu.shape) >= 2]
    for name in set(_EXTENSIONS[role]):
        if name == "":
            lacks = not (hdus[0].is_image and len(hdus[0].shape) == 2)
        else:
            lacks = found.count(name) < _EXTENSIONS[role].count(name)
        if lacks:
            wanted = "an image in its first HDU" if name == "" else f"extension {name}"
            has = ", ".join(found) or "no image"
            raise InputError(path, f"lacks {wanted} of a product {role}; it has {has}", _AGAIN)


def _require_tables(path, hdus):
    """Look for the tables that the WCS of each chip refers to."""
    chips = [hdu.header for hdu in hdus if hdu.name == "SCI"]
    for header, (kind, key, name), axis in itertools.product(chips, _TABLES, (1, 2)):
        if f"{kind}{axis}" not in header:
            continue
        number = int(header[f"{key}{axis}.EXTVER"])
        if (name, number) not in hdus:
            problem = f"lacks table {name},{number} of the distortion of SCI,{header['EXTVER']}"
            raise InputError(path, problem, _AGAIN)


def _require_length(path, length, hdus):
    """Compare the length with the end of the last HDU, as its header announces it."""
    last = hdus[-1].fileinfo()
    end = last["datLoc"] + last["datSpan"]
    if length != end:
        raise InputError(path, f"has {length} bytes, its headers announce {end}", _AGAIN)


def _read(hdu):
    """Read all data of an HDU, rows of a limited size at a time."""
    if not hdu.is_image:
        _ = hdu.data
        return
    if not hdu.shape:
        return
    row = abs(hdu.header["BITPIX"]) // 8 * hdu.shape[-1]
    step = max(1, _MEMORY // row)
    for plane in itertools.product(*map(range, hdu.shape[:-2])):
        rows = hdu.shape[-2] if len(hdu.shape) > 1 else 1
        for first in range(0, rows, step):
            _ = hdu.section[(*plane, slice(first, first + step))]

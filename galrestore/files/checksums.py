"""
Checksums of FITS files: the cards ``CHECKSUM`` and ``DATASUM``, written without dates.

An HDU is a row of big-endian 32-bit words.  ``DATASUM`` is the one's complement sum of
those of its data, and ``CHECKSUM`` is chosen so that the sum of all of them is -0.  A
flipped bit, wherever in a file, changes a sum.

References
----------
FITS Standard 4.0 (2018), section 4.4.2.7 and appendix J; Seaman, Pence & Rots (2012),
"FITS Checksum Proposal".
"""

import functools
from pathlib import Path

import numpy as np
from astropy.io import fits

from galrestore.errors import InputError

__all__ = ["require_sound", "seal", "seal_header", "word_sum"]

_MINUS_ZERO = 2**32 - 1
_CHUNK = 1 << 22  # bytes, of whole words
_PUNCTUATION = frozenset(b":;<=>?@[\\]^_`")


def word_sum(data, start=0):
    """
    Add up the words of a piece of an HDU.

    Parameters
    ----------
    data : bytes-like
        A whole number of big-endian 32-bit words.
    start : int, optional
        Sum of the pieces before, which may be in any order.

    Returns
    -------
    total : int
        One's complement sum, from 0 to 2**32 - 1.
    """
    total = start + int(np.frombuffer(data, dtype=">u4").sum(dtype=np.uint64))
    return (total - 1) % _MINUS_ZERO + 1 if total else 0


def seal(hdus):
    """
    Give each HDU of a file its two cards.

    Parameters
    ----------
    hdus : sequence of astropy.io.fits HDU
        HDUs as they will be written; their headers are changed.

    Returns
    -------
    sealed : astropy.io.fits.HDUList
        To be written.
    """
    hdus = fits.HDUList(hdus)
    hdus.update_extend()
    for hdu in hdus:
        hdu.add_checksum(when="")
    return hdus


def seal_header(header, data_sum):
    """
    Give a header its two cards where data are written apart from it.

    Parameters
    ----------
    header : astropy.io.fits.Header
        Complete header of an HDU; changed.
    data_sum : int
        `word_sum` of the data, padding included.
    """
    header["CHECKSUM"], header["DATASUM"] = "0" * 16, str(data_sum)
    total = word_sum(header.tostring().encode("ascii"), data_sum)
    header["CHECKSUM"] = _encode(_MINUS_ZERO - total)


def require_sound(path, hdus):
    """
    Compare a file with its checksums, once for each state of the file.

    Parameters
    ----------
    path : str or Path
        FITS file.
    hdus : astropy.io.fits.HDUList
        The open file, whose headers were all read.  HDUs without ``CHECKSUM`` pass.

    Raises
    ------
    InputError
        If an HDU is not what was written, or if something follows the last one.
    """
    status = Path(path).stat()
    infos = [hdu.fileinfo() for hdu in hdus]
    pieces = tuple(
        (info["hdrLoc"], info["datLoc"] + info["datSpan"], "CHECKSUM" in hdu.header)
        for info, hdu in zip(infos, hdus, strict=True)
    )
    damaged = _first_damaged(str(path), status.st_size, status.st_mtime_ns, pieces)
    if damaged is not None:
        raise InputError(
            path, f"is damaged: HDU {damaged} does not match its checksum", "remake it"
        )


@functools.lru_cache(maxsize=256)
def _first_damaged(path, size, modified, pieces):
    """Return the number of the first HDU whose sum is not -0, or None."""
    del modified
    with open(path, "rb") as file:
        for number, (start, end, summed) in enumerate(pieces):
            if summed and (end > size or _sum_between(file, start, end) != _MINUS_ZERO):
                return number
    summed_all = all(summed for _, _, summed in pieces)
    return len(pieces) if summed_all and pieces[-1][1] != size else None


def _sum_between(file, start, end):
    file.seek(start)
    total = 0
    while start < end:
        piece = file.read(min(_CHUNK, end - start))
        if not piece:
            return 0
        total = word_sum(piece, total)
        start += len(piece)
    return total


def _encode(value):
    """Write a word as 16 letters and digits whose sum it is (appendix J)."""
    letters = bytearray(16)
    for column, byte in enumerate(value.to_bytes(4, "big")):
        quarter, rest = divmod(byte, 4)
        quad = [ord("0") + quarter + (rest if row == 0 else 0) for row in range(4)]
        while _PUNCTUATION.intersection(quad):
            for first in (0, 2):
                if _PUNCTUATION.intersection(quad[first : first + 2]):
                    quad[first] += 1
                    quad[first + 1] -= 1
        letters[column::4] = bytes(quad)
    return (letters[-1:] + letters[:-1]).decode("ascii")

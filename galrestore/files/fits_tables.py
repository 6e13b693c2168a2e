"""FITS tables of others: one numeric column, opened and checked."""

import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits

from galrestore.errors import InputError

__all__ = ["read_column"]


def read_column(path, extension, name):
    """
    Read a numeric column of a FITS table.

    Parameters
    ----------
    path : str or Path
        FITS file.
    extension : int or str
        Index or name of the table.
    name : str
        Name of the column.

    Returns
    -------
    values : ndarray of float64, shape (N,) or (N, M)
        The column, in native byte order.

    Raises
    ------
    InputError
        If the file is missing or not FITS, the extension is missing or no table, or the
        column is missing or not numeric.
    """
    if not Path(path).is_file():
        raise InputError(path, "does not exist", "check the folder and the name of the file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(path, memmap=False) as hdus:
                return _column(path, hdus, extension, name)
    except (OSError, ValueError, TypeError) as error:
        problem = f"is not a readable FITS file ({str(error).splitlines()[0]})"
        raise InputError(path, problem, "fetch it again") from error


def _column(path, hdus, extension, name):
    key = int(extension) if str(extension).isdigit() else extension
    try:
        hdu = hdus[key]
    except (KeyError, IndexError) as error:
        found = ", ".join(f"{i} {hdu.name}".strip() for i, hdu in enumerate(hdus))
        raise InputError(path, f"has no extension {key!r}", f"it has: {found}") from error
    if not isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
        raise InputError(path, f"extension {key!r} is no table", "name the extension of the table")
    if name not in hdu.columns.names:
        found = ", ".join(hdu.columns.names)
        raise InputError(path, f"extension {key!r} has no column {name!r}", f"it has: {found}")
    if hdu.data[name].dtype.kind not in "iuf":
        raise InputError(path, f"column {name!r} holds no numbers", "name another column")
    return np.asarray(hdu.data[name], dtype=np.float64)

"""
FITS cubes of stamps: image extensions of shape (N, H, W) tied to a table by id.

A file holds one or more image extensions with the same N (``STAMP``, or ``GT`` and
``LQ``) and a binary table ``ID`` with the object id of each plane.  Pixels are
float32; blank pixels are NaN.  Axis order is (object, row, column), 0-based, the
centre of the first pixel at (0, 0).
"""

import io
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from astropy.utils.exceptions import AstropyUserWarning

from galrestore.errors import InputError
from galrestore.files.atomic import atomic
from galrestore.files.checksums import require_sound, seal, seal_header, word_sum
from galrestore.provenance import Provenance

__all__ = ["read_cube", "read_ids", "read_provenance", "write_cube", "write_planes"]

_BLOCK = 2880  # FITS files are made of blocks of this many bytes
_KEYS = {"stage": "GRSTAGE", "code": "GRCODE", "seed": "GRSEED", "version": "GRVERS"}


def write_cube(path, cubes, ids, provenance, unit=""):
    """
    Write planes of the same objects.

    Parameters
    ----------
    path : str or Path
        FITS file to write.
    cubes : dict of str to ndarray, shape (N, H, W)
        Image extensions by name, stored as float32.
    ids : ndarray of int64, shape (N,)
        Object of each plane.
    provenance : Provenance
        What made the file; stored in it.
    unit : str, optional
        Unit of the pixels in FITS spelling; "" for min-max normalised images.

    Raises
    ------
    ValueError
        If shapes disagree.
    """
    ids = np.asarray(ids, dtype=np.int64)
    hdus = [fits.PrimaryHDU(header=provenance_header(provenance))]
    for name, cube in cubes.items():
        if cube.ndim != 3 or len(cube) != len(ids):
            msg = f"cube {name} has shape {cube.shape}, expected ({len(ids)}, H, W)"
            raise ValueError(msg)
        hdus.append(fits.ImageHDU(np.asarray(cube, dtype=np.float32), name=name))
        hdus[-1].header["BUNIT"] = (unit, "unit of the pixels")
    column = fits.Column(name="id", format="K", array=ids)
    hdus.append(fits.BinTableHDU.from_columns([column], name="ID"))
    with atomic(path) as part:
        seal(hdus).writeto(part, overwrite=True)


def write_planes(path, name, shape, batches, ids, provenance, unit=""):
    """
    Write one extension as `write_cube` does, some planes in memory at a time.

    Parameters
    ----------
    path : str or Path
        FITS file to write.
    name : str
        Name of the extension.
    shape : (int, int)
        Rows and columns of the planes.
    batches : iterable of (ndarray of int, ndarray)
        Numbers of some planes, shape (K,), and their pixels, shape (K, H, W); each plane
        in one of the batches, in any order.
    ids : ndarray of int64, shape (N,)
        Object of each plane.
    provenance : Provenance
        What made the file; stored in it.
    unit : str, optional
        Unit of the pixels in FITS spelling.

    Raises
    ------
    ValueError
        If pixels have another shape, or some planes are missing.
    """
    ids = np.asarray(ids, dtype=np.int64)
    header = fits.ImageHDU(np.zeros((1, *shape), dtype=np.float32), name=name).header
    header["NAXIS3"] = len(ids)
    header["BUNIT"] = (unit, "unit of the pixels")
    seal_header(header, 0)
    column = fits.Column(name="id", format="K", array=ids)
    table = fits.BinTableHDU.from_columns([column], name="ID")
    primary = fits.PrimaryHDU(header=provenance_header(provenance))
    buffer = io.BytesIO()
    seal([primary, table]).writeto(buffer)
    first = len(primary.header.tostring())
    with atomic(path) as part, open(part, "wb") as file:
        file.write(buffer.getvalue()[:first])
        file.write(header.tostring().encode("ascii"))
        seal_header(header, _write_batches(path, file, shape, batches, len(ids)))
        file.write(buffer.getvalue()[first:])
        file.seek(first)
        file.write(header.tostring().encode("ascii"))


def _write_batches(path, file, shape, batches, count):
    """Put planes in their places up to the end of the last block, and return their sum."""
    first, size = file.tell(), 4 * shape[0] * shape[1]
    missing, total = np.ones(count, dtype=bool), 0
    for planes, cube in batches:
        if cube.shape[1:] != tuple(shape):
            msg = f"{path}: planes of shape {cube.shape[1:]}, expected {tuple(shape)}"
            raise ValueError(msg)
        for plane, pixels in zip(planes, cube, strict=True):
            file.seek(first + int(plane) * size)
            stored = np.ascontiguousarray(pixels, dtype=">f4").tobytes()
            file.write(stored)
            missing[plane], total = False, word_sum(stored, total)
    if missing.any():
        msg = f"{path}: {missing.sum()} of {count} planes are missing"
        raise ValueError(msg)
    end = first + count * size
    file.seek(end)
    file.write(bytes(-end % _BLOCK))
    return total


def read_cube(path, name, rows=slice(None)):
    """
    Read one extension of a cube, or some of its planes.

    Parameters
    ----------
    path : str or Path
        FITS file.
    name : str
        Extension.
    rows : slice or ndarray of int or bool, optional
        Planes to read; all by default.

    Returns
    -------
    cube : ndarray of float32, shape (N, H, W)
        The planes, in native byte order.

    Raises
    ------
    InputError
        If the file is missing, truncated or damaged, or has no such extension.
    """
    with _open(path) as hdus:
        if name not in hdus:
            raise InputError(path, f"has no extension {name!r}")
        return np.array(_data(path, hdus[name])[rows], dtype=np.float32)


def read_unit(path, name):
    """
    Read the unit of one extension of a cube.

    Parameters
    ----------
    path : str or Path
        FITS file.
    name : str
        Extension.

    Returns
    -------
    unit : str
        FITS spelling; empty if none is written.

    Raises
    ------
    InputError
        If the file is missing, truncated or has no such extension.
    """
    with _open(path) as hdus:
        if name not in hdus:
            raise InputError(path, f"has no extension {name!r}")
        return hdus[name].header.get("BUNIT", "")


def read_ids(path):
    """
    Return the object id of each plane of a cube.

    Parameters
    ----------
    path : str or Path
        FITS file.

    Returns
    -------
    ids : ndarray of int64, shape (N,)
        The ids.
    """
    with _open(path) as hdus:
        return np.array(_data(path, hdus["ID"])["id"], dtype=np.int64)


def provenance_header(provenance):
    """
    Return header cards that store a provenance record.

    Parameters
    ----------
    provenance : Provenance
        The record.

    Returns
    -------
    header : astropy.io.fits.Header
        Cards ``GRSTAGE, GRCODE, GRSEED, GRVERS`` to be read by eye, and the whole
        record as JSON in ``GRPROV`` (long-string cards).
    """
    header = fits.Header()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        for name, key in _KEYS.items():
            header[key] = (getattr(provenance, name), f"galrestore {name}")
        header["GRPROV"] = provenance.to_json()
    return header


def read_provenance(path):
    """
    Return what made a FITS file.

    Parameters
    ----------
    path : str or Path
        FITS file.

    Returns
    -------
    provenance : Provenance
        The record stored by `write_cube`.

    Raises
    ------
    InputError
        If the file is missing or broken, or holds no record.
    """
    with _open(path) as hdus:
        if "GRPROV" not in hdus[0].header:
            raise InputError(path, "holds no provenance", "it was not written by galrestore")
        return Provenance.from_json(hdus[0].header["GRPROV"])


def _open(path):
    if not Path(path).is_file():
        raise InputError(path, "does not exist")
    file = open(path, "rb")  # noqa: SIM115 - astropy closes it with its list, not on errors
    try:
        with warnings.catch_warnings():
            # A truncated file is only warned of, and only where its last extension is read.
            warnings.simplefilter("error", AstropyUserWarning)
            hdus = fits.open(file, memmap=True, mode="readonly")
            len(hdus)  # reads every header
            require_sound(path, hdus)
    except InputError:
        file.close()
        raise
    except Exception as error:  # of a dozen types where headers are damaged
        file.close()
        raise InputError(path, f"is not a readable FITS file ({error})", "remake it") from error
    return hdus


def _data(path, hdu):
    try:
        return hdu.data
    except (OSError, ValueError, TypeError) as error:
        raise InputError(path, f"is truncated or broken ({error})", "remake it") from error

"""
What ``image`` writes: stamps before and after, and a table of all sources, in one FITS file.

Planes lie in unnamed files until they are written, so that memory never holds all of them.
"""

import math
import os
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

from galrestore.files.atomic import atomic
from galrestore.files.contracts.restored_sources import RESTORED_SOURCES
from galrestore.files.cubes import provenance_header

__all__ = ["scratch_cube", "write_restored"]

_FORMATS = {"int64": "K", "float64": "D", "bool": "L"}


def scratch_cube(folder, count, size):
    """
    Return an array that lies in an unnamed file, gone when nothing refers to it.

    Parameters
    ----------
    folder : str or Path
        Where there is room for it; made if it does not exist.
    count, size : int
        Planes, and rows and columns of each [pixel].

    Returns
    -------
    cube : numpy.memmap of float32, shape (count, size, size)
        Zeros, in the byte order of FITS.

    Raises
    ------
    OSError
        If the disk is full.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    shape = (max(count, 1), size, size)  # files of no length cannot be mapped
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            # Writing to a map on a full disk would end the process.
            os.posix_fallocate(file.fileno(), 0, 4 * math.prod(shape))
        return np.memmap(file, dtype=">f4", mode="w+", shape=shape)[:count]


def write_restored(path, cubes, sources, unit, radesys, provenance):
    """
    Write stamps and sources.

    Parameters
    ----------
    path : str or Path
        FITS file to write.
    cubes : dict of str to ndarray of float32, shape (N, H, W)
        ``LQ`` and ``RS``, in the order of column ``plane`` [unit of the image].
    sources : pandas.DataFrame
        All sources, contract `RESTORED_SOURCES`.
    unit : str
        Unit of the image; "" where its header does not tell.
    radesys : str
        System of the sky coordinates; empty without a WCS.
    provenance : galrestore.provenance.Provenance
        What made the file; stored in it.

    Raises
    ------
    ValueError
        If the columns differ from the contract.
    """
    names = [column.name for column in RESTORED_SOURCES]
    if set(names) != set(sources.columns):
        msg = f"{path}: columns {sorted(set(names) ^ set(sources.columns))} break the contract"
        raise ValueError(msg)
    hdus = [fits.PrimaryHDU(header=provenance_header(provenance))]
    for name, cube in cubes.items():
        hdus.append(fits.ImageHDU(cube, name=name))
        hdus[-1].header["BUNIT"] = (unit, "unit of the pixels, per pixel of the image")
    planes = sources[sources["plane"] >= 0].sort_values("plane")["id"].to_numpy()
    ids = fits.Column(name="id", format="K", array=planes)
    hdus.append(fits.BinTableHDU.from_columns([ids], name="ID"))
    table = fits.BinTableHDU.from_columns(
        [_column(column, sources[column.name].to_numpy()) for column in RESTORED_SOURCES],
        name="SOURCES",
    )
    table.header["RADESYS"] = (radesys, "system of ra and dec")
    for number, column in enumerate(RESTORED_SOURCES, 1):
        table.header.insert(f"TFORM{number}", (f"TCOMM{number}", column.meaning), after=True)
    hdus.append(table)
    with atomic(path) as part:
        fits.HDUList(hdus).writeto(part, overwrite=True)


def _column(column, values):
    form = _FORMATS.get(column.dtype)
    if form is None:
        values = np.array([str(value) for value in values], dtype="U")
        form = f"{max(values.dtype.itemsize // 4, 1)}A"
    return fits.Column(name=column.name, format=form, unit=column.unit or None, array=values)

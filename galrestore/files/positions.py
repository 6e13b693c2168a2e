"""Positions of sources in a user's table: CSV, ECSV, FITS or Parquet."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table

from galrestore.errors import InputError

__all__ = ["read_positions"]

_FORMATS = {
    ".csv": "ascii.csv",
    ".ecsv": "ascii.ecsv",
    ".fits": "fits",
    ".fit": "fits",
    ".parquet": "parquet",
}


def read_positions(path, has_wcs):
    """
    Read where sources are.

    Parameters
    ----------
    path : str or Path
        Table with columns ``ra`` and ``dec`` [deg], or ``x`` and ``y`` [pixel, 0-based, the
        centre of the first pixel at (0, 0)], in any case of letters; ``id`` if it has one.
    has_wcs : bool
        Whether the image has celestial coordinates: with them, ra and dec go before x and y.

    Returns
    -------
    positions : pandas.DataFrame
        ``id`` (int64), and float64 ``ra`` and ``dec``, or ``x`` and ``y``.

    Raises
    ------
    InputError
        If the file is missing or no such table, lacks the columns, is empty, or holds
        values that are not finite numbers, or ids that are not whole or not unique.
    """
    table = _read(path)
    names = {str(name).lower(): name for name in table.columns}
    pairs = [("ra", "dec"), ("x", "y")]
    found = [pair for pair in pairs if names.keys() >= set(pair)]
    usable = [pair for pair in found if has_wcs or pair == ("x", "y")]
    if not usable:
        _refuse(path, found, names.values())
    if not len(table):
        raise InputError(path, "has no row", "give at least one position")
    columns = {name: _numbers(path, name, table[names[name]]) for name in usable[0]}
    ids = np.arange(len(table)) if "id" not in names else _ids(path, table[names["id"]])
    return pd.DataFrame({"id": ids.astype(np.int64), **columns})


def _read(path):
    if not Path(path).is_file():
        raise InputError(path, "does not exist", "check the folder and the name of the file")
    form = _FORMATS.get(Path(path).suffix.lower())
    if form is None:
        raise InputError(path, "is no known kind of table", f"it may be {', '.join(_FORMATS)}")
    try:
        if form == "parquet":
            return pd.read_parquet(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = Table.read(path, format=form)
            return table[[n for n in table.colnames if table[n].ndim == 1]].to_pandas()
    except Exception as error:  # readers of four formats raise what they like
        lines = str(error).splitlines() or [type(error).__name__]
        raise InputError(path, f"is not a readable table ({lines[0]})", "mend it") from error


def _refuse(path, found, names):
    if found:
        remedy = "give columns x and y [pixel, 0-based], or an image with a WCS"
        raise InputError(path, "has ra and dec, but the image has no celestial WCS", remedy)
    problem = f"has columns {', '.join(map(str, names))}"
    raise InputError(path, problem, "name two of them ra and dec [deg], or x and y [pixel]")


def _numbers(path, name, column):
    values = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        problem = f"column {name} is {column.iloc[row]!r} in row {row + 1}"
        raise InputError(path, problem, "give numbers, or leave the row out")
    return values


def _ids(path, column):
    values = _numbers(path, "id", column)
    if not (values == np.round(values)).all() or len(np.unique(values)) != len(values):
        raise InputError(path, "column id holds values that are not whole or not unique", "mend it")
    return column.to_numpy(np.int64)

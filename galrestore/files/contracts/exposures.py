"""Exposures: one row for each single exposure of a set."""

from galrestore.files.tables import Column

__all__ = ["EXPOSURES"]

EXPOSURES = (
    Column("set", "str", "", "set of exposures"),
    Column("number", "int64", "", "exposure within the set, from 0"),
    Column("file", "str", "", "path of the exposure, _flc"),
    Column("instrument", "str", "", "instrument"),
    Column("band", "str", "", "filter"),
    Column("zeropoint", "float64", "mag(AB)", "magnitude of 1 electron/s"),
    Column("exposure_time", "float64", "s", "exposure time"),
    Column("roll", "float64", "deg", "position angle of the columns, north to east"),
    Column("chips", "int64", "", "number of chips"),
    Column("height", "int64", "pixel", "rows of a chip"),
    Column("width", "int64", "pixel", "columns of a chip"),
    Column("hit_share", "float64", "", "share of pixels that cosmic rays changed by > 3 sigma"),
    Column("sha256", "str", "", "sha256 of the file"),
)

"""Receipt of a download: one row for the file fetched from the archive."""

from galrestore.files.tables import Column

__all__ = ["DOWNLOADS"]

DOWNLOADS = (
    Column("field", "str", "", "piece of sky"),
    Column("role", "str", "", "sci, wht, i2d or flc"),
    Column("uri", "str", "", "archive URI or URL"),
    Column("file", "str", "", "path of the file"),
    Column("size", "int64", "byte", "size of the file"),
    Column("sha256", "str", "", "sha256 of the file"),
    Column("calibration", "str", "", "version of the calibration pipeline (CAL_VER); may be empty"),
    Column("context", "str", "", "reference files used (CRDS_CTX); may be empty"),
    Column("made", "str", "", "when the archive made the file (DATE); may be empty"),
    Column("exposure_time", "float64", "s", "exposure time (EXPTIME); NaN if there is none"),
    Column(
        "retrieved", "str", "", "when the file arrived (UTC): the one value that runs differ in"
    ),
)

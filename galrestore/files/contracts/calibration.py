"""Calibration of flux, size and index: one row for each quantity, property, bin and image."""

from galrestore.files.tables import Column

__all__ = ["CALIBRATION"]

_STATISTICS = {
    "bias": "median relative difference from GT",
    "mean_bias": "mean relative difference from GT",
    "mad": "1.4826 median absolute deviation of the relative differences",
    "clipped": "standard deviation of those within 3 sigma",
    "rmse": "root of the mean squared relative difference",
    "mad_ratio": "mad of LQ over this one, on the same objects",
    "rmse_ratio": "rmse of LQ over this one, on the same objects",
}

CALIBRATION = (
    Column("set", "str", "", "set of pairs"),
    Column("quantity", "str", "", "see measurement.calibration.CALIBRATED"),
    Column("by", "str", "", "what bins are formed by, see measurement.calibration.PROPERTIES"),
    Column("bin", "int64", "", "bin, from 0 in rising order"),
    Column("low", "float64", "", "its least value"),
    Column("middle", "float64", "", "its median"),
    Column("high", "float64", "", "its greatest value"),
    Column("image", "str", "", "LQ, LQ + PSF or a method"),
    Column("label", "str", "", "the same as readers know it"),
    Column("count", "int64", "", "objects compared: measured in GT, LQ and the image"),
    Column("missing", "int64", "", "objects of the bin that lack one of the three"),
    *(
        column
        for name, meaning in _STATISTICS.items()
        for column in (
            Column(name, "float64", "", meaning),
            Column(f"{name}_error", "float64", "", "its bootstrap error over objects"),
        )
    ),
)

"""Tuning of a baseline: the grid that was tried, and the stamps it was tried on."""

from galrestore.files.tables import Column

__all__ = ["TUNING_GRID", "TUNING_STAMPS"]

TUNING_GRID = (
    Column("method", "str", "", "baseline"),
    Column("parameter", "str", "", "name of its parameter"),
    Column("value", "float64", "", "value of the parameter"),
    Column("iterations", "int64", "", "iterations"),
    Column("noise_class", "int64", "", "class of noise, from 0 in rising noise"),
    Column("noise_low", "float64", "", "least noise of the class, measured on LQ, min-max units"),
    Column("noise_high", "float64", "", "noise where the next class begins; infinite for the last"),
    Column("stamps", "int64", "", "validation stamps of the class"),
    Column("score", "float64", "dB", "their mean PSNR after the best scale and offset"),
    Column("score_error", "float64", "dB", "standard error of that mean"),
    Column("scale", "float64", "", "scale from sky 0, peak 1 to GT, by least squares"),
    Column("offset", "float64", "", "offset that goes with it"),
    Column("chosen", "bool", "", "whether the score is the best of the class"),
    Column("at_edge", "bool", "", "whether the grid ends here and could go on"),
)

TUNING_STAMPS = (
    Column("id", "int64", "", "object"),
    Column("noise", "float64", "", "noise of LQ measured on LQ, min-max units"),
    Column("noise_class", "int64", "", "class of noise, from 0 in rising noise"),
    Column("score", "float64", "dB", "PSNR after the best scale and offset, as chosen"),
)

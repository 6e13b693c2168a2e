"""Sersic fits: one row for each accepted HST stamp, failed fits included."""

from galrestore.files.tables import Column

__all__ = ["SERSIC"]

SERSIC = (
    Column("id", "int64", "", "object"),
    Column("mosaic", "str", "", "mosaic"),
    Column("x", "float64", "pixel", "fitted centre, column of the stamp, 0-based"),
    Column("y", "float64", "pixel", "fitted centre, row of the stamp, 0-based"),
    Column("model_flux", "float64", "", "total flux of the model [unit of the mosaic]"),
    Column("r50", "float64", "pixel", "circularised half-light radius, sqrt(ab) of eq. 2"),
    Column("i50", "float64", "", "surface brightness at r50 [unit of the mosaic per pixel]"),
    Column("n", "float64", "", "Sersic index"),
    Column("q", "float64", "", "axis ratio b/a"),
    Column("theta", "float64", "rad", "position angle of a from the column axis, in [0, pi)"),
    Column("background", "float64", "", "fitted background [unit of the mosaic]"),
    Column("chi2", "float64", "", "chi-square per degree of freedom"),
    Column("iterations", "int64", "", "steps of the solver"),
    Column("flux", "float64", "", "sum of background-subtracted pixels of the stamp"),
    Column("noise", "float64", "", "rms after min-max of the stamp, from the catalogue"),
    Column("failure", "str", "", "why the fit is unusable; empty for good fits"),
)

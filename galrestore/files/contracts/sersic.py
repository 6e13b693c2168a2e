"""Sersic fits: one row for each accepted HST stamp or rendered pair, failed fits included."""

from galrestore.files.tables import Column

__all__ = ["FLUX", "SERSIC"]

# Column of each kind of flux that stage ``resample`` can draw.
FLUX = {"model": "model_flux", "pixels": "flux"}

SERSIC = (
    Column("id", "int64", "", "object"),
    Column("mosaic", "str", "", "mosaic, or galsim"),
    Column("x", "float64", "pixel", "fitted centre, column of the stamp; detection at side // 2"),
    Column("y", "float64", "pixel", "fitted centre, row of the stamp; detection at side // 2"),
    Column("model_flux", "float64", "", "total flux of the model [unit of the mosaic]"),
    Column("r50", "float64", "pixel", "circularised half-light radius, sqrt(ab) of eq. 2"),
    Column("i50", "float64", "", "surface brightness at r50 [unit of the mosaic per pixel]"),
    Column("n", "float64", "", "Sersic index"),
    Column("q", "float64", "", "axis ratio b/a"),
    Column("theta", "float64", "rad", "position angle of a from the column axis, in [0, pi)"),
    Column("background", "float64", "", "fitted background [unit of the mosaic]"),
    Column("chi2", "float64", "", "chi-square per degree of freedom"),
    Column("rms", "float64", "", "noise of a pixel used as weight [unit of the mosaic]"),
    Column(
        "x_error",
        "float64",
        "pixel",
        "standard error of x, for the mosaic's noise (fit.noise_lags), as all errors",
    ),
    Column("y_error", "float64", "pixel", "standard error of y"),
    Column("model_flux_error", "float64", "", "standard error of model_flux"),
    Column("r50_error", "float64", "pixel", "standard error of r50"),
    Column("i50_error", "float64", "", "standard error of i50"),
    Column("n_error", "float64", "", "standard error of n"),
    Column("q_error", "float64", "", "standard error of q"),
    Column("theta_error", "float64", "rad", "standard error of theta, at most that of any angle"),
    Column("background_error", "float64", "", "standard error of background"),
    Column("masked", "float64", "", "fraction of the stamp masked as neighbours or without data"),
    Column("iterations", "int64", "", "evaluations of the model"),
    Column("flux", "float64", "", "sum of background-subtracted pixels of the stamp"),
    Column("noise", "float64", "", "rms of source-free pixels / (max - min) of the stamp"),
    Column(
        "flag",
        "int64",
        "",
        "sum of bits: 1 failed, 2 masked, 4 residual, 8 truncated, 16 index, 32 unresolved; "
        "see quantities.FLAGS",
    ),
    Column(
        "failure",
        "str",
        "",
        "why the fit is unusable, a key of fitting.FAILURES; empty for good fits",
    ),
)

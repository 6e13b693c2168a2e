"""Morphology and photometry of test images: one row for each object and image."""

from galrestore.files.tables import Column

__all__ = ["COMPARISON", "GAINS", "SHAPES", "SHAPE_PIXELS", "SPECTRUM"]

_UNIT = "unit of the pair's GT before normalisation"

SHAPES = (
    Column("id", "int64", "", "object"),
    Column("set", "str", "", "set of pairs"),
    Column("image", "str", "", "GT, LQ, LQ + PSF (LQ fitted with its PSF) or a method"),
    Column("noise", "float64", "", "rms of the noise in LQ, from the pairs"),
    Column("e1", "float64", "", "e cos 2 theta, e = (a - b) / (a + b), eq. 6"),
    Column("e2", "float64", "", "e sin 2 theta, eq. 7"),
    Column("n", "float64", "", "Sersic index"),
    Column("r50", "float64", "pixel", "circularised half-light radius"),
    Column("i50", "float64", "", f"surface brightness there [{_UNIT}]"),
    Column("x", "float64", "pixel", "fitted centre, column; the object's is at side // 2"),
    Column("y", "float64", "pixel", "fitted centre, row"),
    Column("q", "float64", "", "axis ratio b/a"),
    Column("theta", "float64", "rad", "position angle of a from the column axis, in [0, pi)"),
    Column("chi2", "float64", "", "chi-square per degree of freedom, noise from the stamp's rim"),
    Column("rms", "float64", "", f"that noise [{_UNIT}]"),
    Column("masked", "float64", "", "fraction of the stamp that neighbours take"),
    Column("n_error", "float64", "", "standard error of n, for white noise"),
    Column("r50_error", "float64", "pixel", "standard error of r50, for white noise"),
    Column("failure", "str", "", "why the fit is unusable, a key of fitting.FAILURES; or empty"),
    Column("flag", "int64", "", "bits of quantities.FLAGS"),
    Column("scale", "float64", "", f"least-squares match: 1 of the image in [{_UNIT}]"),
    Column("offset", "float64", "", f"least-squares match: 0 of the image in [{_UNIT}]"),
    Column("scale_error", "float64", "", "standard error of scale, of LQ's noise if white"),
    Column("offset_error", "float64", "", "standard error of offset"),
    Column("scale_paper", "float64", "", "scale by equation 8, the same as scale for GT and LQ"),
    Column("offset_paper", "float64", "", "offset by equation 9"),
    Column("sky", "float64", "", f"the image's own background after the match [{_UNIT}]"),
    Column("flux_aperture", "float64", "", f"sum above it in LQ's Kron ellipse [{_UNIT}]"),
    Column("flux_isophote", "float64", "", f"sum above it in LQ's isophote [{_UNIT}]"),
    Column("flux_aperture_paper", "float64", "", "flux_aperture on the scale of equation 8"),
    Column("flux_isophote_paper", "float64", "", "flux_isophote on the scale of equation 8"),
    Column("area_aperture", "int64", "pixel**2", "pixels summed; 0 where LQ shows no object"),
    Column("area_isophote", "int64", "pixel**2", "pixels summed"),
    Column("aperture_x", "float64", "pixel", "barycentre in LQ, column"),
    Column("aperture_y", "float64", "pixel", "barycentre in LQ, row"),
    Column("aperture_a", "float64", "pixel", "second-moment semi-major axis in LQ"),
    Column("aperture_b", "float64", "pixel", "second-moment semi-minor axis in LQ"),
    Column("aperture_theta", "float64", "rad", "angle of a from the column axis"),
    Column("aperture_radius", "float64", "", "size of the Kron ellipse in those semi-axes"),
)

SHAPE_PIXELS = (
    Column("id", "int64", "", "object"),
    Column("set", "str", "", "set of pairs"),
    Column("image", "str", "", "LQ or a method"),
    Column("truth", "float64", "", "pixel of GT above its sky, in units of GT's max - min"),
    Column("value", "float64", "", "the same pixel of the image, matched, in that unit"),
)

_OF_GT = "; mean over objects, over that of GT"

SPECTRUM = (
    Column("image", "str", "", "LQ or a method"),
    Column("set", "str", "", "set of pairs"),
    Column("count", "int64", "", "objects"),
    Column("frequency", "float64", "pixel**-1", "middle of the ring"),
    Column("truth", "float64", "", "power of GT, in units of its range squared"),
    Column("residual", "float64", "", f"power of image - GT{_OF_GT}"),
    Column("residual_error", "float64", "", "bootstrap error over objects"),
    Column("amplitude", "float64", "", f"root of the power{_OF_GT}"),
    Column("amplitude_error", "float64", "", "bootstrap error over objects"),
    Column("transfer", "float64", "", f"cross-power with GT{_OF_GT}"),
    Column("transfer_error", "float64", "", "bootstrap error over objects"),
    Column("coherence", "float64", "", "cross-power with GT over the root of both powers"),
    Column("coherence_error", "float64", "", "bootstrap error over objects"),
)

_STATISTICS = {
    "pearson": "Pearson correlation with GT",
    "rmse": "rms difference from GT",
    "mad": "1.4826 median absolute deviation of the differences",
    "clipped": "standard deviation of the differences, clipped at 3 sigma",
    "slope": "slope of the least-squares line against GT",
    "bias": "median difference from GT",
    "mean_bias": "mean difference from GT",
    "rmse_ratio": "rmse of LQ over this one, on the same objects",
    "mad_ratio": "mad of LQ over this one, on the same objects",
    "clipped_ratio": "clipped of LQ over this one, on the same objects",
}


def _with_error(name, meaning):
    error = Column(f"{name}_error", "float64", "", "its bootstrap error over objects")
    return Column(name, "float64", "", meaning), error


_COMPARED = (
    Column("set", "str", "", "set of pairs"),
    Column("image", "str", "", "LQ, LQ + PSF or a method"),
    Column("label", "str", "", "the same as readers know it"),
    Column("quantity", "str", "", "what is compared, see measurement.shape_tables"),
    Column("rescale", "str", "", "scale of RS: matched or paper; empty where it does not matter"),
)

COMPARISON = (
    *_COMPARED,
    Column("count", "int64", "", "objects compared: measured in GT, LQ and the image"),
    Column("failed", "int64", "", "objects without this measurement in the image"),
    Column("failed_truth", "int64", "", "objects without it in GT"),
    *(column for item in _STATISTICS.items() for column in _with_error(*item)),
)

GAINS = (
    *_COMPARED,
    Column("by", "str", "", "noise of LQ, r50 of GT, or structure of GT"),
    Column("third", "int64", "", "third of the objects, from 0, in rising order"),
    Column("low", "float64", "", "its smallest value"),
    Column("high", "float64", "", "its largest value"),
    Column("count", "int64", "", "objects compared"),
    *_with_error("mad", _STATISTICS["mad"]),
    *_with_error("mad_ratio", _STATISTICS["mad_ratio"]),
    *_with_error("bias", _STATISTICS["bias"]),
    Column("outliers", "int64", "", "differences beyond 5 mad of all from their median"),
    Column("outliers_lq", "int64", "", "of these objects, beyond the same limit in LQ"),
)

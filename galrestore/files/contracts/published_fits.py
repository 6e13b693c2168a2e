"""Galaxies of cutout files beside their published measurements, and a summary of that."""

from galrestore.files.tables import Column

__all__ = ["PUBLISHED_FITS", "PUBLISHED_SUMMARY"]

PUBLISHED_FITS = (
    Column("mosaic", "str", "", "file of galaxy cutouts"),
    Column("image", "int64", "", "extension of the cutout, and row of the published table"),
    Column("psf", "str", "", "PSF of the fit: gaussian (the mosaic's width) or image (its image)"),
    Column("id", "int64", "", "object in the catalogue; -1 if the galaxy was not detected"),
    Column("rejected_by", "str", "", "why the pipeline takes no stamp of it; empty if it does"),
    Column("x", "float64", "pixel", "fitted centre, column of the cutout"),
    Column("y", "float64", "pixel", "fitted centre, row of the cutout"),
    Column("model_flux", "float64", "", "total flux of the model [unit of the cutouts]"),
    Column("r50", "float64", "pixel", "circularised half-light radius"),
    Column("r50_error", "float64", "pixel", "standard error of r50, for noise as in the cutouts"),
    Column("i50", "float64", "", "surface brightness at r50 [unit of the cutouts per pixel]"),
    Column("n", "float64", "", "Sersic index"),
    Column("n_error", "float64", "", "standard error of n"),
    Column("q", "float64", "", "axis ratio b/a"),
    Column("q_error", "float64", "", "standard error of q"),
    Column("theta", "float64", "rad", "position angle of a from the column axis, in [0, pi)"),
    Column("background", "float64", "", "fitted background [unit of the cutouts]"),
    Column("chi2", "float64", "", "chi-square per degree of freedom"),
    Column("masked", "float64", "", "fraction of the stamp masked as neighbours or without data"),
    Column("failure", "str", "", "why the fit is unusable; empty for good fits"),
    Column("apparent_r50", "float64", "pixel", "half-light radius in a circle, through the PSF"),
    Column("aperture_r50", "float64", "pixel", "FLUX_RADIUS(0.5) of the catalogue"),
    Column("unsubtracted_r50", "float64", "pixel", "the same without subtraction of a local sky"),
    Column("published_i50", "float64", "", "published brightness at R50; NaN if none is published"),
    Column("published_r50", "float64", "pixel", "published R50, circularised"),
    Column("published_n", "float64", "", "published Sersic index"),
    Column("published_q", "float64", "", "published axis ratio"),
    Column("published_theta", "float64", "rad", "published position angle, in [0, pi)"),
    Column("published_flux", "float64", "", "flux of the published profile"),
    Column("published_flux_radius", "float64", "pixel", "published half-light radius in a circle"),
)

PUBLISHED_SUMMARY = (
    Column("mosaic", "str", "", "file of galaxy cutouts"),
    Column("psf", "str", "", "PSF of the fit: gaussian or image"),
    Column("quantity", "str", "", "what is compared, see meaning"),
    Column("meaning", "str", "", "ours against the published one"),
    Column("published", "int64", "", "galaxies with a published value"),
    Column("failed", "int64", "", "of those, fits that failed; they count no further"),
    Column("missing", "int64", "", "of those, galaxies that we have no value of"),
    Column("compared", "int64", "", "galaxies compared"),
    Column("median", "float64", "", "median difference [unit of the quantity]"),
    Column("median_error", "float64", "", "its standard error, 1.25 scatter / sqrt(compared)"),
    Column("scatter", "float64", "", "1.4826 median absolute deviation from the median"),
    Column("outliers", "str", "", "images farther than 3 scatters from the median"),
)

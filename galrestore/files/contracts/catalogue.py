"""Catalogue: one row for each detected source, rejected ones included."""

from galrestore.files.tables import Column

__all__ = ["CATALOGUE", "REJECTIONS"]

# In the order in which they are tried: rejected_by names the first one that holds.
REJECTIONS = {
    "offcentre": "not the source nearest to the centre (files of galaxy cutouts)",
    "edge": "stamp reaches beyond the data",
    "width": "w > 128 (reject 1)",
    "small": "semi-minor axis or half-light radius below the PSF's FWHM (reject 2)",
    "faint": "S/N < 20 (reject 3, HST)",
    "noisy": "rms after min-max not below 0.02 (reject 3, JWST)",
    "neighbour": "a neighbour's peak exceeds 0.8 of the source's (reject 4)",
    "gradient": "centre steeper than the PSF (reject 5)",
    "star": "on the star locus",
    "truncated": "profile cut off by trimming (JWST)",
}

CATALOGUE = (
    Column("id", "int64", "", "object: hash of the mosaic's name and running number"),
    Column("mosaic", "str", "", "mosaic"),
    Column("telescope", "str", "", "hst or jwst"),
    Column("band", "str", "", "filter"),
    Column("field", "str", "", "piece of sky"),
    Column("image", "int64", "", "image extension within the file, from 0"),
    Column("x", "float64", "pixel", "barycentre, column, 0-based"),
    Column("y", "float64", "pixel", "barycentre, row, 0-based"),
    Column("ra", "float64", "deg", "right ascension; NaN without a WCS"),
    Column("dec", "float64", "deg", "declination; NaN without a WCS"),
    Column("pixel_scale", "float64", "arcsec", "pixel scale"),
    Column("cd1_1", "float64", "deg", "CD matrix at the source, east per column"),
    Column("cd1_2", "float64", "deg", "east per row"),
    Column("cd2_1", "float64", "deg", "north per column"),
    Column("cd2_2", "float64", "deg", "north per row; NaN without a WCS"),
    Column("radesys", "str", "", "system of the sky coordinates; empty without a WCS"),
    Column("psf_fwhm", "float64", "pixel", "PSF's Gaussian without pixel: reject 5, fits"),
    Column("star_fwhm", "float64", "pixel", "PSF at half maximum with pixel: reject 2"),
    Column("psf_stars", "int64", "", "stars that the PSF was measured on; 0: stated"),
    Column("a", "float64", "pixel", "A_IMAGE, second-moment rms along the major axis"),
    Column("b", "float64", "pixel", "B_IMAGE, second-moment rms along the minor axis"),
    Column("theta", "float64", "rad", "THETA_IMAGE, from the column axis, counter-clockwise"),
    Column("area", "int64", "pixel", "ISOAREA_IMAGE, own pixels above the threshold"),
    Column("flux_iso", "float64", "", "FLUX_ISO, sum of all pixels [unit of the mosaic]"),
    Column("fluxerr_iso", "float64", "", "FLUXERR_ISO [unit of the mosaic]"),
    Column("peak", "float64", "", "highest pixel above the background [unit of the mosaic]"),
    Column("background", "float64", "", "background at the source [unit of the mosaic]"),
    Column(
        "background_error", "float64", "", "its standard error; NaN of a mesh too small to tell"
    ),
    Column("rms", "float64", "", "background rms at the source [unit of the mosaic]"),
    Column("flux_auto", "float64", "", "FLUX_AUTO [unit of the mosaic]"),
    Column("fluxerr_auto", "float64", "", "FLUXERR_AUTO [unit of the mosaic]"),
    Column("flux_stamp", "float64", "", "sum of the stamp above its sky [unit of the mosaic]"),
    Column("r50", "float64", "pixel", "FLUX_RADIUS(0.5)"),
    Column("kron_radius", "float64", "", "Kron radius in units of a"),
    Column("snr", "float64", "", "flux_auto / fluxerr_auto"),
    Column("flags", "int64", "", "detection flags of sep"),
    Column("stamp_width", "int64", "pixel", "w = 2 floor(4 a + 5)"),
    Column("coverage", "float64", "", "fraction of the w x w stamp that has data"),
    Column("sky", "float64", "", "median of source-free pixels [unit of the mosaic]"),
    Column("sky_rms", "float64", "", "their rms [unit of the mosaic]"),
    Column("noise", "float64", "", "rms of source-free pixels / (max - min) of the stamp"),
    Column("neighbour_ratio", "float64", "", "highest peak of a neighbour / own peak"),
    Column("gradient_ratio", "float64", "", "steepest central step less its noise / the PSF's"),
    *(Column(f"reject_{name}", "bool", "", text) for name, text in REJECTIONS.items()),
    Column("rejected_by", "str", "", "first rejection that holds; empty for accepted sources"),
)

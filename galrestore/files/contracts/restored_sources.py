"""Sources of an image of the user's own, table SOURCES of what ``image`` writes."""

from galrestore.files.tables import Column

__all__ = ["RESTORED_SOURCES"]

_IMAGE = "[unit of the image]"

RESTORED_SOURCES = (
    Column("id", "int64", "", "of the table of positions, or running number from 0"),
    Column("plane", "int64", "", "plane of LQ and RS, from 0; -1 where left out"),
    Column("left_out", "str", "", "why it was not restored; empty where it was"),
    Column("x", "float64", "pixel", "column in the image, 0-based"),
    Column("y", "float64", "pixel", "row in the image, 0-based"),
    Column("ra", "float64", "deg", "right ascension; NaN without a WCS"),
    Column("dec", "float64", "deg", "declination; NaN without a WCS"),
    Column("pixel_ratio", "float64", "pixel", "side of a stamp's pixel in pixels of the image"),
    Column("crpix1", "float64", "pixel", "source in the stamp, 1-based as in FITS: column"),
    Column("crpix2", "float64", "pixel", "row"),
    Column("crval1", "float64", "deg", "right ascension there; NaN without a WCS"),
    Column("crval2", "float64", "deg", "declination there; NaN without a WCS"),
    Column("cd1_1", "float64", "deg", "CD matrix of the stamp (TAN), east per column"),
    Column("cd1_2", "float64", "deg", "east per row"),
    Column("cd2_1", "float64", "deg", "north per column"),
    Column("cd2_2", "float64", "deg", "north per row"),
    Column("sky", "float64", "", f"median of the stamp's source-free pixels {_IMAGE}"),
    Column("rms", "float64", "", f"their rms {_IMAGE}"),
    Column("noise", "float64", "", "rms over maximum minus minimum of the stamp"),
    Column("noise_lag1", "float64", "", "correlation of its noise between neighbours"),
    Column("psf_fwhm", "float64", "pixel", "width of stars in the stamp, its pixels included"),
    Column("scale", "float64", "", f"RS = scale x network's image + zero_point {_IMAGE}"),
    Column("scale_error", "float64", "", f"its error, of the noise of LQ {_IMAGE}"),
    Column("zero_point", "float64", "", f"see scale {_IMAGE}"),
    Column("zero_point_error", "float64", "", f"its error, of the noise of LQ {_IMAGE}"),
    Column("filled", "float64", "", "fraction of the stamp that was blank and holds noise"),
    Column("saturated", "int64", "pixel", "pixels of the image that are saturated or cut off"),
    Column("cosmic_rays", "int64", "pixel", "pixels that look like cosmic rays (L.A.Cosmic)"),
    Column("star", "bool", "", "on the star locus; false where positions were given"),
    Column("rejected_by", "str", "", "the paper's first rejection, which leaves nothing out here"),
    Column("warnings", "str", "", "names, separated by commas; see docs/own_images.md"),
)

"""Manifest: one row for each mosaic that entered, through whichever door."""

from galrestore.files.tables import Column

__all__ = ["MANIFEST"]

MANIFEST = (
    Column("mosaic", "str", "", "name of the mosaic"),
    Column("telescope", "str", "", "hst or jwst"),
    Column("instrument", "str", "", "instrument"),
    Column("band", "str", "", "filter"),
    Column("field", "str", "", "piece of sky shared by mosaics"),
    Column("science", "str", "", "path of the science image"),
    Column("science_hdu", "str", "", "extension: index, name, or all"),
    Column("weight", "str", "", "path of the weight or noise map; empty where there is none"),
    Column("weight_hdu", "str", "", "extension of the weight or noise map: index or name"),
    Column("weight_kind", "str", "", "inverse_variance (relative), rms, or empty"),
    Column("unit", "str", "", "unit of the science pixels"),
    Column("pixel_scale", "float64", "arcsec", "pixel scale"),
    Column("psf_fwhm", "float64", "arcsec", "width of the PSF as stated"),
    Column("has_wcs", "bool", "", "whether the science header holds a celestial WCS"),
    Column("height", "int64", "pixel", "rows of the image; of the first one of several"),
    Column("width", "int64", "pixel", "columns of the image; of the first one of several"),
    Column("images", "int64", "", "number of image extensions used"),
    Column("science_sha256", "str", "", "sha256 of the science file"),
    Column("weight_sha256", "str", "", "sha256 of the weight file; empty where there is none"),
)

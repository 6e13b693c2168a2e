"""Stars: what the stars of a mosaic say, one row."""

from galrestore.files.tables import Column

__all__ = ["STARS"]

STARS = (
    Column("mosaic", "str", "", "mosaic"),
    Column("telescope", "str", "", "hst or jwst"),
    Column("band", "str", "", "filter"),
    Column("pixel_scale", "float64", "arcsec", "pixel scale"),
    Column("locus_r50", "float64", "pixel", "half-light radius of stars, the mode of the locus"),
    Column("locus_width", "float64", "", "robust standard deviation of ln r50 on the locus"),
    Column("locus_noise", "float64", "", "noise / S/N is added to it in squares"),
    Column("locus_sigma", "float64", "", "half width of the locus in those deviations"),
    Column("locus_stars", "int64", "", "stars behind the locus; 0 if the PSF stated gave it"),
    Column("least_snr", "float64", "", "confusion limit: S/N of the faintest stars"),
    Column("least_flux", "float64", "", "confusion limit in FLUX_AUTO [unit of the mosaic]"),
    Column("largest_flux", "float64", "", "saturation limit in FLUX_AUTO; infinite for none"),
    Column("faintest", "float64", "", "FLUX_AUTO of the faintest star of the fit; NaN without"),
    Column("brightest", "float64", "", "FLUX_AUTO of the brightest star of the fit"),
    Column("psf_fwhm", "float64", "pixel", "width of the PSF's Gaussian without the pixel"),
    Column("psf_fwhm_error", "float64", "pixel", "its standard error; NaN if not measured"),
    Column("psf_stars", "int64", "", "stars that it was measured on; 0 if it is the stated one"),
    Column("star_fwhm", "float64", "pixel", "width of stars at half maximum, pixel included"),
    Column("stated_fwhm", "float64", "pixel", "that width as the settings state it"),
)

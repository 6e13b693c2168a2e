"""Settings of the command ``image``: what a user says about an image of his own."""

from typing import Literal

from galrestore.config.base import Section, setting

__all__ = ["Image"]


class Image(Section):
    """One image to restore (command ``image``)."""

    hdu: int | str | None = setting(
        None,
        "Extension (index or name) of the image; null for the first two-dimensional one.",
        unit="",
        paper="-",
    )
    weight_kind: Literal["inverse_variance", "rms"] | None = setting(
        None,
        "Whether the weight file holds inverse variances (only relative) or noise rms.",
        unit="",
        paper="-",
    )
    weight_hdu: int | str | None = setting(
        None,
        "Its extension; null for the first two-dimensional image.",
        unit="",
        paper="-",
    )
    pixel_scale: float | None = setting(
        None,
        "Pixel scale, where the header holds no WCS.",
        unit="arcsec",
        paper="3.1",
        gt=0.005,
        lt=0.5,
    )
    psf_fwhm: float | None = setting(
        None,
        "Width of stars at half maximum, as the image shows them; null to measure it.",
        unit="arcsec",
        paper="3.2",
        gt=0.02,
        lt=1,
    )
    keep_pixels: bool = setting(
        False, "Whether to take the image's own pixels whatever their scale.", unit="", paper="-"
    )

"""Settings of the door of local folders."""

from typing import Literal

from pydantic import model_validator

from galrestore.config.base import Section, setting
from galrestore.config.mosaic import Mosaic, Name

__all__ = ["LocalFolder", "LocalMosaic", "LocalPairs", "PublishedFits"]


class PublishedFits(Section):
    """Published measurements of the galaxies in a file of cutouts, row by row."""

    table: str = setting(
        ...,
        "FITS file with a table of one row for each cutout, in their order, below the folder.",
        unit="",
        paper="-",
    )
    table_hdu: int | str = setting(1, "Extension (index or name) of the table.", unit="", paper="-")
    sersic: str | None = setting(
        None,
        "Column of Sersic fits as COSMOS gives them: I(R50), R50 along the major axis, n, q, "
        "boxiness, x, y, position angle; null for none.",
        unit="electron/s, pixel, rad",
        paper="-",
    )
    flux_radius: str | None = setting(
        None,
        "Column of radii of circles with half of the light; null for none.",
        unit="pixel",
        paper="-",
    )

    @model_validator(mode="after")
    def _something(self):
        if self.sersic is None and self.flux_radius is None:
            msg = "published measurements need a column: give sersic, flux_radius or both"
            raise ValueError(msg)
        return self

    def arguments(self):
        """Return the options of stage ``compare`` that name extension and columns."""
        named = {"--sersic": self.sersic, "--flux-radius": self.flux_radius}
        options = ["--hdu", str(self.table_hdu)]
        for option, column in named.items():
            options += [option, column] if column is not None else []
        return options


class LocalMosaic(Mosaic):
    """One mosaic, or one file of galaxy cutouts, in a local folder."""

    science: str = setting(
        ..., "FITS file of the science image, below the folder.", unit="", paper="3.1"
    )
    science_hdu: int | str | Literal["all"] = setting(
        0,
        'Extension (index or name) of the science image; "all" for one cutout in each.',
        unit="",
        paper="-",
    )
    weight: str | None = setting(
        None,
        "FITS file of the weight or noise map; null where there is none.",
        unit="",
        paper="3.1",
    )
    weight_hdu: int | str = setting(0, "Extension of the weight or noise map.", unit="", paper="-")
    weight_kind: Literal["inverse_variance", "rms"] = setting(
        "rms",
        "Whether the map holds inverse variances (only relative) or noise rms.",
        unit="",
        paper="-",
    )
    unit: str = setting(..., "Unit of the science pixels, FITS spelling.", unit="", paper="3.1")
    pixel_scale: float | None = setting(
        None,
        "Pixel scale, where the header holds no WCS; null to read the WCS.",
        unit="arcsec",
        paper="3.3",
        gt=0.005,
        lt=0.5,
    )
    published: PublishedFits | None = setting(
        None,
        "Published measurements to compare ours with (HST cutouts only); null for none.",
        unit="",
        paper="-",
    )

    @model_validator(mode="after")
    def _published_cutouts(self):
        if self.published is not None and (self.telescope != "hst" or self.science_hdu != "all"):
            msg = 'published measurements need HST cutouts, one an extension (science_hdu: "all")'
            raise ValueError(msg)
        return self


class LocalPairs(Section):
    """A set of ready pairs of stamps for scoring, never trained on."""

    gt: str = setting(
        ..., "Glob of the ground-truth stamps (.npy), below the folder.", unit="", paper="3.3"
    )
    lq: str = setting(
        ..., "Glob of the low-quality stamps, in the same order.", unit="", paper="3.3"
    )


class LocalFolder(Section):
    """A folder of FITS files."""

    root: str = setting(".", "Folder that the file names below start from.", unit="", paper="-")
    mosaics: dict[Name, LocalMosaic] = setting({}, "Mosaics, by name.", unit="", paper="3.1, 3.3")
    pairs: dict[Name, LocalPairs] = setting({}, "Sets of ready pairs, by name.", unit="", paper="-")

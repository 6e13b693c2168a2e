"""Settings that every mosaic has, whatever door it comes through."""

from typing import Annotated, Literal

from pydantic import Field

from galrestore.config.base import Section, setting

__all__ = ["Mosaic", "Name", "Telescope"]

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Telescope = Literal["hst", "jwst"]


class Mosaic(Section):
    """What a mosaic shows."""

    telescope: Telescope = setting(..., "Whose images these are.", unit="", paper="3.1, 3.3")
    instrument: str = setting(..., "Instrument.", unit="", paper="3.1, 3.3")
    band: str = setting(..., "Filter.", unit="", paper="3.1, 3.3")
    field: Name = setting(
        ..., "Piece of sky; mosaics of one field are matched by position.", unit="", paper="3.3"
    )
    psf_fwhm: float = setting(
        ...,
        "Width of stars at half maximum, pixels included; used where too few can be measured.",
        unit="arcsec",
        paper="3.1",
        gt=0.01,
        lt=1,
    )

"""Settings of stage ``present``: tables and figures."""

from galrestore.config.base import Section, setting

__all__ = ["Present"]


class Present(Section):
    """Tables and figures (stage ``present``)."""

    variant: str | None = setting(
        None,
        "Variant of train, or name among restore.checkpoints, whose restored images figures show; "
        "null for the last variant with the network called restormer, or else the last.",
        unit="",
        paper="Fig. 5",
    )
    examples: int = setting(6, "Rows of Figure 5.", unit="", paper="Fig. 5", ge=1, le=12)
    page_galaxies: int = setting(
        12, "Galaxies with sliders on the page of a run.", unit="", paper="-", ge=1, le=48
    )
    bootstrap: int = setting(
        1000, "Resamplings for the errors of medians.", unit="", paper="-", ge=2, le=100_000
    )
    shape_bootstrap: int = setting(
        200,
        "Resamplings for the errors of morphology and photometry: 200 tell an error to 5%.",
        unit="",
        paper="-",
        ge=2,
        le=100_000,
    )
    calibration_bins: int = setting(
        5,
        "Bins of S/N, size and noise in the tables of calibration, of equally many objects, "
        "three at least.",
        unit="",
        paper="-",
        ge=1,
        le=100,
    )

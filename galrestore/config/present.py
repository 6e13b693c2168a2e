"""Settings of stage ``present``: tables and figures."""

from galrestore.config.base import Section, setting

__all__ = ["Present"]


class Present(Section):
    """Tables and figures (stage ``present``)."""

    examples: int = setting(6, "Rows of Figure 5.", unit="", paper="Fig. 5", ge=1, le=12)
    bootstrap: int = setting(
        1000, "Resamplings for the errors of medians.", unit="", paper="-", ge=2, le=100_000
    )

"""Settings of stage ``resample``: the population drawn from the fits."""

from galrestore.config.base import Section, setting

__all__ = ["Resample"]


class Resample(Section):
    """Five-dimensional KDE of the HST fits (stage ``resample``)."""

    size: int = setting(100_000, "Parameter sets to draw.", unit="", paper="3.2", ge=1)
    bandwidth: float | None = setting(
        None, "Factor of the kernel's width; null for Scott's rule.", unit="", paper="3.2", gt=0
    )

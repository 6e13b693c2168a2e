"""Settings of stage ``resample``: the population drawn from the fits."""

from typing import Literal

from galrestore.config.base import Section, setting

__all__ = ["Resample"]


class Resample(Section):
    """Five-dimensional KDE of the HST fits (stage ``resample``)."""

    size: int = setting(100_000, "Parameter sets to draw.", unit="", paper="3.2", ge=1)
    bandwidth: float | None = setting(
        None, "Factor of the kernel's width; null for Scott's rule.", unit="", paper="3.2", gt=0
    )
    space: Literal["normal_scores", "logarithms"] = setting(
        "normal_scores",
        "Where the kernels are: between normal scores, which keep the distribution of each "
        "quantity, or between logarithms (logit of q), which smooth it too.",
        unit="",
        paper="3.2",
    )
    shrink: bool = setting(
        True,
        "Draw towards the mean so that the spread is that of the fits; false, with "
        "logarithms, for scipy's gaussian_kde as it is.",
        unit="",
        paper="3.2",
    )
    flux: Literal["model", "pixels"] = setting(
        "model",
        "Flux of the fits that is drawn, and rendered as the total: the model's, or the sum of the "
        "stamp's pixels, which lacks the light beyond the stamp and in its sky.",
        unit="",
        paper="3.1",
    )

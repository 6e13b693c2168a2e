"""Settings of stage ``restore``: baselines and inference."""

from typing import Literal

from galrestore.config.base import Section, setting

__all__ = ["BASELINES", "Restore"]

BASELINES = ("none", "wiener", "richardson_lucy", "starlet_rl")


class Restore(Section):
    """Restoration of the test sets, by networks and by baselines (stage ``restore``)."""

    baselines: tuple[Literal["none", "wiener", "richardson_lucy", "starlet_rl"], ...] = setting(
        BASELINES, "Methods without training, none of which sees the GT.", unit="", paper="Table 1"
    )
    richardson_lucy_iterations: int = setting(
        5, "Iterations of Richardson-Lucy.", unit="", paper="-", ge=1
    )
    starlet_iterations: int = setting(
        10, "Iterations of Richardson-Lucy after the starlet filter.", unit="", paper="-", ge=1
    )
    starlet_threshold: float = setting(
        3.0, "Threshold of the starlet filter.", unit="sigma", paper="-", ge=0
    )
    wiener_balance: float | None = setting(
        None,
        "Regularisation of the Wiener filter; null to derive it from each image's noise.",
        unit="",
        paper="-",
        gt=0,
    )
    batch_size: int = setting(16, "Stamps a network restores at once.", unit="", paper="-", ge=1)
    threads: int = setting(1, "CPU threads of the arithmetic.", unit="", paper="-", ge=1)

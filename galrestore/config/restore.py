"""Settings of stage ``restore``: baselines and inference."""

from typing import Literal

from galrestore.config.base import Section, setting

__all__ = ["BASELINES", "Restore"]

BASELINES = ("none", "wiener", "richardson_lucy", "starlet_rl", "sparse")

Baseline = Literal["none", "wiener", "richardson_lucy", "starlet_rl", "sparse"]


class Parameters(Section):
    """Parameters of a baseline."""

    value: float = setting(..., "The method's parameter.", unit="", paper="-", ge=0)
    iterations: int = setting(1, "Iterations.", unit="", paper="-", ge=1)


class Restore(Section):
    """Restoration of the test sets, by networks and by baselines (stage ``restore``)."""

    baselines: tuple[Baseline, ...] = setting(
        BASELINES, "Methods without training, none of which sees the GT.", unit="", paper="Table 1"
    )
    wiener: Parameters = setting(
        Parameters(value=1.0), "Factor on the power of the noise.", unit="", paper="-"
    )
    richardson_lucy: Parameters = setting(
        Parameters(value=3.0, iterations=5),
        "Background, in sigma of the noise.",
        unit="",
        paper="-",
    )
    starlet_rl: Parameters = setting(
        Parameters(value=3.5, iterations=5),
        "Threshold of the starlet filter before Richardson-Lucy, in sigma of the noise.",
        unit="",
        paper="-",
    )
    sparse: Parameters = setting(
        Parameters(value=0.7, iterations=5),
        "Threshold of the starlet coefficients in each step, in sigma of the noise.",
        unit="",
        paper="-",
    )
    batch_size: int = setting(16, "Stamps a network restores at once.", unit="", paper="-", ge=1)
    threads: int = setting(1, "CPU threads of the arithmetic.", unit="", paper="-", ge=1)

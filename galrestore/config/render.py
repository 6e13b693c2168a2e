"""Settings of stage ``render``: noiseless images of the population."""

from typing import Literal

from galrestore.config.base import Section, setting

__all__ = ["Render"]


class Render(Section):
    """Noiseless images (stage ``render``)."""

    size: int = setting(64, "Side of the images.", unit="pixel", paper="3.2", ge=16)
    renderer: Literal["galsim", "gaussians"] = setting(
        "galsim",
        "What draws the images: GalSim, or sums of Gaussians, within 2e-4 of the peak and "
        "a hundred times faster (benchmarks/rendering.py).",
        unit="",
        paper="3.2",
    )

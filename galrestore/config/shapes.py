"""Settings of stage ``shapes``: morphology and photometry of restored images."""

from galrestore.config.base import Section, setting

__all__ = ["Shapes"]


class Shapes(Section):
    """
    Morphology and photometry of GT, LQ and RS (stage ``shapes``).

    Detection is that of ``select``, the fit that of ``fit`` with a free background, the PSF
    that of ``degrade``.
    """

    pixels: int = setting(
        16,
        "Pixels drawn from the Kron ellipse of each pair, for the pixel-to-pixel comparison.",
        unit="",
        paper="4.4",
        ge=1,
        le=4096,
    )
    rings: int = setting(
        16, "Rings of spatial frequency, from 0 to Nyquist's.", unit="", paper="-", ge=2, le=64
    )

"""Settings of stage ``render``: GalSim images of the population."""

from galrestore.config.base import Section, setting

__all__ = ["Render"]


class Render(Section):
    """Noiseless GalSim images (stage ``render``)."""

    size: int = setting(64, "Side of the images.", unit="pixel", paper="3.2", ge=16)
    index_step: float = setting(
        0.0,
        "Round the Sersic index to this step, which spares GalSim a table per galaxy "
        "(0.05 costs about 1e-3 of the peak); 0 keeps it free.",
        unit="",
        paper="-",
        ge=0,
        le=0.2,
    )

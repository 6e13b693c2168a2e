"""Settings of stage ``render``: GalSim images of the population."""

from galrestore.config.base import Section, setting

__all__ = ["Render"]


class Render(Section):
    """Noiseless GalSim images (stage ``render``)."""

    size: int = setting(64, "Side of the images.", unit="pixel", paper="3.2", ge=16)

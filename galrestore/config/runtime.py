"""How the work is cut up: no setting here changes a result."""

from galrestore.config.base import Section, setting

__all__ = ["Runtime"]


class Runtime(Section):
    """How the work is cut up; results are the same for all values."""

    shards: int = setting(
        2, "Jobs that share the per-object stages fit, render, degrade.", unit="", paper="-", ge=1
    )
    tile: int = setting(
        2048, "Side of the windows in which mosaics are read.", unit="pixel", paper="-", ge=256
    )

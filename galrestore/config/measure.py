"""Settings of stage ``measure``: scores of restored images."""

from galrestore.config.base import Section, setting

__all__ = ["Measure"]


class Measure(Section):
    """Scores against the ground truth (stage ``measure``)."""

    source_sigma: float = setting(
        3.0,
        "Source mask: GT pixels this far above the GT's sky.",
        unit="sigma",
        paper="-",
        gt=0,
    )

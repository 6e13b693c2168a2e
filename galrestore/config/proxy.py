"""Settings of stage ``proxy``: real HST stamps beside a better image of the same sky."""

from galrestore.config.base import Section, setting
from galrestore.config.mosaic import Name

__all__ = ["MultiEpoch", "Proxy"]


class MultiEpoch(Section):
    """Set ``multi_epoch``: stamps of an HST mosaic against a NIRCam mosaic."""

    hst: Name = setting(..., "HST mosaic, whose sources are shown.", unit="", paper="5.2")
    jwst: Name = setting(
        ...,
        "JWST mosaic of the same sky, brought to the HST stamps' pixels.",
        unit="",
        paper="5.2",
    )
    held_out: bool = setting(
        False,
        "Leave both mosaics out of fits, noise and training pairs.",
        unit="",
        paper="5.2",
    )


class Proxy(Section):
    """Sets whose GT is a better image, no truth (stage ``proxy``)."""

    size: int = setting(
        64, "Side of the stamps; wider sources are left out.", unit="pixel", paper="5", ge=16
    )
    pixel_scale: float = setting(
        0.05,
        "Scale of the stamps; mosaics of another one are drizzled to it.",
        unit="arcsec",
        paper="5.2",
        gt=0.005,
        lt=0.5,
    )
    multi_epoch: MultiEpoch | None = setting(
        None, "HST mosaic against JWST mosaic; null for none.", unit="", paper="5.2"
    )

    def named(self):
        """Return key, telescope and name of the mosaics named, a list of (str, str, str)."""
        multi = self.multi_epoch
        if multi is None:
            return []
        return [("multi_epoch.hst", "hst", multi.hst), ("multi_epoch.jwst", "jwst", multi.jwst)]

    def held_out(self):
        """Return the names of mosaics that training does without, a set of str."""
        multi = self.multi_epoch
        return {multi.hst, multi.jwst} if multi is not None and multi.held_out else set()

    def sets(self):
        """Return the names of the sets, a list of str."""
        return [name for name in ("multi_epoch",) if getattr(self, name) is not None]

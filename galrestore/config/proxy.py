"""Settings of stage ``proxy``: real HST stamps beside a better image of the same sky."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from galrestore.config.base import Section, setting
from galrestore.config.mosaic import Name

__all__ = ["MultiEpoch", "Proxy", "ShallowEpoch", "SingleEpoch"]


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


class SingleEpoch(Section):
    """Sets ``single_epoch`` and, of a simulated sky, ``single_epoch_truth``."""

    simulated: Name | None = setting(
        None, "Set of simulated exposures and their mosaic; null for files.", unit="", paper="5.1"
    )
    exposures: tuple[Annotated[int, Field(ge=0)], ...] = setting(
        (0,), "Which of the simulated exposures are restored.", unit="", paper="5.1", min_length=1
    )
    truth: Name | None = setting(
        None,
        "JWST mosaic of the simulated sky whose PSF the truth has; null for no truth.",
        unit="",
        paper="-",
    )
    files: tuple[str, ...] = setting(
        (), "Exposures (_flt, _flc), below data_root or absolute.", unit="", paper="5.1"
    )
    exposures_of: Name | None = setting(
        None,
        "Set of the archive's exposures (acquire.mast.exposures) in place of files.",
        unit="",
        paper="5.1",
    )
    mosaic: Name | None = setting(
        None,
        "Multi-epoch HST mosaic of the same sky, for files or exposures_of.",
        unit="",
        paper="5.1",
    )
    held_out: bool = setting(
        False,
        "Leave that mosaic out of fits, noise and training pairs.",
        unit="",
        paper="5.1",
    )

    @model_validator(mode="after")
    def _one_source(self):
        if (self.simulated is None) == (self.mosaic is None):
            msg = (
                "give simulated, or mosaic with files or exposures_of (and simulated: null), got "
                f"{self.simulated} and {self.mosaic}"
            )
            raise ValueError(msg)
        sources = [source for source in (self.files, self.exposures_of) if source]
        if len(sources) != (self.mosaic is not None):
            msg = (
                "mosaic goes with either files or exposures_of, got mosaic "
                f"{self.mosaic}, files {self.files}, exposures_of {self.exposures_of}"
            )
            raise ValueError(msg)
        if self.truth is not None and self.simulated is None:
            msg = f"truth is known of simulated exposures alone, got {self.truth!r}"
            raise ValueError(msg)
        return self


class ShallowEpoch(Section):
    """Set ``shallow_epoch``: HST mosaics with the noise of one exposure, against themselves."""

    exposures: int = setting(
        ..., "Equal exposures in each mosaic, one of which is imitated.", unit="", paper="5.1", ge=2
    )
    mosaics: dict[Name, Annotated[float, Field(gt=0)]] = setting(
        ...,
        "Exposure time of the HST mosaics (in electron/s), by name.",
        unit="s",
        paper="5.1",
        min_length=1,
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
    methods: Literal["all", "shown"] = setting(
        "all",
        "What restores these sets: all methods, or no training and the variant of the figures.",
        unit="",
        paper="5",
    )
    multi_epoch: MultiEpoch | None = setting(
        None, "HST mosaic against JWST mosaic; null for none.", unit="", paper="5.2"
    )

    single_epoch: SingleEpoch | None = setting(
        None,
        "Single exposures against their multi-epoch mosaic; null for none.",
        unit="",
        paper="5.1",
    )

    shallow_epoch: ShallowEpoch | None = setting(
        None,
        "Mosaics as one of their exposures, where no exposures are at hand; null for none.",
        unit="",
        paper="5.1",
    )

    def named(self):
        """Return key, telescope and name of the mosaics named, a list of (str, str, str)."""
        multi, single = self.multi_epoch, self.single_epoch
        names = []
        if multi is not None:
            names += [
                ("multi_epoch.hst", "hst", multi.hst),
                ("multi_epoch.jwst", "jwst", multi.jwst),
            ]
        if single is not None and single.mosaic is not None:
            names.append(("single_epoch.mosaic", "hst", single.mosaic))
        if single is not None and single.truth is not None:
            names.append(("single_epoch.truth", "jwst", single.truth))
        if self.shallow_epoch is not None:
            names += [("shallow_epoch.mosaics", "hst", name) for name in self.shallow_epoch.mosaics]
        return names

    def held_out(self):
        """Return the names of mosaics that training does without, a set of str."""
        multi, single = self.multi_epoch, self.single_epoch
        names = set()
        if multi is not None and multi.held_out:
            names |= {multi.hst, multi.jwst}
        if single is not None and single.held_out:
            names.add(single.mosaic)
        return names

    def sets(self):
        """Return the names of the sets, a list of str."""
        known = ("multi_epoch", "single_epoch", "shallow_epoch")
        names = [name for name in known if getattr(self, name) is not None]
        truth = self.single_epoch is not None and self.single_epoch.truth is not None
        return [*names, *(["single_epoch_truth"] if truth else [])]

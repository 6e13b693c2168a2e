"""Settings of the tests of the limits, by set: stages ``limits`` and ``measure_limits``."""

from typing import Annotated

from pydantic import Field, model_validator

from galrestore.config.base import Section, setting

__all__ = ["Blanks", "Drizzling", "Failures", "Ladder", "Limits", "Shearing", "Stars"]

Fraction = Annotated[float, Field(gt=0, lt=1)]


class Blanks(Section):
    """Noise without sources."""

    seeds: int = setting(10, "Random seeds.", unit="", paper="A", ge=1)
    count: int = setting(
        100, "Images of each seed; the paper makes 1,000.", unit="", paper="A", ge=1
    )


class Stars(Section):
    """Point sources."""

    count: int = setting(
        100, "Stars of each JWST mosaic; the paper makes 1,000.", unit="", paper="6.2", ge=2
    )
    field: float = setting(
        24.0,
        "Side of the square around the stamp's centre that stars fall into.",
        unit="pixel",
        paper="6.2",
        gt=0,
    )
    size: int = setting(64, "Side of the stamps.", unit="pixel", paper="6.2", ge=34)

    @model_validator(mode="after")
    def _fits_in(self):
        if self.field > self.size - 34:
            msg = (
                "limits.stars.field leaves less than 16 pixels around the stars, got "
                f"{self.field} in stamps of {self.size}"
            )
            raise ValueError(msg)
        return self


class Ladder(Section):
    """The same galaxies under rising noise."""

    noise: tuple[Fraction, ...] = setting(
        (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.135),
        "Noise of LQ on each rung, rising; beyond 0.13 hardly any image gets.",
        unit="",
        paper="6.1",
        min_length=1,
    )
    galaxies: int = setting(
        60, "Most JWST test galaxies that climb it.", unit="", paper="6.1", ge=1
    )

    @model_validator(mode="after")
    def _rising(self):
        if list(self.noise) != sorted(set(self.noise)):
            msg = f"limits.ladder.noise must rise, got {self.noise}"
            raise ValueError(msg)
        return self


class Drizzling(Section):
    """The same exposures drizzled with several kernels."""

    galaxies: int = setting(
        40, "Most JWST test galaxies to observe anew.", unit="", paper="6.3", ge=1
    )
    exposures: int = setting(
        8, "Exposures of each galaxy, dithered by fractions of a pixel.", unit="", paper="6.3", ge=2
    )
    noise: Fraction = setting(
        0.05,
        "Noise of the mean of the exposures in its min-max normalised image.",
        unit="",
        paper="6.3",
    )
    examples: int = setting(3, "Rows of Figure 13.", unit="", paper="6.3", ge=1, le=8)


class Failures(Section):
    """What counts as a failure of restoration, and as a peak."""

    wrong_angle: float = setting(
        20.0,
        "Failure: the position angle of an elongated galaxy is off by more.",
        unit="deg",
        paper="6.1",
        gt=0,
        lt=90,
    )
    elongated: float = setting(
        0.15,
        "Ellipticity (a - b) / (a + b) of GT from which a galaxy is elongated.",
        unit="",
        paper="6.1",
        gt=0,
        lt=1,
    )
    too_round: float = setting(
        0.3,
        "Failure: an elongated galaxy loses more than this part of its ellipticity.",
        unit="",
        paper="6.1",
        gt=0,
        lt=1,
    )
    lost_structure: float = setting(
        0.25,
        "Failure: the rms of GT - RS on the source exceeds this part of GT's rms.",
        unit="",
        paper="6.1",
        gt=0,
    )
    prominence: float = setting(
        0.05,
        "Least prominence of a peak that may get lost or appear, in units of GT's range, and "
        "at least six times the noise of GT.",
        unit="",
        paper="6.1, 6.4",
        gt=0,
        lt=1,
    )
    distance: float = setting(
        2.0, "Peaks of two images this close are one peak.", unit="pixel", paper="6.1, 6.4", gt=0
    )


class Shearing(Section):
    """A ring test: galaxies in four orientations under shears of both signs."""

    galaxies: int = setting(
        24, "Most galaxies of the population; 16 images each.", unit="", paper="7", ge=2
    )
    shear: float = setting(0.02, "Modulus of the reduced shear.", unit="", paper="7", gt=0, le=0.1)
    noise: Fraction = setting(0.02, "Noise of LQ after min-max normalisation.", unit="", paper="7")
    size: int = setting(64, "Side of the stamps.", unit="pixel", paper="3.2", ge=16)


class Limits(Section):
    """Sets that show where restoration ends: blanks, stars, noise, drizzling."""

    methods: tuple[str, ...] = setting(
        (),
        "Variants and baselines to put to these tests beside the one that figures show.",
        unit="",
        paper="-",
    )
    blanks: Blanks = setting(Blanks(), "Noise without sources.", unit="", paper="A")
    stars: Stars = setting(Stars(), "Point sources.", unit="", paper="6.2")
    ladder: Ladder = setting(Ladder(), "Rising noise.", unit="", paper="6.1")
    drizzling: Drizzling = setting(
        Drizzling(), "Noise that drizzling correlates.", unit="", paper="6.3"
    )
    shearing: Shearing = setting(Shearing(), "Calibration of shear.", unit="", paper="7")
    failures: Failures = setting(Failures(), "What counts as failure.", unit="", paper="6.1, 6.4")

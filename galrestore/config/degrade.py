"""Settings of stage ``degrade``: low-quality images and the split."""

from pydantic import model_validator

from galrestore.config.base import Section, setting

__all__ = ["Degrade"]


class Degrade(Section):
    """HST blur and noise, min-max normalisation, split by sky (stage ``degrade``)."""

    psf_fwhm: float = setting(
        1.88,
        "Width of the Gaussian kernel (0.094 arcsec at 0.05 arcsec a pixel).",
        unit="pixel",
        paper="3.2, 3.3",
        gt=0,
    )
    kernel_size: int = setting(7, "Side of the kernel, odd.", unit="pixel", paper="3.2", ge=3)
    split: tuple[float, float, float] = setting(
        (0.8, 0.1, 0.1), "Fractions of training, validation, test.", unit="", paper="3.3"
    )
    group_radius: float = setting(
        1.0,
        "Sources this close, in any band, are friends and stay in one split.",
        unit="arcsec",
        paper="-",
        gt=0,
    )
    cell: float = setting(
        10.0, "Side of the cells of sky that stay in one split.", unit="arcsec", paper="-", gt=0
    )

    @model_validator(mode="after")
    def _sensible(self):
        if abs(sum(self.split) - 1) > 1e-9 or min(self.split) < 0:
            msg = f"degrade.split must be three fractions that add up to 1, got {self.split}"
            raise ValueError(msg)
        if self.kernel_size % 2 == 0:
            msg = f"degrade.kernel_size must be odd, got {self.kernel_size}"
            raise ValueError(msg)
        return self

"""Settings of stage ``degrade``: low-quality images and the split."""

from typing import Literal

from pydantic import model_validator

from galrestore.config.base import Section, setting

__all__ = ["Degrade", "ImageFile", "PsfImage"]


class ImageFile(Section):
    """A two-dimensional image in a FITS file."""

    path: str = setting(
        ..., "FITS file, below acquire.local.root if there is one, or absolute.", unit="", paper="-"
    )
    hdu: int | str = setting(0, "Extension, by number or name.", unit="", paper="-")


class PsfImage(ImageFile):
    """An image of a PSF, anywhere in its frame, without background."""

    pixel_scale: float | None = setting(
        None,
        "Scale of the PSF image's pixels; null to read it from its WCS.",
        unit="arcsec",
        paper="-",
        gt=0,
    )


class Degrade(Section):
    """HST blur and noise, min-max normalisation, split by sky (stage ``degrade``)."""

    psf_fwhm: float = setting(
        1.88,
        "Width of the Gaussian kernel (0.094 arcsec at 0.05 arcsec a pixel).",
        unit="pixel",
        paper="3.2, 3.3",
        gt=0,
    )
    psf_image: PsfImage | None = setting(
        None,
        "Image of the HST PSF in place of the Gaussian; resampled, centred, of unit sum.",
        unit="",
        paper="-",
    )
    kernel_size: int = setting(
        7,
        "Side of the kernel, odd; of ACS's light TinyTim puts 87% within 7, 95% within 25.",
        unit="pixel",
        paper="3.2",
        ge=3,
    )
    pixel_scale: float = setting(
        0.05,
        "Scale of a pixel of the kernel and of correlated noise: HST's, whatever the stamp's.",
        unit="arcsec",
        paper="3.3",
        gt=0,
    )
    noise: Literal["white", "cosmos", "sky", "correlation"] = setting(
        "white",
        "Noise of LQ: white; correlated as in ACS's COSMOS mosaic (GalSim's); as in an image "
        "of blank sky; or by an image of the correlation, lag 0 in its middle.",
        unit="",
        paper="3.2, 3.3",
    )
    noise_image: ImageFile | None = setting(
        None,
        "Image for noise sky (NaN where there are sources) or correlation, in kernel pixels.",
        unit="",
        paper="-",
    )
    noise_lags: int = setting(
        8,
        "Largest lag of correlated noise of cosmos and sky.",
        unit="pixel",
        paper="-",
        ge=1,
        le=64,
    )
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
        if (self.noise in ("sky", "correlation")) != (self.noise_image is not None):
            msg = (
                "degrade.noise_image belongs to degrade.noise sky or correlation, and they need "
                f"it; got noise {self.noise} and noise_image {self.noise_image}"
            )
            raise ValueError(msg)
        return self

    def files(self):
        """Return the paths of the images that the settings name, a list of str."""
        return [image.path for image in (self.psf_image, self.noise_image) if image is not None]

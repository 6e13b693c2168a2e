"""Settings of stage ``fit``: Sersic profiles of HST stamps and of rendered galaxies."""

from typing import Literal

from pydantic import model_validator

from galrestore.config.base import Section, setting

__all__ = ["Fit", "KnownSky", "PsfFile"]


class PsfFile(Section):
    """Image of the PSF of one mosaic."""

    path: str = setting(
        ...,
        "FITS file, without background; below acquire.local.root if there is one, or absolute.",
        unit="",
        paper="3.1",
    )
    hdu: int | str = setting(0, "Extension, by number or name.", unit="", paper="-")
    oversampling: float = setting(
        1.0, "Pixels of the image along one pixel of the mosaic.", unit="", paper="-", gt=0
    )
    pixel_integrated: bool = setting(
        True,
        "Whether its pixels hold the light that fell on them, as in stacked stars, or samples "
        "of the PSF; the fit counts the pixel once either way.",
        unit="",
        paper="-",
    )


class KnownSky(Section):
    """Sky of one mosaic, as told by something better than its own mesh."""

    level: float = setting(
        0.0, "Sky; 0 where it has been subtracted well.", unit="unit of the mosaic", paper="3.1"
    )
    error: float = setting(
        ...,
        "Its standard error from place to place; 0 holds it fixed.",
        unit="unit of the mosaic",
        paper="-",
        ge=0,
    )


class Fit(Section):
    """Sersic fits to the selected HST stamps and the rendered pairs (stage ``fit``)."""

    psf: Literal["gaussian", "none", "images"] = setting(
        "gaussian",
        "PSF in the model: a Gaussian of the catalogue's width, none, or sums of Gaussians "
        "fitted to psf_images. Rendered pairs have the kernel of degrade.",
        unit="",
        paper="3.1",
    )
    psf_images: dict[str, PsfFile] = setting(
        {}, "Image of the PSF of each HST mosaic, by its name.", unit="", paper="3.1"
    )
    psf_gaussians: int = setting(
        4, "Gaussians fitted to each image of a PSF.", unit="", paper="-", ge=1, le=6
    )
    sky: Literal["measured", "free"] = setting(
        "measured",
        "Background under a source: as measured on its mosaic, within the error of that, or "
        "from the stamp alone. Free where the mosaic is too small to tell.",
        unit="",
        paper="-",
    )
    known_skies: dict[str, KnownSky] = setting(
        {},
        "By mosaic, instead of the measured sky: for files of cutouts, whose galaxies leave "
        "little sky to measure.",
        unit="",
        paper="-",
    )
    pairs_sky_error: float = setting(
        0.04,
        "Standard error of the sky of rendered pairs, which is 0: that of HST mosaics.",
        unit="rms",
        paper="-",
        ge=0,
    )
    noise_lags: int = setting(
        4,
        "Farthest pixels whose noise counts as correlated in the errors of HST fits, as "
        "measured on what the fits leave; 0: white noise. That of rendered pairs is known.",
        unit="pixel",
        paper="-",
        ge=0,
        le=16,
    )
    index_bounds: tuple[float, float] = setting(
        (0.3, 8.0), "Range of the Sersic index.", unit="", paper="3.1"
    )
    centre_bound: float = setting(
        3.0, "Farthest centre from the detection.", unit="pixel", paper="3.1", gt=0
    )
    gaussians: int = setting(
        16, "Gaussians in the expansion of the profile.", unit="", paper="-", ge=8, le=32
    )
    maximum_iterations: int = setting(
        60, "Most steps of the least-squares solver.", unit="", paper="-", ge=5
    )
    backend: Literal["compiled", "torch"] = setting(
        "compiled",
        "Who does the arithmetic: compiled code, or torch on a GPU; the same to rounding.",
        unit="",
        paper="-",
    )

    @model_validator(mode="after")
    def _ordered(self):
        low, high = self.index_bounds
        if not 0.25 <= low < high <= 8:
            msg = f"fit.index_bounds must increase within 0.25 to 8, got {low} to {high}"
            raise ValueError(msg)
        if (self.psf == "images") != bool(self.psf_images):
            msg = (
                f"fit.psf is {self.psf!r} and fit.psf_images names {len(self.psf_images)} "
                "mosaics: images are given if, and only if, psf is 'images'"
            )
            raise ValueError(msg)
        if self.sky == "free" and self.known_skies:
            msg = f"fit.sky is 'free' and fit.known_skies names {sorted(self.known_skies)}"
            raise ValueError(msg)
        return self

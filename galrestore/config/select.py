"""Settings of stage ``select``: detection, rejection and stamps."""

from typing import Literal

from pydantic import model_validator

from galrestore.config.base import Section, setting

__all__ = ["Select"]


class Select(Section):
    """Detection, the paper's rejections, and stamps (stage ``select``)."""

    threshold: float = setting(
        1.5, "Detection threshold above the background.", unit="rms", paper="3.1", gt=0.5
    )
    minimum_area: int = setting(
        5, "Connected pixels a source must have.", unit="pixel", paper="3.1", ge=1
    )
    deblend_levels: int = setting(
        32, "Levels of deblending (SExtractor's default).", unit="", paper="-", ge=1
    )
    deblend_contrast: float = setting(
        0.005, "Contrast of deblending (SExtractor's default).", unit="", paper="-", ge=0, le=1
    )
    background_mesh: int = setting(
        64, "Mesh of the background (SExtractor's default).", unit="pixel", paper="-", ge=8
    )
    background_filter: int = setting(
        3, "Median filter of the background (SExtractor's).", unit="mesh", paper="-", ge=1
    )
    maximum_width: int = setting(
        128, "Reject 1: widest stamp, w = 2 floor(4a + 5).", unit="pixel", paper="3.1", ge=16
    )
    minimum_snr: float = setting(
        20.0, "Reject 3: least FLUX_AUTO / FLUXERR_AUTO.", unit="", paper="3.1", ge=0
    )
    neighbour_ratio: float = setting(
        0.8,
        "Reject 4: highest peak of a neighbour in the stamp over the source's own.",
        unit="",
        paper="3.1",
        gt=0,
    )
    gradient_factor: float = setting(
        1.0,
        "Reject 5: steepest gradient in the central 10 x 10 pixels, over the PSF's.",
        unit="",
        paper="3.1",
        gt=0,
    )
    size_factor: float = setting(
        1.0,
        "Reject 2: semi-minor axis or half-light radius below this many PSF widths.",
        unit="FWHM",
        paper="3.1",
        ge=0,
    )
    star_sigma: float = setting(
        3.0, "Half width of the star locus in half-light radius.", unit="sigma", paper="3.1", gt=0
    )
    star_minimum_snr: float = setting(
        20.0,
        "Confusion limit: sources of lower S/N are not called stars.",
        unit="",
        paper="3.1",
        ge=0,
    )
    star_magnitudes: dict[str, tuple[float, float]] = setting(
        {},
        "By mosaic, instead of that limit: saturation and confusion, -2.5 log10 FLUX_AUTO.",
        unit="mag",
        paper="3.1",
    )
    psf_stars: int = setting(
        500,
        "Most stars on which the width of the PSF is measured; 0 for the stated width.",
        unit="",
        paper="3.1",
        ge=0,
        le=10_000,
    )
    jwst_maximum_rms: float = setting(
        0.02, "JWST only: largest rms after min-max, instead of reject 3.", unit="", paper="3.3"
    )
    jwst_psf_fwhm: float = setting(
        1.88,
        "JWST only: width of the HST PSF in pixels, as at 0.05 arcsec, for reject 2.",
        unit="pixel",
        paper="3.3",
        gt=0,
    )
    stamp_size: int = setting(
        64, "Side of the JWST stamps after padding or trimming.", unit="pixel", paper="3.2", ge=16
    )
    padding: Literal["white", "correlated"] = setting(
        "white",
        "Noise that fills stamps up: white, or correlated like the sky near the source.",
        unit="",
        paper="3.3",
    )
    truncation_sigma: float = setting(
        3.0,
        "Trimmed stamps: reject if the outer 2-pixel ring lies this far above the sky.",
        unit="sigma",
        paper="3.3",
        gt=0,
    )
    minimum_coverage: float = setting(
        1.0,
        "Least fraction of the w x w stamp with data; the rest is padded (JWST) or left out of the "
        "fits (HST).",
        unit="",
        paper="-",
        gt=0,
        le=1,
    )

    @model_validator(mode="after")
    def _ordered(self):
        for mosaic, (brightest, faintest) in self.star_magnitudes.items():
            if brightest >= faintest:
                msg = (
                    f"star_magnitudes.{mosaic} must be saturation, then confusion in rising "
                    f"magnitude, got {brightest} and {faintest}"
                )
                raise ValueError(msg)
        return self

"""Settings of stage ``acquire``: where mosaics come from."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from galrestore.config.archive import Archive
from galrestore.config.base import Section, setting, without_nulls
from galrestore.config.local import LocalFolder, LocalMosaic, LocalPairs, PublishedFits
from galrestore.config.mosaic import Name, Telescope

__all__ = [
    "Acquire",
    "LocalFolder",
    "LocalMosaic",
    "LocalPairs",
    "PublishedFits",
    "SimulatedExposures",
    "SimulatedMosaic",
    "SimulatedPopulation",
    "SimulatedSky",
]


class SimulatedPopulation(Section):
    """Galaxies and stars of the simulated sky; magnitudes are AB at 0.8 micron."""

    galaxy_density: float = setting(
        45.0,
        "Galaxies brighter than magnitude 25, as in deep ACS counts.",
        unit="arcmin**-2",
        paper="-",
        ge=0,
        le=2000,
    )
    count_slope: float = setting(
        0.3, "Slope of the galaxy counts, log10 N(<m).", unit="mag**-1", paper="-", gt=0, le=1
    )
    brightest: float = setting(
        18.5, "Brightest galaxy; brighter ones fill a field.", unit="mag(AB)", paper="-", ge=10
    )
    faintest: float = setting(
        28.5, "Faintest galaxy; fainter ones drown in noise.", unit="mag(AB)", paper="-", le=32
    )
    size: float = setting(
        0.25,
        "Median half-light radius (major axis) at magnitude 25.",
        unit="arcsec",
        paper="-",
        gt=0.01,
        le=2,
    )
    size_slope: float = setting(
        -0.1, "Change of log10 radius with magnitude.", unit="mag**-1", paper="-", ge=-0.4, le=0
    )
    size_scatter: float = setting(
        0.18, "Scatter of log10 radius.", unit="dex", paper="-", ge=0, le=0.6
    )
    spheroid_fraction: float = setting(
        0.2, "Fraction of galaxies that are one Sersic spheroid.", unit="", paper="-", ge=0, le=1
    )
    composite_fraction: float = setting(
        0.45, "Fraction with bulge and disc; the rest are discs.", unit="", paper="-", ge=0, le=1
    )
    knot_fraction: float = setting(
        0.7, "Fraction of large, bright discs that have knots.", unit="", paper="-", ge=0, le=1
    )
    knot_limit: float = setting(
        26.0, "Faintest galaxy with knots.", unit="mag(AB)", paper="-", ge=10, le=32
    )
    knot_radius: float = setting(
        0.15, "Smallest disc with knots, half-light radius.", unit="arcsec", paper="-", gt=0
    )
    companion_fraction: float = setting(
        0.1, "Fraction of galaxies with a close companion.", unit="", paper="-", ge=0, le=1
    )
    star_density: float = setting(
        8.0, "Stars of magnitude 18 to 26.", unit="arcmin**-2", paper="-", ge=0, le=500
    )

    @model_validator(mode="after")
    def _sensible(self):
        if self.brightest >= self.faintest:
            msg = f"brightest must lie below faintest, got {self.brightest} and {self.faintest}"
            raise ValueError(msg)
        if self.spheroid_fraction + self.composite_fraction > 1:
            msg = "spheroid_fraction and composite_fraction must not exceed 1 together"
            raise ValueError(msg)
        return self


class SimulatedMosaic(Section):
    """One mosaic of the simulated sky."""

    telescope: Telescope = setting(
        ..., "Whose images the mosaic stands for.", unit="", paper="3.1, 3.3"
    )
    instrument: str = setting(..., "Instrument, as in the archive's header.", unit="", paper="3.1")
    band: str = setting(..., "Filter, as in the archive's header.", unit="", paper="3.1, 3.3")
    format: Literal["hlf", "i2d"] = setting(
        ...,
        "File format: HLF (_sci, _wht; electron/s) or JWST i2d (MJy/sr).",
        unit="",
        paper="3.1, 3.3",
    )
    pixel_scale: float = setting(..., "Pixel scale.", unit="arcsec", paper="3.3", gt=0.005, lt=0.5)
    wavelength: float = setting(
        ..., "Pivot wavelength of the filter.", unit="micron", paper="-", gt=0.1, lt=30
    )
    psf_fwhm: float = setting(
        ...,
        "Width of the PSF: diffraction of the telescope and a Gaussian that fills up to this.",
        unit="arcsec",
        paper="3.2",
        gt=0.01,
        lt=1,
    )
    depth: float = setting(
        ...,
        "Magnitude of a point source at 5 sigma in an aperture of diameter 0.3 arcsec.",
        unit="mag(AB)",
        paper="-",
        gt=15,
        lt=35,
    )
    noise_correlation: float = setting(
        0.0,
        "Correlation of the noise between neighbouring pixels, as drizzling leaves it.",
        unit="",
        paper="6.3",
        ge=0,
        lt=0.6,
    )
    zeropoint: float | None = setting(
        None,
        "Magnitude of 1 electron/s (format hlf); null for the value of the ACS/WFC filter.",
        unit="mag(AB)",
        paper="-",
        gt=15,
        lt=35,
    )
    background: float = setting(
        0.2,
        "Sky that is left in the image (format i2d); hlf images have none.",
        unit="MJy/sr",
        paper="-",
        gt=0,
        le=10,
    )
    hit_density: float = setting(
        0.0,
        "Cosmic-ray hits and hot pixels that cleaning has left.",
        unit="arcmin**-2",
        paper="3.1, 6.4",
        ge=0,
        le=500,
    )
    unexposed_border: float = setting(
        0.5,
        "Width of the western strip that no exposure covers.",
        unit="arcsec",
        paper="-",
        ge=0,
        le=60,
    )


class SimulatedExposures(Section):
    """Single exposures of the simulated sky, and the mosaic drizzled from them."""

    mosaic: Name = setting(
        ..., "Mosaic of the format hlf whose filter and PSF they share.", unit="", paper="5.1"
    )
    exposure_times: list[Annotated[float, Field(gt=0, le=10000)]] = setting(
        ..., "Time of each exposure.", unit="s", paper="5.1", min_length=2, max_length=200
    )
    rows: int = setting(512, "Rows of a chip; 2048 on ACS/WFC.", unit="pixel", paper="-", ge=64)
    columns: int = setting(
        1024, "Columns of a chip; 4096 on ACS/WFC.", unit="pixel", paper="-", ge=64
    )
    chips: Literal[1, 2] = setting(2, "Chips, above each other.", unit="", paper="-")
    gap: float = setting(50.0, "Gap between two chips.", unit="pixel", paper="-", ge=0, le=500)
    dither: float = setting(
        2.0,
        "Exposures point at random within so much of the centre along each axis.",
        unit="arcsec",
        paper="-",
        ge=0,
        le=60,
    )
    offset: tuple[float, float] = setting(
        (0.0, 0.0),
        "Where the exposures point from the centre of the sky, east and north; beyond the "
        "mosaics there are other galaxies, which networks have not been trained on.",
        unit="arcsec",
        paper="-",
    )
    roll_angles: list[float] = setting(
        [20.0, 110.0],
        "Position angles of the columns, taken in turn.",
        unit="deg",
        paper="-",
        min_length=1,
    )
    sky: float = setting(
        0.12, "Light of the sky.", unit="electron/s/pixel", paper="-", gt=0, le=100
    )
    dark: float = setting(
        0.011, "Dark current of a normal pixel.", unit="electron/s/pixel", paper="-", ge=0, le=1
    )
    read_noise: float = setting(4.0, "Read noise.", unit="electron", paper="-", gt=0, le=50)
    full_well: float = setting(
        84700.0, "Charge at which pixels count as saturated.", unit="electron", paper="-", gt=0
    )
    cosmic_ray_rate: float = setting(
        1.1, "Cosmic rays.", unit="cm**-2 s**-1", paper="5.1", ge=0, le=100
    )
    hot_fraction: float = setting(
        0.01,
        "Share of hot and warm pixels, the same in all exposures.",
        unit="",
        paper="6.4",
        ge=0,
        le=0.2,
    )
    hot_residual: float = setting(
        0.1,
        "Share of a hot pixel's current that the calibration's dark image misses.",
        unit="",
        paper="6.4",
        ge=0,
        le=1,
    )
    pixel_scale: float = setting(
        0.05, "Pixel scale of the mosaic.", unit="arcsec", paper="5.1", ge=0.02, le=0.2
    )
    kernel: Literal["square", "lanczos3"] = setting(
        "square", "Kernel of drizzling.", unit="", paper="6.3"
    )
    pixfrac: float = setting(
        0.8, "Side of a drop in pixels of the detector.", unit="", paper="6.3", gt=0, le=1
    )

    @model_validator(mode="after")
    def _lanczos_is_whole(self):
        if self.kernel == "lanczos3" and self.pixfrac != 1:
            msg = f"pixfrac must be 1 for lanczos3, got {self.pixfrac}"
            raise ValueError(msg)
        return self


class SimulatedSky(Section):
    """A simulated sky, the same for all instruments."""

    width: float = setting(
        ..., "Extent of the sky along right ascension.", unit="arcsec", paper="-", gt=1
    )
    height: float = setting(
        ..., "Extent of the sky along declination.", unit="arcsec", paper="-", gt=1
    )
    ra: float = setting(
        53.16, "Right ascension of the centre.", unit="deg", paper="-", ge=0, lt=360
    )
    dec: float = setting(-27.79, "Declination of the centre.", unit="deg", paper="-", ge=-80, le=80)
    population: SimulatedPopulation = setting(
        SimulatedPopulation(), "Galaxies and stars.", unit="", paper="-"
    )
    mosaics: dict[Name, SimulatedMosaic] = setting(
        ...,
        "Mosaics to render, by name; null takes one out.",
        unit="",
        paper="3.1, 3.3",
        min_length=1,
    )
    exposures: dict[Name, SimulatedExposures] = setting(
        {}, "Sets of single exposures to render, by name; null takes one out.", unit="", paper="5.1"
    )

    _named = field_validator("mosaics", "exposures", mode="before")(without_nulls)

    @model_validator(mode="after")
    def _exposures_share_a_filter(self):
        for name, exposures in self.exposures.items():
            mosaic = self.mosaics.get(exposures.mosaic)
            if mosaic is None or mosaic.format != "hlf":
                known = ", ".join(n for n, m in self.mosaics.items() if m.format == "hlf")
                msg = f"exposures.{name}.mosaic: {exposures.mosaic!r} is none of the hlf mosaics: "
                raise ValueError(msg + (known or "there are none"))
        return self


class Acquire(Section):
    """Doors through which mosaics enter (stage ``acquire``); several may be open."""

    simulated: SimulatedSky | None = setting(
        None, "Simulated sky; null for none.", unit="", paper="-"
    )
    local: LocalFolder | None = setting(
        None, "Local folder of FITS files; null for none.", unit="", paper="3.1, 3.3"
    )
    mast: Archive | None = setting(
        None, "Archive MAST; null for none.", unit="", paper="3.1, 3.3, 5.2"
    )

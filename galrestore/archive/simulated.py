"""
Simulated sky: mosaics in the archives' own formats, and the truth about them.

All mosaics show one population of galaxies and stars, through their own telescope,
band, pixels, depth and noise.
"""

import contextlib
import logging
import zlib

import numpy as np
import pandas as pd
from astropy.io import fits

from galrestore.archive.simulated_frame import SR_PER_ARCSEC2, Frame, ab_flux, deproject
from galrestore.archive.simulated_population import magnitude_at, objects
from galrestore.archive.simulated_profiles import Optics
from galrestore.archive.simulated_rendering import Scene, hits, noise, pixel_noise
from galrestore.errors import SettingsError
from galrestore.files.contracts.truth import truth_columns
from galrestore.files.mosaic_writer import MosaicWriter
from galrestore.progress import track
from galrestore.provenance import sha256_of

__all__ = ["SimulatedImage", "manifest_row", "render_mosaic", "truth"]

logger = logging.getLogger(__name__)

FIELD = "simulated"
_STRIP = 512  # rows rendered at once
# Objects this far outside the image still send light into it [arcsec].
_MARGIN = 12.0
_UNITS = {"hlf": "electron/s", "i2d": "MJy/sr"}
# AB magnitudes of 1 electron/s, ACS/WFC in 2005 (Bohlin 2016, AJ 152, 60).
_ACS_ZEROPOINTS = {
    "F435W": 25.68,
    "F475W": 26.06,
    "F555W": 25.73,
    "F606W": 26.50,
    "F775W": 25.67,
    "F814W": 25.95,
    "F850LP": 24.86,
}
_ACS_SKY = 0.12 / 0.05**2  # sky seen by ACS/WFC in broad filters [electron/s/arcsec^2]
_GRADIENT = 0.02  # change of the i2d background along each axis of the image


class SimulatedImage:
    """
    One mosaic of the simulated sky, before it is written.

    Parameters
    ----------
    name : str
        Name of the mosaic.
    sky : SimulatedSky
        Settings of the sky; must hold the mosaic.
    seed : int
        Seed of the run.

    Attributes
    ----------
    frame : Frame
        Pixel grid.
    unit : str
        Unit of the pixels.
    rms : float
        Noise of a pixel without source, in that unit.
    exposure : float
        Effective exposure time [s]; hlf only, else NaN.

    Raises
    ------
    SettingsError
        If the PSF asked for is narrower than diffraction, or the filter's zeropoint
        is not known.
    """

    def __init__(self, name, sky, seed):
        self.name, self.settings, self.seed = name, sky.mosaics[name], seed
        self._sky = sky
        mosaic = self.settings
        self.unit = _UNITS[mosaic.format]
        self.frame = Frame.covering(sky.ra, sky.dec, sky.height, sky.width, mosaic.pixel_scale)
        self.zeropoint = self._zeropoint()
        self.rms = pixel_noise(
            float(self.flux(mosaic.depth)), mosaic.pixel_scale, mosaic.noise_correlation
        )
        # Source noise follows from the sky's: the images are limited by the sky.
        self.sky_level = mosaic.background
        self.exposure = np.nan
        if mosaic.format == "hlf":
            self.sky_level = _ACS_SKY * mosaic.pixel_scale**2
            self.exposure = self.sky_level / self.rms**2
        self.border = round(mosaic.unexposed_border / mosaic.pixel_scale)

    def _zeropoint(self):
        mosaic = self.settings
        if mosaic.format == "i2d" or mosaic.zeropoint is not None:
            return mosaic.zeropoint
        if mosaic.band not in _ACS_ZEROPOINTS:
            key = f"acquire.simulated.mosaics.{self.name}.zeropoint"
            raise SettingsError(key, None, f"no zeropoint is known for {mosaic.band}; give one")
        return _ACS_ZEROPOINTS[mosaic.band]

    def flux(self, magnitude):
        """Return the sum of pixels of AB magnitudes, float or ndarray."""
        return ab_flux(magnitude, self.unit, self.frame.pixel_scale, self.zeropoint)

    def optics(self):
        """Return the PSF, an `Optics`."""
        mosaic = self.settings
        try:
            return Optics.of_width(
                mosaic.telescope, mosaic.wavelength, mosaic.pixel_scale, mosaic.psf_fwhm
            )
        except ValueError as error:
            key = f"acquire.simulated.mosaics.{self.name}.psf_fwhm"
            raise SettingsError(key, mosaic.psf_fwhm, f"{error}; give a larger width") from error

    def scene(self):
        """Return the light of all objects near the image, a `Scene`."""
        return self.scene_on(self.frame, self.rms)

    def scene_on(self, frame, rms, offset=(0.0, 0.0)):
        """
        Return the light of all objects near another grid of pixels.

        Parameters
        ----------
        frame : Frame or ChipFrame
            Pixel grid.
        rms : float
            Noise of its pixels, in this image's unit.
        offset : (float, float), optional
            Where its middle lies from the sky's, east and north [arcsec].

        Returns
        -------
        scene : Scene
            Through the same telescope and band.
        """
        table = _objects(self._sky, self.seed, _MARGIN, offset)
        fluxes = tuple(self.flux(part) for part in magnitude_at(table, self.settings.wavelength))
        return Scene(table, fluxes, frame, self.optics(), rms, self.seed)

    def hits(self):
        """Return the hits, see `simulated_rendering.hits`."""
        density = self.settings.hit_density
        return hits(self.seed, self.name, density, self.frame, self.rms)

    def strip(self, scene, marks, y0, y1):
        """
        Render a strip of rows.

        Parameters
        ----------
        scene : Scene
            As returned by `scene`.
        marks : tuple of ndarray
            As returned by `hits`.
        y0, y1 : int
            Rows y0 to y1 - 1.

        Returns
        -------
        planes : dict of str to ndarray of float64, shape (y1 - y0, width)
            ``science``, its noise ``rms`` and the sky's inverse variance ``weight``.  In
            the unexposed border the weight is 0; science and rms are 0 there in the
            format hlf and NaN in i2d, as in the archives.
        """
        light = scene.light(y0, y1)
        # The sum of many stamps may fall below zero by rounding.
        rms = self.rms * np.sqrt(1 + np.maximum(light, 0) / self.sky_level)
        grain = noise(
            self.seed, self.name, y0, y1, self.frame.width, self.settings.noise_correlation
        )
        science = light + rms * grain
        if self.settings.format == "i2d":
            science += self.background(y0, y1)
        _, row, column, charge, second = marks
        here = (row >= y0) & (row < y1)
        np.add.at(science, (row[here] - y0, column[here]), charge[here])
        np.add.at(science, (row[here] - y0, column[here] + 1), second[here])
        planes = {"science": science, "rms": rms, "weight": np.full_like(rms, self.rms**-2)}
        for name, plane in planes.items():
            blank = np.nan if self.settings.format == "i2d" and name != "weight" else 0.0
            plane[:, self.frame.width - self.border :] = blank  # west is right
        return planes

    def background(self, y0, y1):
        """
        Return the sky left in the image (format i2d): a level and a slow gradient.

        Parameters
        ----------
        y0, y1 : int
            Rows y0 to y1 - 1.

        Returns
        -------
        sky : ndarray of float64, shape (y1 - y0, width)
            Surface brightness [MJy/sr].
        """
        across = np.arange(self.frame.width) / self.frame.width - 0.5
        along = np.arange(y0, y1)[:, None] / self.frame.height - 0.5
        return self.sky_level * (1 + _GRADIENT * (across + along))

    def instrument_cards(self):
        """Return telescope, instrument and filter, an `astropy.io.fits.Header`."""
        mosaic = self.settings
        header = fits.Header()
        header["TELESCOP"] = mosaic.telescope.upper()
        instrument, _, detector = mosaic.instrument.partition("/")
        header["INSTRUME"] = instrument
        if detector:
            header["DETECTOR"] = detector
        header["FILTER"] = mosaic.band
        header["SIMULATE"] = (True, "simulated sky of galrestore")
        return header

    def photometry_cards(self):
        """Return the flux scale (electron/s), an `astropy.io.fits.Header`."""
        pivot = self.settings.wavelength * 1e4
        header = fits.Header()
        # Definition of the AB system in terms of flux per wavelength.
        flam = 10 ** (-0.4 * (self.zeropoint + 21.10 + 5 * np.log10(pivot) - 18.6921))
        header["PHOTFLAM"] = (flam, "[erg/s/cm2/Angstrom/(electron/s)]")
        header["PHOTPLAM"] = (pivot, "[Angstrom] pivot wavelength")
        header["ABMAG"] = (self.zeropoint, "magnitude of 1 electron/s")
        return header


def render_mosaic(name, sky, seed, science, weight, provenance, strip=_STRIP):
    """
    Render one mosaic and describe it.

    Parameters
    ----------
    name : str
        Name of the mosaic.
    sky : SimulatedSky
        Settings of the sky; must hold the mosaic.
    seed : int
        Seed of the run.
    science : str or Path
        FITS file to write: ``_sci`` (format hlf) or ``_i2d``.
    weight : str or Path or None
        FITS file of inverse variances; format hlf only.
    provenance : Provenance
        Stored in the files.
    strip : int, optional
        Rows rendered at once; no influence on the result.

    Returns
    -------
    row : dict
        Manifest row, contract ``manifest``.

    Raises
    ------
    SettingsError
        See `SimulatedImage`; and if the format needs a weight file and none is named.
    """
    image = SimulatedImage(name, sky, seed)
    if image.settings.format == "hlf" and weight is None:
        key = f"acquire.simulated.mosaics.{name}.format"
        raise SettingsError(key, "hlf", "needs a file for the weights, option --weight")
    scene, marks = image.scene(), image.hits()
    shape = (image.frame.height, image.frame.width)
    logger.info(
        "%s: %d x %d pixels, %d objects, %d hits, noise %.4g %s",
        name,
        *shape,
        len(scene),
        len(marks[0]),
        image.rms,
        image.unit,
    )
    layout = _layout(image, science, weight)
    with contextlib.ExitStack() as stack:
        files = {
            path: stack.enter_context(_writer(image, path, layout, provenance))
            for path in dict.fromkeys(path for path, _, _ in layout)
        }
        for y0 in track(range(0, shape[0], strip), f"simulate {name}"):
            planes = image.strip(scene, marks, y0, min(y0 + strip, shape[0]))
            for path, extension, plane in layout:
                files[path].write(extension, y0, 0, planes[plane])
    return manifest_row(image, science, weight)


def truth(sky, seed):
    """
    Return what the simulated mosaics show.

    Parameters
    ----------
    sky : SimulatedSky
        Settings of the sky.
    seed : int
        Seed of the run.

    Returns
    -------
    table : pandas.DataFrame
        Objects within the sky's extent and hits, contract ``truth``.
    """
    table = _objects(sky, seed, 0.0)
    table["mosaic"] = ""
    table["ra"], table["dec"] = deproject(table.xi, table.eta, sky.ra, sky.dec)
    names = sorted(sky.mosaics)
    for name in names:
        table[f"magnitude_{name}"] = magnitude_at(table, sky.mosaics[name].wavelength)[0]
    struck = [_hit_rows(SimulatedImage(name, sky, seed)) for name in names]
    table = pd.concat([table, *(rows for rows in struck if len(rows))], ignore_index=True)
    for name in ("n_knots", "companion_of"):
        table[name] = table[name].astype(np.int64)
    return table[[column.name for column in truth_columns(names)]]


def _objects(sky, seed, margin, offset=(0.0, 0.0)):
    x, y = sky.width / 2 + margin, sky.height / 2 + margin
    east, north = offset
    return objects(seed, sky.population, (east - x, east + x), (north - y, north + y))


def _hit_rows(image):
    ident, row, column, charge, second = image.hits()
    ra, dec = image.frame.wcs().all_pix2world(column, row, 0)
    # Above all ids of galaxies and stars, and apart from those of other mosaics.
    above = (0x4000 | zlib.crc32(image.name.encode()) & 0x3FFF) << 48
    rows = pd.DataFrame({"id": above + ident, "kind": "hit", "mosaic": image.name})
    rows["ra"], rows["dec"], rows["n_knots"], rows["companion_of"] = ra, dec, 0, -1
    at_one = image.flux(0.0)
    rows[f"magnitude_{image.name}"] = -2.5 * np.log10((charge + second) / at_one)
    return rows


def _layout(image, science, weight):
    """File, extension and plane (see `SimulatedImage.strip`) of each image written."""
    if image.settings.format == "hlf":
        return [(science, "PRIMARY", "science"), (weight, "PRIMARY", "weight")]
    planes = {"SCI": "science", "ERR": "rms", "WHT": "weight"}
    return [(science, extension, plane) for extension, plane in planes.items()]


def _writer(image, path, layout, provenance):
    """Return the writer of one file of the layout."""
    extensions = [extension for other, extension, _ in layout if other == path]
    if image.settings.format == "hlf":
        headers = {"PRIMARY": image.instrument_cards() + _hlf_cards(image)}
    else:
        headers = {name: _i2d_cards(image, name) for name in extensions}
        headers["PRIMARY"] = image.instrument_cards()
    shape = (image.frame.height, image.frame.width)
    return MosaicWriter(path, dict.fromkeys(extensions, shape), headers, provenance)


def _hlf_cards(image):
    header = image.frame.wcs().to_header()
    header["BUNIT"] = "electron/s"
    header["EXPTIME"] = (image.exposure, "[s] effective exposure time")
    header.extend(image.photometry_cards())
    return header


def _i2d_cards(image, name):
    area = image.frame.pixel_scale**2
    header = image.frame.wcs().to_header()
    header["BUNIT"] = {"WHT": ""}.get(name, "MJy/sr")
    header["PIXAR_SR"] = (area * SR_PER_ARCSEC2, "[sr] area of a pixel")
    header["PIXAR_A2"] = (area, "[arcsec2] area of a pixel")
    return header


def manifest_row(image, science, weight):
    """
    Describe a simulated mosaic.

    Parameters
    ----------
    image : SimulatedImage
        The mosaic.
    science, weight : str or Path
        Its files; no weight for the format i2d.

    Returns
    -------
    row : dict
        Manifest row, contract ``manifest``.
    """
    mosaic, hlf = image.settings, image.settings.format == "hlf"
    digest = sha256_of(science)
    return {
        "mosaic": image.name,
        "telescope": mosaic.telescope,
        "instrument": mosaic.instrument,
        "band": mosaic.band,
        "field": FIELD,
        "science": str(science),
        "science_hdu": "0" if hlf else "SCI",
        "weight": str(weight if hlf else science),
        "weight_hdu": "0" if hlf else "ERR",
        "weight_kind": "inverse_variance" if hlf else "rms",
        "unit": image.unit,
        "pixel_scale": mosaic.pixel_scale,
        "psf_fwhm": mosaic.psf_fwhm,
        "has_wcs": True,
        "height": image.frame.height,
        "width": image.frame.width,
        "images": 1,
        "science_sha256": digest,
        "weight_sha256": sha256_of(weight) if hlf else digest,
    }

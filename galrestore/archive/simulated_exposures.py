"""
Simulated exposures: what ACS/WFC records of the simulated sky, in the archive's format.

A chip sees objects, sky and dark current through its distortion; it gathers whole
electrons with their Poisson noise, cosmic rays and read noise.  The file is calibrated
as the archive's: bias and dark current are gone (hot pixels leave a rest), the flat
field makes the sky flat, and the sky is left in.
"""

import numpy as np
from astropy.io import fits

from galrestore.archive.simulated import SimulatedImage, manifest_row
from galrestore.archive.simulated_cosmic_rays import cosmic_rays
from galrestore.archive.simulated_detector import (
    NOMINAL_SCALE,
    ChipFrame,
    Pointing,
    chip_wcs,
    distortion_hdus,
    hot_pixels,
)
from galrestore.archive.simulated_frame import Frame, deproject
from galrestore.files.atomic import atomic
from galrestore.files.checksums import seal
from galrestore.files.cubes import provenance_header
from galrestore.files.exposures import DataQuality
from galrestore.progress import track
from galrestore.provenance import sha256_of
from galrestore.rng import stream
from galrestore.synthesis.blot import pixel_map_and_areas

__all__ = ["HITS", "SimulatedExposureSet", "write_exposures"]

HITS = "HITS"  # extension with the charge of cosmic rays, the truth about them
_HOT, _WARM = 0.14, 0.06  # currents from which pixels are flagged [electron/s]
_SEEN = 3.0  # a pixel counts as hit from so many sigma


class SimulatedExposureSet:
    """
    A set of exposures of the simulated sky.

    Parameters
    ----------
    name : str
        Name of the set.
    sky : SimulatedSky
        Settings of the sky; must hold the set and the mosaic whose filter it shares.
    seed : int
        Seed of the run.

    Attributes
    ----------
    image : SimulatedImage
        The mosaic whose filter the set shares.
    """

    def __init__(self, name, sky, seed):
        self.name, self.settings, self.seed = name, sky.exposures[name], seed
        self._sky = sky
        self.image = SimulatedImage(self.settings.mosaic, sky, seed)

    def __len__(self):
        return len(self.settings.exposure_times)

    @property
    def shape(self):
        """Rows and columns of a chip, a tuple of int."""
        return self.settings.rows, self.settings.columns

    def rms(self):
        """Return the noise of a pixel of all exposures together [electron/s]."""
        settings = self.settings
        total = sum(settings.exposure_times)
        variance = (settings.sky + settings.dark) * total + len(self) * settings.read_noise**2
        return np.sqrt(variance) / total

    def pointing(self, number):
        """
        Return where an exposure points.

        Parameters
        ----------
        number : int
            Exposure, from 0.

        Returns
        -------
        pointing : Pointing
            Within the dither of the centre of the sky.
        """
        rng = stream(self.seed, f"acquire.pointing.{self.name}", number)
        offset = self.settings.offset + rng.uniform(-1, 1, 2) * self.settings.dither
        ra, dec = deproject(*offset, self._sky.ra, self._sky.dec)
        rolls = self.settings.roll_angles
        return Pointing(float(ra), float(dec), rolls[number % len(rolls)])

    def wcs(self, number, version):
        """Return the WCS of chip ``version`` (from 1) in exposure ``number`` (from 0)."""
        settings = self.settings
        return chip_wcs(self.shape, settings.gap, settings.chips, version, self.pointing(number))

    def mosaic_frame(self):
        """Return the smallest grid of the set's mosaic, a `Frame` that holds all chips."""
        centre = deproject(*self.settings.offset, self._sky.ra, self._sky.dec)
        centre = tuple(float(angle) for angle in centre)
        plane = Frame(*centre, self.settings.pixel_scale, 1, 1)
        half = 0.0
        for number in range(len(self)):
            for version in range(1, self.settings.chips + 1):
                corners = self.wcs(number, version).calc_footprint(axes=self.shape[::-1])
                x, y = plane.wcs().wcs_world2pix(*corners.T, 0)
                half = np.maximum(half, [np.abs(y).max(), np.abs(x).max()])
        height, width = (2 * half + 1) * self.settings.pixel_scale
        scale = self.settings.pixel_scale
        return Frame.covering(*centre, height, width, scale)

    def mosaic_cards(self):
        """Return instrument and flux scale of the set's mosaic, a `fits.Header`."""
        header = self.image.instrument_cards()
        header.extend(self.image.photometry_cards())
        return header

    def manifest_row(self, science, weight):
        """
        Describe the set's mosaic.

        Parameters
        ----------
        science, weight : Path
            Its files.

        Returns
        -------
        row : dict
            Manifest row, contract ``manifest``.
        """
        frame = self.mosaic_frame()
        return manifest_row(self.image, science, weight) | {
            "mosaic": self.name,
            "pixel_scale": frame.pixel_scale,
            "height": frame.height,
            "width": frame.width,
        }

    def light(self, number, version):
        """
        Render the sky without noise as a chip sees it.

        Parameters
        ----------
        number : int
            Exposure, from 0.
        version : int
            Chip, from 1.

        Returns
        -------
        light : ndarray of float64, shape (H, W)
            Flux in each pixel, objects only [electron/s].
        areas : ndarray of float64, shape (H, W)
            Area of each pixel over that of the nominal one.
        """
        wcs = self.wcs(number, version)
        plane = self.image.frame.wcs()
        window = (0, self.shape[0], 0, self.shape[1])
        _, areas = pixel_map_and_areas(wcs, plane, window)
        areas *= (self.image.frame.pixel_scale / NOMINAL_SCALE) ** 2
        frame = ChipFrame(wcs, self.shape, self._sky.ra, self._sky.dec)
        scene = self.image.scene_on(frame, self.rms(), self.settings.offset)
        return scene.light(0, self.shape[0]), areas

    def planes(self, number, version):
        """
        Expose a chip.

        Parameters
        ----------
        number : int
            Exposure, from 0.
        version : int
            Chip, from 1.

        Returns
        -------
        planes : dict of str to ndarray, shape (H, W)
            ``SCI`` and ``ERR`` [electron], ``DQ`` (bits of `DataQuality`; cosmic rays are
            not flagged) and ``HITS``, the charge of cosmic rays [electron]; all but
            ``DQ`` flat-fielded.
        """
        settings, time = self.settings, self.settings.exposure_times[number]
        light, areas = self.light(number, version)
        hot = hot_pixels(self.seed, self.shape, version, settings.hot_fraction)
        rng = stream(self.seed, f"acquire.exposure.{self.name}", number, version)
        rate = np.maximum(light, 0) + settings.sky * areas + settings.dark + hot
        hits = cosmic_rays(rng, self.shape, time, settings.cosmic_ray_rate)
        charge = rng.poisson(rate * time) + hits
        read = charge + rng.normal(0, settings.read_noise, self.shape)
        dark = (settings.dark + (1 - settings.hot_residual) * hot) * time
        error = np.sqrt(np.maximum(read, 0) + settings.read_noise**2)
        flags = np.where(hot >= _WARM, int(DataQuality.WARM), 0)
        flags[hot >= _HOT] = DataQuality.HOT
        flags[charge >= settings.full_well] |= DataQuality.SATURATED
        planes = {"SCI": (read - dark) / areas, "ERR": error / areas, HITS: hits / areas}
        planes = {key: plane.astype(np.float32) for key, plane in planes.items()}
        return planes | {"DQ": flags.astype(np.int16)}


def write_exposures(name, sky, seed, paths, provenance):
    """
    Render a set of exposures and write them.

    Parameters
    ----------
    name : str
        Name of the set.
    sky : SimulatedSky
        Settings of the sky; must hold the set.
    seed : int
        Seed of the run.
    paths : sequence of Path
        FITS file of each exposure, ``_flc``.
    provenance : Provenance
        Stored in the files.

    Returns
    -------
    rows : list of dict
        One row for each exposure, contract ``exposures``.

    Raises
    ------
    ValueError
        If there are not as many files as exposures.
    """
    exposures = SimulatedExposureSet(name, sky, seed)
    if len(paths) != len(exposures):
        msg = f"{len(paths)} files for the {len(exposures)} exposures of {name}"
        raise ValueError(msg)
    rows = []
    for number, path in enumerate(track(paths, f"expose {name}")):
        hdus, tables, share = [_primary(exposures, number, provenance)], [], []
        for version in range(1, exposures.settings.chips + 1):
            cards, more = distortion_hdus(exposures.wcs(number, version), version)
            planes = exposures.planes(number, version)
            hdus += _chip_hdus(exposures, planes, cards, version)
            tables += more
            share.append(np.mean(planes[HITS] > _SEEN * planes["ERR"]))
        with atomic(path) as part:
            seal(hdus + tables).writeto(part, overwrite=True)
        rows.append(_row(exposures, number, path) | {"hit_share": float(np.mean(share))})
    return rows


def _row(exposures, number, path):
    settings, image = exposures.settings, exposures.image
    return {
        "set": exposures.name,
        "number": number,
        "file": str(path),
        "instrument": image.settings.instrument,
        "band": image.settings.band,
        "zeropoint": float(image.zeropoint),
        "exposure_time": settings.exposure_times[number],
        "roll": exposures.pointing(number).roll,
        "chips": settings.chips,
        "height": settings.rows,
        "width": settings.columns,
        "sha256": sha256_of(path),
    }


def _chip_hdus(exposures, planes, cards, version):
    hdus = []
    for name in ("SCI", "ERR", "DQ", HITS):
        header = cards.copy() if name == "SCI" else fits.Header()
        if name != "DQ":
            header["BUNIT"] = "ELECTRONS"
        header["CCDCHIP"] = exposures.settings.chips + 1 - version
        if name == "SCI":
            header["IDCSCALE"] = (NOMINAL_SCALE, "[arcsec] side of a nominal pixel")
            header.update(exposures.image.photometry_cards())
        hdus.append(fits.ImageHDU(planes[name], header, name=name, ver=version))
    return hdus


def _primary(exposures, number, provenance):
    settings, mosaic = exposures.settings, exposures.image.settings
    header = exposures.image.instrument_cards()
    header["ROOTNAME"] = f"{exposures.name}_{number:02d}"
    header["EXPTIME"] = (settings.exposure_times[number], "[s]")
    header["PA_APER"] = (exposures.pointing(number).roll, "[deg] position angle of columns")
    header["FILTER1"], header["FILTER2"] = mosaic.band, "CLEAR2L"
    for amplifier in "ABCD"[: 2 * settings.chips]:
        header[f"READNSE{amplifier}"] = (settings.read_noise, "[electron]")
    header.extend(provenance_header(provenance))
    return fits.PrimaryHDU(header=header)

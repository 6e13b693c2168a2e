"""
What an exposure would show if nothing but a JWST-like PSF came between sky and detector.

The truth about single exposures: the same light in the same filter on the same pixels,
without noise, through JWST's aperture.
"""

import dataclasses

import numpy as np
from astropy.io import fits

from galrestore.archive.simulated import SimulatedImage
from galrestore.archive.simulated_detector import NOMINAL_SCALE
from galrestore.archive.simulated_exposures import SimulatedExposureSet
from galrestore.files.atomic import atomic
from galrestore.files.checksums import seal
from galrestore.files.cubes import provenance_header

__all__ = ["write_truth"]


class _SharpImage(SimulatedImage):
    """A mosaic of one telescope, seen through the PSF of another."""

    def __init__(self, name, sky, seed, sharp):
        super().__init__(name, sky, seed)
        self._sharp = SimulatedImage(sharp, sky, seed).optics()

    def optics(self):
        """Return the other's PSF, on pixels of the detector."""
        return dataclasses.replace(self._sharp, pixel_scale=NOMINAL_SCALE)


def write_truth(name, sky, seed, number, sharp, path, provenance):
    """
    Render the truth about one exposure and write it.

    Parameters
    ----------
    name : str
        Set of exposures.
    sky : SimulatedSky
        Settings of the sky; must hold the set, its mosaic and the sharp one.
    seed : int
        Seed of the run.
    number : int
        Exposure, from 0.
    sharp : str
        Mosaic whose PSF the truth has.
    path : Path
        FITS file to write: an extension ``TRUTH`` for each chip, flat-fielded electrons
        without sky, as the exposure has them.
    provenance : Provenance
        Stored in the file.
    """
    exposures = SimulatedExposureSet(name, sky, seed)
    exposures.image = _SharpImage(exposures.settings.mosaic, sky, seed, sharp)
    time = exposures.settings.exposure_times[number]
    hdus = [fits.PrimaryHDU(header=provenance_header(provenance))]
    for version in range(1, exposures.settings.chips + 1):
        light, areas = exposures.light(number, version)
        plane = (light * time / areas).astype(np.float32)
        hdus.append(fits.ImageHDU(plane, name="TRUTH", ver=version))
        hdus[-1].header["BUNIT"] = "ELECTRONS"
    with atomic(path) as part:
        seal(hdus).writeto(part, overwrite=True)

"""Deep mosaic of a set of exposures, written as the archives write theirs."""

import contextlib

import numpy as np
from astropy.io import fits

from galrestore.files.atomic import atomic
from galrestore.files.cubes import provenance_header
from galrestore.files.exposures import read_exposure
from galrestore.files.mosaic_writer import MosaicWriter
from galrestore.progress import track
from galrestore.synthesis.combination import combine_exposures, layer_of

__all__ = ["MASK", "write_deep_mosaic"]

MASK = "HIT"  # extension with the pixels of a chip that the comparison rejected
_STRIP = 2048  # rows of the mosaic made at once


def write_deep_mosaic(
    paths, frame, files, cards, provenance, kernel="square", pixfrac=1.0, strip=_STRIP
):
    """
    Drizzle exposures onto one mosaic, cosmic rays rejected by comparison.

    Parameters
    ----------
    paths : sequence of Path
        Exposures, ``_flt`` or ``_flc``.
    frame : Frame
        Pixel grid of the mosaic.
    files : (Path, Path, Path)
        FITS files to write: science [electron/s], weight (inverse variance without
        sources), and rejected pixels: one extension ``HIT`` for each chip of each
        exposure, numbered in the order of exposures and chips.
    cards : astropy.io.fits.Header
        For science and weight: instrument and photometry.
    provenance : Provenance
        Stored in the files.
    kernel, pixfrac
        As in `galrestore.synthesis.drizzling.drizzle_exposures`.
    strip : int, optional
        Rows made at once.

    Returns
    -------
    hits : list of list of ndarray of bool
        Pixels rejected in each chip of each exposure.

    Raises
    ------
    InputError
        If an exposure cannot be read.
    """
    exposures, total = [], 0.0
    for path in track(paths, "read exposures"):
        chips = read_exposure(path).chips
        exposures.append([layer_of(chip) for chip in chips])
        total += chips[0].exposure_time
    hits = [[np.zeros(layer.rate.shape, bool) for layer in chips] for chips in exposures]
    shape, wcs = (frame.height, frame.width), frame.wcs()
    header = wcs.to_header()
    header.extend(cards)
    header["BUNIT"] = "electron/s"
    header["EXPTIME"] = (total, "[s] of all exposures")
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(
                MosaicWriter(path, {"PRIMARY": shape}, {"PRIMARY": header}, provenance)
            )
            for path in files[:2]
        ]
        for y0 in track(range(0, shape[0], strip), "drizzle"):
            window = (y0, min(y0 + strip, shape[0]), 0, shape[1])
            *images, found = combine_exposures(exposures, wcs, window, kernel, pixfrac)
            for writer, image in zip(writers, images, strict=True):
                writer.write("PRIMARY", y0, 0, image)
            for masks, more in zip(hits, found, strict=True):
                for mask, other in zip(masks, more, strict=True):
                    mask |= other
    _write_masks(files[2], hits, provenance)
    return hits


def _write_masks(path, hits, provenance):
    hdus = [fits.PrimaryHDU(header=provenance_header(provenance))]
    for masks in hits:
        for mask in masks:
            hdus.append(fits.ImageHDU(mask.astype(np.uint8), name=MASK, ver=len(hdus)))
    with atomic(path) as part:
        fits.HDUList(hdus).writeto(part, overwrite=True)

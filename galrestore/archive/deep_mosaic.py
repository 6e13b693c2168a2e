"""Deep mosaic of a set of exposures, written as the archives write theirs."""

import contextlib

import numpy as np
from astropy.io import fits

from galrestore.errors import InputError
from galrestore.files.atomic import atomic
from galrestore.files.checksums import seal
from galrestore.files.cubes import provenance_header
from galrestore.files.exposures import read_exposure
from galrestore.files.images import open_fits, reading, require_whole
from galrestore.files.mosaic_writer import MosaicWriter
from galrestore.progress import track
from galrestore.synthesis.combination import combine_exposures, layer_of

__all__ = ["MASK", "read_hits", "write_deep_mosaic"]

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


def read_hits(path, number, chips):
    """
    Read the pixels of one exposure that the comparison rejected.

    Parameters
    ----------
    path : str or Path
        Third of the files that `write_deep_mosaic` writes.
    number : int
        Exposure, from 0.
    chips : int
        Chips of an exposure.

    Returns
    -------
    hits : list of ndarray of bool, shape (H, W)
        One mask for each chip; see `galrestore.files.exposures.Chip.flagged`.

    Raises
    ------
    InputError
        If the file has no such masks or cannot be read.
    """
    hits = []
    with open_fits(path) as hdus, reading(path):
        for version in range(number * chips + 1, (number + 1) * chips + 1):
            if (MASK, version) not in hdus:
                raise InputError(path, f"has no extension {MASK},{version}", "run stage expose")
            require_whole(path, hdus[MASK, version])
            hits.append(hdus[MASK, version].data != 0)
    return hits


def _write_masks(path, hits, provenance):
    hdus = [fits.PrimaryHDU(header=provenance_header(provenance))]
    for masks in hits:
        for mask in masks:
            hdus.append(fits.ImageHDU(mask.astype(np.uint8), name=MASK, ver=len(hdus)))
    with atomic(path) as part:
        seal(hdus).writeto(part, overwrite=True)

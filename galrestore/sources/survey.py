"""
From a mosaic to a catalogue and stamps.

Sources are found strip by strip (`galrestore.sources.scanning`) and then measured tile by
tile.  A source belongs to the tile whose core holds the pixel of its barycentre, and each
tile is read with a margin that holds all that its measurements reach.  So the catalogue
is the same, bit by bit, whatever the size of the tiles.
"""

import logging
import zlib
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from galrestore.progress import track
from galrestore.sources import measurement, stamps
from galrestore.sources.background import measure_background
from galrestore.sources.detection import Detections, Window
from galrestore.sources.rejection import (
    counts,
    first_rejections,
    local_rejections,
    rejection_psf,
)
from galrestore.sources.scanning import scan
from galrestore.sources.stars import fit_star_locus
from galrestore.sources.tiles import grown, tiles

__all__ = ["Selection", "object_ids", "select", "survey"]

logger = logging.getLogger(__name__)

_NOISE_SIGMAS = 3.0
_TINY = np.finfo(np.float32).tiny
_MEASURED = {
    **dict.fromkeys(("kron_radius", "flux_auto", "fluxerr_auto", "r50", "snr"), np.nan),
    **dict.fromkeys(("coverage", "noise", "neighbour_ratio", "gradient_ratio"), np.nan),
    **dict.fromkeys(("flux_stamp", "sky", "sky_rms"), np.nan),
    "cut_off": False,
}


@dataclass(frozen=True)
class Selection:
    """
    What was found on a mosaic.

    Attributes
    ----------
    table : pandas.DataFrame
        Catalogue (contract `galrestore.files.contracts.catalogue.CATALOGUE`).
    cube : ndarray of float32, shape (N, S, S)
        Stamps of the accepted sources, in the order of the catalogue [unit of the
        mosaic]; NaN outside the w x w pixels of HST stamps.
    ids : ndarray of int64, shape (N,)
        Objects of the stamps.
    """

    table: pd.DataFrame
    cube: np.ndarray
    ids: np.ndarray


def select(images, settings, seed, tile):
    """
    Select sources of all images of a mosaic and cut their stamps.

    Parameters
    ----------
    images : iterable of galrestore.files.mosaics.Mosaic
        The mosaic, or one after the other all images of a file with one galaxy cutout
        in each: of those, only the source nearest to the centre is accepted.
    settings : galrestore.config.select.Select
        Thresholds and limits.
    seed : int
        Seed of the run, for padding.
    tile : int
        Side of the windows [pixel]; without influence on the result.

    Returns
    -------
    selection : Selection
        Catalogue and stamps.
    """
    parts, cutouts = [], []
    for index, image in enumerate(images):
        several = image.n_images > 1
        table, kept = survey(image, settings, tile, quiet=several)
        table["reject_offcentre"] = several
        if several and len(table):
            table.loc[_nearest(table, image.shape), "reject_offcentre"] = False
        for name in ("telescope", "band", "field", "pixel_scale"):
            table[name] = getattr(image, name)
        parts.append(table.assign(image=index, mosaic=image.name))
        cutouts += kept
    table = pd.concat(parts, ignore_index=True)
    mosaic = image
    table["id"] = object_ids(mosaic.name, len(table))
    table["reject_star"] = _stars(table, mosaic, settings)
    table["rejected_by"] = first_rejections(table)
    logger.info("%s: %s", mosaic.name, counts(table["rejected_by"]))
    cube, ids = _accepted(table, cutouts, mosaic.telescope, settings, seed)
    return Selection(table.drop(columns=["sky", "sky_rms", "cut_off"]), cube, ids)


def survey(image, settings, tile, quiet=False):
    """
    Detect, measure and judge the sources of one image.

    Parameters
    ----------
    image : galrestore.files.mosaics.Mosaic
        The image.
    settings : galrestore.config.select.Select
        Thresholds and limits.
    tile : int
        Side of the windows [pixel].
    quiet : bool, optional
        Whether to show no progress.

    Returns
    -------
    table : pandas.DataFrame
        Sources ordered by y and x, spurious ones left out; without the columns that
        `select` adds.
    cutouts : list of ndarray of float32 or None
        For each source the stamp as cut, None where it is rejected already.
    """
    background = measure_background(
        image.shape, image.window, settings.background_mesh, settings.background_filter
    )
    cores = list(tiles(image.shape, tile))
    strips = cores if quiet else track(cores, f"{image.name}: find")
    found = scan(image.shape, partial(_read, image, background), strips, settings)
    tables, cutouts = [], []
    for core in cores if quiet else track(cores, f"{image.name}: measure"):
        table, kept = _tile(image, background, found, core, settings)
        tables.append(table)
        cutouts += kept
    table = pd.concat(tables, ignore_index=True)
    order = np.lexsort((table["x"], table["y"]))
    table = table.iloc[order].reset_index(drop=True)
    cutouts = [cutouts[i] for i in order]
    table["ra"], table["dec"] = image.sky(table["x"].to_numpy(), table["y"].to_numpy())
    return table[_columns()], cutouts


def object_ids(mosaic, count):
    """
    Return the ids of a mosaic's sources.

    Parameters
    ----------
    mosaic : str
        Name of the mosaic.
    count : int
        Number of sources.

    Returns
    -------
    ids : ndarray of int64, shape (count,)
        31 bits from the name, 31 bits of running number.
    """
    return ((zlib.crc32(mosaic.encode()) & 0x7FFF_FFFF) << 31) | np.arange(count, dtype=np.int64)


def _columns():
    return [
        *("x", "y", "ra", "dec", "psf_fwhm", "a", "b", "theta", "area", "flux_iso", "fluxerr_iso"),
        *("peak", "background"),
        *("rms", "stamp_width", "flags", *_MEASURED),
        *(f"reject_{name}" for name in ("edge", "width", "small", "faint", "noisy")),
        *(f"reject_{name}" for name in ("neighbour", "gradient", "truncated")),
    ]


def _tile(image, background, found, core, settings):
    """Survey one tile: sources whose barycentres lie in its core, with their stamps."""
    reach = measurement.measuring_reach(settings.maximum_width)
    box = grown(core, reach, image.shape)
    segments, roles = found.window(box)
    window = replace(_read(image, background, box), roles=roles)
    return _measured(image, window, Detections(found.table, found.runs, segments), core, settings)


def _read(image, background, box):
    """Read a window and subtract its background; the noise is the map's, or one number."""
    science, noise, mask = image.window(*box)
    level, mapped = background.window(*box), noise is not None
    if not mapped:
        noise = background.noise(*science.shape)
    elif image.weight_kind == "inverse_variance":
        noise *= np.float32(background.noise_scale)
    np.maximum(noise, _TINY, out=noise)
    data = science - level
    if mask.any():
        science[mask] = np.nan
        data[mask] = 0
    return Window(
        *(box[0], box[2], image.shape, science, data, noise, mask, level),
        noise_is_mapped=mapped,
    )


def _measured(image, window, found, core, settings):
    """Measure the sources of a core, and judge what can be judged at once."""
    table = found.table
    y0, y1, x0, x1 = core
    row, column = stamps.corner(table["y"], 0), stamps.corner(table["x"], 0)
    inside = (row >= y0) & (row < y1) & (column >= x0) & (column < x1)
    row, column = row[inside] - window.y0, column[inside] - window.x0
    table = table[inside].reset_index(drop=True)
    table["stamp_width"] = measurement.stamp_width(table["a"])
    table["area"], table["flux_iso"] = table["tnpix"], table["flux"]
    table["fluxerr_iso"] = np.sqrt(table["variance"])
    fwhm = image.psf_fwhm / image.pixel_scale
    table["psf_fwhm"] = rejection_psf(image.telescope, fwhm, settings)
    table["background"] = window.level[row, column].astype(float)
    table["rms"] = window.noise[row, column].astype(float)
    for name, value in _MEASURED.items():
        table[name] = value
    narrow = np.flatnonzero(table["stamp_width"] <= settings.maximum_width)
    if len(narrow):
        chosen = table.iloc[narrow]
        for name, values in measurement.auto_photometry(window, found.segments, chosen).items():
            table.loc[narrow, name] = values
    cutouts = _stamp_measures(window, found.segments, table, narrow, image.telescope, settings)
    table = table.assign(**local_rejections(table, image.telescope, settings))
    rejected = table.filter(like="reject_").any(axis=1)
    return table, [None if bad else cut for bad, cut in zip(rejected, cutouts, strict=True)]


def _stamp_measures(window, segments, table, narrow, telescope, settings):
    """Fill in the columns that stamps tell, and return the stamps."""
    cutouts = [None] * len(table)
    trim = settings.stamp_size if telescope == "jwst" else settings.maximum_width
    rows = []
    for source in table.iloc[narrow].itertuples():
        width = source.stamp_width
        corner = (
            int(stamps.corner(source.y, width)) - window.y0,
            int(stamps.corner(source.x, width)) - window.x0,
        )
        science, data, labels = (
            stamps.cut(image, *corner, width, blank)
            for image, blank in ((window.science, np.nan), (window.data, 0), (segments, 0))
        )
        rows.append(_stamp_row(source, science, data, labels, trim, settings.truncation_sigma))
        cutouts[source.Index] = science
    if rows:
        measures = pd.DataFrame(rows, index=narrow)
        table[measures.columns] = (
            measures.reindex(table.index).fillna(_MEASURED).astype(measures.dtypes)
        )
    return cutouts


def _stamp_row(source, science, data, labels, trim, truncation_sigma):
    """Measure one stamp; see the contract of the catalogue."""
    valid = np.isfinite(science)
    level, rms = measurement.blank_noise(science, valid & (labels == 0))
    if not np.isfinite(level):
        level, rms = source.background, source.rms
    values = science[valid].astype(float)
    extent = np.ptp(values) if len(values) else 0.0
    middle = len(science) // 2
    peak = source.peak
    # Only what exceeds the noise of a difference is steeper than the PSF.
    steepest = measurement.central_gradient(data, middle, middle)
    gradient = max(steepest - _NOISE_SIGMAS * np.sqrt(2) * rms, 0.0)
    cut_off = False
    if len(science) > trim:
        trimmed, segments = stamps.resized(science, trim), stamps.resized(labels, trim)
        cut_off = stamps.is_truncated(
            trimmed - level, segments, source.label, rms, truncation_sigma
        )
    return {
        "coverage": valid.mean(),
        "noise": rms / extent if extent > 0 else np.nan,
        "neighbour_ratio": measurement.neighbour_peak(data, labels, source.label) / peak,
        "gradient_ratio": gradient / peak / measurement.psf_gradient(source.psf_fwhm),
        "flux_stamp": float(np.sum(values - level)),
        "sky": level,
        "sky_rms": rms,
        "cut_off": cut_off,
    }


def _nearest(table, shape):
    """Index of the source nearest to the centre of an image."""
    dy, dx = table["y"] - (shape[0] - 1) / 2, table["x"] - (shape[1] - 1) / 2
    return int(np.argmin(dy**2 + dx**2))


def _stars(table, mosaic, settings):
    flux, r50, snr = (table[name].to_numpy(float) for name in ("flux_auto", "r50", "snr"))
    clean = table["flags"].to_numpy() == 0
    locus = fit_star_locus(flux, r50, snr, clean, mosaic.psf_fwhm / mosaic.pixel_scale)
    logger.info(
        "%s: star locus at r50 = %.2f pixels, width %.3f in ln r50, from %d stars",
        mosaic.name,
        locus.r50,
        locus.width,
        locus.stars,
    )
    wide = table["reject_width"].to_numpy(bool)
    return locus.contains(r50, snr, settings.star_sigma) & ~wide


def _accepted(table, cutouts, telescope, settings, seed):
    """Cube and ids of the accepted stamps: JWST padded or trimmed, HST as wide as cut."""
    chosen = table[table["rejected_by"] == ""]
    size = settings.stamp_size if telescope == "jwst" else None
    finished = []
    for source in chosen.itertuples():
        stamp = cutouts[source.Index]
        stamp = stamp if size is None else stamps.resized(stamp, size)
        if np.isnan(stamp).any():
            stamp = stamps.fill(stamp, source.sky, source.sky_rms, seed, source.id)
        finished.append(stamp)
    return stamps.assemble(finished, size), chosen["id"].to_numpy(np.int64)

"""
Selection: which sources of a mosaic become stamps, and why the others do not.

All images of a mosaic are surveyed first.  Its stars then show where the star locus lies
and how wide the PSF is, and with that every source is judged.  Stamps are cut later from
what the table says (`galrestore.sources.cutting`), so that memory never holds them all.
"""

import logging
import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
import sep

from galrestore.sources import stamps
from galrestore.sources.psf import PsfWidth, measure_psf, star_side, without_pixel
from galrestore.sources.rejection import (
    counts,
    first_rejections,
    local_rejections,
    rejection_psf,
)
from galrestore.sources.stamp_measures import psf_gradient
from galrestore.sources.stars import RADIUS_NOISE, StarLimits, StarLocus, fit_star_locus
from galrestore.sources.survey import survey

__all__ = ["Selection", "object_ids", "select", "star_row"]

logger = logging.getLogger(__name__)

# Stars that the locus and the PSF are fitted to have no neighbour of more than this part of
# their peak.
_ALONE = 0.1
# Least S/N of the latter: pixels then move the width of a star more than noise does.
_LEAST_SNR = 50.0
# A width that differs so much from the stated one deserves a look.
_SURPRISE = 0.15


@dataclass(frozen=True)
class Selection:
    """
    What was found on a mosaic.

    Attributes
    ----------
    table : pandas.DataFrame
        Catalogue (contract `galrestore.files.contracts.catalogue.CATALOGUE`).
    locus : StarLocus
        Star locus in the size-magnitude diagram.
    psf : PsfWidth
        Width of the PSF.
    about : dict
        ``mosaic, telescope, band, field, pixel_scale`` [arcsec] and ``stated_fwhm`` of
        the PSF [pixel].
    """

    table: pd.DataFrame
    locus: StarLocus
    psf: PsfWidth
    about: dict


def select(images, settings, tile):
    """
    Find, measure and judge the sources of all images of a mosaic.

    Parameters
    ----------
    images : collection of galrestore.files.mosaics.Mosaic
        The mosaic, or all images of a file with one galaxy cutout in each: of those,
        only the source nearest to the centre is accepted.  Gone through twice, one image
        open at a time.
    settings : galrestore.config.select.Select
        Thresholds and limits.
    tile : int
        Side of the windows [pixel]; without influence on the result.

    Returns
    -------
    selection : Selection
        Catalogue, star locus and PSF.
    """
    tables = []
    for index, image in enumerate(images):
        tables.append(_surveyed(image, index, settings, tile))
        about = _description(image)
    table = pd.concat(tables, ignore_index=True)
    name, telescope, stated = (about[key] for key in ("mosaic", "telescope", "stated_fwhm"))
    table["id"] = object_ids(name, len(table))
    locus, star = _stars(table, name, without_pixel(stated), settings)
    psf = _psf(images, table, star, stated, settings)
    _log(name, locus, psf, stated)
    table["reject_star"] = star & ~(table["stamp_width"] > settings.maximum_width)
    table["psf_stars"] = psf.stars
    table["psf_fwhm"] = rejection_psf(telescope, psf.fwhm, settings)
    table["star_fwhm"] = rejection_psf(telescope, psf.star_fwhm, settings)
    table["gradient_ratio"] = table.pop("gradient") / psf_gradient(
        rejection_psf(telescope, psf.fwhm, settings)
    )
    table = table.assign(**local_rejections(table, telescope, settings))
    table["rejected_by"] = first_rejections(table)
    logger.info("%s: %s", name, counts(table["rejected_by"]))
    return Selection(table.drop(columns="cut_off"), locus, psf, about)


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


def star_row(selection, settings):
    """
    Tell in numbers what the stars of a mosaic say.

    Parameters
    ----------
    selection : Selection
        As `select` returns.
    settings : galrestore.config.select.Select
        As given to it.

    Returns
    -------
    row : dict
        Star locus, its limits and the PSF (contract
        `galrestore.files.contracts.stars.STARS`).
    """
    locus, psf, about = selection.locus, selection.psf, selection.about
    return {
        **{name: about[name] for name in ("mosaic", "telescope", "band", "pixel_scale")},
        "locus_r50": locus.r50,
        "locus_width": locus.width,
        "locus_noise": RADIUS_NOISE,
        "locus_sigma": settings.star_sigma,
        "locus_stars": locus.stars,
        "least_snr": locus.limits.least_snr,
        "least_flux": locus.limits.least_flux,
        "largest_flux": locus.limits.largest_flux,
        "faintest": locus.faintest,
        "brightest": locus.brightest,
        "psf_fwhm": psf.fwhm,
        "psf_fwhm_error": psf.error,
        "psf_stars": psf.stars,
        "star_fwhm": psf.star_fwhm,
        "stated_fwhm": about["stated_fwhm"],
    }


def _surveyed(image, index, settings, tile):
    """Survey one image, and say in the table what it is an image of."""
    several = image.n_images > 1
    table = survey(image, settings, tile, quiet=several)
    table["reject_offcentre"] = several
    if several and len(table):
        table.loc[_nearest(table, image.shape), "reject_offcentre"] = False
    about = _description(image)
    del about["stated_fwhm"]
    return table.assign(image=index, radesys=_radesys(image), **about)


def _description(image):
    about = {name: getattr(image, name) for name in ("telescope", "band", "field", "pixel_scale")}
    return about | {"mosaic": image.name, "stated_fwhm": image.psf_fwhm / image.pixel_scale}


def _radesys(image):
    if image.wcs is None:
        if not image.n_images > 1:
            logger.info("%s: no WCS, sources have no place on the sky", image.name)
        return ""
    return image.wcs.wcs.radesys or "ICRS"


def _nearest(table, shape):
    """Index of the source nearest to the centre of an image."""
    dy, dx = table["y"] - (shape[0] - 1) / 2, table["x"] - (shape[1] - 1) / 2
    return int(np.argmin(dy**2 + dx**2))


def _stars(table, name, expected, settings):
    """Fit the star locus, and tell which sources lie on it."""
    flux, r50, snr = (table[column].to_numpy(float) for column in ("flux_auto", "r50", "snr"))
    limits = StarLimits(settings.star_minimum_snr)
    if name in settings.star_magnitudes:
        limits = StarLimits.of_magnitudes(*settings.star_magnitudes[name])
    locus = fit_star_locus(flux, r50, snr, _alone(table), expected, limits)
    return locus, locus.contains(flux, r50, snr, settings.star_sigma)


def _alone(table):
    """Tell which sources are whole and have no neighbour that matters."""
    # In deep images all bright stars have been parted from some faint neighbour.
    sound = (table["flags"].to_numpy(np.int64) & ~sep.OBJ_MERGED) == 0
    return sound & (table["neighbour_ratio"].to_numpy(float) < _ALONE)


def _psf(images, table, star, stated, settings):
    """Measure the PSF on stars without neighbours, evenly spread in brightness."""
    whole = _alone(table) & (table["coverage"] == 1) & (table["snr"] >= _LEAST_SNR)
    rows = np.flatnonzero(star & whole)
    rows = rows[np.argsort(-table["snr"].to_numpy()[rows], kind="stable")]
    count = min(len(rows), settings.psf_stars)
    rows = np.sort(rows[np.linspace(0, len(rows) - 1, count).round().astype(int)])
    chosen, side = table.iloc[rows], star_side(stated)
    pieces = [np.zeros((0, side, side))]
    if count:
        for index, image in enumerate(images):
            here = chosen[chosen["image"] == index]
            pieces += [_star(image, source, side)[None] for source in here.itertuples()]
    dx, dy = (chosen[axis].to_numpy() - stamps.corner(chosen[axis], 0) for axis in "xy")
    return measure_psf(np.concatenate(pieces), dx, dy, stated)


def _star(image, source, side):
    """Pixels around a star above its background, NaN where there are none."""
    y0, x0 = (int(stamps.corner(place, side)) for place in (source.y, source.x))
    box = (max(y0, 0), min(y0 + side, image.shape[0]), max(x0, 0), min(x0 + side, image.shape[1]))
    science, _, mask = image.window(*box)
    science[mask] = np.nan
    return stamps.cut(science, y0 - box[0], x0 - box[2], side, np.nan) - source.background


def _log(name, locus, psf, stated):
    logger.info(
        "%s: star locus at r50 = %.2f pixels, width %.3f in ln r50, from %d stars",
        *(name, locus.r50, locus.width, locus.stars),
    )
    if psf.stars == 0:
        logger.info("%s: PSF of %.2f pixels as stated, too few stars to measure", name, stated)
        return
    logger.info(
        "%s: PSF of %.2f pixels (Gaussian %.3f +- %.3f and pixel), %.2f stated, from %d stars",
        *(name, psf.star_fwhm, psf.fwhm, psf.error, stated, psf.stars),
    )
    if abs(psf.star_fwhm / stated - 1) > _SURPRISE:
        logger.warning(
            "%s: stars are %.2f pixels wide, %.2f is stated; see psf_fwhm of the mosaic",
            *(name, psf.star_fwhm, stated),
        )

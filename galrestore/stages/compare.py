"""Stage ``compare``: fits of all galaxies of a cutout file beside published ones."""

import logging
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config.fit import Fit
from galrestore.errors import InputError
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.published_fits import PUBLISHED_FITS
from galrestore.files.fits_tables import read_column
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import read_table, write_table
from galrestore.measurement.published_fits import published_values
from galrestore.sersic.apparent import apparent_radius
from galrestore.sersic.fitting import fit_sersic
from galrestore.sersic.masks import neighbour_masks
from galrestore.sersic.residuals import blank_residuals
from galrestore.sources.cutouts import (
    meant_source,
    placed,
    source_stamp,
    unsubtracted_radius,
)
from galrestore.sources.psf import without_pixel
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.stages.correlations import measured_correlation
from galrestore.stages.psf_images import psf_of_image
from galrestore.stages.skies import measured_sky

logger = logging.getLogger(__name__)

# Cutouts, from the first on, on which the noise is measured.
_SAMPLE = 200

_COLUMNS = {column.name for column in PUBLISHED_FITS}
_UNDETECTED = {
    "id": -1,
    "rejected_by": "undetected",
    "aperture_r50": np.nan,
    "unsubtracted_r50": np.nan,
}


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--manifest", type=Path, required=True, help="of the cutout file")
    parser.add_argument("--catalogue", type=Path, required=True, help="its sources")
    parser.add_argument("--published", type=Path, required=True, help="FITS table, row by cutout")
    parser.add_argument("--hdu", default="1", help="extension of the table")
    parser.add_argument("--sersic", help="column of published Sersic fits")
    parser.add_argument("--flux-radius", help="column of published half-light radii")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Fit)


def run(args):
    """Run the stage."""
    manifest = read_table(args.manifest, MANIFEST).iloc[0]
    mosaic = manifest["mosaic"]
    sources = read_table(args.catalogue, CATALOGUE).groupby("image")
    published = _published(args, int(manifest["images"]))
    stated = float(manifest["psf_fwhm"] / manifest["pixel_scale"])
    psfs = {"gaussian": without_pixel(stated)}
    file = args.settings.psf_images.get(mosaic)
    if file is not None:
        psfs["image"] = psf_of_image(mosaic, file, args.settings.psf_gaussians)
    tables = []
    for name, psf in psfs.items():
        some = islice(_galaxies(args, sources, mosaic), _SAMPLE)
        correlation = _correlation(some, mosaic, psf, args.settings)
        galaxies = [
            _row(galaxy, psf, correlation, args.settings)
            for galaxy in _galaxies(args, sources, mosaic)
        ]
        tables.append(pd.DataFrame(galaxies).assign(psf=name, **published))
        failed = (tables[-1]["failure"] != "").sum()
        logger.info("%s, PSF %s: %d of %d fits failed", mosaic, name, failed, len(galaxies))
    table = pd.concat(tables, ignore_index=True).assign(mosaic=mosaic)
    inputs = [args.manifest, args.catalogue, args.published, *([Path(file.path)] if file else [])]
    write_table(args.table, table, PUBLISHED_FITS, provenance(args, inputs))


def _published(args, count):
    """Columns of published values of as many galaxies as there are cutouts."""
    named = {"sersic": args.sersic, "flux_radius": args.flux_radius}
    columns = {
        key: read_column(args.published, args.hdu, name) for key, name in named.items() if name
    }
    try:
        return published_values(count, **columns)
    except ValueError as error:
        raise InputError(args.published, str(error), "name the table of these cutouts") from error


def _galaxies(args, sources, mosaic):
    """Yield what is to be fitted of each cutout."""
    for image, pixels in enumerate(_cutouts(args.manifest)):
        yield _galaxy(image, pixels, sources, mosaic, args.settings)


def _cutouts(manifest):
    """Yield the pixels of each cutout, NaN where there are no data."""
    image, count = 0, 1
    while image < count:
        with open_mosaic(manifest, image) as mosaic:
            count = mosaic.n_images
            pixels, _, blank = mosaic.window(0, mosaic.shape[0], 0, mosaic.shape[1])
        pixels[blank] = np.nan
        yield pixels
        image += 1


def _galaxy(image, pixels, catalogue, mosaic, settings):
    """
    Find what stage ``fit`` would fit in a cutout, rejected or not.

    Returns what the row of the table begins with, the stamp, its mask, the row and column at
    which it begins in the cutout, and what is known of the sky.
    """
    sources = catalogue.get_group(image) if image in catalogue.groups else catalogue.head(0)
    target = meant_source(sources)
    if target < 0:
        nothing = np.zeros(pixels.shape, dtype=bool)
        sky = measured_sky(settings, mosaic, sources.head(0))
        return {"image": image} | _UNDETECTED, pixels, nothing, (0, 0), sky
    source = sources.iloc[target]
    ellipses = {name: sources[name].to_numpy() for name in ("x", "y", "a", "b", "theta")}
    mask = neighbour_masks(ellipses, np.array([target]), 2 * max(pixels.shape))[0]
    neighbours = placed(mask, source, pixels.shape)
    stamp, *corner = source_stamp(pixels, source, np.nan)
    mask, *_ = source_stamp(neighbours, source, False)
    given = {
        "image": image,
        "id": source["id"],
        "rejected_by": source["rejected_by"],
        "aperture_r50": source["r50"],
        "unsubtracted_r50": unsubtracted_radius(pixels, neighbours, sources.iloc[[target]]),
    }
    return given, stamp, mask, corner, measured_sky(settings, mosaic, sources.iloc[[target]])


def _correlation(galaxies, mosaic, psf, settings):
    """Measure how the noise of the cutouts is correlated."""
    if settings.noise_lags == 0:
        return None
    left = []
    for _, stamp, mask, _, sky in galaxies:
        fit = _fit(stamp, mask, psf, sky, settings)
        left += list(blank_residuals(stamp[None], fit, psf, mask[None]))
    sides = np.max([(0, 0), *(image.shape for image in left)], axis=0)
    residuals = np.full((len(left), *sides), np.nan)
    for plane, image in zip(residuals, left, strict=True):
        plane[: image.shape[0], : image.shape[1]] = image
    return measured_correlation(residuals, settings.noise_lags, mosaic)


def _row(galaxy, psf, correlation, settings):
    """Fit one galaxy; return its row of the table."""
    given, stamp, mask, corner, sky = galaxy
    fit = _fit(stamp, mask, psf, sky, settings, correlation)
    found = {name: values[0] for name, values in fit.items() if name in _COLUMNS}
    found["apparent_r50"] = apparent_radius(fit["r50"], fit["n"], fit["q"], psf)[0]
    return given | found | {"y": found["y"] + corner[0], "x": found["x"] + corner[1]}


def _fit(stamp, mask, psf, sky, settings, correlation=None):
    return fit_sersic(
        stamp[None],
        psf,
        mask=mask[None],
        sky=sky,
        noise_correlation=correlation,
        index_bounds=settings.index_bounds,
        centre_bound=settings.centre_bound,
        gaussians=settings.gaussians,
        maximum_iterations=settings.maximum_iterations,
    )

"""Stage ``compare``: fits of all galaxies of a cutout file beside published ones."""

import logging
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
from galrestore.sources.cutouts import (
    meant_source,
    placed,
    source_stamp,
    unsubtracted_radius,
)
from galrestore.sources.psf import without_pixel
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.stages.psf_images import psf_of_image
from galrestore.stages.skies import measured_sky

logger = logging.getLogger(__name__)

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
    sources = read_table(args.catalogue, CATALOGUE).groupby("image")
    published = _published(args, int(manifest["images"]))
    stated = float(manifest["psf_fwhm"] / manifest["pixel_scale"])
    psfs = {"gaussian": without_pixel(stated)}
    file = args.settings.psf_images.get(manifest["mosaic"])
    if file is not None:
        psfs["image"] = psf_of_image(manifest["mosaic"], file, args.settings.psf_gaussians)
    tables = []
    for name, psf in psfs.items():
        galaxies = [
            _fit_galaxy(image, pixels, sources, manifest["mosaic"], psf, args.settings)
            for image, pixels in enumerate(_cutouts(args.manifest))
        ]
        tables.append(pd.DataFrame(galaxies).assign(psf=name, **published))
        failed = (tables[-1]["failure"] != "").sum()
        logger.info(
            "%s, PSF %s: %d of %d fits failed", manifest["mosaic"], name, failed, len(galaxies)
        )
    table = pd.concat(tables, ignore_index=True).assign(mosaic=manifest["mosaic"])
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


def _fit_galaxy(image, pixels, catalogue, mosaic, psf, settings):
    """Fit one galaxy as stage ``fit`` does, rejected or not; return its row of the table."""
    sources = catalogue.get_group(image) if image in catalogue.groups else catalogue.head(0)
    target = meant_source(sources)
    if target < 0:
        sky = measured_sky(settings, mosaic, sources.head(0))
        return {"image": image} | _UNDETECTED | _fit(pixels, None, (0, 0), psf, sky, settings)
    source = sources.iloc[target]
    sky = measured_sky(settings, mosaic, sources.iloc[[target]])
    ellipses = {name: sources[name].to_numpy() for name in ("x", "y", "a", "b", "theta")}
    mask = neighbour_masks(ellipses, np.array([target]), 2 * max(pixels.shape))[0]
    neighbours = placed(mask, source, pixels.shape)
    stamp, *corner = source_stamp(pixels, source, np.nan)
    mask, *_ = source_stamp(neighbours, source, False)
    return {
        "image": image,
        "id": source["id"],
        "rejected_by": source["rejected_by"],
        "aperture_r50": source["r50"],
        "unsubtracted_r50": unsubtracted_radius(pixels, neighbours, sources.iloc[[target]]),
    } | _fit(stamp, mask, corner, psf, sky, settings)


def _fit(stamp, mask, corner, psf, sky, settings):
    """Fit one stamp that begins at a row and column of the cutout."""
    fit = fit_sersic(
        stamp[None],
        psf,
        mask=None if mask is None else mask[None],
        sky=sky,
        index_bounds=settings.index_bounds,
        centre_bound=settings.centre_bound,
        gaussians=settings.gaussians,
        maximum_iterations=settings.maximum_iterations,
    )
    found = {name: values[0] for name, values in fit.items() if name in _COLUMNS}
    found["apparent_r50"] = apparent_radius(fit["r50"], fit["n"], fit["q"], psf)[0]
    return found | {"y": found["y"] + corner[0], "x": found["x"] + corner[1]}

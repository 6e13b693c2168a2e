"""
Stage ``limits``: sets that show where restoration ends, as pairs that ``restore`` takes.

Every row of these sets is in the test split; each table adds columns of its own to those
of all pairs.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config import Degrade, section_from_json
from galrestore.config.limits import Blanks, Drizzling, Ladder, Shearing, Stars
from galrestore.errors import EmptyError, InputError
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.limits import BLANKS, DRIZZLED, LADDER, SHEARED, STARS_SET
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.cubes import read_cube, read_ids, write_cube
from galrestore.files.tables import concatenate, read_table, write_table
from galrestore.measurement.image_quality import sky_level
from galrestore.stages.common import add_common_arguments, argument, provenance
from galrestore.stages.degradation import noise_correlation, psf_kernel
from galrestore.synthesis.blanks import draw_blanks, draw_models
from galrestore.synthesis.degradation import degrade, draw_noise, normalise
from galrestore.synthesis.drizzle_kernels import KERNELS, drizzle_sample
from galrestore.synthesis.noise import neighbour_correlation
from galrestore.synthesis.psf import equivalent_fwhm
from galrestore.synthesis.shearing import render_sheared, ring, ring_keys
from galrestore.synthesis.stars import draw_centres, render_stars


def add_arguments(parser):
    """Declare the sets, their files and settings."""
    sets = parser.add_subparsers(metavar="set", required=True)
    blanks = _set(sets, "blanks", _blanks, Blanks, "noise without sources, for appendix A")
    _add_pairs(blanks)
    blanks.add_argument("--raw-images", type=Path, required=True, help="FITS cube, as drawn")
    blanks.add_argument("--raw-table", type=Path, required=True, help="Parquet table of it")
    drizzling = _set(
        sets, "drizzle", _drizzle, Drizzling, "exposures drizzled with several kernels, for 6.3"
    )
    _add_pairs(drizzling)
    ladder = _set(sets, "ladder", _ladder, Ladder, "galaxies under rising noise, for section 6.1")
    _add_pairs(ladder)
    shear = _set(sets, "shear", _shear, Shearing, "sheared galaxies in four orientations")
    shear.add_argument("--population", type=Path, required=True, help="Parquet table")
    stars = _set(sets, "stars", _stars, Stars, "point sources, for section 6.2")
    stars.add_argument(
        "--catalogues", type=Path, nargs="+", required=True, help="Parquet tables, JWST mosaics"
    )
    stars.add_argument(
        "--noise", type=Path, nargs="+", required=True, help="Parquet tables, HST mosaics"
    )


def _set(sets, name, make, model, text):
    parser = sets.add_parser(name, help=text, description=text)
    parser.add_argument("--images", type=Path, required=True, help="FITS cube to write")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table to write")
    parser.add_argument(
        "--degradation",
        type=argument(section_from_json(Degrade)),
        required=True,
        help="settings of degrade (JSON), for PSF and noise",
    )
    add_common_arguments(parser, model)
    parser.set_defaults(make=make)
    return parser


def _add_pairs(parser):
    parser.add_argument("--pairs-images", type=Path, required=True, help="FITS cube of pairs")
    parser.add_argument("--pairs-table", type=Path, required=True, help="their Parquet table")


def run(args):
    """Run the stage."""
    args.make(args)


def _blanks(args):
    ids, rows = _pairs_of(args, "train")
    low = read_cube(args.pairs_images, "LQ", rows)
    settings = args.settings
    chosen = draw_models(len(low), settings.seeds, settings.count, args.seed)
    used, back = np.unique(chosen, return_inverse=True)
    mean, sigma = (level[back] for level in sky_level(low[used]))
    correlation = noise_correlation(args.degradation, low.shape[1:])
    images = draw_blanks(mean, sigma, settings.seeds, low.shape[1:], args.seed, correlation)
    scaled, lowest, highest = normalise(images)
    inputs = [args.pairs_images, args.pairs_table, *args.degradation.files()]
    columns = {
        "source": "blanks",
        "noise_sigma": sigma,
        "noise_lag1": 0.0 if correlation is None else neighbour_correlation(correlation),
        "kernel_fwhm": np.nan,
        "gt_min": mean,
        "gt_max": mean,
        "seed_index": np.arange(settings.seeds).repeat(settings.count),
        "copied_from": ids[chosen],
        "mean": mean,
        "sigma": sigma,
    }
    span = highest - lowest
    flat = (mean - lowest) / span
    own = columns | {"noise": sigma / span, "lq_min": lowest, "lq_max": highest}
    _write(args, args.images, args.table, (flat, scaled), own, BLANKS, inputs)
    own = columns | {"noise": sigma, "lq_min": 0.0, "lq_max": 1.0}
    _write(args, args.raw_images, args.raw_table, (mean, images), own, BLANKS, inputs)


def _ladder(args):
    galaxies, rows = _pairs_of(args, "test")
    galaxies = galaxies[: args.settings.galaxies]
    truth = read_cube(args.pairs_images, "GT", rows)[: len(galaxies)]
    levels = np.array(args.settings.noise)
    keys = np.tile(galaxies, len(levels))
    images = np.tile(truth, (len(levels), 1, 1))
    truth, low, columns = _degrade(args, images, keys, levels.repeat(len(galaxies)))
    columns |= {"source": "ladder", "galaxy": keys}
    columns |= {"rung": np.arange(len(levels)).repeat(len(galaxies))}
    inputs = [args.pairs_images, args.pairs_table, *args.degradation.files()]
    _write(args, args.images, args.table, (truth, low), columns, LADDER, inputs)


def _drizzle(args):
    galaxies, rows = _pairs_of(args, "test")
    settings = args.settings
    galaxies = galaxies[: settings.galaxies]
    truth = read_cube(args.pairs_images, "GT", rows)[: len(galaxies)]
    kernel = psf_kernel(args.degradation)
    images, columns = drizzle_sample(
        truth, galaxies, settings.noise, kernel, settings.exposures, args.seed
    )
    low, lowest, highest = normalise(images)
    columns |= {"source": "drizzle", "galaxy": np.tile(galaxies, len(KERNELS))}
    columns |= {"noise": columns["noise_sigma"] / (highest - lowest)}
    columns |= {"lq_min": lowest, "lq_max": highest, "gt_min": 0.0, "gt_max": 1.0}
    columns |= {"kernel_fwhm": equivalent_fwhm(kernel)}
    inputs = [args.pairs_images, args.pairs_table, *args.degradation.files()]
    pair = np.tile(truth, (len(KERNELS), 1, 1)), low
    _write(args, args.images, args.table, pair, columns, DRIZZLED, inputs)


def _shear(args):
    population = read_table(args.population, POPULATION)
    settings = args.settings
    table = ring(population.iloc[: settings.galaxies], settings.shear)
    try:
        images = render_sheared(table, settings.size)
    except ValueError as error:
        raise InputError(args.population, str(error)) from error
    noise = np.full(len(table), settings.noise)
    truth, low, columns = _degrade(args, images, ring_keys(table), noise)
    columns |= {name: table[name].to_numpy() for name in ("galaxy", "orientation", "g1", "g2")}
    columns |= {"source": "shear"}
    inputs = [args.population, *args.degradation.files()]
    _write(args, args.images, args.table, (truth, low), columns, SHEARED, inputs)


def _stars(args):
    mosaics = _accepted(args.catalogues, "JWST").groupby("mosaic", sort=True)["psf_fwhm"].median()
    pool = _accepted(args.noise, "HST")["noise"].to_numpy()
    settings = args.settings
    fwhm = mosaics.to_numpy().repeat(settings.count)
    ids = np.arange(len(fwhm))
    x, y = draw_centres(ids, settings.field, settings.size, args.seed)
    noise = draw_noise(pool, ids, args.seed)
    truth, low, columns = _degrade(args, render_stars(x, y, fwhm, settings.size), ids, noise)
    columns |= {"source": mosaics.index.to_numpy().repeat(settings.count)}
    columns |= {"x": x, "y": y, "fwhm": fwhm}
    inputs = [*args.catalogues, *args.noise, *args.degradation.files()]
    _write(args, args.images, args.table, (truth, low), columns, STARS_SET, inputs)


def _accepted(paths, telescope):
    table = concatenate(paths, CATALOGUE, empty=True)
    accepted = table[table["rejected_by"] == ""]
    if accepted.empty:
        raise EmptyError(f"no {telescope} source is accepted, the limits cannot be tested")
    return accepted


def _pairs_of(args, split):
    table = read_table(args.pairs_table, PAIRS)
    ids = table["id"].to_numpy()
    if not np.array_equal(read_ids(args.pairs_images), ids):
        problem = f"has other objects than {args.pairs_table}"
        raise InputError(args.pairs_images, problem, "rerun degrade")
    rows = (table["split"] == split).to_numpy()
    if not rows.any():
        raise EmptyError(f"{args.pairs_table}: no pair is in the {split} split")
    return ids[rows], rows


def _degrade(args, images, keys, noise):
    """Pairs of a set with the blur and noise of ``degrade``, and the columns on them."""
    kernel = psf_kernel(args.degradation)
    correlation = noise_correlation(args.degradation, images.shape[1:])
    truth, low, columns = degrade(images, keys, noise, kernel, args.seed, correlation)
    columns["kernel_fwhm"] = equivalent_fwhm(kernel)
    columns["noise_lag1"] = 0.0 if correlation is None else neighbour_correlation(correlation)
    return truth, low, columns


def _write(args, images, table, pair, columns, contract, inputs):
    """Write a set; GT may be one number an image."""
    truth, low = pair
    ids = np.arange(len(low))
    if truth.ndim == 1:
        truth = np.broadcast_to(truth[:, None, None], low.shape)
    frame = pd.DataFrame({"id": ids, "split": "test", "group": ids} | columns)
    record = provenance(args, inputs)
    write_table(table, frame[[column.name for column in contract]], contract, record)
    write_cube(images, {"GT": truth, "LQ": low}, ids, record)

"""Stage ``render``: the population in, a cube of noiseless images out."""

from pathlib import Path

import numpy as np

from galrestore.config.render import Render
from galrestore.errors import InputError
from galrestore.files import cubes, tables
from galrestore.files.contracts.population import POPULATION
from galrestore.progress import track
from galrestore.stages.common import add_common_arguments, provenance, shard_rows
from galrestore.synthesis.gaussians import render_gaussians
from galrestore.synthesis.rendering import render


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--population", type=Path, required=True, help="Parquet table")
    parser.add_argument("--shard", default="1-of-1", help="k-of-n")
    parser.add_argument("--images", type=Path, required=True, help="FITS cube to write")
    add_common_arguments(parser, Render)


def run(args):
    """Run the stage."""
    population = tables.read_table(args.population, POPULATION)
    rows = population.iloc[shard_rows(args.shard, len(population))]
    draw = {"galsim": _galsim, "gaussians": _gaussians}[args.settings.renderer]
    images = draw(args.population, rows, args.settings.size)
    record = provenance(args, [args.population])
    cubes.write_cube(args.images, {"GT": images}, rows["id"].to_numpy(), record)


def _galsim(path, rows, size):
    images = np.empty((len(rows), size, size), dtype=np.float32)
    for image, row in zip(track(images, "render"), rows.itertuples(), strict=True):
        try:
            image[:] = render(row.flux, row.r50, row.n, row.q, row.theta, row.dx, row.dy, size=size)
        except ValueError as error:
            raise InputError(path, f"galaxy {row.id}: {error}") from error
    return images


def _gaussians(path, rows, size):
    try:
        return render_gaussians(rows, size)
    except ValueError as error:
        raise InputError(path, str(error)) from error

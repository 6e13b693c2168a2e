"""Stage ``tune``: validation images in, the parameters of a baseline out."""

import logging
from pathlib import Path

import numpy as np

from galrestore.baselines.methods import METHODS
from galrestore.baselines.tuning import tune
from galrestore.config import Degrade, Tune, section_from_json
from galrestore.errors import EmptyError, InputError
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.tuning import TUNING_GRID, TUNING_STAMPS
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import read_table, write_table
from galrestore.rng import stream
from galrestore.stages.common import add_common_arguments, argument, provenance
from galrestore.stages.degradation import psf_kernel

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("method", choices=METHODS, help="baseline")
    parser.add_argument("--images", type=Path, required=True, help="FITS cubes GT, LQ")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table of the pairs")
    parser.add_argument(
        "--degradation",
        type=argument(section_from_json(Degrade)),
        required=True,
        help="settings of degrade (JSON), for the PSF",
    )
    parser.add_argument("--grid", type=Path, required=True, help="Parquet table to write")
    parser.add_argument("--stamps", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Tune)


def run(args):
    """Run the stage."""
    settings = args.settings
    ids, lq, gt = _validation(args)
    values = getattr(settings, f"{args.method}_{METHODS[args.method][1]}")
    iterations = (1,) if args.method == "wiener" else settings.iterations
    kernel = psf_kernel(args.degradation)
    grid, stamps = tune(args.method, lq, gt, kernel, values, iterations, settings.noise_classes)
    stamps["id"] = ids
    for row in grid[grid["chosen"]].sort_values("noise_class").itertuples():
        text = "noise from %.4f: %s %g, %d iterations: %.2f dB on %d stamps%s"
        end = "; this is the edge of the grid" if row.at_edge else ""
        level = logging.WARNING if row.at_edge else logging.INFO
        about = row.noise_low, row.parameter, row.value, row.iterations, row.score, row.stamps
        logger.log(level, text, *about, end)
    record = provenance(args, [args.images, args.table, *args.degradation.files()])
    write_table(args.grid, grid, TUNING_GRID, record)
    write_table(args.stamps, stamps, TUNING_STAMPS, record)


def _validation(args):
    """Return ids, LQ and GT of the validation stamps: the same for all methods."""
    table = read_table(args.table, PAIRS)
    if not np.array_equal(read_ids(args.images), table["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun degrade")
    rows = np.flatnonzero(table["split"] == "validation")
    if len(rows) == 0:
        raise EmptyError(f"{args.table}: no pair is in the validation split, nothing to tune on")
    some = stream(args.seed, "tune.choice").permutation(len(rows))[: args.settings.stamps]
    rows = rows[np.sort(some)]
    ids = table["id"].to_numpy()[rows]
    lq, gt = (read_cube(args.images, name, rows) for name in ("LQ", "GT"))
    bad = ids[~(np.isfinite(lq) & np.isfinite(gt)).all(axis=(1, 2))]
    if len(bad):
        problem = f"pixels of {len(bad)} images are not finite, first id {bad[0]}"
        raise InputError(args.images, problem, "rerun degrade")
    return ids, lq, gt

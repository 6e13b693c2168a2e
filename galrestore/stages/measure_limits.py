"""Stage ``measure_limits``: restored sets of the limits in, one table of each out."""

from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config import Degrade, section_from_json
from galrestore.config.limits import Blanks, Failures, Shearing
from galrestore.errors import InputError
from galrestore.files.contracts.limits import (
    BLANK_MEASUREMENTS,
    BLANKS,
    DRIZZLED,
    FAILURES,
    FALSE_PEAKS,
    LADDER,
    SHEAR_BIASES,
    SHEARED,
)
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import read_table, write_table
from galrestore.measurement.blanks import measure_blanks
from galrestore.measurement.failures import Limits, compare
from galrestore.measurement.false_peaks import excess_beneath, tally
from galrestore.measurement.shear import calibrate_all
from galrestore.stages.common import add_common_arguments, argument, provenance
from galrestore.stages.degradation import psf_kernel
from galrestore.synthesis.psf import equivalent_fwhm

_CONTRACTS = {"ladder": LADDER, "drizzle": DRIZZLED}


def add_arguments(parser):
    """Declare the kinds of sets, their files and settings."""
    kinds = parser.add_subparsers(metavar="kind", required=True)
    _kind(kinds, "blanks", _blanks, Blanks, "statistics of restored noise, and sources in it")
    failures = _kind(kinds, "failures", _failures, Failures, "failures and false peaks")
    shear = _kind(kinds, "shear", _shear, Shearing, "biases of shear")
    for parser in (failures, shear):
        parser.add_argument(
            "--degradation",
            type=argument(section_from_json(Degrade)),
            required=True,
            help="settings of degrade (JSON), for the PSF",
        )
    failures.add_argument("--peaks", type=Path, required=True, help="Parquet table of false peaks")


def _kind(kinds, name, make, model, text):
    parser = kinds.add_parser(name, help=text, description=text)
    parser.add_argument("--images", type=Path, required=True, help="FITS cube of the set")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    parser.add_argument("--restored", type=Path, required=True, help="FITS cube RS of a method")
    parser.add_argument("--method", required=True, help="network or baseline")
    parser.add_argument("--set", required=True, help="set of images")
    parser.add_argument("--output", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, model)
    parser.set_defaults(make=make)
    return parser


def run(args):
    """Run the stage."""
    args.make(args)


def _blanks(args):
    table = _table(args, BLANKS)
    low, restored = read_cube(args.images, "LQ"), _restored(args, table)
    frame = pd.DataFrame(measure_blanks(low, restored))
    for name in ("id", "seed_index", "sigma"):
        frame[name] = table[name].to_numpy()
    _write(args, frame, BLANK_MEASUREMENTS)


def _failures(args):
    every = read_table(args.table, _CONTRACTS.get(args.set, PAIRS))
    if not np.array_equal(read_ids(args.images), every["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun its stage")
    tested = (every["split"] == "test").to_numpy()
    pairs, restored = every[tested], _restored(args, every[tested])
    low, truth = (read_cube(args.images, name, tested) for name in ("LQ", "GT"))
    frame, false = compare(low, restored, truth, Limits(**args.settings.model_dump()))
    excess = excess_beneath(low, truth, pairs, psf_kernel(args.degradation))
    for name in ("id", "noise"):
        frame[name] = pairs[name].to_numpy()
    frame["rung"] = pairs.get("rung", pd.Series(-1, index=pairs.index)).to_numpy()
    inputs = args.degradation.files()
    _write(args, frame, FAILURES, inputs)
    _write(args, tally(excess, false), FALSE_PEAKS, inputs, args.peaks)


def _shear(args):
    table = _table(args, SHEARED)
    low, truth = (read_cube(args.images, name) for name in ("LQ", "GT"))
    width = equivalent_fwhm(psf_kernel(args.degradation))
    biases = calibrate_all(low, _restored(args, table), truth, table, width)
    _write(args, biases, SHEAR_BIASES)


def _table(args, contract):
    table = read_table(args.table, contract)
    if not np.array_equal(read_ids(args.images), table["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun limits")
    return table


def _restored(args, table):
    if not np.array_equal(read_ids(args.restored), table["id"]):
        raise InputError(args.restored, f"has other objects than {args.table}", "rerun restore")
    restored = read_cube(args.restored, "RS")
    if not np.isfinite(restored).all():
        raise InputError(args.restored, "has pixels that are not finite", "rerun restore")
    return restored


def _write(args, frame, contract, inputs=(), path=None):
    frame = frame.assign(method=args.method, set=args.set)
    record = provenance(args, [args.images, args.table, args.restored, *inputs])
    write_table(path or args.output, frame[[column.name for column in contract]], contract, record)

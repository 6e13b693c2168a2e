"""Stage ``measure``: restored images and ground truth in, a table of scores out."""

from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config import Measure
from galrestore.errors import EmptyError, InputError
from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import read_table, write_table
from galrestore.measurement.image_quality import scores
from galrestore.stages.common import add_common_arguments, provenance


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--restored", type=Path, required=True, help="FITS cube RS of a method")
    parser.add_argument("--images", type=Path, required=True, help="FITS cubes GT, LQ of the set")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    parser.add_argument("--method", required=True, help="network or baseline")
    parser.add_argument("--set", required=True, help="set of pairs")
    parser.add_argument("--output", type=Path, required=True, help="Parquet table of scores")
    add_common_arguments(parser, Measure)


def run(args):
    """Run the stage."""
    pairs = read_table(args.table, PAIRS)
    is_test = (pairs["split"] == "test").to_numpy()
    tested = pairs[is_test]
    if tested.empty:
        raise EmptyError(f"{args.table}: no pair is in the test split, nothing to score")
    _check_ids(args, pairs, tested)
    restored = read_cube(args.restored, "RS")
    truth = read_cube(args.images, "GT", is_test)
    _check_pixels(args.restored, restored, tested["id"])
    _check_pixels(args.images, truth, tested["id"])
    if restored.shape != truth.shape:
        raise InputError(args.restored, f"RS is {restored.shape}, GT of the test {truth.shape}")
    frame = pd.DataFrame(scores(restored, truth, args.settings.source_sigma))
    frame["id"], frame["noise"] = tested["id"].to_numpy(), tested["noise"].to_numpy()
    frame["method"], frame["set"] = args.method, args.set
    record = provenance(args, [args.restored, args.images, args.table])
    write_table(args.output, frame, MEASUREMENTS, record)


def _check_ids(args, pairs, tested):
    if not np.array_equal(read_ids(args.images), pairs["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun degrade")
    if not np.array_equal(read_ids(args.restored), tested["id"]):
        raise InputError(
            args.restored, f"has other objects than the test split of {args.table}", "rerun restore"
        )


def _check_pixels(path, images, ids):
    bad = ids[~np.isfinite(images).all(axis=(1, 2))].tolist()
    if bad:
        some = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        raise InputError(
            path,
            f"pixels of {len(bad)} of {len(ids)} images are not finite: ids {some}",
            "rerun the stage that wrote it",
        )

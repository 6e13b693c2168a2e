"""Stage ``shapes``: GT, LQ and restored images of a set in, morphology and photometry out."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config import section_from_json
from galrestore.config.degrade import Degrade
from galrestore.config.fit import Fit
from galrestore.config.select import Select
from galrestore.config.shapes import Shapes
from galrestore.errors import EmptyError, InputError
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.shapes import SHAPE_PIXELS, SHAPES, SPECTRUM
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import read_table, write_table
from galrestore.measurement.shapes import REFERENCES, measure_shapes
from galrestore.measurement.spatial_frequency import summarise_spectra
from galrestore.progress import track
from galrestore.rng import stream
from galrestore.stages.common import add_common_arguments, argument, provenance
from galrestore.stages.degradation import fitted_psf, psf_kernel

logger = logging.getLogger(__name__)

# Pairs in memory at a time.
_BATCH = 256


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--images", type=Path, required=True, help="FITS cubes GT, LQ of the set")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    parser.add_argument("--restored", type=Path, nargs="*", default=[], help="FITS cubes RS")
    parser.add_argument("--methods", nargs="*", default=[], help="their names, in that order")
    parser.add_argument("--set", required=True, help="set of pairs")
    for name, model in (("degradation", Degrade), ("selection", Select), ("fit", Fit)):
        parser.add_argument(
            f"--{name}", type=argument(section_from_json(model)), required=True, help="JSON"
        )
    parser.add_argument(
        "--no-fluxes",
        action="store_true",
        help="GT is in another unit or band than LQ: compare shapes alone",
    )
    parser.add_argument("--threads", type=int, default=1, help="the result does not depend on it")
    for name in ("objects", "pixels", "spectrum"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Shapes)


def run(args):
    """Run the stage."""
    pairs = read_table(args.table, PAIRS)
    tested = np.flatnonzero(pairs["split"] == "test")
    if len(tested) == 0:
        raise EmptyError(f"{args.table}: no pair is in the test split, nothing to measure")
    restored = dict(zip(args.methods, args.restored, strict=True))
    _check_ids(args, pairs, tested)
    measure = _measure(args)
    rows = np.arange(len(tested))
    batches = [rows[k : k + _BATCH] for k in range(0, len(rows), _BATCH)]
    parts = []
    for batch in track(batches, f"shapes of {args.set}, batch"):
        some = tested[batch]
        images = (_finite(args.images, name, some) for name in ("GT", "LQ"))
        others = {name: _finite(path, "RS", batch) for name, path in restored.items()}
        parts.append(measure(*images, others, pairs.iloc[some]))
    _write(args, parts, [args.images, args.table, *args.restored])


def _check_ids(args, pairs, tested):
    if not np.array_equal(read_ids(args.images), pairs["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun degrade")
    for path in args.restored:
        if not np.array_equal(read_ids(path), pairs["id"].iloc[tested]):
            problem = f"has other objects than the test split of {args.table}"
            raise InputError(path, problem, "rerun restore")


def _finite(path, name, rows):
    images = read_cube(path, name, rows)
    bad = int((~np.isfinite(images).all(axis=(1, 2))).sum())
    if bad:
        problem = f"pixels of {bad} images of {name} are not finite"
        raise InputError(path, problem, "rerun the stage that wrote it")
    return images


def _measure(args):
    """Return a function that measures a batch as the settings ask for."""
    detection = args.selection.model_dump(
        include={"threshold", "minimum_area", "deblend_levels", "deblend_contrast"}
    )
    fit = args.fit.model_dump(
        include={"index_bounds", "centre_bound", "gaussians", "maximum_iterations", "backend"}
    )
    options = {
        "kernel": psf_kernel(args.degradation),
        "psf": fitted_psf(args.degradation, args.fit.psf_gaussians),
        "seed": args.seed,
        "pixels": args.settings.pixels,
        "bins": args.settings.rings,
        "detection": detection,
        "fit": fit | {"threads": args.threads},
        "common_scale": not args.no_fluxes,
    }
    return lambda *images: measure_shapes(*images, **options)


def _write(args, parts, inputs):
    record = provenance(args, [*inputs, *args.degradation.files()])
    objects, pixels = (pd.concat(frames) for frames in list(zip(*parts, strict=True))[:2])
    spectra = {
        name: np.concatenate([part[2][name] for part in parts]) for name in ("LQ", *args.methods)
    }
    spectrum = summarise_spectra(
        spectra, lambda image: stream(args.seed, f"shapes.spectrum.{args.set}.{image}")
    )
    for path, frame, contract in (
        (args.objects, objects, SHAPES),
        (args.pixels, pixels, SHAPE_PIXELS),
        (args.spectrum, spectrum, SPECTRUM),
    ):
        # Images one after another, each with its objects in the order of the set.
        ordered = frame.sort_values("image", kind="stable", key=_order(args.methods))
        write_table(path, ordered.assign(set=args.set), contract, record)
    count = int((objects["image"] == "GT").sum())
    failed = objects[objects["failure"] != ""].groupby("image")["failure"].value_counts()
    logger.info("%s: %d pairs; failed fits: %s", args.set, count, failed.to_dict() or "none")


def _order(methods):
    place = {name: k for k, name in enumerate([*REFERENCES, *methods])}
    return lambda names: names.map(place)

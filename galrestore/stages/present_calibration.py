"""Stage ``present_calibration``: measured shapes in, bias and scatter in bins out."""

from pathlib import Path

import numpy as np

from galrestore.config import Present
from galrestore.errors import EmptyError, InputError
from galrestore.figures import calibration as figure_of_calibration
from galrestore.figures.style import save
from galrestore.files.contracts.calibration import CALIBRATION
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.shapes import SHAPES
from galrestore.files.tables import read_table
from galrestore.measurement.calibration import calibrate
from galrestore.measurement.calibration_markdown import render_calibration
from galrestore.measurement.morphology import FIT_WITH_PSF
from galrestore.measurement.published import method_label
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.stages.written_tables import write_thrice


def add_arguments(parser):
    """Declare the files and settings of the table and of the figure."""
    kinds = parser.add_subparsers(metavar="what", required=True)
    table = kinds.add_parser("table", help="bias and scatter in bins")
    table.add_argument("--objects", type=Path, required=True, help="table of stage shapes")
    table.add_argument("--pairs", type=Path, required=True, help="table of the pairs")
    figure = kinds.add_parser("figure", help="the same, drawn")
    figure.add_argument("--table", type=Path, required=True, help="table of this stage")
    outputs = {table: ("PARQUET", "CSV", "MARKDOWN"), figure: ("PDF", "PNG")}
    for kind, names in outputs.items():
        kind.add_argument("--image", required=True, help="method to show")
        kind.add_argument("--lineage", help="networks and sets of its phases")
        kind.add_argument(
            "--output", type=Path, nargs=len(names), required=True, metavar=names, help="files"
        )
        add_common_arguments(kind, Present)
    table.set_defaults(make=_table)
    figure.set_defaults(make=_figure)


def run(args):
    """Run the stage."""
    args.make(args)


def _table(args):
    objects, pairs = read_table(args.objects, SHAPES), read_table(args.pairs, PAIRS)
    _require_image(args.objects, objects, args.image)
    tested = pairs[pairs["split"] == "test"]
    if not np.array_equal(tested["id"], objects.loc[objects["image"] == "LQ", "id"]):
        raise InputError(args.objects, f"has other objects than {args.pairs}", "rerun shapes")
    table = calibrate(
        objects,
        tested["noise_lag1"].to_numpy(),
        [args.image, FIT_WITH_PSF],
        {args.image: method_label(args.image, args.lineage)},
        args.seed,
        args.settings.calibration_bins,
        args.settings.shape_bootstrap,
    )
    inputs = [args.objects, args.pairs]
    write_thrice(args, table, CALIBRATION, render_calibration(table), inputs)


def _figure(args):
    table = read_table(args.table, CALIBRATION)
    _require_image(args.table, table, args.image)
    try:
        figure, caption = figure_of_calibration.draw(
            table, args.image, method_label(args.image, args.lineage)
        )
    except ValueError as error:
        raise EmptyError(f"{args.table}: {error}") from error
    save(figure, caption, *args.output, provenance(args, [args.table]))


def _require_image(path, table, image):
    if image not in set(table["image"]):
        listed = ", ".join(dict.fromkeys(table["image"]))
        raise InputError(path, f"holds no image {image!r}, but {listed}", "rerun shapes")

"""Stage ``present_limits``: restored sets of the limits in, tables and figures out."""

from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config.limits import Blanks, Drizzling, Failures, Shearing, Stars
from galrestore.errors import EmptyError, InputError
from galrestore.figures import (
    fig11_failures,
    fig12_stars,
    fig13_drizzle,
    fig14_blanks,
    hallucination,
    shear_calibration,
)
from galrestore.figures.style import save
from galrestore.files.contracts.limits import (
    BLANK_MEASUREMENTS,
    BLANK_SUMMARY,
    DRIZZLE_SUMMARY,
    DRIZZLED,
    FAILURE_RATES,
    FAILURES,
    FALSE_PEAK_RATES,
    FALSE_PEAKS,
    SHEAR_BIASES,
    STAR_SUMMARY,
    STARS_SET,
)
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import concatenate, read_table
from galrestore.measurement.blanks import summarise_blanks
from galrestore.measurement.drizzling import outskirts, summarise_drizzling
from galrestore.measurement.failure_summary import rates_by_noise, rates_of_false_peaks
from galrestore.measurement.failures import pick_failures
from galrestore.measurement.limits_markdown import (
    render_blanks,
    render_drizzling,
    render_failures,
    render_false_peaks,
    render_shear,
    render_stars,
)
from galrestore.measurement.stacking import aligned, compare_stacks
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.stages.written_tables import write_thrice

_RADIUS = 15
_RADII = np.linspace(0.75, _RADIUS, 58)
_TABLE_AND_FIGURE = ("PARQUET", "CSV", "MARKDOWN", "PDF", "PNG")


def add_arguments(parser):
    """Declare the files and settings of each table and figure."""
    kinds = parser.add_subparsers(metavar="what", required=True)
    blanks = _kind(kinds, "blanks", _blanks, Blanks, "Figure 14: noise without sources")
    blanks.add_argument("--images", type=Path, nargs="+", required=True, help="FITS cubes by set")
    blanks.add_argument(
        "--restored", type=Path, nargs="+", required=True, help="FITS cubes RS of one method"
    )
    blanks.add_argument("--measurements", type=Path, nargs="+", required=True, help="of methods")
    drizzle = _kind(kinds, "drizzle", _drizzle, Drizzling, "Figure 13: kernels of drizzling")
    drizzle.add_argument("--images", type=Path, required=True, help="FITS cube of the set")
    drizzle.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    drizzle.add_argument(
        "--restored", type=Path, nargs="+", required=True, help="<method>/drizzle.fits by method"
    )
    drizzle.add_argument(
        "--measurements", type=Path, nargs="+", required=True, help="in the same order"
    )
    failures = _kind(kinds, "failures", _failures, Failures, "Figure 11: failures")
    failures.add_argument("--images", type=Path, required=True, help="FITS cube of the pairs")
    failures.add_argument("--table", type=Path, required=True, help="their Parquet table")
    failures.add_argument("--restored", type=Path, required=True, help="FITS cube RS of one method")
    failures.add_argument(
        "--measurements", type=Path, nargs="+", required=True, help="by method and set"
    )
    peaks = _kind(kinds, "false_peaks", _false_peaks, Failures, "peaks that the truth has not")
    peaks.add_argument("--measurements", type=Path, nargs="+", required=True, help="of failures")
    peaks.add_argument("--peaks", type=Path, nargs="+", required=True, help="in the same order")
    peaks.add_argument("--shown", required=True, help="method that is shown")
    shear = _kind(kinds, "shear", _shear, Shearing, "calibration of shear")
    shear.add_argument("--measurements", type=Path, nargs="+", required=True, help="by method")
    shear.add_argument("--shown", required=True, help="method that is shown")
    stars = _kind(kinds, "stars", _stars, Stars, "Figure 12: point sources")
    stars.add_argument("--images", type=Path, required=True, help="FITS cube of the set")
    stars.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    stars.add_argument(
        "--restored", type=Path, nargs="+", required=True, help="<method>/stars.fits by method"
    )
    stars.add_argument("--shown", required=True, help="mosaic whose stars are shown")


def _kind(kinds, name, make, model, text):
    parser = kinds.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--output",
        type=Path,
        nargs=len(_TABLE_AND_FIGURE),
        required=True,
        metavar=_TABLE_AND_FIGURE,
        help="files",
    )
    add_common_arguments(parser, model)
    parser.set_defaults(make=make)
    return parser


def run(args):
    """Run the stage."""
    args.make(args)


def _blanks(args):
    measured = concatenate(args.measurements, BLANK_MEASUREMENTS)
    method = args.restored[0].parent.name
    summary = summarise_blanks(measured)
    examples = {}
    for images, restored in zip(args.images, args.restored, strict=True):
        own = measured[(measured["method"] == method) & (measured["set"] == images.stem)]
        if not np.array_equal(own["id"], read_ids(restored)):
            raise InputError(restored, "has other objects than its measurements")
        sigma = own["sigma"].to_numpy()
        rows = fig14_blanks.choose(sigma)
        low, high = read_cube(images, "LQ", rows), read_cube(restored, "RS", rows)
        examples[images.stem] = low, high, sigma[rows]
    inputs = [*args.images, *args.restored, *args.measurements]
    write_thrice(args, summary, BLANK_SUMMARY, render_blanks(summary), inputs)
    figure, caption = fig14_blanks.draw(examples, summary, method)
    save(figure, caption, *args.output[3:], provenance(args, inputs))


def _drizzle(args):
    table = read_table(args.table, DRIZZLED)
    truth = read_cube(args.images, "GT")
    parts = []
    for restored, measured in zip(args.restored, args.measurements, strict=True):
        own = read_table(measured, FAILURES)
        for path, ids in ((restored, read_ids(restored)), (measured, own["id"])):
            if not np.array_equal(ids, table["id"]):
                raise InputError(path, f"has other objects than {args.table}")
        columns = {name: own[name] for name in ("method", "residual", "false_peaks")}
        columns["outskirts"] = outskirts(read_cube(restored, "RS"), truth)
        parts.append(table.assign(**columns))
    summary = summarise_drizzling(pd.concat(parts, ignore_index=True))
    inputs = [args.images, args.table, *args.restored, *args.measurements]
    write_thrice(args, summary, DRIZZLE_SUMMARY, render_drizzling(summary), inputs)
    kernels = {name: np.flatnonzero(table["kernel"] == name) for name in ("square", "lanczos3")}
    rows = fig13_drizzle.choose(truth[kernels["square"]], args.settings.examples)
    images = {
        name: (
            read_cube(args.images, "LQ", own[rows]),
            read_cube(args.restored[0], "RS", own[rows]),
        )
        for name, own in kernels.items()
    }
    shown = truth[kernels["square"][rows]]
    method = args.restored[0].parent.name
    figure, caption = fig13_drizzle.draw(images, shown, summary, method)
    save(figure, caption, *args.output[3:], provenance(args, inputs))


def _failures(args):
    measured = concatenate(args.measurements, FAILURES)
    rates = rates_by_noise(measured)
    method = args.restored.parent.name
    own = measured[(measured["method"] == method) & (measured["set"] == "jwst")]
    if not np.array_equal(own["id"], read_ids(args.restored)):
        raise InputError(args.restored, "has other objects than its measurements")
    picked = pick_failures(own)
    rows = list(picked.values())
    shown = own.iloc[rows].assign(kind=list(picked))
    tested = np.flatnonzero(read_table(args.table, PAIRS)["split"] == "test")[rows]
    low, truth = (read_cube(args.images, name, tested) for name in ("LQ", "GT"))
    restored = read_cube(args.restored, "RS", rows)
    inputs = [args.images, args.table, args.restored, *args.measurements]
    write_thrice(args, rates, FAILURE_RATES, render_failures(rates), inputs)
    thresholds = args.settings.model_dump()
    figure, caption = fig11_failures.draw(low, restored, truth, shown, rates, method, thresholds)
    save(figure, caption, *args.output[3:], provenance(args, inputs))


def _false_peaks(args):
    by_noise = rates_by_noise(concatenate(args.measurements, FAILURES))
    rates = rates_of_false_peaks(concatenate(args.peaks, FALSE_PEAKS, empty=True))
    inputs = [*args.measurements, *args.peaks]
    write_thrice(args, rates, FALSE_PEAK_RATES, render_false_peaks(rates, by_noise), inputs)
    figure, caption = hallucination.draw(by_noise, rates, args.shown)
    save(figure, caption, *args.output[3:], provenance(args, inputs))


def _shear(args):
    biases = concatenate(args.measurements, SHEAR_BIASES)
    write_thrice(args, biases, SHEAR_BIASES, render_shear(biases), args.measurements)
    own = biases[biases["method"] == args.shown]
    figure, caption = shear_calibration.draw(own, args.shown, args.settings.model_dump())
    save(figure, caption, *args.output[3:], provenance(args, args.measurements))


def _stars(args):
    table = read_table(args.table, STARS_SET)
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    low, truth = (aligned(read_cube(args.images, name), x, y, _RADIUS) for name in ("LQ", "GT"))
    rows, shown = [], None
    for path in args.restored:
        if not np.array_equal(read_ids(path), table["id"]):
            raise InputError(path, f"has other objects than {args.table}", "rerun restore")
        restored = aligned(read_cube(path, "RS"), x, y, _RADIUS)
        for source, members in table.groupby("source", sort=True).indices.items():
            compared = compare_stacks(low[members], restored[members], truth[members], _RADII)
            rows.append(_star_row(path.parent.name, source, table.iloc[members], compared[0]))
            if shown is None and source == args.shown:
                shown = rows[-1], *compared[1:]
    if shown is None:
        raise EmptyError(f"{args.table}: no star has the PSF of {args.shown}")
    summary = pd.DataFrame(rows)
    inputs = [args.images, args.table, *args.restored]
    write_thrice(args, summary, STAR_SUMMARY, render_stars(summary), inputs)
    row, stacks, curves = shown
    figure, caption = fig12_stars.draw(stacks, _RADII, curves, row, summary)
    save(figure, caption, *args.output[3:], provenance(args, inputs))


def _star_row(method, source, part, compared):
    about = {"method": method, "source": source, "n": len(part), "fwhm": part["fwhm"].iloc[0]}
    noise = {"noise_low": part["noise"].min(), "noise_high": part["noise"].max()}
    return about | noise | compared

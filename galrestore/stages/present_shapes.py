"""Tables and figures of morphology and photometry, for stage ``present``."""

import argparse
from pathlib import Path

from galrestore.errors import EmptyError, InputError
from galrestore.figures import fig06_morphology, fig07_photometry, residual_power
from galrestore.figures.style import save
from galrestore.files.contracts.shapes import COMPARISON, GAINS, SHAPE_PIXELS, SHAPES, SPECTRUM
from galrestore.files.tables import read_table, write_table
from galrestore.measurement.morphology import FIT_WITH_PSF
from galrestore.measurement.published import method_labels
from galrestore.measurement.shape_markdown import (
    render_gains,
    render_morphology,
    render_paper,
    render_photometry,
    render_spectrum,
)
from galrestore.measurement.shape_tables import (
    summarise_gains,
    summarise_morphology,
    summarise_photometry,
)
from galrestore.measurement.shapes import REFERENCES
from galrestore.stages.common import provenance
from galrestore.stages.written_tables import write_thrice

__all__ = ["add_kinds"]

_TABLES = " ".join(
    f"{name}.{end}" for name in ("MORPHOLOGY", "PHOTOMETRY") for end in ("PARQUET", "CSV", "MD")
)


def add_kinds(kinds, add_kind):
    """
    Declare the tables and figures of this module.

    Parameters
    ----------
    kinds : argparse subparsers
        Of stage ``present``.
    add_kind : callable
        Adds one: subparsers, name, function, help, names of the outputs.
    """
    tables = add_kind(
        kinds, "shapes", _tables, "morphology and photometry of a set", f"{_TABLES} GAINS.PARQUET"
    )
    morphology = add_kind(kinds, "morphology", _morphology, "Figure 6", "PDF PNG")
    photometry = add_kind(kinds, "photometry", _photometry, "Figure 7", "PDF PNG")
    power = add_kind(kinds, "residual_power", _power, "power by frequency", "PDF PNG")
    for parser in (tables, morphology, photometry):
        parser.add_argument("--objects", type=Path, required=True, help="table of stage shapes")
    for parser in (tables, photometry):
        parser.add_argument("--pixels", type=Path, required=True, help="its drawn pixels")
    for parser in (tables, power):
        parser.add_argument("--spectrum", type=Path, required=True, help="its spectra")
    for parser in (morphology, photometry):
        parser.add_argument("--comparison", type=Path, required=True, help="table of this kind")
        parser.add_argument("--gains", type=Path, required=True, help="table of gains")
        parser.add_argument(
            "--names", nargs=3, default=["GT", "LQ", "RS"], metavar=("GT", "LQ", "RS"), help="names"
        )
    for parser in (tables, morphology, photometry, power):
        parser.add_argument("--image", required=True, help="method to show")
        parser.add_argument(
            "--lineages", nargs="*", default=[], metavar="VARIANT=SETS", help="sets of each network"
        )


def _tables(args):
    objects = read_table(args.objects, SHAPES)
    samples = read_table(args.pixels, SHAPE_PIXELS)
    spectrum = read_table(args.spectrum, SPECTRUM)
    labels = _labels(objects, args)
    draws = args.settings.shape_bootstrap
    morphology = summarise_morphology(objects, labels, args.seed, draws)
    photometry = summarise_photometry(objects, samples, labels, args.seed, draws)
    gains = summarise_gains(objects, [args.image, FIT_WITH_PSF], labels, args.seed, draws)
    parts = {
        "morphology": [render_morphology(morphology), render_paper(morphology, args.image)],
        "photometry": [render_photometry(photometry), render_paper(photometry, args.image)],
    }
    parts["morphology"].append(render_gains(gains))
    parts["photometry"].append(render_spectrum(spectrum, labels))
    inputs = [args.objects, args.pixels, args.spectrum]
    tables = (morphology, parts["morphology"]), (photometry, parts["photometry"])
    for k, (table, texts) in enumerate(tables):
        text = "\n".join(filter(None, texts))
        write_thrice(_with_outputs(args, 3 * k), table, COMPARISON, text, inputs)
    write_table(args.output[6], gains, GAINS, provenance(args, inputs))


def _with_outputs(args, first):
    """Arguments whose outputs begin with one of them."""
    return argparse.Namespace(**{**vars(args), "output": args.output[first:]})


def _morphology(args):
    objects, comparison, gains = _inputs(args)
    inputs = [args.objects, args.comparison, args.gains]
    label = _labels(objects, args)[args.image]
    _save(args, inputs, fig06_morphology.draw, objects, comparison, gains, args.image, label)


def _photometry(args):
    objects, comparison, gains = _inputs(args)
    samples = read_table(args.pixels, SHAPE_PIXELS)
    inputs = [args.objects, args.pixels, args.comparison, args.gains]
    label = _labels(objects, args)[args.image]
    given = objects, samples, comparison, gains, args.image, label
    _save(args, inputs, fig07_photometry.draw, *given)


def _power(args):
    spectrum = read_table(args.spectrum, SPECTRUM)
    labels = _labels(spectrum, args)
    try:
        figure, caption = residual_power.draw(spectrum, args.image, labels)
    except ValueError as error:
        raise EmptyError(f"{args.spectrum}: {error}") from error
    save(figure, caption, *args.output, provenance(args, [args.spectrum]))


def _save(args, inputs, draw, *given):
    names = dict(zip(("GT", "LQ", "RS"), args.names, strict=True))
    try:
        figure, caption = draw(*given, names=names)
    except ValueError as error:
        raise EmptyError(f"{args.objects}: {error}") from error
    save(figure, caption, *args.output, provenance(args, inputs))


def _inputs(args):
    named = {args.objects: SHAPES, args.comparison: COMPARISON, args.gains: GAINS}
    return tuple(read_table(path, columns) for path, columns in named.items())


def _labels(table, args):
    """Name the images for the reader, the references as they are."""
    images = list(dict.fromkeys(table["image"]))
    if args.image not in images:
        problem = f"holds no image {args.image!r}, but {', '.join(images)}"
        raise InputError(getattr(args, "objects", None) or args.spectrum, problem, "rerun shapes")
    methods = [name for name in images if name not in REFERENCES]
    lineages = dict(item.split("=", 1) for item in args.lineages)
    return {name: name for name in REFERENCES} | method_labels(methods, lineages)

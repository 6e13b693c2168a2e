"""Stage ``present``: measurements, catalogues and images in, a table or a figure out."""

import json
from pathlib import Path

import numpy as np

from galrestore.config import Present
from galrestore.errors import EmptyError, InputError
from galrestore.figures import (
    fig03_sizes,
    fig04_corner,
    fig05_examples,
    fig08_hst,
    fit_quality,
    published_fits,
    selection_funnel,
    star_locus,
    training_curves,
)
from galrestore.figures.style import save
from galrestore.files.contracts.catalogue import CATALOGUE, REJECTIONS
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION, POPULATION_STATISTICS
from galrestore.files.contracts.published_fits import PUBLISHED_FITS, PUBLISHED_SUMMARY
from galrestore.files.contracts.selection import SELECTION
from galrestore.files.contracts.selection_truth import SELECTION_TRUTH
from galrestore.files.contracts.sersic import SERSIC
from galrestore.files.contracts.stars import STARS
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.contracts.truth import truth_columns
from galrestore.files.contracts.tuning import TUNING_GRID
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import concatenate, read_provenance, read_table
from galrestore.measurement.image_quality import affine_match, psnr
from galrestore.measurement.markdown import (
    render_by_noise,
    render_population,
    render_published,
    render_scores,
    render_selection,
    render_selection_truth,
)
from galrestore.measurement.notes import (
    compare_with_order,
    networks_against_baselines,
    render_contest,
    render_order,
    render_tuning,
)
from galrestore.measurement.published_fits import summarise
from galrestore.measurement.selection_truth import GOOD, judge_selection, simulated_mosaics
from galrestore.measurement.summary import count_rejections, scores_by_noise, summarise_scores
from galrestore.stages import present_shapes
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.stages.written_tables import write_thrice as _write

_FIGURE_8_ROWS = 4  # as in the paper


def add_arguments(parser):
    """Declare the files and settings of each table and figure."""
    kinds = parser.add_subparsers(metavar="what", required=True)
    table1 = _kind(kinds, "table1", _table1, "Table 1 of one set", "PARQUET CSV MARKDOWN")
    table1.add_argument("--measurements", type=Path, nargs="+", required=True, help="by method")
    table1.add_argument(
        "--lineages", nargs="*", default=[], metavar="VARIANT=SETS", help="sets of each network"
    )
    table1.add_argument(
        "--tuned", type=Path, nargs="*", default=[], help="grids of the baselines, by method"
    )
    selection = _kind(kinds, "selection", _selection, "counts by reason", "PARQUET CSV MARKDOWN")
    selection.add_argument("--catalogues", type=Path, nargs="+", required=True, help="by mosaic")
    funnel = _kind(kinds, "funnel", _funnel, "sources left by criterion", "PDF PNG")
    funnel.add_argument("--counts", type=Path, required=True, help="Parquet table of counts")
    locus = _kind(kinds, "star_locus", _star_locus, "size-magnitude diagrams", "PDF PNG")
    locus.add_argument("--catalogues", type=Path, nargs="+", required=True, help="by mosaic")
    locus.add_argument("--stars", type=Path, nargs="+", required=True, help="in that order")
    truth = _kind(
        kinds, "selection_truth", _selection_truth, "counts against truth", "PARQUET CSV MARKDOWN"
    )
    truth.add_argument("--catalogues", type=Path, nargs="+", required=True, help="simulated ones")
    truth.add_argument("--truth", type=Path, required=True, help="Parquet table of the objects")
    population = _kind(
        kinds, "population", _population, "population and fits", "PARQUET CSV MARKDOWN"
    )
    population.add_argument("--statistics", type=Path, required=True, help="of resample")
    fig03 = _kind(kinds, "fig03", _fig03, "Figure 3: sizes of HST stamps", "PDF PNG")
    fig03.add_argument("--catalogues", type=Path, nargs="+", required=True, help="by HST mosaic")
    fig04 = _kind(kinds, "fig04", _fig04, "Figure 4: HST and GalSim fits", "PDF PNG")
    fig04.add_argument("--hst", type=Path, required=True, help="Parquet table of fits")
    fig04.add_argument("--galsim", type=Path, required=True, help="Parquet table of fits")
    quality = _kind(kinds, "fit_quality", _fit_quality, "fits against truth", "PDF PNG")
    quality.add_argument("--fits", type=Path, required=True, help="of the GalSim LQ images")
    quality.add_argument("--population", type=Path, required=True, help="what they show")
    _set_kind(kinds, "fig05", _fig05, "Figure 5: examples")
    fig08a = _set_kind(kinds, "fig08a", _fig08a, "Figure 8a: exposures and their mosaic")
    fig08a.add_argument("--truth", type=Path, help="FITS cubes of the set with the truth as GT")
    fig08a.add_argument("--truth-measurements", type=Path, help="scores of RS against it")
    _set_kind(kinds, "shallow", _shallow, "like Figure 8a, mosaics as one of their exposures")
    fig08b = _set_kind(kinds, "fig08b", _fig08b, "Figure 8b: HST mosaic and JWST")
    fig08b.add_argument("--titles", nargs=2, required=True, metavar=("LQ", "GT"), help="columns")
    curves = _kind(kinds, "training", _training, "loss and scores of all phases", "PDF PNG")
    curves.add_argument(
        "--histories", type=Path, nargs="+", required=True, help="<network>/<sets>/history.parquet"
    )
    published = _kind(
        kinds,
        "published",
        _published,
        "fits against published ones",
        "PARQUET CSV MARKDOWN PDF PNG",
    )
    published.add_argument("--tables", type=Path, nargs="+", required=True, help="by cutout file")
    present_shapes.add_kinds(kinds, _kind)


def _set_kind(kinds, name, make, text):
    """Declare a figure of one set and of one method."""
    parser = _kind(kinds, name, make, text, "PDF PNG")
    parser.add_argument("--images", type=Path, required=True, help="FITS cubes GT, LQ of the set")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    parser.add_argument("--restored", type=Path, required=True, help="FITS cube RS")
    parser.add_argument("--measurements", type=Path, required=True, help="scores of RS")
    return parser


def _kind(kinds, name, make, text, outputs):
    outputs = tuple(outputs.split())
    parser = kinds.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--output", type=Path, nargs=len(outputs), required=True, metavar=outputs, help="files"
    )
    add_common_arguments(parser, Present)
    parser.set_defaults(make=make)
    return parser


def run(args):
    """Run the stage."""
    args.make(args)


def _table1(args):
    frames = [read_table(path, MEASUREMENTS) for path in args.measurements]
    for path, frame in zip(args.measurements, frames, strict=True):
        if not np.array_equal(frame[["id", "set"]], frames[0][["id", "set"]]):
            raise InputError(
                path, f"scores other images than {args.measurements[0]}", "rerun measure"
            )
    lineages = dict(item.split("=", 1) for item in args.lineages)
    table = summarise_scores(frames, lineages, args.seed, args.settings.bootstrap)
    parts = [
        render_scores(table),
        render_order(compare_with_order(frames, lineages)),
        render_contest(networks_against_baselines(frames, lineages)),
        render_by_noise(scores_by_noise(frames, lineages)),
        render_tuning([read_table(path, TUNING_GRID) for path in args.tuned]),
    ]
    text = "\n".join(part for part in parts if part)
    _write(args, table, TABLE1, text, [*args.measurements, *args.tuned])


def _selection(args):
    catalogues = {path.stem: read_table(path, CATALOGUE, empty=True) for path in args.catalogues}
    table = count_rejections(catalogues, REJECTIONS)
    _write(args, table, SELECTION, render_selection(table), args.catalogues)


def _funnel(args):
    figure, caption = selection_funnel.draw(read_table(args.counts, SELECTION))
    save(figure, caption, *args.output, provenance(args, [args.counts]))


def _star_locus(args):
    catalogues = [read_table(path, CATALOGUE, empty=True) for path in args.catalogues]
    if all(catalogue.empty for catalogue in catalogues):
        raise EmptyError("no source was detected in any mosaic, the star loci would be blank")
    stars = concatenate(args.stars, STARS).to_dict("records")
    figure, caption = star_locus.draw(list(zip(stars, catalogues, strict=True)))
    save(figure, caption, *args.output, provenance(args, [*args.catalogues, *args.stars]))


def _selection_truth(args):
    catalogues = {path.stem: read_table(path, CATALOGUE, empty=True) for path in args.catalogues}
    truth = read_table(args.truth, truth_columns(catalogues))
    mosaics = simulated_mosaics(read_provenance(args.truth).settings)
    limits = json.loads(read_provenance(args.catalogues[0]).settings)
    table = judge_selection(catalogues, truth, mosaics, limits, REJECTIONS)
    text = render_selection_truth(table, GOOD)
    _write(args, table, SELECTION_TRUTH, text, [*args.catalogues, args.truth])


def _population(args):
    table = read_table(args.statistics, POPULATION_STATISTICS)
    _write(args, table, POPULATION_STATISTICS, render_population(table), [args.statistics])


def _fig03(args):
    sources = concatenate(args.catalogues, CATALOGUE, empty=True)
    if sources.empty:
        raise EmptyError("no source was detected in any HST mosaic, Figure 3 would be blank")
    settings = json.loads(read_provenance(args.catalogues[0]).settings)
    others = [f"reject_{name}" for name in REJECTIONS if name != "width"]
    figure, caption = fig03_sizes.draw(
        sources["stamp_width"], ~sources[others].any(axis=1), settings["maximum_width"]
    )
    save(figure, caption, *args.output, provenance(args, args.catalogues))


def _fig04(args):
    hst, galsim = read_table(args.hst, SERSIC), read_table(args.galsim, SERSIC)
    try:
        figure, caption = fig04_corner.draw(hst, galsim)
    except ValueError as error:
        raise EmptyError(f"{args.hst}, {args.galsim}: {error}") from error
    save(figure, caption, *args.output, provenance(args, [args.hst, args.galsim]))


def _fit_quality(args):
    fits, population = read_table(args.fits, SERSIC), read_table(args.population, POPULATION)
    truth = population.set_index("id").reindex(fits["id"])
    if truth.isna().any(axis=None):
        raise InputError(args.fits, f"has other objects than {args.population}", "rerun fit")
    try:
        figure, caption = fit_quality.draw(fits, truth)
    except ValueError as error:
        raise EmptyError(f"{args.fits}: {error}") from error
    save(figure, caption, *args.output, provenance(args, [args.fits, args.population]))


def _fig05(args):
    pairs, tested, scored = _tested_set(args)
    noise = pairs["noise"].to_numpy()[tested]
    truth = read_cube(args.images, "GT", tested)
    rows = fig05_examples.choose(truth, noise, args.settings.examples)
    low_quality = read_cube(args.images, "LQ", tested[rows])
    restored = read_cube(args.restored, "RS", rows)
    method = scored["method"].iloc[0]
    figure, caption = fig05_examples.draw(low_quality, restored, truth[rows], noise[rows], method)
    inputs = [args.images, args.table, args.restored, args.measurements]
    save(figure, caption, *args.output, provenance(args, inputs))


def _fig08b(args):
    _, tested, scored = _tested_set(args)
    low_quality, truth = (read_cube(args.images, name, tested) for name in ("LQ", "GT"))
    before = psnr(affine_match(low_quality, truth)[0], truth)
    columns = {args.titles[1]: (truth, before, scored["psnr_matched"])}
    intro = "Multi-epoch HST images restored, beside NIRCam's of the same sky (section 5.2)."
    _figure8(args, args.titles[0], columns, (intro, fig08_hst.MULTI_EPOCH), [])


def _shallow(args):
    _, tested, scored = _tested_set(args)
    low_quality, deep = (read_cube(args.images, name, tested) for name in ("LQ", "GT"))
    before = psnr(affine_match(low_quality, deep)[0], deep)
    columns = {"MT-HQ": (deep, before, scored["psnr_matched"])}
    intro = (
        "Galaxies of HST mosaics (MT-HQ) with the noise that one of their exposures would have "
        "(SG-LQ, imitated), restored."
    )
    _figure8(args, "SG-LQ", columns, (intro, fig08_hst.SHALLOW_EPOCH), [])


def _fig08a(args):
    _, tested, _ = _tested_set(args)
    low_quality = read_cube(args.images, "LQ", tested)
    columns, files = {}, []
    for title, images, scores in (
        ("MT-HQ", args.images, args.measurements),
        ("truth", args.truth, args.truth_measurements),
    ):
        if images is not None:
            better = read_cube(images, "GT", tested)
            before = psnr(affine_match(low_quality, better)[0], better)
            columns[title] = better, before, read_table(scores, MEASUREMENTS)["psnr_matched"]
            files += [images, scores]
    intro = (
        "Single-epoch HST images in the detector's frame (SG-LQ) restored, beside the multi-epoch "
        "mosaic brought to the same pixels (MT-HQ; section 5.1)"
    )
    if args.truth is not None:
        intro += " and the truth of the simulated sky through JWST's PSF"
    _figure8(args, "SG-LQ", columns, (f"{intro}.", fig08_hst.SINGLE_EPOCH), files)


def _figure8(args, title, columns, texts, files):
    pairs, tested, scored = _tested_set(args)
    noise = pairs["noise"].to_numpy()[tested]
    rows = fig05_examples.choose(list(columns.values())[-1][0], noise, _FIGURE_8_ROWS)
    images = {
        title: read_cube(args.images, "LQ", tested[rows]),
        "RS": read_cube(args.restored, "RS", rows),
        **{name: better[rows] for name, (better, _, _) in columns.items()},
    }
    scores = {name: (before, after) for name, (_, before, after) in columns.items()}
    method = scored["method"].iloc[0]
    figure, caption = fig08_hst.draw(images, noise[rows], scores, method, *texts)
    inputs = [args.images, args.table, args.restored, args.measurements, *files]
    save(figure, caption, *args.output, provenance(args, list(dict.fromkeys(inputs))))


def _tested_set(args):
    """Pairs, the rows of the test split, and its scores, all of the same objects."""
    pairs = read_table(args.table, PAIRS)
    tested = np.flatnonzero(pairs["split"] == "test")
    if len(tested) == 0:
        raise EmptyError(f"{args.table}: no pair is in the test split, the figure would be blank")
    scored = read_table(args.measurements, MEASUREMENTS)
    for path, ids in (
        (args.restored, read_ids(args.restored)),
        (args.measurements, scored["id"]),
    ):
        if not np.array_equal(ids, pairs["id"].iloc[tested]):
            raise InputError(path, f"has other objects than the test split of {args.table}")
    return pairs, tested, scored


def _training(args):
    named = {"/".join(path.parts[-3:-1]): path for path in args.histories}
    histories = {name: read_table(path, HISTORY) for name, path in named.items()}
    batch_sizes = {
        name: json.loads(read_provenance(path).settings)["batch_size"]
        for name, path in named.items()
    }
    figure, caption = training_curves.draw(histories, batch_sizes)
    save(figure, caption, *args.output, provenance(args, args.histories))


def _published(args):
    galaxies = concatenate(args.tables, PUBLISHED_FITS)
    if galaxies.empty:
        raise EmptyError("no galaxy was compared with a published fit")
    summary = summarise(galaxies)
    _write(args, summary, PUBLISHED_SUMMARY, render_published(galaxies, summary), args.tables)
    figure, caption = published_fits.draw(galaxies, summary)
    save(figure, caption, *args.output[3:], provenance(args, args.tables))

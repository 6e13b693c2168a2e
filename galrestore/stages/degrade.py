"""Stage ``degrade``: ground truth in, pairs with low quality and split out."""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from galrestore.config.degrade import Degrade
from galrestore.errors import EmptyError, InputError
from galrestore.files import cubes
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.pairs import PAIRS, SPLITS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.tables import concatenate, read_table, write_table
from galrestore.sources.rejection import counts
from galrestore.stages.common import add_common_arguments, provenance, shard_rows
from galrestore.stages.degradation import noise_correlation, psf_kernel
from galrestore.synthesis.degradation import degrade, draw_noise
from galrestore.synthesis.noise import neighbour_correlation
from galrestore.synthesis.psf import equivalent_fwhm
from galrestore.synthesis.split import sky_groups, split

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the stage's actions, files and settings."""
    actions = parser.add_subparsers(metavar="set", required=True)

    galsim = _action(actions, _galsim, "galsim", "degrade rendered galaxies")
    galsim.add_argument("--rendered", type=Path, required=True, help="FITS cube GT of a shard")
    galsim.add_argument("--population", type=Path, required=True, help="Parquet table")

    jwst = _action(actions, _jwst, "jwst", "degrade JWST stamps")
    for name, text in (
        ("catalogues", "Parquet tables of the JWST mosaics"),
        ("stamps", "FITS cubes of the JWST mosaics, in the same order"),
        ("noise", "Parquet tables of the HST mosaics"),
    ):
        jwst.add_argument(f"--{name}", type=Path, nargs="+", required=True, help=text)
    jwst.add_argument("--shard", required=True, help="such as 1-of-4")


def run(args):
    """Run the stage."""
    args.action(args)


def _action(actions, function, name, text):
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    add_common_arguments(parser, Degrade)
    parser.add_argument("--images", type=Path, required=True, help="FITS cube to write")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table to write")
    parser.set_defaults(action=function)
    return parser


def _galsim(args):
    population = read_table(args.population, POPULATION)
    ids = cubes.read_ids(args.rendered)
    population["group"], population["source"] = population["id"], "galsim"
    objects = _split(args, population).set_index("id", drop=False)
    missing = ids[~np.isin(ids, objects.index)]
    if len(missing):
        raise InputError(
            args.rendered, f"object {missing[0]} is not in {args.population}", "rerun render"
        )
    # The shard's own hash would differ between shards; the code that rendered does not.
    record = provenance(args, [args.population, *args.settings.files()])
    code = cubes.read_provenance(args.rendered).code
    record = dataclasses.replace(record, inputs=record.inputs | {"results/render": code})
    _write(args, cubes.read_cube(args.rendered, "GT"), objects.loc[ids], record)


def _jwst(args):
    pool = _accepted(args.noise, "HST")["noise"].to_numpy()
    objects = _accepted(args.catalogues, "JWST")
    objects["group"] = sky_groups(objects, args.settings.group_radius, args.settings.cell)
    objects["source"] = objects["mosaic"]
    rows = shard_rows(args.shard, len(objects))
    mine = _split(args, objects).iloc[rows].copy()
    mine["noise"] = draw_noise(pool, mine["id"].to_numpy(), args.seed)
    inputs = [*args.catalogues, *args.stamps, *args.noise, *args.settings.files()]
    record = provenance(args, inputs)
    _write(args, _stamps(args, objects["id"].to_numpy(), rows), mine, record)


def _accepted(paths, telescope):
    """Read the accepted rows of several catalogues."""
    table = concatenate(paths, CATALOGUE, empty=True)
    accepted = table[table["rejected_by"] == ""].reset_index(drop=True)
    if accepted.empty:
        raise EmptyError(
            f"no {telescope} source is accepted ({counts(table['rejected_by'])}); "
            "see the section select of the settings, or add mosaics"
        )
    return accepted


def _stamps(args, ids, rows):
    """Read the stamps of a shard, and check that cubes and catalogues belong together."""
    found = [cubes.read_ids(path) for path in args.stamps]
    ends = np.cumsum([0, *map(len, found)])
    ends[-1] = len(ids)  # whatever is missing or too much shows in the last cube
    for path, own, a, b in zip(args.stamps, found, ends[:-1], ends[1:], strict=True):
        if not np.array_equal(own, ids[a:b]):
            raise InputError(path, "holds other objects than its catalogue", "rerun select")
    return np.concatenate(
        [
            cubes.read_cube(path, "STAMP", slice(max(rows.start - a, 0), max(rows.stop - a, 0)))
            for path, a, b in zip(args.stamps, ends[:-1], ends[1:], strict=True)
            if rows.start < b and rows.stop > a
        ]
        or [np.zeros((0, 2, 2), dtype=np.float32)]
    )


def _split(args, objects):
    """Add the split, which depends on all objects and not on the shard."""
    sets = split(objects["group"].to_numpy(), args.settings.split, args.seed)
    return objects.assign(split=np.array(SPLITS, dtype=object)[sets])


def _write(args, images, objects, record):
    kernel = psf_kernel(args.settings)
    correlation = noise_correlation(args.settings, images.shape[1:])
    ids, noise = objects["id"].to_numpy(), objects["noise"].to_numpy()
    truth, low_quality, columns = degrade(images, ids, noise, kernel, args.seed, correlation)
    short = int(np.sum(columns["noise"] < noise))
    if short:
        logger.warning("%d of %d pairs cannot be as noisy as asked for", short, len(ids))
    columns["kernel_fwhm"] = equivalent_fwhm(kernel)
    columns["noise_lag1"] = 0.0 if correlation is None else neighbour_correlation(correlation)
    table = objects.assign(**columns)[[column.name for column in PAIRS]]
    write_table(args.table, table, PAIRS, record)
    cubes.write_cube(args.images, {"GT": truth, "LQ": low_quality}, ids, record)

"""Stage ``expose``: single exposures of the simulated sky, and their deep mosaic."""

from pathlib import Path

import pandas as pd

from galrestore.archive import simulated_exposures as simulated
from galrestore.archive.deep_mosaic import write_deep_mosaic
from galrestore.config.acquire import Acquire
from galrestore.errors import SettingsError
from galrestore.files.contracts.exposures import EXPOSURES
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.tables import read_table, write_table
from galrestore.stages.common import add_common_arguments, provenance


def add_arguments(parser):
    """Declare the stage's actions, files and settings."""
    actions = parser.add_subparsers(metavar="action", required=True)

    simulate = _action(actions, _simulate, "simulate", "render a set of exposures")
    simulate.add_argument("--exposures", type=Path, nargs="+", required=True, help="_flc to write")
    simulate.add_argument("--table", type=Path, required=True, help="Parquet table to write")

    combine = _action(actions, _combine, "combine", "drizzle a set of exposures onto a mosaic")
    combine.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    combine.add_argument("--science", type=Path, required=True, help="FITS image to write")
    combine.add_argument("--weight", type=Path, required=True, help="FITS weight map to write")
    combine.add_argument("--hits", type=Path, required=True, help="FITS masks to write")
    combine.add_argument("--manifest", type=Path, required=True, help="Parquet file to write")


def run(args):
    """Run the stage."""
    sky = args.settings.simulated
    if sky is None or args.set not in sky.exposures:
        raise SettingsError("acquire.simulated.exposures", args.set, "not in the settings given")
    args.action(args, sky)


def _action(actions, function, name, text):
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--set", required=True, help="name of the set")
    # Also accepted after the action, where the workflow's rules put it.
    add_common_arguments(parser, Acquire)
    parser.set_defaults(action=function)
    return parser


def _simulate(args, sky):
    record = provenance(args, [])
    rows = simulated.write_exposures(args.set, sky, args.seed, args.exposures, record)
    write_table(args.table, pd.DataFrame(rows), EXPOSURES, record)


def _combine(args, sky):
    paths = [Path(path) for path in read_table(args.table, EXPOSURES)["file"]]
    record = provenance(args, [args.table, *paths])
    exposures = simulated.SimulatedExposureSet(args.set, sky, args.seed)
    frame, cards = exposures.mosaic_frame(), exposures.mosaic_cards()
    files = (args.science, args.weight, args.hits)
    settings = exposures.settings
    write_deep_mosaic(paths, frame, files, cards, record, settings.kernel, settings.pixfrac)
    row = exposures.manifest_row(args.science, args.weight)
    write_table(args.manifest, pd.DataFrame([row]), MANIFEST, record)

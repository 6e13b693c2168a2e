"""Stage ``acquire``: mosaics, their manifests, the truth, and ready pairs."""

from pathlib import Path

import pandas as pd

from galrestore.archive import local, simulated
from galrestore.config.acquire import Acquire
from galrestore.errors import SettingsError
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.truth import truth_columns
from galrestore.files.cubes import write_cube
from galrestore.files.tables import write_table
from galrestore.stages.common import add_common_arguments, provenance


def add_arguments(parser):
    """Declare the stage's actions, files and settings."""
    actions = parser.add_subparsers(metavar="action", required=True)

    simulate = _action(actions, _simulate, "simulate", "render one mosaic of the simulated sky")
    simulate.add_argument("--mosaic", required=True, help="name of the mosaic")
    simulate.add_argument("--science", type=Path, required=True, help="FITS image to write")
    simulate.add_argument("--weight", type=Path, help="FITS weight map to write (format hlf)")
    simulate.add_argument("--manifest", type=Path, required=True, help="Parquet file to write")

    truth = _action(actions, _truth, "truth", "tabulate every simulated object")
    truth.add_argument("--truth", type=Path, required=True, help="Parquet file to write")

    folder = _action(actions, _local, "local", "check and describe one mosaic of a folder")
    folder.add_argument("--mosaic", required=True, help="name of the mosaic")
    folder.add_argument("--manifest", type=Path, required=True, help="Parquet file to write")

    pairs = _action(actions, _pairs, "pairs", "import one set of ready pairs")
    pairs.add_argument("--set", required=True, help="name of the set")
    pairs.add_argument("--images", type=Path, required=True, help="FITS cube to write")
    pairs.add_argument("--table", type=Path, required=True, help="Parquet table to write")


def run(args):
    """Run the stage."""
    args.action(args)


def _action(actions, function, name, text):
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    # Also accepted after the action, where the workflow's rules put it.
    add_common_arguments(parser, Acquire)
    parser.set_defaults(action=function)
    return parser


def _door(args, door, group=None, name=None):
    """Return the settings of a door that is open and holds what the command names."""
    section = getattr(args.settings, door)
    if section is None or (group and name not in getattr(section, group)):
        key = ".".join(filter(None, ("acquire", door, group)))
        raise SettingsError(key, name, "not in the settings given")
    return section


def _simulate(args):
    row = simulated.render_mosaic(
        args.mosaic,
        _door(args, "simulated", "mosaics", args.mosaic),
        args.seed,
        args.science,
        args.weight,
        provenance(args, []),
    )
    write_table(args.manifest, pd.DataFrame([row]), MANIFEST, provenance(args, []))


def _truth(args):
    sky = _door(args, "simulated")
    columns = truth_columns(sky.mosaics)
    write_table(args.truth, simulated.truth(sky, args.seed), columns, provenance(args, []))


def _local(args):
    folder = _door(args, "local", "mosaics", args.mosaic)
    row = local.describe(args.mosaic, folder.mosaics[args.mosaic], folder.root)
    write_table(args.manifest, pd.DataFrame([row]), MANIFEST, provenance(args, []))


def _pairs(args):
    folder = _door(args, "local", "pairs", args.set)
    files = local.pair_files(args.set, folder.pairs[args.set], folder.root)
    images, table = local.read_pairs(args.set, *files)
    record = provenance(args, [path for side in files for path in side])
    write_cube(args.images, images, table["id"].to_numpy(), record)
    write_table(args.table, table, PAIRS, record)

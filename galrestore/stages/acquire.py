"""Stage ``acquire``: mosaics, their manifests, the truth, and ready pairs."""

import logging
from pathlib import Path

import pandas as pd
import yaml

from galrestore.archive import local, simulated
from galrestore.config import archive_of
from galrestore.config.acquire import Acquire
from galrestore.config.lock import Product, format_lock, read_lock
from galrestore.errors import InputError, SettingsError
from galrestore.files.atomic import atomic
from galrestore.files.contracts.downloads import DOWNLOADS
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.truth import truth_columns
from galrestore.files.cubes import write_cube
from galrestore.files.tables import concatenate, write_table
from galrestore.stages.common import add_common_arguments, provenance

logger = logging.getLogger(__name__)


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

    fetch = _action(actions, _download, "download", "fetch one file of the archive")
    fetch.add_argument("--file", required=True, help="<field>/<file> of the product list")
    fetch.add_argument("--receipt", type=Path, required=True, help="Parquet file to write")

    text = "find the archive's products and write the product list"
    resolve = actions.add_parser("resolve", help=text, description=text[0].upper() + text[1:] + ".")
    resolve.add_argument("--configfile", type=Path, required=True, help="settings, YAML")
    resolve.add_argument("--lock", type=Path, help="product list (default: that of the settings)")
    resolve.add_argument("--fields", nargs="+", metavar="FIELD", help="only these fields")
    resolve.add_argument("--offline", action="store_true", help="list what has a URI, ask nobody")
    resolve.set_defaults(action=_resolve)

    text = "note sizes and digests of files fetched in the product list"
    pin = actions.add_parser("pin", help=text, description=text[0].upper() + text[1:] + ".")
    pin.add_argument("--lock", type=Path, required=True, help="product list")
    pin.add_argument("receipts", type=Path, nargs="+", help="receipts of the downloads, Parquet")
    pin.set_defaults(action=_pin)


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


def _download(args):
    from galrestore.archive.download import fetch

    archive = _door(args, "mast")
    products = [product for product in archive.products or [] if product.path == args.file]
    if not products:
        raise SettingsError("acquire.mast.products", args.file, "not in the settings given")
    row = fetch(products[0], archive.root, archive.transfer)
    write_table(args.receipt, pd.DataFrame([row]), DOWNLOADS, provenance(args, []))


def _resolve(args):
    from galrestore.archive.resolve import resolve

    try:
        config = yaml.safe_load(args.configfile.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(args.configfile, f"is no YAML ({error})") from error
    archive = archive_of(config)
    for field in args.fields or []:
        if field not in {entry.field for entry in archive.entries().values()}:
            raise SettingsError("fields", field, f"nothing in {args.configfile} has this field")
    lock = args.lock or Path(archive.lock)
    earlier = [Product(**row) for row in read_lock(lock)] if lock.is_file() else []
    values = resolve(archive, earlier, args.fields, args.offline)
    _write_lock(lock, values)
    found = {value["field"] for value in values} & set(archive.selected())
    update = {"fields": args.fields or sorted(found), "products": [Product(**v) for v in values]}
    for line in archive.model_copy(update=update).estimate().splitlines():
        logger.info("%s", line)


def _pin(args):
    from galrestore.archive.resolve import pin

    products = [Product(**row) for row in read_lock(args.lock)]
    _write_lock(args.lock, pin(products, concatenate(args.receipts, DOWNLOADS)))


def _write_lock(path, values):
    text = format_lock(values)
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")
    logger.info("%s: %d product(s)", path, len(values))

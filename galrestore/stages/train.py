"""Stage ``train``: pairs in, weights and history of one phase out."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from galrestore.config import Train
from galrestore.errors import InputError, SettingsError
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import read_table, write_table
from galrestore.networks.pairs import Pairs
from galrestore.networks.training import Phase, Recipe, fresh_network, train
from galrestore.networks.weights import load_network, save_network
from galrestore.stages.common import add_common_arguments, provenance


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--images", type=Path, required=True, help="FITS cubes GT, LQ")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table of the pairs")
    parser.add_argument("--start", type=Path, help="weights of the phase before")
    parser.add_argument("--lineage", required=True, help="sets of all phases so far, by '-'")
    parser.add_argument("--weights", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--history", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Train)


def run(args):
    """Run the stage."""
    settings = args.settings
    phase = _phase(args)
    training, validation = (_pairs(args, split) for split in ("train", "validation"))
    size = settings.network.model_dump()
    network = load_network(args.start, size) if args.start else fresh_network(size, args.seed)
    recipe = Recipe(**{field.name: getattr(settings, field.name) for field in fields(Recipe)})

    history = train(network, training, validation, recipe, phase, args.seed)

    record = provenance(args, [args.images, args.table, *filter(None, [args.start])])
    save_network(args.weights, network, size, args.lineage, record)
    write_table(args.history, history, HISTORY, record)


def _phase(args):
    counts = args.settings.phases(args.lineage)
    if not counts:
        raise SettingsError("train.variants", args.lineage, "no model begins with these sets")
    return Phase(args.lineage, position=args.lineage.count("-"), phases=counts[-1])


def _pairs(args, split):
    table = read_table(args.table, PAIRS)
    if not np.array_equal(read_ids(args.images), table["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun degrade")
    rows = (table["split"] == split).to_numpy()
    lq, gt = (read_cube(args.images, name, rows) for name in ("LQ", "GT"))
    for cube in (lq, gt):
        bad = table["id"][rows][~np.isfinite(cube).all(axis=(1, 2))]
        if len(bad):
            problem = f"pixels of {len(bad)} images are not finite, first id {bad.iloc[0]}"
            raise InputError(args.images, problem, "rerun degrade")
    return Pairs(lq, gt, f"{args.lineage.split('-')[-1]} {split}")

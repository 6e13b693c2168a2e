"""Stage ``gather``: shards in, one table or one cube out."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from galrestore.errors import InputError
from galrestore.files import cubes, tables


def add_arguments(parser):
    """Declare the stage's files."""
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="in order")
    parser.add_argument("--output", type=Path, required=True, help="same kind as the shards")


def run(args):
    """Run the stage."""
    read = tables.read_provenance if args.output.suffix == ".parquet" else cubes.read_provenance
    records = [read(path) for path in args.shards]
    for path, record in zip(args.shards, records, strict=True):
        if record != records[0]:
            raise InputError(
                path,
                "was made by other code, settings or inputs than the first shard",
                "rerun the shards: snakemake --forcerun " + record.stage,
            )
    if args.output.suffix == ".parquet":
        tables.join_tables(args.shards, args.output)
    else:
        _join_cubes(args.shards, args.output, records[0])


def _join_cubes(shards, output, record):
    with fits.open(shards[0]) as hdus:
        names = [hdu.name for hdu in hdus if isinstance(hdu, fits.ImageHDU)]
        unit = hdus[names[0]].header.get("BUNIT", "")
    joined = {
        name: np.concatenate([cubes.read_cube(path, name) for path in shards]) for name in names
    }
    ids = np.concatenate([cubes.read_ids(path) for path in shards])
    cubes.write_cube(output, joined, ids, record, unit)

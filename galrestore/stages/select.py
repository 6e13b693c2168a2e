"""Stage ``select``: a mosaic in, catalogue and stamps out."""

import logging
from pathlib import Path

import pandas as pd

from galrestore.config.select import Select
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.stars import STARS
from galrestore.files.cubes import write_planes
from galrestore.files.mosaics import MosaicImages
from galrestore.files.tables import read_table, write_table
from galrestore.sources.cutting import cut_stamps, stamp_side
from galrestore.sources.selection import select, star_row
from galrestore.stages.common import add_common_arguments, provenance

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--manifest", type=Path, required=True, help="of one mosaic")
    parser.add_argument("--tile", type=int, default=2048, help="side of the windows [pixel]")
    add_common_arguments(parser, Select)
    parser.add_argument("--catalogue", type=Path, required=True, help="Parquet table to write")
    parser.add_argument("--stars", type=Path, required=True, help="Parquet table to write")
    parser.add_argument("--stamps", type=Path, required=True, help="FITS cube to write")


def run(args):
    """Run the stage."""
    images = MosaicImages(args.manifest)
    selection = select(images, args.settings, args.tile)
    table = selection.table
    ids = table["id"][table["rejected_by"] == ""]
    row = read_table(args.manifest, MANIFEST).iloc[0]
    if not len(ids):
        logger.warning("%s: no source is accepted, see column rejected_by", row["mosaic"])
    record = provenance(args, [args.manifest])
    stars = pd.DataFrame([star_row(selection, args.settings)])
    batches = cut_stamps(images, selection, args.settings, args.seed, args.tile)
    side = stamp_side(selection, args.settings)
    write_planes(args.stamps, "STAMP", (side, side), batches, ids, record, row["unit"])
    write_table(args.catalogue, table, CATALOGUE, record)
    write_table(args.stars, stars, STARS, record)

"""Stage ``select``: a mosaic in, catalogue and stamps out."""

import logging
from pathlib import Path

from galrestore.config.select import Select
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.cubes import write_cube
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import read_table, write_table
from galrestore.sources.survey import select
from galrestore.stages.common import add_common_arguments, provenance

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--manifest", type=Path, required=True, help="of one mosaic")
    parser.add_argument("--tile", type=int, default=2048, help="side of the windows [pixel]")
    add_common_arguments(parser, Select)
    parser.add_argument("--catalogue", type=Path, required=True, help="Parquet table to write")
    parser.add_argument("--stamps", type=Path, required=True, help="FITS cube to write")


def run(args):
    """Run the stage."""
    images = _images(args.manifest)
    selection = select(images, args.settings, args.seed, args.tile)
    row = read_table(args.manifest, MANIFEST).iloc[0]
    if not len(selection.ids):
        logger.warning("%s: no source is accepted, see column rejected_by", row["mosaic"])
    record = provenance(args, [args.manifest])
    write_table(args.catalogue, selection.table, CATALOGUE, record)
    write_cube(args.stamps, {"STAMP": selection.cube}, selection.ids, record, row["unit"])


def _images(manifest):
    """Open the images of a mosaic one after the other."""
    count, index = 1, 0
    while index < count:
        with open_mosaic(manifest, index) as image:
            yield image
            count = image.n_images
        index += 1

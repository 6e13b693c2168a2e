"""Stage ``select``: a mosaic in, catalogue and stamps out."""

import contextlib
import logging
from pathlib import Path

from galrestore.config.select import Select
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.cubes import write_cube
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import write_table
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
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(open_mosaic(args.manifest))
        others = (open_mosaic(args.manifest, image) for image in range(1, first.n_images))
        images = [first, *(stack.enter_context(image) for image in others)]
        for image in images:
            image.require_data()
        selection = select(images, args.settings, args.seed, args.tile)
    if not len(selection.ids):
        logger.warning("%s: no source is accepted, see column rejected_by", first.name)
    record = provenance(args, [args.manifest])
    write_table(args.catalogue, selection.table, CATALOGUE, record)
    write_cube(args.stamps, {"STAMP": selection.cube}, selection.ids, record, first.unit)

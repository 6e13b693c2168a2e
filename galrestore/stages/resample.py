"""Stage ``resample``: Sersic fits in, the population to render out."""

import logging
from pathlib import Path

import pandas as pd

from galrestore.config.resample import Resample
from galrestore.errors import EmptyError
from galrestore.files import tables
from galrestore.files.contracts.population import POPULATION, POPULATION_STATISTICS
from galrestore.files.contracts.sersic import FLUX, SERSIC
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.synthesis.population import DIMENSIONS, compare_population, draw_population

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--fits", type=Path, required=True, help="Parquet table of fits")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table to write")
    parser.add_argument("--statistics", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Resample)


def run(args):
    """Run the stage."""
    fits = tables.read_table(args.fits, SERSIC)
    good = fits[fits["failure"] == ""]
    logger.info("resample: %d of %d fits are good", len(good), len(fits))
    settings = args.settings
    columns = dict(zip(DIMENSIONS, DIMENSIONS, strict=True)) | {"flux": FLUX[settings.flux]}
    sample = {name: good[column].to_numpy() for name, column in columns.items()}
    how = settings.bandwidth, settings.space, settings.shrink
    try:
        population = draw_population(sample, settings.size, args.seed, *how)
        statistics = compare_population(sample, args.seed, *how)
    except EmptyError as error:
        failed = fits.loc[fits["failure"] != "", "failure"].value_counts().sort_index()
        reasons = ", ".join(f"{count} {reason}" for reason, count in failed.items()) or "none"
        msg = f"{args.fits}: {error} ({len(fits)} fits, failed: {reasons})"
        raise EmptyError(msg) from error
    record = provenance(args, [args.fits])
    tables.write_table(args.table, pd.DataFrame(population), POPULATION, record)
    tables.write_table(args.statistics, pd.DataFrame(statistics), POPULATION_STATISTICS, record)

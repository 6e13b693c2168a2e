"""Stage ``fit``: stamps and catalogues in, one table of Sersic parameters out."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config.fit import Fit
from galrestore.errors import InputError
from galrestore.files import cubes, tables
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.sersic import SERSIC
from galrestore.progress import track
from galrestore.sersic.fitting import fit_sersic
from galrestore.sersic.masks import neighbour_masks
from galrestore.stages.common import add_common_arguments, provenance, shard_rows

logger = logging.getLogger(__name__)

# Stamps read and fitted at a time: 128 x 128 pixels each, 16 MB.
_BATCH = 256


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--catalogues", type=Path, nargs="+", required=True, help="one a mosaic")
    parser.add_argument("--stamps", type=Path, nargs="+", required=True, help="in that order")
    parser.add_argument("--shard", default="1-of-1", help="k-of-n")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Fit)


def run(args):
    """Run the stage."""
    catalogues = [tables.read_table(path, CATALOGUE) for path in args.catalogues]
    wanted = _shard_ids(catalogues, args.shard)
    frames = [_empty()]
    for catalogue, stamps in zip(catalogues, args.stamps, strict=True):
        ids = cubes.read_ids(stamps)
        planes = np.flatnonzero(np.isin(ids, wanted))
        if len(planes) < np.isin(catalogue["id"], wanted).sum():
            raise InputError(stamps, "lacks stamps of accepted sources", "rerun stage select")
        batches = [planes[k : k + _BATCH] for k in range(0, len(planes), _BATCH)]
        frames += [
            _fit_batch(catalogue, stamps, ids[batch], batch, args.settings)
            for batch in track(batches, f"fit {stamps.stem}, batch")
        ]
    fits = pd.concat(frames[1:] or frames).sort_values("id", ignore_index=True)
    logger.info("fit: %d stamps, %d good fits", len(fits), (fits["failure"] == "").sum())
    record = provenance(args, [*args.catalogues, *args.stamps])
    tables.write_table(args.table, fits, SERSIC, record)


def _shard_ids(catalogues, shard):
    """Ids of the shard's accepted sources, of all mosaics in the order of the ids."""
    accepted = [table.loc[table["rejected_by"] == "", "id"] for table in catalogues]
    ids = np.sort(pd.concat(accepted).to_numpy())
    return ids[shard_rows(shard, len(ids))]


def _fit_batch(catalogue, stamps, ids, planes, settings):
    """Fit some planes of one cube; return their rows of the table."""
    pixels = cubes.read_cube(stamps, "STAMP", planes)
    positions = pd.Index(catalogue["id"]).get_indexer(ids)
    rows = catalogue.iloc[positions]
    mask = np.zeros(pixels.shape, dtype=bool)
    for image in np.unique(rows["image"]):
        same = catalogue["image"].to_numpy() == image
        sources = {name: catalogue[name].to_numpy()[same] for name in ("x", "y", "a", "b", "theta")}
        here = rows["image"].to_numpy() == image
        targets = np.flatnonzero(same).searchsorted(positions[here])
        mask[here] = neighbour_masks(sources, targets, pixels.shape[1])
    result = fit_sersic(
        pixels,
        rows["psf_fwhm"].to_numpy(),
        mask=mask,
        index_bounds=settings.index_bounds,
        centre_bound=settings.centre_bound,
        gaussians=settings.gaussians,
        maximum_iterations=settings.maximum_iterations,
    )
    given = {"id": ids, "mosaic": rows["mosaic"].to_numpy(), "noise": rows["noise"].to_numpy()}
    given["flux"] = rows["flux_stamp"].to_numpy()
    names = {column.name for column in SERSIC}
    return pd.DataFrame(given | {name: v for name, v in result.items() if name in names})


def _empty():
    return pd.DataFrame({column.name: [] for column in SERSIC})

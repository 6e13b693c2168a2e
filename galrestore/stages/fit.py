"""Stage ``fit``: stamps or rendered pairs in, one table of Sersic parameters out."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.config import section_from_json
from galrestore.config.degrade import Degrade
from galrestore.config.fit import Fit
from galrestore.config.select import Select
from galrestore.errors import InputError, SettingsError
from galrestore.files import cubes, tables
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.sersic import SERSIC
from galrestore.progress import track
from galrestore.sersic.fitting import fit_sersic
from galrestore.sersic.masks import neighbour_masks
from galrestore.sersic.quantities import FLAGS
from galrestore.sersic.residuals import blank_residuals
from galrestore.sources.blank import measure_stamps, original_scale
from galrestore.stages.common import add_common_arguments, argument, provenance, shard_rows
from galrestore.stages.correlations import measured_correlation
from galrestore.stages.degradation import fitted_psf, noise_correlation
from galrestore.stages.psf_images import psf_of_image
from galrestore.stages.skies import measured_sky

logger = logging.getLogger(__name__)

# Stamps read and fitted at a time: 128 x 128 pixels each, 16 MB.
_BATCH = 256
# Stamps of a mosaic, evenly spread over its catalogue, on which its noise is measured.
_SAMPLE = 200


def add_arguments(parser):
    """Declare the stage's actions, files and settings."""
    actions = parser.add_subparsers(metavar="set", required=True)

    stamps = _action(actions, _stamps, "stamps", "fit HST stamps")
    stamps.add_argument("--catalogues", type=Path, nargs="+", required=True, help="one a mosaic")
    stamps.add_argument("--stamps", type=Path, nargs="+", required=True, help="in that order")

    pairs = _action(actions, _pairs, "pairs", "fit the low-quality images of rendered pairs")
    pairs.add_argument("--images", type=Path, required=True, help="FITS cube with LQ")
    pairs.add_argument("--pairs", type=Path, required=True, help="Parquet table of the pairs")
    for name, model, text in (
        ("degradation", Degrade, "settings of degrade (JSON), for the PSF"),
        ("selection", Select, "settings of select (JSON), for the source-free pixels"),
    ):
        pairs.add_argument(
            f"--{name}", type=argument(section_from_json(model)), required=True, help=text
        )


def run(args):
    """Run the stage."""
    args.action(args)


def _action(actions, function, name, text):
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--shard", default="1-of-1", help="k-of-n")
    parser.add_argument("--threads", type=int, default=1, help="the result does not depend on it")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Fit)
    parser.set_defaults(action=function)
    return parser


def _stamps(args):
    catalogues = [tables.read_table(path, CATALOGUE, empty=True) for path in args.catalogues]
    wanted = _shard_ids(catalogues, args.shard)
    psfs = {
        mosaic: psf_of_image(mosaic, file, args.settings.psf_gaussians)
        for mosaic, file in args.settings.psf_images.items()
    }
    frames = [_empty()]
    for catalogue, stamps in zip(catalogues, args.stamps, strict=True):
        ids = cubes.read_ids(stamps)
        planes = np.flatnonzero(np.isin(ids, wanted))
        if len(planes) < np.isin(catalogue["id"], wanted).sum():
            raise InputError(stamps, "lacks stamps of accepted sources", "rerun stage select")
        mosaic = _Mosaic(args, catalogue, stamps, ids, psfs)
        correlation = mosaic.correlation() if len(planes) else None
        frames += [
            mosaic.fits(batch, correlation)
            for batch in track(_batches(planes), f"fit {stamps.stem}, batch")
        ]
    files = [psf.path for psf in args.settings.psf_images.values()]
    _write(args, frames, [*args.catalogues, *args.stamps, *map(Path, files)])


def _pairs(args):
    table = tables.read_table(args.pairs, PAIRS)
    if not np.array_equal(cubes.read_ids(args.images), table["id"]):
        raise InputError(args.images, f"holds other objects than {args.pairs}", "rerun degrade")
    psf = 0.0
    if args.settings.psf != "none":
        psf = fitted_psf(args.degradation, args.settings.psf_gaussians)
    shape = cubes.read_cube(args.images, "LQ", slice(0, 1)).shape[1:]
    correlation = noise_correlation(args.degradation, shape) if args.settings.noise_lags else None
    rows = np.arange(len(table))[shard_rows(args.shard, len(table))]
    frames = [_empty()]
    for batch in track(_batches(rows), "fit pairs, batch"):
        some = table.iloc[batch]
        stamps = original_scale(
            cubes.read_cube(args.images, "LQ", batch),
            some["lq_min"].to_numpy(),
            some["lq_max"].to_numpy(),
        )
        flux, noise = measure_stamps(stamps, args.selection.threshold, args.selection.minimum_area)
        # They are rendered on a sky of 0, to which degrade adds noise without mean.
        rms = noise * np.ptp(stamps, axis=(1, 2))
        sky = None if args.settings.sky == "free" else (0.0, args.settings.pairs_sky_error * rms)
        given = {"id": some["id"].to_numpy(), "mosaic": some["source"].to_numpy()}
        frames.append(
            _rows(
                _fit(args, stamps, psf, sky, None, correlation),
                given | {"flux": flux, "noise": noise},
            )
        )
    files = [Path(path) for path in args.degradation.files()]
    _write(args, frames, [args.pairs, args.images, *files])


def _batches(planes):
    return [planes[k : k + _BATCH] for k in range(0, len(planes), _BATCH)]


def _shard_ids(catalogues, shard):
    """Ids of the shard's accepted sources, of all mosaics in the order of the ids."""
    accepted = [table.loc[table["rejected_by"] == "", "id"] for table in catalogues]
    ids = np.sort(pd.concat(accepted).to_numpy())
    return ids[shard_rows(shard, len(ids))]


class _Mosaic:
    """Stamps of one mosaic and what is known of them."""

    def __init__(self, args, catalogue, stamps, ids, psfs):
        self.args, self.catalogue, self.stamps, self.ids = args, catalogue, stamps, ids
        self.psfs = psfs

    def correlation(self):
        """Measure how its noise is correlated, on the same stamps whatever the shard."""
        lags = self.args.settings.noise_lags
        if lags == 0:
            return None
        step = max(1, len(self.ids) // _SAMPLE)
        pixels, rows, mask = self._read(np.arange(len(self.ids))[::step][:_SAMPLE])
        psf = _psf(self.args.settings, rows, self.psfs)
        fits = _fit(self.args, pixels, psf, self._sky(rows), mask)
        one = float(np.median(psf)) if isinstance(psf, np.ndarray) else psf
        return measured_correlation(
            blank_residuals(pixels, fits, one, mask), lags, rows["mosaic"].iloc[0]
        )

    def fits(self, planes, correlation):
        """Fit some planes of the cube; return their rows of the table."""
        pixels, rows, mask = self._read(planes)
        psf = _psf(self.args.settings, rows, self.psfs)
        given = {name: rows[name].to_numpy() for name in ("id", "mosaic", "noise")}
        given["flux"] = rows["flux_stamp"].to_numpy()
        return _rows(_fit(self.args, pixels, psf, self._sky(rows), mask, correlation), given)

    def _read(self, planes):
        """Pixels of some planes, their rows of the catalogue, and what is masked."""
        catalogue = self.catalogue
        pixels = cubes.read_cube(self.stamps, "STAMP", planes)
        positions = pd.Index(catalogue["id"]).get_indexer(self.ids[planes])
        rows = catalogue.iloc[positions]
        mask = np.zeros(pixels.shape, dtype=bool)
        for image in np.unique(rows["image"]):
            same = catalogue["image"].to_numpy() == image
            names = ("x", "y", "a", "b", "theta")
            sources = {name: catalogue[name].to_numpy()[same] for name in names}
            here = rows["image"].to_numpy() == image
            targets = np.flatnonzero(same).searchsorted(positions[here])
            mask[here] = neighbour_masks(sources, targets, pixels.shape[1])
        return pixels, rows, mask

    def _sky(self, rows):
        return measured_sky(self.args.settings, rows["mosaic"].iloc[0], rows)


def _psf(settings, rows, psfs):
    """PSF of the rows of one mosaic."""
    if settings.psf == "none":
        return 0.0
    if settings.psf == "gaussian":
        return rows["psf_fwhm"].to_numpy()
    mosaic = rows["mosaic"].iloc[0]
    if mosaic not in psfs:
        raise SettingsError("fit.psf_images", sorted(psfs), f"names no image for {mosaic}")
    return psfs[mosaic]


def _fit(args, pixels, psf, sky, mask=None, correlation=None):
    return fit_sersic(
        pixels,
        psf,
        mask=mask,
        sky=sky,
        noise_correlation=correlation,
        index_bounds=args.settings.index_bounds,
        centre_bound=args.settings.centre_bound,
        gaussians=args.settings.gaussians,
        maximum_iterations=args.settings.maximum_iterations,
        backend=args.settings.backend,
        threads=args.threads,
    )


def _rows(result, given):
    names = {column.name for column in SERSIC}
    return pd.DataFrame(given | {name: v for name, v in result.items() if name in names})


def _empty():
    return pd.DataFrame({column.name: [] for column in SERSIC})


def _write(args, frames, inputs):
    fits = pd.concat(frames[1:] or frames).sort_values("id", ignore_index=True)
    failed = fits.loc[fits["failure"] != "", "failure"].value_counts().sort_index()
    flags = fits["flag"].to_numpy(dtype=np.int64)
    graded = {name: int(np.sum(flags & bit != 0)) for name, (bit, _) in FLAGS.items()}
    logger.info(
        "fit: %d stamps; failed: %s; flagged: %s",
        len(fits),
        ", ".join(f"{count} {reason}" for reason, count in failed.items()) or "none",
        ", ".join(f"{count} {name}" for name, count in graded.items() if count) or "none",
    )
    tables.write_table(args.table, fits, SERSIC, provenance(args, inputs))

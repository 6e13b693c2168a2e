"""Stage ``proxy``: HST images and better ones of the same sky in, a set of pairs out."""

import logging
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.archive.local import sky_rms
from galrestore.config import Acquire, Proxy
from galrestore.errors import EmptyError, InputError
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube, read_unit, write_cube
from galrestore.files.exposures import read_exposure
from galrestore.files.images import open_image, read_window
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import concatenate, read_table, write_table
from galrestore.progress import track
from galrestore.sources.cosmic_rays import effective_read_noise
from galrestore.sources.padding import fill
from galrestore.sources.proxies import on_frame, split_like, stamp_frame
from galrestore.sources.regridding import rescaled
from galrestore.sources.selection import object_ids
from galrestore.sources.single_epoch import blotted, cleaned, detector_windows
from galrestore.sources.stamps import corner
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.synthesis.degradation import normalise
from galrestore.synthesis.noise import draw_fields
from galrestore.synthesis.shallow import added_noise

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the sets, their files and settings."""
    sets = parser.add_subparsers(metavar="set", required=True)
    multi = _set(sets, _multi_epoch, "multi_epoch", "an HST mosaic against a NIRCam mosaic")
    multi.add_argument("--hst", type=Path, required=True, help="manifest of the HST mosaic")
    multi.add_argument("--jwst", type=Path, required=True, help="manifest of the JWST mosaic")
    single = _set(sets, _single_epoch, "single_epoch", "exposures against their mosaic")
    single.add_argument("--exposures", type=Path, nargs="+", required=True, help="_flt or _flc")
    single.add_argument("--mosaic", type=Path, required=True, help="manifest of the mosaic")
    single.add_argument(
        "--truth", type=Path, nargs="*", default=[], help="planes in place of the mosaic, in order"
    )
    shallow = _set(sets, _shallow_epoch, "shallow_epoch", "mosaics with the noise of one exposure")
    shallow.add_argument("--stamps", type=Path, nargs="+", required=True, help="of each catalogue")
    _add_truth(sets)


def run(args):
    """Run the stage."""
    args.make(args)


def _add_truth(sets):
    text = "what an exposure of the simulated sky would show through JWST's PSF, without noise"
    truth = sets.add_parser("truth", help=text, description=text[0].upper() + text[1:] + ".")
    truth.add_argument("--set", required=True, help="set of exposures")
    truth.add_argument("--number", type=int, required=True, help="exposure, from 0")
    truth.add_argument("--sharp", required=True, help="mosaic whose PSF the truth has")
    truth.add_argument("--output", type=Path, required=True, help="FITS file to write")
    add_common_arguments(truth, Acquire)
    truth.set_defaults(make=_truth)


def _truth(args):
    from galrestore.archive.simulated_sharpness import write_truth

    sky = args.settings.simulated
    record = provenance(args, [])
    write_truth(args.set, sky, args.seed, args.number, args.sharp, args.output, record)


def _set(sets, make, name, text):
    parser = sets.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    several = {"nargs": "+"} if name == "shallow_epoch" else {}
    parser.add_argument(
        "--catalogue", type=Path, required=True, help="of the HST mosaic", **several
    )
    parser.add_argument("--pairs", type=Path, help="JWST pairs: what networks were trained on")
    parser.add_argument(
        "--seen", type=Path, nargs="*", default=[], help="catalogues that those pairs come from"
    )
    parser.add_argument("--radius", type=float, default=1.0, help="of friends among them [arcsec]")
    parser.add_argument("--images", type=Path, required=True, help="FITS cube to write")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table to write")
    add_common_arguments(parser, Proxy)
    parser.set_defaults(make=make)
    return parser


def _multi_epoch(args):
    sources, size = _sources(args, args.settings.pixel_scale), args.settings.size
    kept, low_quality, better = [], [], []
    with open_mosaic(args.hst) as hst, open_mosaic(args.jwst) as jwst:
        for mosaic, path in ((hst, args.hst), (jwst, args.jwst)):
            if mosaic.wcs is None:
                raise InputError(path, "has no celestial WCS: its place on the sky is not known")
        for row, source in enumerate(track(_rows(sources), "multi_epoch")):
            frame, is_own = stamp_frame(source, size, args.settings.pixel_scale)
            own = tuple(int(corner(source[axis], size)) for axis in "yx") if is_own else None
            stamps = on_frame(hst, frame, size, own), on_frame(jwst, frame, size)
            if all(stamp is not None for stamp in stamps):
                kept.append(row)
                low_quality.append(stamps[0])
                better.append(stamps[1])
    _write(args, sources.iloc[kept], low_quality, better, [args.hst, args.jwst])


def _single_epoch(args):
    parts, low_quality, better = [], [], []
    with open_mosaic(args.mosaic) as mosaic:
        if mosaic.wcs is None:
            raise InputError(args.mosaic, "has no celestial WCS: its place on the sky is not known")
        if mosaic.unit != "electron/s":
            raise InputError(args.mosaic, f"is in {mosaic.unit}, expected electron/s")
        for path, truth in zip_longest(args.exposures, args.truth):
            exposure = read_exposure(path)
            _require_filter(path, exposure, args.mosaic, mosaic)
            sources = _sources(args, exposure.chips[0].nominal_scale)
            for number, chip in enumerate(exposure.chips):
                part, stamps, references = _on_chip(args, mosaic, exposure, chip, sources)
                if truth is not None:
                    with open_image(truth, number + 1) as hdu:
                        plane = read_window(truth, hdu, 0, hdu.shape[0], 0, hdu.shape[1])
                    references = [plane[y0:y1, x0:x1] for y0, y1, x0, x1 in part["window"]]
                parts.append(part.drop(columns="window"))
                low_quality += stamps
                better += references
    files = [*args.exposures, args.mosaic, *args.truth]
    _write(args, pd.concat(parts, ignore_index=True), low_quality, better, files)


def _shallow_epoch(args):
    parts, low_quality, better = [], [], []
    for catalogue, stamps in zip(args.catalogue, args.stamps, strict=True):
        if (unit := read_unit(stamps, "STAMP")) != "electron/s":
            raise InputError(stamps, f"is in {unit}, expected electron/s, to know its photons")
        sources = read_table(catalogue, CATALOGUE, empty=True)
        sources = sources[sources["rejected_by"] == ""].reset_index(drop=True)
        images = read_cube(stamps, "STAMP")
        kept, imitated, references = _imitated(args, sources, images)
        parts.append(sources.iloc[kept])
        low_quality += imitated
        better += references
    sources = pd.concat(parts, ignore_index=True)
    _write(args, sources.assign(group=sources["id"]), low_quality, better, args.stamps)


def _imitated(args, sources, images):
    """Rescale and pad a mosaic's stamps that are not wider; add the noise of one exposure."""
    settings, size = args.settings.shallow_epoch, args.settings.size
    kept, imitated, references = [], [], []
    for row, source in enumerate(_rows(sources)):
        factor = args.settings.pixel_scale / source["pixel_scale"]
        if source["stamp_width"] > size * factor:
            continue
        deep = rescaled(images[row], factor, size)
        rms = sky_rms(deep[np.isfinite(deep)])
        deep = fill(deep, source["sky"], rms, args.seed, source["id"])
        # Drizzled values are those of a pixel of the mosaic, the photons those of a new one.
        electrons = settings.mosaics[source["mosaic"]] * factor**2
        noise = added_noise(deep, source["sky"], rms, electrons, settings.exposures)
        kept.append(row)
        references.append(deep)
        field = draw_fields(deep.shape, [source["id"]], args.seed)[0]
        imitated.append((deep + noise * field).astype(np.float32))
    return kept, imitated, references


def _require_filter(path, exposure, manifest, mosaic):
    if exposure.band.upper() != mosaic.band.upper():
        problem = f"is in {exposure.band or 'no filter'}, the mosaic in {mosaic.band}"
        raise InputError(path, problem, f"name exposures in the filter of {manifest}")


def _on_chip(args, mosaic, exposure, chip, sources):
    """Cut sources on a chip out of the exposure, and out of the mosaic."""
    where, size = sources[["ra", "dec"]].to_numpy(), args.settings.size
    found, windows = detector_windows(chip.wcs, chip.shape, *where.T, size)
    kept, stamps, references = [], [], []
    noise = effective_read_noise(chip.data, chip.read_noise, chip.bad)
    flagged, filled = exposure.cosmic_rays_flagged, 0
    for row, window in zip(found, track(windows, f"{exposure.name} {chip.name}"), strict=True):
        reference = blotted(mosaic, chip, window)
        if reference is not None:
            clean = cleaned(chip, noise, window, flagged)
            filled += clean.replaced > 0
            kept.append((row, window))
            stamps.append(clean.image)
            references.append(reference)
    logger.info(
        "%s %s: %d of %d stamps were hit or had bad pixels, which are filled",
        *(exposure.name, chip.name, filled, len(kept)),
    )
    part = sources.iloc[[row for row, _ in kept]].reset_index(drop=True)
    part["window"] = [window for _, window in kept]
    ids = object_ids(f"{exposure.name} {chip.name}", len(sources))
    part["group"], part["id"] = part["id"], ids[[row for row, _ in kept]]
    # The PSF of the mosaic, in pixels of the detector.
    part["star_fwhm"] *= part["pixel_scale"] / chip.nominal_scale
    part["pixel_scale"] = args.settings.pixel_scale
    return part, stamps, references


def _rows(sources):
    return [source for _, source in sources.iterrows()]


def _sources(args, scale):
    """Read the accepted sources of the HST catalogue that a stamp holds."""
    table = read_table(args.catalogue, CATALOGUE, empty=True)
    side = args.settings.size * scale
    wide = table["stamp_width"] * table["pixel_scale"] > side
    sources = table[(table["rejected_by"] == "") & table["ra"].notna() & ~wide]
    if sources.empty:
        raise EmptyError(
            f"{args.catalogue}: no accepted source fits in {args.settings.size} pixels"
        )
    return sources.assign(group=sources["id"]).reset_index(drop=True)


def _write(args, sources, low_quality, better, files):
    catalogues = args.catalogue if isinstance(args.catalogue, list) else [args.catalogue]
    if not low_quality:
        names = ", ".join(map(str, catalogues))
        raise EmptyError(f"{names}: no stamp is covered with data by both images")
    logger.info("%d stamps are covered with data by both images", len(low_quality))
    images, table = {}, pd.DataFrame({"id": sources["id"], "source": sources["mosaic"]})
    for name, stamps in (("LQ", low_quality), ("GT", better)):
        images[name], low, high = normalise(np.stack(stamps))
        table[f"{name.lower()}_min"], table[f"{name.lower()}_max"] = low, high
    table["group"], table["split"] = sources["group"], _splits(args, sources)
    table["noise"] = [sky_rms(stamp) for stamp in images["LQ"]]
    table["kernel_fwhm"] = sources["star_fwhm"] * (
        sources["pixel_scale"] / args.settings.pixel_scale
    )
    table[["noise_sigma", "noise_lag1"]] = np.nan
    counts = table["split"].value_counts().to_dict()
    logger.info("by what networks have seen of them: %s", counts)
    record = provenance(args, [*files, *catalogues, *filter(None, [args.pairs]), *args.seen])
    write_cube(args.images, images, table["id"].to_numpy(), record)
    write_table(args.table, table, PAIRS, record)


def _splits(args, sources):
    if args.pairs is None:
        return "test"
    pairs = read_table(args.pairs, PAIRS)[["id", "split"]]
    seen = concatenate(args.seen, CATALOGUE, empty=True)[["id", "ra", "dec"]].merge(pairs, on="id")
    return split_like(sources, seen, seen["split"].to_numpy(), args.radius)

"""Command ``image``: any HST-like FITS image in, its galaxies restored out."""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from galrestore.archive.local import describe
from galrestore.config import section_from_json
from galrestore.config.image import Image
from galrestore.config.local import LocalMosaic
from galrestore.config.select import Select
from galrestore.errors import EmptyError, InputError, SettingsError
from galrestore.figures.own_image import MOST, draw
from galrestore.figures.style import save
from galrestore.files.contracts.restored_sources import RESTORED_SOURCES
from galrestore.files.images import celestial_wcs, first_image, open_image
from galrestore.files.mosaics import MosaicImages, open_mosaic
from galrestore.files.positions import read_positions
from galrestore.files.restored import scratch_cube, write_restored
from galrestore.measurement.own_images import WARNINGS, in_unit_of, warnings_of
from galrestore.networks.inference import apply_network
from galrestore.networks.weights import load_network
from galrestore.progress import track
from galrestore.sources.own_sources import detected, frame_columns, given
from galrestore.sources.own_stamps import MOST_BLANK, own_stamp, pixel_ratio, stamp_psf
from galrestore.sources.selection import select
from galrestore.stages.common import provenance
from galrestore.weights import checkpoint_file

logger = logging.getLogger(__name__)

_SIZE, _SCALE = 64, 0.05  # of the stamps that networks learn from [pixel, arcsec]
_FWHM = 0.094  # arcsec, of the blur that they learn to undo
_TILE = 2048
_CHUNK = 512  # stamps in memory at once
_REASONS = {
    "wide": f"wider than a stamp of {_SIZE} pixels",
    "outside": "position outside of the image",
    "blank": f"more than {MOST_BLANK:.0%} of the stamp is blank",
    "constant": "stamp without noise or light",
}


def add_arguments(parser):
    """Declare the files and what the user says about them."""
    parser.add_argument("image", type=Path, help="FITS image")
    parser.add_argument(
        "--output", type=Path, required=True, help="FITS file to write; a gallery goes beside it"
    )
    parser.add_argument("--hdu", help="index or name of the image (default: the first 2-D one)")
    parser.add_argument("--weight", type=Path, help="FITS file of its noise or weights")
    parser.add_argument("--weight-kind", choices=["rms", "inverse_variance"], help="what it holds")
    parser.add_argument("--weight-hdu", help="index or name (default: the first 2-D image)")
    parser.add_argument("--pixel-scale", type=float, help="[arcsec], where there is no WCS")
    parser.add_argument(
        "--psf-fwhm",
        type=float,
        help=f"width of stars [arcsec] (default: measured on stars, {_FWHM} if they are too few)",
    )
    parser.add_argument(
        "--keep-pixels", action="store_true", help=f"do not drizzle to {_SCALE} arcsec a pixel"
    )
    parser.add_argument(
        "--positions",
        type=Path,
        help="table (CSV, ECSV, FITS, Parquet) with ra, dec [deg] or x, y [pixel, 0-based] in "
        "place of detection",
    )
    parser.add_argument(
        "--weights", default="shipped", help="safetensors file, or name of a shipped network"
    )
    parser.add_argument(
        "--self-ensemble",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="mean over the eight orientations of each stamp (default), or one of them, in an "
        "eighth of the time",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise that fills blanks")
    parser.set_defaults(code=None)


def run(args):
    """Run the command."""
    args.settings = section_from_json(Image)(json.dumps(_stated(args)))
    weights = _weights_file(args.weights)
    network = load_network(weights)
    row = _described(args)
    with open_mosaic(row) as mosaic:
        sources, fwhm = _sources(args, mosaic, row)
        ratio = pixel_ratio(mosaic.pixel_scale, _SCALE, args.settings.keep_pixels)
        _log_scale(args.image, mosaic.pixel_scale, ratio)
        sources, cubes, filled, correlation = _cut(args, mosaic, sources, ratio)
        radesys = "" if mosaic.wcs is None else mosaic.wcs.wcs.radesys or "ICRS"
    sources["psf_fwhm"] = stamp_psf(fwhm, ratio)
    _restore(network, cubes, filled, sources, args.self_ensemble, correlation)
    _warn(args.image, sources)
    files = [args.image, args.weight, args.positions, weights]
    record = provenance(args, [path for path in files if path is not None])
    columns = [column.name for column in RESTORED_SOURCES]
    write_restored(args.output, cubes, sources[columns], row["unit"], radesys, record)
    _gallery(args, cubes, sources, record)
    out = sources["left_out"]
    logger.info("%d restored, %s; %s", (out == "").sum(), _counted(out), args.output)


def _stated(args):
    stated = {name: getattr(args, name) for name in Image.model_fields}
    for name in ("hdu", "weight_hdu"):
        if stated[name] is not None and stated[name].isdigit():
            stated[name] = int(stated[name])
    if (args.weight is None) != (args.weight_kind is None):
        given = "--weight-kind" if args.weight is None else "--weight"
        problem = "--weight and --weight-kind (rms or inverse_variance) go together"
        raise SettingsError(given, str(args.weight or args.weight_kind), problem)
    return stated


def _weights_file(name):
    try:
        return checkpoint_file(name)
    except ValueError as error:
        problem = f"{error}; or name a .safetensors file"
        raise SettingsError("--weights", name, problem) from None


def _described(args):
    """Check the files, and describe them as a manifest does."""
    said = args.settings
    hdu = first_image(args.image) if said.hdu is None else said.hdu
    with open_image(args.image, hdu) as opened:
        header, wcs = opened.header, celestial_wcs(args.image, opened)
    if wcs is None and said.pixel_scale is None:
        problem = f"extension {hdu!r} has no celestial WCS, so its pixel scale is not known"
        raise InputError(args.image, problem, "give --pixel-scale ARCSEC")
    settings = {
        "telescope": "hst",
        "instrument": "",
        "band": "",
        "field": "image",
        "science": str(args.image),
        "science_hdu": hdu,
        "unit": str(header.get("BUNIT", "")).strip(),
        "pixel_scale": said.pixel_scale,
        "psf_fwhm": said.psf_fwhm or _FWHM,
    }
    if args.weight is not None:
        weight_hdu = first_image(args.weight) if said.weight_hdu is None else said.weight_hdu
        settings |= {"weight": str(args.weight), "weight_hdu": weight_hdu}
        settings["weight_kind"] = said.weight_kind
    args.saturation = float(header.get("SATURATE", np.inf))
    return describe(args.image.stem, LocalMosaic.model_validate(settings), "")


def _sources(args, mosaic, row):
    """Find the sources to restore, and the width of stars [pixel of the image]."""
    fwhm = mosaic.psf_fwhm / mosaic.pixel_scale
    measure = args.settings.psf_fwhm is None
    selection = None
    if measure or args.positions is None:
        settings = Select() if measure else Select(psf_stars=0)
        selection = select(MosaicImages(row), settings, _TILE)
        fwhm = selection.psf.star_fwhm
        if measure and selection.psf.stars == 0:
            logger.warning(
                "%s: too few stars to measure the PSF: %g arcsec is taken, as in the training; "
                "state another with --psf-fwhm",
                *(args.image, _FWHM),
            )
    if args.positions is None:
        if not len(selection.table):
            raise EmptyError(
                f"{args.image}: extension {row['science_hdu']!r}: no source found above 1.5 rms; "
                "check the extension and --weight, or give --positions"
            )
        side = _SIZE * pixel_ratio(mosaic.pixel_scale, _SCALE, args.settings.keep_pixels)
        return detected(selection.table, side), fwhm
    sources = given(read_positions(args.positions, mosaic.wcs is not None), mosaic)
    if (sources["left_out"] != "").all():
        height, width = mosaic.shape
        problem = f"none of its {len(sources)} positions lies in {args.image} ({width} x {height})"
        remedy = "check the columns: x and y are 0-based pixels, ra and dec degrees"
        raise InputError(args.positions, problem, remedy)
    return sources, fwhm


def _log_scale(path, scale, ratio):
    if ratio == 1:
        logger.info("%s: own pixels of %.4g arcsec", path, scale)
    else:
        logger.info("%s: drizzled from %.4g to %g arcsec a pixel", path, scale, _SCALE)


def _cut(args, mosaic, sources, ratio):
    """Cut all stamps into a scratch file, and tell what they and their noise are."""
    folder, count = args.output.parent, int((sources["left_out"] == "").sum())
    low_quality, filled = (scratch_cube(folder, count, _SIZE) for _ in range(2))
    rows, plane, correlations = [], 0, []
    for _, source in track(list(sources.iterrows()), f"{mosaic.name}: stamps"):
        row = dict.fromkeys((column.name for column in RESTORED_SOURCES), np.nan)
        row |= {"plane": -1, "saturated": 0, "cosmic_rays": 0, "warnings": ""} | source.to_dict()
        row["pixel_ratio"] = ratio
        if not row["left_out"]:
            row |= frame_columns(source, mosaic.pixel_scale, _SIZE, ratio)
            stamp = own_stamp(mosaic, *source[["x", "y"]], _SIZE, ratio, args.seed, args.saturation)
            row |= {name: getattr(stamp, name) for name in _MEASURES}
            row |= {"filled": stamp.filled.mean(), "left_out": stamp.problem}
            if not stamp.problem:
                low_quality[plane], filled[plane], row["plane"] = stamp.image, stamp.filled, plane
                plane += 1
                if stamp.correlation is not None:
                    correlations.append(stamp.correlation)
        rows.append(row)
    table = pd.DataFrame(rows)
    if plane == 0:
        raise EmptyError(f"{args.image}: nothing can be restored, {_counted(table['left_out'])}")
    restored = scratch_cube(folder, plane, _SIZE)
    # From the sky alone: RS takes some of the correlated noise of LQ, so that what it leaves
    # would show too little.  One stamp knows it to some hundredths, and holds wings of galaxies.
    correlation = np.median(correlations, axis=0) if correlations else None
    return table, {"LQ": low_quality[:plane], "RS": restored}, filled[:plane], correlation


_MEASURES = ("sky", "rms", "noise", "noise_lag1", "saturated", "cosmic_rays")


def _restore(network, cubes, filled, sources, self_ensemble, correlation):
    """Restore the stamps in the unit of the image, and complete the table."""
    restored = sources[sources["plane"] >= 0].sort_values("plane")
    for start in range(0, len(restored), _CHUNK):
        part = restored.iloc[start : start + _CHUNK]
        planes = slice(start, start + len(part))
        stamps = np.array(cubes["LQ"][planes], dtype=np.float32)
        raw = apply_network(network, stamps, self_ensemble=self_ensemble)
        blank = np.array(filled[planes]) > 0
        rms, fwhm = part["rms"].to_numpy(), float(part["psf_fwhm"].iloc[0])
        cubes["RS"][planes], scaling = in_unit_of(stamps, raw, rms, blank, fwhm, correlation)
        sources.loc[part.index, "scale"] = scaling.scale
        sources.loc[part.index, "scale_error"] = scaling.scale_error
        sources.loc[part.index, "zero_point"] = scaling.offset
        sources.loc[part.index, "zero_point_error"] = scaling.offset_error
    names = [",".join(warnings_of(row)) for _, row in sources.loc[restored.index].iterrows()]
    sources.loc[restored.index, "warnings"] = names


def _warn(path, sources):
    total = int((sources["plane"] >= 0).sum())
    for name, text in WARNINGS.items():
        count = int(sources["warnings"].str.split(",").map(lambda names, n=name: n in names).sum())
        if count:
            logger.warning("%s: %d of %d: %s [%s]", path, count, total, text, name)


def _counted(left_out):
    out = left_out[left_out != ""].value_counts()
    reasons = "; ".join(f"{count} {_REASONS[name]}" for name, count in out.items())
    return f"{out.sum()} left out" + (f" ({reasons})" if reasons else "")


def _gallery(args, cubes, sources, record):
    restored = sources[sources["plane"] >= 0]
    shown = restored.sort_values(["rejected_by", "noise"], kind="stable").head(MOST)
    planes = shown["plane"].to_numpy(int)
    images = (np.array(cubes[name][planes], dtype=np.float32) for name in ("LQ", "RS"))
    figure, caption = draw(*images, shown, args.image.name)
    save(figure, caption, args.output.with_suffix(".pdf"), args.output.with_suffix(".png"), record)

"""
Local folder: describe the user's own mosaics, and import ready pairs of stamps.

Images stay where they are; a manifest row points to them.  Everything that can be
wrong with a file is found here, before any stage works on it.
"""

import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.stats import mad_std, sigma_clipped_stats

from galrestore.errors import InputError, SettingsError
from galrestore.files.images import celestial_wcs, count_images, open_image, wcs_scale
from galrestore.files.mosaics import open_mosaic
from galrestore.provenance import sha256_of

__all__ = ["describe", "pair_files", "read_pairs", "sky_rms"]

logger = logging.getLogger(__name__)

_SCALE_TOLERANCE = 0.01  # relative; stated and measured pixel scales may differ so much
_RANGE_TOLERANCE = 1e-5  # how exactly ready pairs must fill [0, 1]


def describe(name, settings, root):
    """
    Check a mosaic and describe it.

    Parameters
    ----------
    name : str
        Name of the mosaic.
    settings : LocalMosaic
        Its settings.
    root : str or Path
        Folder that its files lie in.

    Returns
    -------
    row : dict
        Manifest row, contract ``manifest``.

    Raises
    ------
    InputError
        If a file is missing, truncated or not FITS, lacks the extension, is not
        two-dimensional, is without data, or has no pixel scale; or if science and
        weight differ in shape.
    """
    science = os.path.join(root, settings.science)
    weight = os.path.join(root, settings.weight) if settings.weight else ""
    count = count_images(science, settings.science_hdu)
    with open_image(science, settings.science_hdu) as hdu:
        wcs, shape = celestial_wcs(science, hdu), hdu.shape
    row = {
        "mosaic": name,
        **settings.model_dump(include={"telescope", "instrument", "band", "field", "unit"}),
        "science": science,
        "science_hdu": str(settings.science_hdu),
        "weight": weight,
        "weight_hdu": str(settings.weight_hdu) if weight else "",
        "weight_kind": settings.weight_kind if weight else "",
        "pixel_scale": _pixel_scale(name, science, settings.pixel_scale, wcs),
        "psf_fwhm": settings.psf_fwhm,
        "has_wcs": wcs is not None,
        "height": shape[0],
        "width": shape[1],
        "images": count,
        "science_sha256": sha256_of(science),
        "weight_sha256": sha256_of(weight) if weight else "",
    }
    _require_data(row)
    logger.info("%s: %d image(s) of %d x %d, %s", name, count, *shape, science)
    return row


def _require_data(row):
    for image in range(row["images"]):
        with open_mosaic(row, image) as mosaic:
            mosaic.require_data()


def _pixel_scale(name, path, stated, wcs):
    """Pixel scale of the WCS, which wins, or else the one stated [arcsec]."""
    if wcs is None:
        if stated is None:
            key = f"acquire.local.mosaics.{name}.pixel_scale"
            raise InputError(path, "has no celestial WCS and no pixel scale", f"state {key}")
        return stated
    scale = wcs_scale(wcs)
    if stated is not None and abs(stated / scale - 1) > _SCALE_TOLERANCE:
        logger.warning(
            "%s: stated pixel scale %g arcsec, the WCS says %.6g; the WCS is used",
            name,
            stated,
            scale,
        )
    return scale


def pair_files(name, settings, root):
    """
    List the files of a set of ready pairs.

    Parameters
    ----------
    name : str
        Name of the set.
    settings : LocalPairs
        Its settings.
    root : str or Path
        Folder that its files lie in.

    Returns
    -------
    gt, lq : list of Path
        Files in the order of their names, equally many.

    Raises
    ------
    InputError
        If the folder is missing.
    SettingsError
        If a glob finds nothing, or the two find different numbers of files.
    """
    if not Path(root).is_dir():
        raise InputError(root, "is no folder", "give it with --config data_root=<folder>")
    found = {key: sorted(Path(root).glob(getattr(settings, key))) for key in ("gt", "lq")}
    for key, files in found.items():
        if not files:
            key = f"acquire.local.pairs.{name}.{key}"
            raise SettingsError(key, getattr(settings, key[-2:]), f"no such file below {root}")
    if len(found["gt"]) != len(found["lq"]):
        problem = f"finds {len(found['lq'])} files, gt finds {len(found['gt'])}"
        raise SettingsError(f"acquire.local.pairs.{name}.lq", settings.lq, problem)
    return found["gt"], found["lq"]


def read_pairs(name, gt, lq):
    """
    Read ready pairs of stamps.

    Parameters
    ----------
    name : str
        Name of the set.
    gt, lq : sequence of Path
        ``.npy`` files of ground truth and low quality, in the same order.

    Returns
    -------
    images : dict of str to ndarray of float32, shape (N, H, W)
        ``GT`` and ``LQ``.
    table : pandas.DataFrame
        One row a pair, contract ``pairs``; all in the split ``test``.  The noise is
        measured in the LQ images, see `sky_rms`; its sigma in GT's unit is not known.

    Raises
    ------
    InputError
        If a file is not a 2-D array of finite floats that fill [0, 1], or shapes
        differ.
    """
    images = {"GT": [_stamp(path) for path in gt], "LQ": [_stamp(path) for path in lq]}
    shape = images["GT"][0].shape
    for path, stamp in zip([*gt, *lq], [*images["GT"], *images["LQ"]], strict=True):
        if stamp.shape != shape:
            raise InputError(
                path,
                f"has shape {stamp.shape}, {gt[0]} has {shape}",
                "all stamps of a set must have one shape",
            )
    ids = np.arange(len(gt), dtype=np.int64)
    noise = [sky_rms(stamp) for stamp in images["LQ"]]
    table = pd.DataFrame({"id": ids, "source": name, "split": "test", "group": ids, "noise": noise})
    table[["noise_sigma", "noise_lag1", "kernel_fwhm"]] = np.nan
    table[["gt_min", "gt_max", "lq_min", "lq_max"]] = 0.0, 1.0, 0.0, 1.0
    return {key: np.stack(stamps) for key, stamps in images.items()}, table


def sky_rms(stamp):
    """
    Measure the noise of a stamp with a source in it.

    Parameters
    ----------
    stamp : ndarray of float, shape (H, W)
        Pixels.

    Returns
    -------
    rms : float
        Normalised median absolute deviation after clipping at 3 sigma.
    """
    return float(sigma_clipped_stats(stamp, sigma=3, maxiters=10, stdfunc=mad_std)[2])


def _stamp(path):
    try:
        with open(path, "rb") as file:
            # Not np.load, which takes an archive for an array, too.
            stamp = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        problem = f"is not a readable .npy file ({str(error).splitlines()[0]})"
        raise InputError(path, problem) from error
    if stamp.ndim != 2 or stamp.dtype.kind != "f":
        raise InputError(path, f"is {stamp.dtype} of shape {stamp.shape}, expected 2-D floats")
    if not np.isfinite(stamp).all():
        raise InputError(path, "has pixels that are not finite")
    low, high = float(stamp.min()), float(stamp.max())
    if abs(low) > _RANGE_TOLERANCE or abs(high - 1) > _RANGE_TOLERANCE:
        raise InputError(path, f"ranges from {low:g} to {high:g}", "min-max normalise it to [0, 1]")
    return stamp.astype(np.float32)

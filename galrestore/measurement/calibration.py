"""
Calibration: bias and scatter of flux, size and index, in bins of S/N, size and noise.

Errors are relative, (x - x of GT) / x of GT, so that a flux below zero counts as what it
is; bins hold equally many objects.  What bins are formed by does not know the noise of
the image that is calibrated, or bins of faint objects would be chosen by that noise.
"""

from functools import partial

import numpy as np
import pandas as pd

from galrestore.measurement.comparison import compare
from galrestore.measurement.morphology import FIT_WITH_PSF
from galrestore.rng import stream

__all__ = ["CALIBRATED", "PROPERTIES", "calibrate", "properties", "relative_errors"]

# Quantity: column, and whether it is a fit's.
CALIBRATED = {
    "aperture flux": ("flux_aperture", False),
    "isophotal flux": ("flux_isophote", False),
    "R50": ("r50", True),
    "n": ("n", True),
}
PROPERTIES = {
    "S/N": "flux of GT in LQ's Kron ellipse over LQ's noise there, if white",
    "size": "half-light radius of GT [pixel]",
    "noise": "rms of the noise in the min-max normalised LQ",
    "correlation": "correlation of the noise of neighbouring pixels of LQ",
}

# Objects that statistics need.
_FEWEST = 3
_KEPT = ("bias", "mean_bias", "mad", "clipped", "rmse", "mad_ratio", "rmse_ratio")


def relative_errors(objects, quantity):
    """
    Return one quantity's relative errors in all images.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements (contract `SHAPES`), each image's objects in one order.
    quantity : str
        One of `CALIBRATED`.

    Returns
    -------
    errors : dict of str to ndarray of float64, shape (N,)
        By image, without GT; NaN where the measurement failed, in GT too, or GT's is not
        positive.  Fluxes are on the matched scale, and have no ``"LQ + PSF"``.
    """
    column, fitted = CALIBRATED[quantity]
    measured = {}
    for image, rows in objects.groupby("image", sort=False):
        values = rows[column].to_numpy(dtype=float).copy()
        if fitted:
            values[(rows["failure"] != "").to_numpy()] = np.nan
        else:
            values[(rows["area_aperture"] == 0).to_numpy()] = np.nan
        if fitted or image != FIT_WITH_PSF:
            measured[image] = values
    truth = measured.pop("GT")
    truth = np.where(truth > 0, truth, np.nan)
    return {image: values / truth - 1 for image, values in measured.items()}


def properties(objects, correlation):
    """
    Return what bins are formed by.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements (contract `SHAPES`).
    correlation : ndarray, shape (N,)
        Correlation of LQ's noise between neighbours, of each object; NaN if not known.

    Returns
    -------
    properties : dict of str to ndarray of float64, shape (N,)
        Those of `PROPERTIES` that the set carries: S/N unless it is known of none, the
        correlation if it varies.  NaN where not known.

    Notes
    -----
    S/N is F / (sigma sqrt(A)), with GT's flux F in LQ's Kron ellipse of A pixels and the
    rms sigma of LQ's noise.
    """
    truth, low = (objects[objects["image"] == image] for image in ("GT", "LQ"))
    area = low["area_aperture"].to_numpy(dtype=float)
    sigma = low["noise"].to_numpy(dtype=float) * low["scale"].to_numpy(dtype=float)
    noise = np.where(area > 0, sigma * np.sqrt(area), np.nan)
    flux = truth["flux_aperture"].to_numpy(dtype=float)
    ratio = np.divide(flux, noise, out=np.full(len(flux), np.nan), where=noise > 0)
    correlation = np.asarray(correlation, dtype=float)
    known = correlation[np.isfinite(correlation)]
    carried = {
        "S/N": np.isfinite(ratio).any(),
        "correlation": len(known) > 1 and known.min() < known.max(),
    }
    found = {
        "S/N": ratio,
        "size": np.where(truth["failure"] == "", truth["r50"].to_numpy(dtype=float), np.nan),
        "noise": truth["noise"].to_numpy(dtype=float),
        "correlation": correlation,
    }
    return {name: values for name, values in found.items() if carried.get(name, True)}


def calibrate(objects, correlation, images, labels, seed, bins=5, draws=200):
    """
    Measure bias and scatter in bins.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements of one set (contract `SHAPES`), each image's objects in one order.
    correlation : ndarray, shape (N,)
        As of `properties`.
    images : sequence of str
        Images to look at, beside LQ.
    labels : dict of str to str
        Name for the reader of each image.
    seed : int
        Seed of the run, for the bootstrap.
    bins : int, optional
        Bins of each property, of equally many objects; fewer if they would hold less than
        `_FEWEST`.
    draws : int, optional
        Resamplings of the bootstrap.

    Returns
    -------
    table : pandas.DataFrame
        One row for each quantity of `CALIBRATED`, property, bin and image (contract
        `CALIBRATION`); statistics are NaN with fewer than three objects.
    """
    name = objects["set"].iloc[0]
    rows = []
    for quantity in CALIBRATED:
        errors = relative_errors(objects, quantity)
        errors = {image: errors[image] for image in ("LQ", *images) if image in errors}
        for by, values in properties(objects, correlation).items():
            known = np.flatnonzero(np.isfinite(values))
            ordered = known[np.argsort(values[known], kind="stable")]
            some_bins = min(bins, max(len(ordered) // _FEWEST, 1))
            for k, members in enumerate(np.array_split(ordered, some_bins)):
                streams = partial(_stream, seed, f"present.calibration.{name}.{quantity}.{by}", k)
                some = {image: array[members] for image, array in errors.items()}
                about = {"set": name, "quantity": quantity, "by": by, "bin": k}
                about |= _span(values[members])
                rows += [about | row for row in _statistics(some, labels, streams, draws)]
    return pd.DataFrame(rows)


def _stream(seed, key, k, image):
    """Return the generator of one image's resamplings in a bin."""
    return stream(seed, f"{key}.{image}", k)


def _span(values):
    if len(values) == 0:
        return {"low": np.nan, "middle": np.nan, "high": np.nan}
    return {"low": values.min(), "middle": float(np.median(values)), "high": values.max()}


def _statistics(errors, labels, streams, draws):
    """Rows of one bin: all images on the objects that LQ and the image have."""
    nothing = np.zeros(len(errors["LQ"]))
    for row in compare(errors, nothing, streams, draws).to_dict("records"):
        image = row["image"]
        kept = {f"{name}{end}": row[f"{name}{end}"] for name in _KEPT for end in ("", "_error")}
        yield {
            "image": image,
            "label": labels.get(image, image),
            "count": row["count"],
            "missing": len(nothing) - row["count"],
            **kept,
        }

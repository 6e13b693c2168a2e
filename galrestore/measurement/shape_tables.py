"""
Tables of morphology and photometry: agreement with GT, by image and quantity.

Logarithms are to base 10, so that differences are in dex.  A measurement that failed
(fits without result, fluxes that are not positive, stamps in whose LQ nothing is
detected) counts as failed and takes no part.
"""

from functools import partial

import numpy as np
import pandas as pd

from galrestore.measurement.comparison import compare
from galrestore.measurement.morphology import FIT_WITH_PSF
from galrestore.rng import stream

__all__ = [
    "FLUXES",
    "MORPHOLOGY",
    "OUTLIER",
    "PIXEL",
    "THIRDS",
    "pixel_values",
    "structure",
    "summarise_gains",
    "summarise_morphology",
    "summarise_photometry",
    "values_of",
]

# Quantity: column and whether its logarithm is compared.
MORPHOLOGY = {
    "e1": ("e1", False),
    "e2": ("e2", False),
    "n": ("n", False),
    "r50": ("r50", False),
    "log i50": ("i50", True),
}
FLUXES = {
    "log aperture flux": ("flux_aperture", True),
    "log isophotal flux": ("flux_isophote", True),
}
PIXEL = "pixel"
# What thirds of the objects are formed by, with its meaning.
THIRDS = {
    "noise": "rms of the noise in the min-max normalised LQ",
    "size": "half-light radius of GT [pixel]",
    "structure": "rms residual of GT's Sersic fit beyond its noise, in units of GT's range",
}

_GAINED = {"n": MORPHOLOGY["n"], "r50": MORPHOLOGY["r50"], **FLUXES}
# Differences beyond so many MAD from their median are outliers.
OUTLIER = 5.0
_RESCALES = {"matched": "", "paper": "_paper"}


def values_of(objects, quantity, rescale="matched"):
    """
    Return one quantity of all images.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements (contract `SHAPES`).
    quantity : str
        One of `MORPHOLOGY` or `FLUXES`.
    rescale : {"matched", "paper"}, optional
        Scale of RS, for fluxes.

    Returns
    -------
    values : dict of str to ndarray of float64, shape (N,)
        By image, in the order of the objects, NaN where the measurement failed; fluxes
        without ``"LQ + PSF"``, which is a fit alone.
    """
    fitted = quantity in MORPHOLOGY
    column, logarithm = (MORPHOLOGY | FLUXES)[quantity]
    if not fitted:
        column += _RESCALES[rescale]
    result = {}
    for image, rows in objects.groupby("image", sort=False):
        if image == FIT_WITH_PSF and not fitted:
            continue
        values = rows[column].to_numpy(dtype=float).copy()
        if fitted:
            values[(rows["failure"] != "").to_numpy()] = np.nan
        if logarithm:
            values = np.log10(values, where=values > 0, out=np.full(len(values), np.nan))
        result[image] = values
    return result


def pixel_values(objects, samples, rescale="matched"):
    """
    Return the drawn pixels of all images.

    Parameters
    ----------
    objects, samples : pandas.DataFrame
        Measurements (contracts `SHAPES` and `SHAPE_PIXELS`).
    rescale : {"matched", "paper"}, optional
        Scale of RS.

    Returns
    -------
    values : dict of str to ndarray of float64, shape (N, K)
        By image, GT too; in units of GT's range.
    """
    count = (objects["image"] == "GT").sum()
    result = {}
    for image, rows in samples.groupby("image", sort=False):
        factor = 1.0
        if rescale == "paper":
            own = objects[objects["image"] == image]
            factor = (own["scale_paper"] / own["scale"]).to_numpy()[:, None]
        result.setdefault("GT", rows["truth"].to_numpy().reshape(count, -1))
        result[image] = rows["value"].to_numpy().reshape(count, -1) * factor
    return result


def summarise_morphology(objects, labels, seed, draws=1000):
    """
    Compare the Sersic parameters of all images with those of GT.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements of one set (contract `SHAPES`), each image's objects in one order.
    labels : dict of str to str
        Name for the reader of each method.
    seed : int
        Seed of the run, for the bootstrap.
    draws : int, optional
        Resamplings of the bootstrap.

    Returns
    -------
    table : pandas.DataFrame
        One row for each quantity of `MORPHOLOGY` and image (contract `COMPARISON`).
    """
    about = _about(objects, labels)
    return pd.concat(
        [
            _rows(values_of(objects, quantity), quantity, "", about, seed, draws)
            for quantity in MORPHOLOGY
        ],
        ignore_index=True,
    )


def summarise_photometry(objects, samples, labels, seed, draws=1000):
    """
    Compare fluxes and pixels of all images with those of GT, on both scales of RS.

    Parameters
    ----------
    objects, samples : pandas.DataFrame
        Measurements of one set (contracts `SHAPES` and `SHAPE_PIXELS`).
    labels, seed, draws
        As of `summarise_morphology`.

    Returns
    -------
    table : pandas.DataFrame
        One row for each quantity (`FLUXES` and ``"pixel"``), scale and image (contract
        `COMPARISON`).
    """
    about = _about(objects, labels)
    frames = []
    for rescale in _RESCALES:
        for quantity in FLUXES:
            values = values_of(objects, quantity, rescale)
            frames.append(_rows(values, quantity, rescale, about, seed, draws))
        values = pixel_values(objects, samples, rescale)
        frames.append(_rows(values, PIXEL, rescale, about, seed, draws))
    return pd.concat(frames, ignore_index=True)


def summarise_gains(objects, images, labels, seed, draws=1000):
    """
    Tell where restoration pays: the scatter of LQ over that of an image, by thirds.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements of one set (contract `SHAPES`).
    images : sequence of str
        Images to look at.
    labels, seed, draws
        As of `summarise_morphology`.

    Returns
    -------
    table : pandas.DataFrame
        One row for each image, quantity (index, radius, fluxes), property of `THIRDS` and
        third of the objects (contract `GAINS`).
    """
    about, thirds = _about(objects, labels), _thirds(objects)
    rows = []
    for quantity in _GAINED:
        values = values_of(objects, quantity)
        for image in (name for name in images if name in values):
            kinds = {"LQ": values["LQ"], image: values[image]}
            for by, third, members, numbers in thirds:
                key = f"present.gains.{about['set']}.{quantity}.{by}.{third}"
                row = _gain(kinds, values["GT"], members, partial(_stream, seed, key), draws)
                row |= {"set": about["set"], "image": image, "quantity": quantity}
                row |= {"by": by, "third": third, "low": numbers.min(), "high": numbers.max()}
                row["label"] = about["labels"].get(image, image)
                row["rescale"] = "" if quantity in MORPHOLOGY else "matched"
                rows.append(row)
    return pd.DataFrame(rows)


_KEPT = ["count"]
_KEPT += [f"{name}{end}" for name in ("mad", "mad_ratio", "bias") for end in ("", "_error")]


def structure(objects):
    """
    Return how much of GT a Sersic profile does not describe.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements (contract `SHAPES`).

    Returns
    -------
    structure : ndarray of float64, shape (N,)
        rms residual of GT's fit beyond its noise, over GT's range; NaN for failed fits.
    """
    truth = objects[objects["image"] == "GT"]
    noise = (truth["rms"] / truth["scale"]).to_numpy(dtype=float)
    excess = noise * np.sqrt(np.maximum(truth["chi2"].to_numpy(dtype=float) - 1, 0))
    return np.where(truth["failure"] == "", excess, np.nan)


def _thirds(objects):
    """Name, number, members and values of the thirds by each of `THIRDS`."""
    truth = objects[objects["image"] == "GT"]
    size = truth["r50"].to_numpy(dtype=float)
    properties = {
        "noise": truth["noise"].to_numpy(dtype=float),
        "size": np.where(truth["failure"] == "", size, np.nan),
        "structure": structure(objects),
    }
    thirds = []
    for by, numbers in properties.items():
        known = np.flatnonzero(np.isfinite(numbers))
        ordered = known[np.argsort(numbers[known], kind="stable")]
        for third, members in enumerate(np.array_split(ordered, 3)):
            some = numbers[members] if len(members) else np.array([np.nan])
            thirds.append((by, third, members, some))
    return thirds


def _gain(kinds, truth, members, streams, draws):
    """Compare some of the objects, and count their outliers among all."""
    part = {name: array[members] for name, array in kinds.items()}
    found = compare(part, truth[members], streams, draws).iloc[-1]
    restored = list(kinds.values())[-1]
    odd = [int(_beyond(restored, a, truth)[members].sum()) for a in (restored, kinds["LQ"])]
    return {name: found[name] for name in _KEPT} | {"outliers": odd[0], "outliers_lq": odd[1]}


def _beyond(restored, values, truth):
    """Differences beyond 5 MAD of the restored images' from their median."""
    difference = restored - truth
    middle = np.nanmedian(difference) if np.isfinite(difference).any() else np.nan
    spread = np.nanmedian(np.abs(difference - middle)) if np.isfinite(middle) else np.nan
    return np.abs(values - truth - middle) > OUTLIER * 1.4826 * spread


def _about(objects, labels):
    return {"set": objects["set"].iloc[0], "labels": labels}


def _rows(values, quantity, rescale, about, seed, draws):
    truth = values.pop("GT")
    key = f"present.shapes.{about['set']}.{quantity}.{rescale}"
    table = compare(values, truth, partial(_stream, seed, key), draws)
    failed = {name: int((~_finite(array)).sum()) for name, array in values.items()}
    table["failed"] = table["image"].map(failed)
    table["failed_truth"] = int((~_finite(truth)).sum())
    labels = about["labels"]
    table["label"] = [labels.get(image, image) for image in table["image"]]
    return table.assign(set=about["set"], quantity=quantity, rescale=rescale)


def _stream(seed, key, image):
    """Return the generator of one image's resamplings."""
    return stream(seed, f"{key}.{image}")


def _finite(array):
    return np.isfinite(array.reshape(len(array), -1)).all(axis=1)

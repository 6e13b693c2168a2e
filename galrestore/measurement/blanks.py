"""Statistics of restored blanks, and sources detected where there are none."""

import numpy as np
import pandas as pd
import sep

from galrestore.measurement.image_quality import sky_level

__all__ = ["count_sources", "measure_blanks", "summarise_blanks"]

# Park et al. (2024), section 3.1: five connected pixels above 1.5 times the noise.
_AREA, _THRESHOLD = 5, 1.5
_NOISE_CLASSES = 5
# Noise that a detection is measured against is at least this part of the image's level:
# single precision knows no less.
_LEAST_NOISE = 1e-6
_STATISTICS = ("rs_mean", "rs_std")


def count_sources(images, sky, sigma):
    """
    Count sources as the paper detects them.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images.
    sky, sigma : ndarray, shape (N,)
        Their background, and the noise to detect above [unit of the images].

    Returns
    -------
    count : ndarray of int64, shape (N,)
        Sources with five connected pixels above 1.5 ``sigma``, after SExtractor's default
        filter, the threshold being that of the unfiltered noise as in SExtractor.
    """
    count = np.zeros(len(images), dtype=np.int64)
    for k, image in enumerate(images):
        data = np.ascontiguousarray(image - sky[k], dtype=np.float32)
        floor = max(float(sigma[k]), _LEAST_NOISE * max(1.0, float(np.abs(image).max())))
        found = sep.extract(data / floor, _THRESHOLD, minarea=_AREA, filter_type="conv")
        count[k] = len(found)
    return count


def measure_blanks(low_quality, restored):
    """
    Measure blanks before and after restoration.

    Parameters
    ----------
    low_quality, restored : ndarray, shape (N, H, W)
        Inputs and outputs of a method, on one scale.

    Returns
    -------
    columns : dict of str to ndarray, shape (N,)
        Those of `BLANK_MEASUREMENTS` that are measured.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    low, restored = np.asarray(low_quality, dtype=float), np.asarray(restored, dtype=float)
    if low.shape != restored.shape or low.ndim != 3:
        msg = f"inputs are {low.shape} and outputs {restored.shape}, expected two equal cubes"
        raise ValueError(msg)
    axes = (1, 2)
    mean, sigma = low.mean(axis=axes), low.std(axis=axes)
    middle, own = sky_level(restored)
    return {
        "lq_mean": mean,
        "lq_std": sigma,
        "rs_mean": restored.mean(axis=axes),
        "rs_std": restored.std(axis=axes),
        "rs_peak": (restored.max(axis=axes) - np.median(restored, axis=axes)) / sigma,
        "lq_sources": count_sources(low, mean, sigma),
        "rs_sources": count_sources(restored, middle, sigma),
        "rs_sources_own": count_sources(restored, middle, own),
    }


def summarise_blanks(table):
    """
    Sum up the measurements of blanks, by seed and by noise level.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `BLANK_MEASUREMENTS`, of one or more methods and sets.

    Returns
    -------
    summary : pandas.DataFrame
        Contract `BLANK_SUMMARY`: for each method and set one row of all images, one for
        each seed, one for each of five equally populated classes of the noise as drawn.
    """
    rows = []
    for (method, name), part in table.groupby(["method", "set"], sort=False):
        by_noise = np.argsort(part["sigma"].to_numpy(), kind="stable")
        classes = np.array_split(by_noise, min(_NOISE_CLASSES, len(part)))
        groups = [("all", 0, part)]
        groups += [("seed", index, seeds) for index, seeds in part.groupby("seed_index")]
        groups += [("noise", index, part.iloc[rows]) for index, rows in enumerate(classes)]
        about = {"method": method, "set": name}
        rows += [about | {"by": by, "class_index": k} | _sums(own) for by, k, own in groups]
    return pd.DataFrame(rows)


def _sums(part):
    row = {"sigma": part["sigma"].median(), "n": len(part)}
    row |= {name: part[name].mean() for name in ("lq_mean", "lq_std")}
    for name in _STATISTICS:
        row[name] = part[name].mean()
        row[f"{name}_scatter"] = part[name].std(ddof=0)
    row["rs_peak"] = part["rs_peak"].max()
    return row | {name: part[name].sum() for name in part if name.endswith(("sources", "own"))}

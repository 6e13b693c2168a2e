"""
How well measurements agree with those of the ground truth.

Several kinds of images are compared with one truth on the same objects, those for which
every kind has a value.  Errors come from a bootstrap over objects, the same resamplings
for all kinds, so that the ratios of two scatters have errors of their own.
"""

import numpy as np
import pandas as pd

__all__ = ["SCATTERS", "STATISTICS", "agreement", "compare"]

SCATTERS = ("rmse", "mad", "clipped")
STATISTICS = ("pearson", *SCATTERS, "slope", "bias", "mean_bias")

_MAD = 1.4826
_CLIP, _CLIPS = 3.0, 20
# Values of resamplings held in memory at once: 16 MB.
_BATCH = 2_000_000


def agreement(values, truth):
    """
    Compare measurements with the truth.

    Parameters
    ----------
    values, truth : ndarray, shape (..., N)
        Measurements of N objects; finite.

    Returns
    -------
    statistics : dict of str to ndarray, shape (...)
        ``pearson``, correlation coefficient; ``rmse``, rms difference, about the line of
        equality; ``mad``, 1.4826 times the median absolute deviation of the differences
        from their median; ``clipped``, standard deviation of the differences within 3
        sigma of their mean, clipped until none is beyond; ``slope`` of the least-squares
        line of values against truth; ``bias``, the median difference, and ``mean_bias``.
        NaN where the truth, or for ``pearson`` either, does not vary.
    """
    values, truth = np.asarray(values, dtype=float), np.asarray(truth, dtype=float)
    difference = values - truth
    middle = np.median(difference, axis=-1)
    far_v = values - values.mean(axis=-1, keepdims=True)
    far_t = truth - truth.mean(axis=-1, keepdims=True)
    product = (far_v * far_t).sum(axis=-1)
    power_v, power_t = (far_v**2).sum(axis=-1), (far_t**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        pearson, slope = product / np.sqrt(power_v * power_t), product / power_t
    return {
        "pearson": pearson,
        "rmse": np.sqrt((difference**2).mean(axis=-1)),
        "mad": _MAD * np.median(np.abs(difference - middle[..., None]), axis=-1),
        "clipped": _clipped(difference),
        "slope": slope,
        "bias": middle,
        "mean_bias": difference.mean(axis=-1),
    }


def compare(measured, truth, streams, draws=1000, reference="LQ"):
    """
    Compare several kinds of images with the truth, with errors.

    Parameters
    ----------
    measured : dict of str to ndarray, shape (N,) or (N, K)
        Measurements by kind of image; or K of each object, which stay together.
    truth : ndarray, shape (N,) or (N, K)
        The same of GT.
    streams : callable
        Takes the kind of image and returns the generator of its resamplings, so that one
        kind's errors do not depend on which others there are.
    draws : int, optional
        Number of resamplings, 2 or more.
    reference : str, optional
        Kind whose scatters the others' are compared with.

    Returns
    -------
    table : pandas.DataFrame
        One row a kind: ``image``; ``count``, objects with finite values of this kind, of
        the reference and of the truth, on which all of the row is; `STATISTICS`, each with
        ``<name>_error``; and ``<name>_ratio`` of the `SCATTERS`, the reference's over this
        kind's, with ``<name>_ratio_error``.  NaN with fewer than three objects.

    Raises
    ------
    ValueError
        If ``draws`` is smaller than 2.

    Notes
    -----
    Errors are standard deviations over resamplings of the objects with replacement
    (Efron 1979); a ratio is formed in each.  Ratios of two scatters that are both 0 are 1.
    """
    if draws < 2:
        msg = f"draws must be 2 or more, got {draws}"
        raise ValueError(msg)
    values = {name: _columns(array) for name, array in measured.items()}
    truth = _columns(truth)
    known = np.isfinite(truth).all(axis=1) & np.isfinite(values[reference]).all(axis=1)
    rows = []
    for name, array in values.items():
        good = known & np.isfinite(array).all(axis=1)
        row = {"image": name, "count": int(good.sum())}
        if row["count"] > 2:
            pair = array[good], values[reference][good]
            row |= _compared(*pair, truth[good], streams(name), draws)
        rows.append(row)
    return pd.DataFrame(rows, columns=_names())


def _compared(values, reference, truth, generator, draws):
    """Compare one kind, and the reference on the same objects."""
    found = agreement(values.ravel(), truth.ravel())
    other = agreement(reference.ravel(), truth.ravel())
    drawn, drawn_other = _resampled((values, reference), truth, generator, draws)
    row = {}
    for name in STATISTICS:
        row[name], row[f"{name}_error"] = float(found[name]), _spread(drawn[name])
    for name in SCATTERS:
        row[f"{name}_ratio"] = float(_ratio(other[name], found[name]))
        row[f"{name}_ratio_error"] = _spread(_ratio(drawn_other[name], drawn[name]))
    return row


def _names():
    names = ["image", "count"]
    for name in (*STATISTICS, *(f"{scatter}_ratio" for scatter in SCATTERS)):
        names += [name, f"{name}_error"]
    return names


def _columns(array):
    array = np.asarray(array, dtype=float)
    return array[:, None] if array.ndim == 1 else array


def _resampled(kinds, truth, generator, draws):
    """Statistics of several kinds in the same resamplings of the objects."""
    count = len(truth)
    step = max(_BATCH // truth.size, 1)
    parts = [[] for _ in kinds]
    for start in range(0, draws, step):
        rows = generator.integers(count, size=(min(step, draws - start), count))
        drawn = truth[rows].reshape(len(rows), -1)
        for part, values in zip(parts, kinds, strict=True):
            part.append(agreement(values[rows].reshape(len(rows), -1), drawn))
    return [
        {name: np.concatenate([piece[name] for piece in part]) for name in STATISTICS}
        for part in parts
    ]


def _ratio(reference, mine):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((mine == 0) & (reference == 0), 1.0, reference / mine)


def _spread(values):
    values = np.asarray(values)
    return float(values.std(ddof=1)) if np.isfinite(values).all() else np.nan


def _clipped(difference):
    """Return the standard deviation along the last axis, clipped until nothing changes."""
    lines = difference.reshape(-1, difference.shape[-1])
    sigma = np.empty(len(lines))
    kept = np.ones(lines.shape, dtype=bool)
    moving = np.arange(len(lines))
    for _ in range(_CLIPS):
        some, mine = lines[moving], kept[moving]
        number = mine.sum(axis=1)
        mean = np.einsum("ij,ij->i", some, mine) / number
        far = some - mean[:, None]
        sigma[moving] = np.sqrt(np.einsum("ij,ij,ij->i", far, far, mine) / number)
        within = np.abs(far) <= _CLIP * sigma[moving, None]
        kept[moving] = within
        moving = moving[(within != mine).any(axis=1)]
        if len(moving) == 0:
            break
    return sigma.reshape(difference.shape[:-1])

"""
Failures of restoration: wrong position angles, lost ellipticity, lost peaks, lost structure.

Park et al. (2024), section 6.1, show one example of each and suggest that they become
frequent where the noise of LQ exceeds about 0.1.  Here each is a number with a threshold,
measured on every test image by comparing RS with GT.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from astropy.stats import binom_conf_interval
from scipy import ndimage

from galrestore.measurement.image_quality import affine_match, nrmse_source, sky_level, source_mask
from galrestore.measurement.peaks import find_peaks, unmatched

__all__ = [
    "KINDS",
    "Limits",
    "central_object",
    "compare",
    "failure_rates",
    "pick_failures",
    "second_moments",
]

# Kinds of failure: what they are called in figures, and the measure that is largest where
# they are worst.
KINDS = {
    "lost_structure": "lost structure",
    "wrong_angle": "wrong position angle",
    "too_round": "too round",
    "lost_peak": "peaks not split",
}
# A peak counts in one image if it is this part as prominent as asked for in the other: of
# two images that differ by noise, neither loses the peaks near the threshold.
_HALF = 0.5
# Peaks of GT, in units of its own noise: at least those that may get lost, and at least
# those that a peak of RS may be.
_SURE, _LIKELY = 6.0, 4.0


class Limits(NamedTuple):
    """
    What counts as a failure, see `galrestore.config.limits.Failures`.

    Attributes
    ----------
    wrong_angle : float
        Error of the position angle [deg].
    elongated : float
        Ellipticity of GT from which its angle and ellipticity count.
    too_round : float
        Part of the ellipticity that is lost.
    lost_structure : float
        Rms of GT - RS on the source over that of GT.
    prominence : float
        Least prominence of peaks [range of GT].
    distance : float
        Distance at which two peaks are one [pixel].
    """

    wrong_angle: float
    elongated: float
    too_round: float
    lost_structure: float
    prominence: float
    distance: float


def central_object(mask):
    """
    Keep the object in the middle of each stamp.

    Parameters
    ----------
    mask : ndarray of bool, shape (N, H, W)
        Pixels of sources.

    Returns
    -------
    own : ndarray of bool, shape (N, H, W)
        Those connected (diagonals connect) with the marked pixel nearest to the stamp's
        middle.
    """
    own = np.zeros_like(mask)
    middle = np.array(mask.shape[1:]) // 2
    for k, image in enumerate(mask):
        labels, count = ndimage.label(image, structure=np.ones((3, 3)))
        if count:
            rows, columns = np.nonzero(image)
            near = np.argmin((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2)
            own[k] = labels == labels[rows[near], columns[near]]
    return own


def second_moments(images, sky, mask):
    """
    Measure ellipticity and position angle from second moments of light.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images.
    sky : ndarray, shape (N,)
        Their level of sky [unit of the images].
    mask : ndarray of bool, shape (N, H, W)
        Pixels to sum over.

    Returns
    -------
    ellipticity : ndarray of float64, shape (N,)
        (a - b) / (a + b); NaN where the light or a moment is not positive.
    angle : ndarray of float64, shape (N,)
        Position angle of the major axis from the column axis, in [0, 180) [deg].
    """
    light = np.where(mask, np.asarray(images, dtype=float) - sky[:, None, None], 0)
    y, x = np.indices(images.shape[1:])
    total = light.sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):

        def mean(values):
            return (light * values).sum(axis=(1, 2)) / total

        dx, dy = x - mean(x)[:, None, None], y - mean(y)[:, None, None]
        xx, yy, xy = mean(dx * dx), mean(dy * dy), mean(dx * dy)
        half = np.hypot((xx - yy) / 2, xy)
        major, minor = (xx + yy) / 2 + half, (xx + yy) / 2 - half
        good = (total > 0) & (minor > 0)
        a, b = (np.sqrt(np.where(good, moment, np.nan)) for moment in (major, minor))
        ellipticity = (a - b) / (a + b)
    angle = np.rad2deg(np.arctan2(2 * xy, xx - yy)) / 2 % 180
    return ellipticity, np.where(good, angle, np.nan)


def compare(low_quality, restored, truth, limits):
    """
    Compare restored images with the truth, failure by failure.

    Parameters
    ----------
    low_quality, restored, truth : ndarray, shape (N, H, W)
        LQ, RS and GT.
    limits : Limits
        Thresholds.

    Returns
    -------
    table : pandas.DataFrame
        One row an image: ellipticities and angles [deg] of GT, RS and LQ, all over the
        pixels of the object in the middle of GT; ``residual``; numbers of peaks; for each
        kind of failure the measure over its threshold (``<kind>_excess``: 1 and more are
        failures, NaN where the kind does not apply).
    false_peaks : pandas.DataFrame
        One row for each peak of RS whose place has no peak, and less light, in GT:
        ``image`` (row of the table), ``row``, ``column`` [pixel], ``height`` above GT
        [range of GT].
    """
    matched, (sky, noise) = affine_match(restored, truth)[0], sky_level(truth)
    low = affine_match(low_quality, truth)[0]
    mask = source_mask(truth)
    own = central_object(mask)
    table = pd.DataFrame({"residual": nrmse_source(matched, truth, mask)})
    for name, images in (("gt", truth), ("rs", matched), ("lq", low)):
        table[f"e_{name}"], table[f"angle_{name}"] = second_moments(images, sky, own)
    counts, false = [], []
    for k in range(len(truth)):
        count, positions = _peaks(truth[k], matched[k], own[k], noise[k], limits)
        counts.append(count)
        height = (matched[k] - truth[k])[tuple(positions.T)]
        rows = {"image": k, "row": positions[:, 0], "column": positions[:, 1], "height": height}
        false.append(pd.DataFrame(rows))
    table[["peaks", "lost_peaks", "false_peaks"]] = np.array(counts).reshape(-1, 3)
    _add_excesses(table, limits)
    return table, pd.concat(false, ignore_index=True)


def _peaks(truth, restored, own, noise, limits):
    """Peaks of GT's object, those that RS lost, those that it added, and where these are."""
    least = max(limits.prominence, _SURE * noise)
    real = find_peaks(truth, least)
    real = real[own[tuple(real.T)]]
    lost = unmatched(real, find_peaks(restored, _HALF * least), limits.distance)
    added = find_peaks(restored, least)
    known = find_peaks(truth, max(_HALF * least, _LIKELY * noise))
    added = added[unmatched(added, known, limits.distance)]
    # A peak that only stands out more than in GT, on a slope of it, is no new light.
    added = added[(restored - truth)[tuple(added.T)] >= _HALF * least]
    return (len(real), int(lost.sum()), len(added)), added


def _add_excesses(table, limits):
    elongated = table["e_gt"] >= limits.elongated
    turned = np.abs(table["angle_rs"] - table["angle_gt"]) % 180
    turned = np.minimum(turned, 180 - turned)
    lost = 1 - table["e_rs"] / table["e_gt"]
    table["lost_structure_excess"] = table["residual"] / limits.lost_structure
    table["wrong_angle_excess"] = (turned / limits.wrong_angle).where(elongated)
    table["too_round_excess"] = (lost / limits.too_round).where(elongated)
    several = table["peaks"] >= 2
    table["lost_peak_excess"] = table["lost_peaks"].astype(float).where(several)


def failure_rates(table, classes):
    """
    Count failures in classes of noise.

    Parameters
    ----------
    table : pandas.DataFrame
        From `compare`, with ``noise``.
    classes : ndarray of int, shape (N,)
        Class of each image.

    Returns
    -------
    rates : pandas.DataFrame
        One row a class and kind, ``any`` of the four and ``false_peak`` among them:
        ``noise_low``, ``noise_high``, ``noise`` (median), ``images`` to which the kind
        applies, ``failed`` of them, ``events`` (false peaks; else as failed), ``rate`` and
        the ends ``low``, ``high`` of its 68 per cent interval.

    References
    ----------
    Wilson (1927), JASA 22, 209: interval of a binomial proportion.
    """
    rows = []
    for index in np.unique(classes):
        part = table[classes == index]
        about = {"class_index": index, "noise": part["noise"].median()}
        about |= {"noise_low": part["noise"].min(), "noise_high": part["noise"].max()}
        excess = {kind: part[f"{kind}_excess"] for kind in KINDS}
        excess["any"] = pd.concat(excess.values(), axis=1).max(axis=1)
        excess["false_peak"] = part["false_peaks"].astype(float)
        for kind, values in excess.items():
            applies, failed = values.notna().sum(), (values >= 1).sum()
            events = values.sum() if kind == "false_peak" else failed
            rows.append(about | {"kind": kind, "events": int(events)} | _rate(failed, applies))
    return pd.DataFrame(rows)


def _rate(failed, applies):
    row = {"images": int(applies), "failed": int(failed)}
    if not applies:
        return row | {"rate": np.nan, "low": np.nan, "high": np.nan}
    low, high = binom_conf_interval(failed, applies, interval="wilson")
    return row | {"rate": failed / applies, "low": float(low), "high": float(high)}


def pick_failures(table):
    """
    Pick the worst failure of each kind.

    Parameters
    ----------
    table : pandas.DataFrame
        From `compare`.

    Returns
    -------
    picked : dict of str to int
        Row of the image that exceeds the threshold of each kind the most, no image twice,
        in the order of `KINDS`; kinds that never fail are missing.
    """
    picked: dict[str, int] = {}
    for kind in KINDS:
        excess = table[f"{kind}_excess"].to_numpy(dtype=float, copy=True)
        excess[list(picked.values())] = np.nan
        if np.any(excess >= 1):
            picked[kind] = int(np.nanargmax(excess))
    return picked

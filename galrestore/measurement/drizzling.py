"""What the kernel of drizzling does to noise, and to images restored from it."""

import numpy as np
import pandas as pd

from galrestore.measurement.image_quality import affine_match, source_mask
from galrestore.measurement.statistics import mean_and_error, paired_difference

__all__ = ["outskirts", "summarise_drizzling"]


def outskirts(restored, truth):
    """
    Measure the error of restored images off the source.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, H, W)
        RS and GT.

    Returns
    -------
    error : ndarray of float64, shape (N,)
        Rms of the best-matched RS minus GT over the pixels without source [unit of GT];
        NaN where there are none.
    """
    matched = affine_match(restored, truth)[0]
    free = ~source_mask(truth)
    squares = np.where(free, (matched - truth) ** 2, 0).sum(axis=(1, 2))
    count = free.sum(axis=(1, 2))
    mean = np.divide(squares, count, out=np.full(len(truth), np.nan), where=count > 0)
    return np.sqrt(mean)


def summarise_drizzling(table):
    """
    Average by method and kernel.

    Parameters
    ----------
    table : pandas.DataFrame
        ``method, kernel, noise, noise_sigma, white_sigma, lag_1, lag_2, lag_3, residual,
        outskirts, false_peaks``, one row for each method and mosaic, the same galaxies in
        the same order for all kernels.

    Returns
    -------
    summary : pandas.DataFrame
        Contract `DRIZZLE_SUMMARY`.
    """
    table = table.assign(rms_ratio=table["noise_sigma"] / table["white_sigma"])
    averaged = ["rms_ratio", "lag_1", "lag_2", "lag_3", "residual", "outskirts", "false_peaks"]
    rows = []
    for (method, kernel), part in table.groupby(["method", "kernel"], sort=False):
        row = {"method": method, "kernel": kernel, "n": len(part), "noise": part["noise"].mean()}
        for name in averaged:
            row[name], row[f"{name}_error"] = mean_and_error(part[name].to_numpy())
        white = table[(table["method"] == method) & (table["kernel"] == "white")]
        for name in ("residual", "outskirts"):
            difference = paired_difference(part[name].to_numpy(), white[name].to_numpy())
            row[f"{name}_to_white"], row[f"{name}_to_white_error"] = difference
        rows.append(row)
    return pd.DataFrame(rows)

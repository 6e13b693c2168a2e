"""Rates of failures and of false peaks by class."""

import numpy as np
import pandas as pd
from astropy.stats import poisson_conf_interval

from galrestore.measurement.failures import failure_rates

__all__ = ["rates_by_noise", "rates_of_false_peaks"]

# Classes of the noise of the test images: edges between them.
_EDGES = (0.02, 0.04, 0.06, 0.08, 0.1)
_MILLION = 1e6


def rates_by_noise(table):
    """
    Count failures by noise, for each method and set.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `FAILURES`.

    Returns
    -------
    rates : pandas.DataFrame
        Contract `FAILURE_RATES`; the classes are the rungs of the ladder, and elsewhere begin
        at noise of 0, 0.02, 0.04, ..., 0.1.
    """
    parts = []
    for (method, name), part in table.groupby(["method", "set"], sort=False):
        rungs = part["rung"].to_numpy()
        classes = np.where(rungs >= 0, rungs, np.digitize(part["noise"], _EDGES))
        rates = failure_rates(part, classes)
        parts.append(rates.assign(method=method, set=name))
    return pd.concat(parts, ignore_index=True)


def rates_of_false_peaks(table):
    """
    Divide false peaks by pixels, for each method, set and class of the noise beneath.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `FALSE_PEAKS`.

    Returns
    -------
    rates : pandas.DataFrame
        Contract `FALSE_PEAK_RATES`; NaN where there are no pixels.

    References
    ----------
    Gehrels (1986), ApJ 303, 336: errors of small counts.
    """
    million = table["pixels"].to_numpy() / _MILLION
    counts = table["false_peaks"].to_numpy()
    low, high = poisson_conf_interval(counts, interval="frequentist-confidence")
    scaled = [
        np.divide(values, million, out=np.full(len(table), np.nan), where=million > 0)
        for values in (counts.astype(float), low, high)
    ]
    return table.assign(rate=scaled[0], low=scaled[1], high=scaled[2])

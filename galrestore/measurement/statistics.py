"""
Averages of scores with their errors, and paired comparisons of methods.

NaN stands for a score that an image does not have (no source to mask, say) and counts
nowhere; infinite scores (equal images) make the means infinite.
"""

import numpy as np

__all__ = ["mean_and_error", "median_and_error", "paired_difference"]

# Resamplings held in memory at once, in values: 32 MB.
_BATCH = 4_000_000


def mean_and_error(values):
    """
    Return a mean and its standard error.

    Parameters
    ----------
    values : ndarray, shape (N,)
        Scores; NaN are left out.

    Returns
    -------
    mean, error : float
        Mean, and the sample's standard deviation over sqrt(N) [unit of the values];
        NaN where there are too few values for them (none, and fewer than two).
    """
    values = _present(values)
    if len(values) == 0:
        return np.nan, np.nan
    mean = values.mean()
    if len(values) == 1 or not np.isfinite(mean):
        return float(mean), np.nan
    return float(mean), float(values.std(ddof=1) / np.sqrt(len(values)))


def median_and_error(values, generator, draws=1000):
    """
    Return a median and its error by the bootstrap.

    Parameters
    ----------
    values : ndarray, shape (N,)
        Scores; NaN are left out.
    generator : numpy.random.Generator
        Source of the resamplings.
    draws : int, optional
        Number of resamplings, 2 or more.

    Returns
    -------
    median, error : float
        Median, and the standard deviation of the medians of resamplings with
        replacement [unit of the values]; NaN where there are too few values.

    Raises
    ------
    ValueError
        If ``draws`` is smaller than 2.

    References
    ----------
    Efron (1979), Annals of Statistics 7, 1.
    """
    if draws < 2:
        msg = f"draws must be 2 or more, got {draws}"
        raise ValueError(msg)
    values = _present(values)
    if len(values) == 0:
        return np.nan, np.nan
    median = float(np.median(values))
    if len(values) == 1 or not np.isfinite(values).all():
        return median, np.nan
    step = max(_BATCH // len(values), 1)
    medians = [
        np.median(
            values[generator.integers(len(values), size=(min(step, draws - k), len(values)))],
            axis=1,
        )
        for k in range(0, draws, step)
    ]
    return median, float(np.concatenate(medians).std(ddof=1))


def paired_difference(values, reference):
    """
    Compare two methods on the same images.

    What the images have in common (noise, brightness) cancels, so that the error is
    smaller than that of the difference of the two means.

    Parameters
    ----------
    values, reference : ndarray, shape (N,)
        Scores of two methods, image by image; images without one of them are left out.

    Returns
    -------
    difference, error : float
        Mean of ``values - reference`` and its standard error, as in `mean_and_error`.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    values, reference = np.asarray(values, dtype=float), np.asarray(reference, dtype=float)
    if values.shape != reference.shape:
        msg = f"scores must be of the same images, got {values.shape} and {reference.shape}"
        raise ValueError(msg)
    # Two infinite scores (two perfect images) are equal.
    equal = values == reference
    return mean_and_error(np.where(equal, 0.0, values - np.where(equal, 0.0, reference)))


def _present(values):
    values = np.asarray(values, dtype=float)
    return values[~np.isnan(values)]

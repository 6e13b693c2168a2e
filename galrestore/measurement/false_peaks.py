"""
What lies beneath false peaks: noise of LQ at the places where RS has a peak and GT none.

The noise of LQ is known exactly, as LQ minus the blurred GT on one scale.  Its mean over
3 x 3 pixels, in units of its own standard deviation, is compared at false peaks and
everywhere.
"""

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter

from galrestore.synthesis.degradation import blur

__all__ = ["EDGES", "excess_beneath", "tally"]

# Classes of the noise beneath a pixel [standard deviation of the mean over 3 x 3 pixels].
EDGES = np.array([-np.inf, -1, 0, 1, 2, 3, 4, np.inf])
_WINDOW = 3


def excess_beneath(low_quality, truth, scales, kernel):
    """
    Measure the noise of LQ around each pixel.

    Parameters
    ----------
    low_quality, truth : ndarray, shape (N, H, W)
        LQ and GT, min-max normalised.
    scales : mapping of str to ndarray of float, shape (N,)
        ``gt_min, gt_max, lq_min, lq_max``, values that became 0 and 1.
    kernel : ndarray of float64, shape (size,) or (size, size)
        The blur.

    Returns
    -------
    excess : ndarray of float64, shape (N, H, W)
        Mean of the noise over 3 x 3 pixels in units of that mean's standard deviation in
        the image; zero where an image has no noise.
    """
    gt_min, gt_max, lq_min, lq_max = (
        np.asarray(scales[name], dtype=float)[:, None, None]
        for name in ("gt_min", "gt_max", "lq_min", "lq_max")
    )
    scene = blur(np.asarray(truth, dtype=float) * (gt_max - gt_min) + gt_min, kernel)
    noise = np.asarray(low_quality, dtype=float) * (lq_max - lq_min) + lq_min - scene
    mean = uniform_filter(noise, (0, _WINDOW, _WINDOW), mode="reflect")
    width = mean.std(axis=(1, 2), keepdims=True)
    return np.divide(mean, width, out=np.zeros_like(mean), where=width > 0)


def tally(excess, false_peaks):
    """
    Count pixels and false peaks by the noise beneath them.

    Parameters
    ----------
    excess : ndarray, shape (N, H, W)
        From `excess_beneath`.
    false_peaks : pandas.DataFrame
        ``image``, ``row``, ``column`` of each.

    Returns
    -------
    counts : pandas.DataFrame
        One row a class: ``excess_low``, ``excess_high``, ``pixels``, ``false_peaks``.
    """
    places = tuple(false_peaks[name].to_numpy(dtype=int) for name in ("image", "row", "column"))
    counts = {
        name: np.histogram(values, EDGES)[0]
        for name, values in (("pixels", excess), ("false_peaks", excess[places]))
    }
    return pd.DataFrame({"excess_low": EDGES[:-1], "excess_high": EDGES[1:]} | counts)

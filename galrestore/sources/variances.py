"""
Typical variance of the cells of a background's mesh, where a noise map tells it.

SExtractor (Bertin & Arnouts 1996) measures a weight map together with the image: on its
own histogram, but only on pixels whose values count for the background.  The scale of
relative weights follows from that, and with it every threshold.
"""

import math

import numpy as np

from galrestore.sources.compiling import compiled

__all__ = ["typical_variance"]

# Histograms reach five standard deviations to both sides, in steps of which four pixels
# fall into the fullest, but no more of them than this.
_REACH = 5.0
_STEPS_PER_PIXEL = math.sqrt(2 / math.pi) * _REACH / 4
_MOST_STEPS = 4096
_CUT = 2.0
# Of the histogram: clipping around the median, and the largest distance of median and mean
# that makes a mode.
_CLIP, _CLIPS, _UNCHANGED = 3.0, 100, 1e-4
_CROWDED = 0.3
# Rounds to the nearest step, but for halves.
_HALF = 0.499999


def typical_variance(values, variances):
    """
    Return SExtractor's estimate of the variance of the background's pixels.

    Parameters
    ----------
    values : ndarray of float32
        Pixels of a cell, at least one, all finite.
    variances : ndarray of float32, the same shape
        Their variances, in any unit, finite.

    Returns
    -------
    variance : float
        Mode of the variances as `galrestore.sources.background.clipped_mode` has it, of
        pixels within two standard deviations in value and variance for the range of the
        histogram, and within its own range of five in it.
    """
    flat = (np.ascontiguousarray(array, np.float32).ravel() for array in (values, variances))
    return _typical(*flat)


@compiled
def _typical(values, variances):
    every = np.ones(len(values), np.bool_)
    near = every & _within(values, *_moments(values, every))
    usual = near & _within(variances, *_moments(variances, every))
    steps, step, zero = _scale(values, near)
    own_steps, own_step, own_zero = _scale(variances, usual)
    first = np.float32(_HALF) - zero / step
    own_first = np.float32(_HALF) - own_zero / own_step
    histogram = np.zeros(own_steps)
    for k in range(len(values)):
        place, own = values[k] / step + first, variances[k] / own_step + own_first
        # Numbers above -1 are cut to 0, as SExtractor does.
        if -1 < place < steps and -1 < own < own_steps:
            histogram[int(own)] += 1
    return own_zero + _mode(histogram) * own_step


@compiled
def _moments(values, chosen):
    """Mean and standard deviation of the chosen values."""
    total, squares, count = 0.0, 0.0, 0
    for k in range(len(values)):
        if chosen[k]:
            value = float(values[k])
            total += value
            squares += value * value
            count += 1
    mean = total / max(count, 1)
    return mean, math.sqrt(max(squares / max(count, 1) - mean * mean, 0.0))


@compiled
def _within(values, mean, deviation):
    low, high = np.float32(mean - _CUT * deviation), np.float32(mean + _CUT * deviation)
    return (values >= low) & (values <= high)


@compiled
def _scale(values, chosen):
    """Return the number of steps of a histogram, their width, and where the first begins."""
    mean, deviation = _moments(values, chosen)
    steps = min(int(_STEPS_PER_PIXEL * chosen.sum() + 1), _MOST_STEPS)
    width = 2 * _REACH * deviation / steps if deviation > 0 else 1.0
    return steps, np.float32(width), np.float32(mean - _REACH * deviation)


@compiled
def _mode(histogram):
    """Mode of a histogram [steps], clipped around its median."""
    last = len(histogram) - 1
    low, high = 0, last
    middle, mean, deviation, before = 0.0, 0.0, 10.0 * last, 1.0
    for _ in range(_CLIPS):
        if deviation < 0.1 or abs(deviation / before - 1) < _UNCHANGED:
            break
        before = deviation
        middle = _median(histogram, low, high)
        count, total, squares = 0.0, 0.0, 0.0
        for i in range(low, high + 1):
            count += histogram[i]
            total += histogram[i] * i
            squares += histogram[i] * i * i
        mean = total / max(count, 1.0)
        deviation = math.sqrt(max(squares / max(count, 1.0) - mean * mean, 0.0))
        low = max(int(middle - _CLIP * deviation + 0.5), 0)
        high = min(int(middle + _CLIP * deviation + 0.5), last)
    if deviation == 0:
        return mean
    if abs(mean - middle) < _CROWDED * deviation:
        return 2.5 * middle - 1.5 * mean
    return middle


@compiled
def _median(histogram, low, high):
    """Median of the steps from low to high, interpolated."""
    below, above = 0.0, 0.0
    for _ in range(low, high + 1):
        if below < above:
            below += histogram[low]
            low += 1
        else:
            above += histogram[high]
            high -= 1
    if high < 0:
        return 0.0
    fullest = max(histogram[low], histogram[high])
    return high + 0.5 + (above - below) / (2 * fullest) if fullest > 0 else high + 0.5

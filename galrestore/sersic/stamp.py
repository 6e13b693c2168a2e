"""
Compiled fit of stamps: preparation, start indices in turn, the reason of a failure.

Results are plain numbers for `galrestore.sersic.fitting` to put into units.  A stamp's
result depends on nothing but the stamp, so blocks of stamps may go to any thread.
"""

import math

import numpy as np

from galrestore.sersic.kernel import PARAMETERS, compiled, inlined, internal, workspace
from galrestore.sersic.solver import CONVERGED, SINGULAR, minimise, solver_workspace
from galrestore.sersic.start import bounding_box, first_guess, set_limits, sky_level

__all__ = [
    "FAILURES",
    "FEWEST_PIXELS",
    "REPORT",
    "START_INDICES",
    "fit_block",
    "prepare_block",
    "stamp_workspace",
    "verdict",
]

FAILURES = {
    "pixels": "fewer than 40 valid pixels, or no valid pixel near the centre",
    "blank": "no light: a Sersic profile lowers chi-square by less than 50",
    "singular": "parameters cannot be told apart",
    "iterations": "not converged within the largest number of steps",
    "centre": "centre at its bound",
    "radius": "half-light radius at its bound",
    "index": "Sersic index at its bound",
    "axis_ratio": "axis ratio at its bound",
}
# A failure's number is its place in the list, from 1.
_PIXELS, _BLANK, _SINGULAR, _ITERATIONS, _CENTRE, _RADIUS, _INDEX, _AXIS_RATIO = range(1, 9)

# Columns of what is reported of each stamp.
REPORT = (
    "chi2",
    "iterations",
    "failure",
    "rms",
    "sky",
    "valid",
    "masked",
    "top",
    "bottom",
    "left",
    "right",
    "prior_mean",
    "prior_weight",
)
_CHI2, _STEPS, _FAILURE, _RMS, _SKY, _VALID, _MASKED, _TOP, _BOTTOM, _LEFT, _RIGHT = range(11)
_PRIOR_MEAN, _PRIOR_WEIGHT = 11, 12

# In the order tried: others follow only where the first one fails.
START_INDICES = (1.5, 4.0, 0.7)
FEWEST_PIXELS = 40
_LEAST_GAIN = 50.0
_MARGIN = 1e-3
# Fast arithmetic knows no infinity.
_HUGE = 1e300
# Noise-free images get this fraction of their range as noise, the accuracy of the model.
_NOISE_FLOOR = 1e-4
# A sky with a smaller error is held fixed: free or not, 512 x 512 pixels tell it to 2e-3.
_SKY_FLOOR = 1e-6


def stamp_workspace(height, width, gaussians, dtype=np.float32):
    """
    Allocate what one thread needs to fit stamps.

    Parameters
    ----------
    height, width : int
        Shape of the stamps [pixel].
    gaussians : int
        Gaussians of the expansion.
    dtype : data-type, optional
        Precision of the pixels, float32 or float64.

    Returns
    -------
    work : tuple
        Workspaces of the kernel and of the solver; of the preparation: pixels, weights,
        sorted pixels, bounds, two sets of parameters.
    """
    size = height * width
    stamp = (
        np.zeros(size, dtype),
        np.zeros(size, dtype),
        np.zeros(size),
        np.zeros((2, PARAMETERS - 1)),
        np.zeros((2, PARAMETERS)),
    )
    return workspace(height, width, gaussians, dtype), solver_workspace(size, dtype), stamp


@compiled
def fit_block(stamps, weights, noises, skies, psfs, table, ranges, options, work, results):
    """
    Fit some stamps one after the other.

    Parameters
    ----------
    stamps : ndarray of float64, shape (N, H, W)
        Images; any number where there are no data.
    weights : ndarray of float32, shape (N, H, W)
        Square roots of the pixels' relative weights: 0 for masked pixels, negative where
        there are no data.
    noises : ndarray, shape (N,)
        Noise of a pixel of weight 1; negative to measure it.
    skies : ndarray, shape (N, 2)
        Mean and standard error of what is known of the background; an error below 0 where
        nothing is.
    psfs : ndarray, shape (N, G, 2)
        Fraction and variance [pixel**2] of the Gaussians of each stamp's PSF.
    table : tuple of ndarray, float, float
        Expansion, as in `galrestore.sersic.kernel.evaluate`.
    ranges : tuple of float
        Farthest centre from pixel ``side // 2`` [pixel], lowest and highest ln n.
    options : tuple of int, float, float
        As in `galrestore.sersic.solver.minimise`.
    work : tuple
        From `stamp_workspace`.
    results : tuple of ndarray, shapes (N, 8), (N, 8, 8), (N, 13)
        Overwritten: parameters, curvature, and what `REPORT` lists.
    """
    for k in range(stamps.shape[0]):
        report = results[2][k]
        known = (noises[k], skies[k, 0], skies[k, 1])
        if _prepare(stamps[k], weights[k], known, psfs[k], ranges, work[2], report):
            _fit_prepared(psfs[k], table, options, work, results[0][k], results[1][k], report)


@compiled
def prepare_block(stamps, weights, noises, skies, psfs, ranges, work, results):
    """
    Prepare stamps for a fit by other means than `fit_block`.

    Parameters
    ----------
    stamps, weights, noises, skies, psfs, ranges : object
        As in `fit_block`.
    work : tuple
        The third workspace of `stamp_workspace`.
    results : tuple of ndarray, shapes (N, 8), (N, 2, 7), (N, H * W), (N, H * W), (N, 13)
        Overwritten: start values, bounds, pixels in units of the noise, square roots of
        weights (both of the box with data, row by row), and what `REPORT` lists.
    """
    for k in range(stamps.shape[0]):
        report = results[4][k]
        known = (noises[k], skies[k, 0], skies[k, 1])
        if _prepare(stamps[k], weights[k], known, psfs[k], ranges, work, report):
            results[0][k] = work[4][0]
            results[1][k] = work[3]
            results[2][k] = work[0]
            results[3][k] = work[1]


@inlined
def _prepare(stamp, weights, known, psf, ranges, work, report):
    """Fill the workspace; return whether there is something to fit."""
    pixels, roots, values, limits, guesses = work
    box = bounding_box(weights)
    top, bottom, left, right = box
    height, width = bottom - top, right - left
    report[_TOP], report[_BOTTOM], report[_LEFT], report[_RIGHT] = top, bottom, left, right
    centre = (stamp.shape[1] // 2 - left, stamp.shape[0] // 2 - top)
    if not _enough(weights, box, report):
        report[_FAILURE] = _PIXELS
        return False
    sky, measured = sky_level(stamp, weights, box, values)
    noise, mean, error = known
    rms = measured if noise < 0 else noise
    rms = max(rms, _NOISE_FLOOR * _range(stamp, weights, box))
    report[_RMS], report[_FAILURE] = rms, _BLANK
    if rms <= 0:
        return False
    weight = 0.0 if error < 0 else max(error / rms, _SKY_FLOOR) ** -2
    # Where the sky is known, what counts as light is above that, not above the outermost pixels.
    sky += (mean - sky) * weight / (weight + report[_VALID])
    report[_SKY], report[_PRIOR_MEAN], report[_PRIOR_WEIGHT] = sky, (mean - sky) / rms, weight
    _scale(stamp, weights, box, sky, rms, pixels, roots)
    set_limits(height, width, centre, ranges[0], ranges[1], ranges[2], limits)
    # Of the PSF's core: the mean over its Gaussians would be that of the faint wings.
    inverse = 0.0
    for j in range(psf.shape[0]):
        inverse += psf[j, 0] / (psf[j, 1] + 1 / 12)
    variance = 1 / inverse
    return first_guess(
        pixels[: height * width], roots[: height * width], height, width, centre, variance,
        guesses[0],
    )  # fmt: skip


@internal
def _enough(weights, box, report):
    """Count valid pixels; tell whether they are enough, and some near the centre."""
    top, bottom, left, right = box
    row, column = weights.shape[0] // 2, weights.shape[1] // 2
    count, near = 0, 0
    for i in range(top, bottom):
        for j in range(left, right):
            if weights[i, j] > 0:
                count += 1
                if abs(i - row) <= 1 and abs(j - column) <= 1:
                    near += 1
    report[_VALID] = count
    area = (bottom - top) * (right - left)
    report[_MASKED] = 1 - count / max(area, 1)
    return count >= FEWEST_PIXELS and min(bottom - top, right - left) >= 3 and near > 0


@internal
def _range(stamp, weights, box):
    """Highest minus lowest valid pixel."""
    low, high = _HUGE, -_HUGE
    for i in range(box[0], box[1]):
        for j in range(box[2], box[3]):
            if weights[i, j] > 0:
                low, high = min(low, stamp[i, j]), max(high, stamp[i, j])
    return high - low


@internal
def _scale(stamp, weights, box, sky, rms, pixels, roots):
    """Cut the box out, in units of the noise."""
    k = 0
    for i in range(box[0], box[1]):
        for j in range(box[2], box[3]):
            valid = weights[i, j] > 0
            pixels[k] = (stamp[i, j] - sky) / rms if valid else 0.0
            roots[k] = weights[i, j] if valid else 0.0
            k += 1


@inlined
def _fit_prepared(psf, table, options, work, best, curvature, report):
    """Try the start indices in turn; keep the best fit."""
    pixels, roots, _, limits, guesses = work[2]
    height = int(report[_BOTTOM] - report[_TOP])
    width = int(report[_RIGHT] - report[_LEFT])
    image = (pixels, roots, height, width)
    prior = (report[_PRIOR_MEAN], report[_PRIOR_WEIGHT])
    flat = _flat_chi2(pixels, roots, height * width, prior)
    p, report[_CHI2], report[_STEPS] = guesses[1], _HUGE, 0
    for index in START_INDICES:
        for j in range(PARAMETERS):
            p[j] = guesses[0, j]
        p[4] = math.log(index)
        for j in range(PARAMETERS - 1):
            p[j] = min(max(p[j], limits[0, j]), limits[1, j])
        chi2, taken, status = minimise(p, image, psf, table, limits, prior, options, work[:2])
        report[_STEPS] += taken
        if chi2 < report[_CHI2]:
            report[_CHI2], report[_FAILURE] = chi2, verdict(p, flat - chi2, status, limits)
            for j in range(PARAMETERS):
                best[j] = p[j]
                for k in range(PARAMETERS):
                    curvature[j, k] = work[1][2][0, j, k]
        if report[_FAILURE] == 0:
            break


@internal
def _flat_chi2(pixels, roots, size, prior):
    """Chi-square of a constant, the prior's term included."""
    total, first, second = prior[1], prior[1] * prior[0], prior[1] * prior[0] ** 2
    for i in range(size):
        weight, value = float(roots[i]) ** 2, float(pixels[i])
        total, first, second = total + weight, first + weight * value, second + weight * value**2
    return second - first**2 / total


@internal
def verdict(p, gain, status, limits):
    """
    Return the number of the first failure that holds.

    Parameters
    ----------
    p : ndarray, shape (8,)
        Parameters of the fit.
    gain : float
        How far chi-square lies below that of a constant.
    status : int
        From `galrestore.sersic.solver.minimise`.
    limits : ndarray, shape (2, 7)
        Bounds.

    Returns
    -------
    failure : int
        Place in `FAILURES` from 1; 0 for a good fit.
    """
    if gain < _LEAST_GAIN:
        return _BLANK
    if status == SINGULAR:
        return _SINGULAR
    if status != CONVERGED:
        return _ITERATIONS
    for j, failure in ((0, _CENTRE), (1, _CENTRE), (3, _RADIUS), (4, _INDEX)):
        if p[j] < limits[0, j] + _MARGIN or p[j] > limits[1, j] - _MARGIN:
            return failure
    if math.hypot(p[5], p[6]) > limits[1, 5] - _MARGIN:
        return _AXIS_RATIO
    return 0

"""
Compiled Levenberg-Marquardt fit of one stamp.

The stamp comes in units of its noise, so chi-square is the plain sum of squares of the
valid pixels.  Parameters are those of `galrestore.sersic.kernel`.
"""

import math

import numpy as np

from galrestore.sersic.kernel import PARAMETERS, compiled, evaluate

__all__ = ["CONVERGED", "EXHAUSTED", "SINGULAR", "minimise", "moments"]

CONVERGED, EXHAUSTED, SINGULAR = 0, 1, 2

# Converged when the next step promises to lower chi-square by less than this.
_ABSOLUTE_GAIN = 0.005
# Single precision: chi-square itself is known to about this fraction.
_RELATIVE_GAIN = 1e-6
_LARGEST_DAMPING = 1e7
# Longest step in each parameter.
_LONGEST = (1.0, 1.0, 0.8, 0.5, 0.5, 0.6, 0.6)


@compiled
def moments(stamp, valid, column, row):
    """
    Return start values from the moments of the light around a position.

    The stamp is smoothed by 3 x 3 pixels; those above one standard deviation count,
    first within a circle, then within three times the ellipse found so far.

    Parameters
    ----------
    stamp : ndarray of float32, shape (H, W)
        Pixels above the sky in units of the noise.
    valid : ndarray of float32, shape (H, W)
        1 for pixels to use, 0 for others.
    column, row : float
        Where the source is expected [pixel].

    Returns
    -------
    flux, xx, yy, xy : float
        Sum of the pixels, 0 if there are none, and second moments [pixel**2].
    """
    height, width = stamp.shape
    radius = max(height, width) / 3
    xx, yy, xy = radius**2 / 9, radius**2 / 9, 0.0
    flux = 0.0
    for _ in range(3):
        det = max(xx * yy - xy * xy, 0.01)
        total, sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(1, height - 1):
            for j in range(1, width - 1):
                x, y = j - column, i - row
                if (yy * x * x - 2 * xy * x * y + xx * y * y) / det > 9:
                    continue
                value = _smoothed(stamp, valid, i, j)
                if value > 1:
                    total += value
                    sx, sy = sx + value * x, sy + value * y
                    sxx, syy, sxy = sxx + value * x * x, syy + value * y * y, sxy + value * x * y
        if total <= 0:
            return flux, xx, yy, xy
        flux = total
        sx, sy = sx / total, sy / total
        xx = max(sxx / total - sx * sx, 0.25)
        yy = max(syy / total - sy * sy, 0.25)
        xy = sxy / total - sx * sy
    return flux, xx, yy, xy


@compiled
def _smoothed(stamp, valid, i, j):
    total, count = 0.0, 0.0
    for di in range(-1, 2):
        for dj in range(-1, 2):
            total += stamp[i + di, j + dj] * valid[i + di, j + dj]
            count += valid[i + di, j + dj]
    return total / max(count, 1.0)


@compiled
def minimise(p, stamp, valid, psf_variance, table, low, step, lower, upper, steps, work):
    """
    Minimise chi-square from given start values.

    Parameters
    ----------
    p : ndarray, shape (8,)
        Start values; overwritten with the solution.
    stamp, valid : ndarray of float32, shape (H * W,)
        Pixels in units of the noise, and 1 for those that count or 0.
    psf_variance : float
        Variance of the PSF [pixel**2].
    table, low, step : ndarray, float, float
        Expansion.
    lower, upper : ndarray, shape (7,)
        Bounds of all parameters but the background; in the two of the ellipticity
        ``upper[5]`` is the largest ln(a/b).
    steps : int
        Most evaluations of the model.
    work : tuple
        Shape of the stamp, workspace of the kernel, and two arrays of float32, shape
        (9, H * W).

    Returns
    -------
    chi2 : float
        Chi-square of the solution.
    taken : int
        Evaluations of the model.
    status : int
        `CONVERGED`, `EXHAUSTED` or `SINGULAR`.
    curvature : ndarray, shape (8, 8)
        Half the second derivatives of chi-square, the inverse of the covariance.
    """
    height, width, kernel_work, now, trial = work
    normal, gradient = np.zeros((PARAMETERS, PARAMETERS)), np.zeros(PARAMETERS)
    damped, factor = np.zeros((PARAMETERS, PARAMETERS)), np.zeros((PARAMETERS, PARAMETERS))
    candidate, delta = p.copy(), np.zeros(PARAMETERS)
    chi2, damping, small, taken, status = 1e300, 0.08, False, 0, EXHAUSTED
    while taken < steps:
        evaluate(candidate, psf_variance, table, low, step, height, width, kernel_work, trial)
        taken += 1
        chi2_trial = _residuals(candidate, stamp, valid, trial)
        if chi2_trial < chi2:
            for j in range(PARAMETERS):
                p[j] = candidate[j]
            chi2, damping = chi2_trial, max(damping / 8, 1e-7)
            now, trial = trial, now
            _normal_equations(now, normal, gradient)
        elif small:
            status = CONVERGED
            break
        else:
            damping *= 5
        _damp(normal, gradient, damping, p, lower, upper, damped)
        if not _solve(damped, gradient, factor, delta):
            status = SINGULAR
            break
        promised = 0.0
        for j in range(PARAMETERS):
            promised += delta[j] * (gradient[j] + damping * normal[j, j] * delta[j])
        # A strongly damped step promises little wherever it starts: loosen before judging.
        small = promised < _ABSOLUTE_GAIN + _RELATIVE_GAIN * chi2
        if (small and damping < 1) or damping > _LARGEST_DAMPING:
            status = CONVERGED
            break
        _move(p, delta, lower, upper, candidate)
    return chi2, taken, status, normal


@compiled
def _residuals(p, stamp, valid, rows):
    """Complete the derivatives, blank invalid pixels, and return chi-square."""
    background = np.float32(p[7])
    model = rows[2]
    last, rest = rows[7], rows[8]
    for i in range(stamp.size):
        last[i] = valid[i]
        rest[i] = (stamp[i] - model[i] - background) * valid[i]
    for j in range(PARAMETERS - 1):
        row = rows[j]
        for i in range(stamp.size):
            row[i] *= valid[i]
    return _dot(rest, rest)


@compiled
def _dot(a, b):
    total = np.float32(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return float(total)


@compiled
def _normal_equations(rows, normal, gradient):
    for j in range(PARAMETERS):
        gradient[j] = _dot(rows[j], rows[PARAMETERS])
        for k in range(j, PARAMETERS):
            normal[j, k] = normal[k, j] = _dot(rows[j], rows[k])


@compiled
def _damp(normal, gradient, damping, p, lower, upper, damped):
    """Add the damping, and cut off parameters that press against a bound."""
    for j in range(PARAMETERS):
        for k in range(PARAMETERS):
            damped[j, k] = normal[j, k]
        damped[j, j] += damping * normal[j, j]
    for j in range(5):
        if (p[j] <= lower[j] and gradient[j] < 0) or (p[j] >= upper[j] and gradient[j] > 0):
            for k in range(PARAMETERS):
                damped[j, k] = damped[k, j] = 0
            # The gradient stays, so the diagonal alone must keep the parameter still.
            damped[j, j] = 1e30


@compiled
def _move(p, delta, lower, upper, candidate):
    """Shorten the step to the longest allowed, and keep it within the bounds."""
    scale = 1.0
    for j in range(PARAMETERS - 1):
        scale = min(scale, _LONGEST[j] / max(abs(delta[j]), 1e-30))
    for j in range(PARAMETERS):
        candidate[j] = p[j] + scale * delta[j]
    for j in range(5):
        candidate[j] = min(max(candidate[j], lower[j]), upper[j])
    eta = math.hypot(candidate[5], candidate[6])
    if eta > upper[5]:
        candidate[5] *= upper[5] / eta
        candidate[6] *= upper[5] / eta


@compiled
def _solve(matrix, right, lower, x):
    """Solve by Cholesky's factor; return whether the matrix is positive definite."""
    size = right.size
    for j in range(size):
        for i in range(j, size):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = total / lower[j, j]
            elif total > 1e-12 * matrix[j, j]:
                lower[j, j] = math.sqrt(total)
            else:
                return False
    for i in range(size):
        x[i] = right[i]
        for k in range(i):
            x[i] -= lower[i, k] * x[k]
        x[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            x[i] -= lower[k, i] * x[k]
        x[i] /= lower[i, i]
    return True

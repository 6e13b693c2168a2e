"""
Compiled Levenberg-Marquardt fit of one stamp.

The stamp comes in units of its noise, so chi-square is the plain sum of squares of the
valid pixels, and of the background's distance from its prior mean in units of its standard
deviation.  Parameters are those of `galrestore.sersic.kernel`.
"""

import math

import numpy as np

from galrestore.sersic.kernel import PARAMETERS, add_model, inlined, internal

__all__ = [
    "CONVERGED",
    "DAMPING",
    "EXHAUSTED",
    "LARGEST_DAMPING",
    "LONGEST",
    "SINGULAR",
    "minimise",
    "solver_workspace",
]

CONVERGED, EXHAUSTED, SINGULAR = 0, 1, 2

# At the start, after a good step (divided), after a bad one (multiplied).
DAMPING = (0.08, 8.0, 5.0)
LARGEST_DAMPING = 1e7
# Longest step in each parameter.
LONGEST = (1.0, 1.0, 0.8, 0.5, 0.5, 0.6, 0.6)


def solver_workspace(size, dtype=np.float32):
    """
    Allocate what `minimise` needs.

    Parameters
    ----------
    size : int
        Pixels of the largest stamp.
    dtype : data-type, optional
        Precision of the pixels, float32 or float64.

    Returns
    -------
    now, trial : ndarray, shape (9, size)
        Derivatives and residuals of two models.
    matrices : ndarray of float64, shape (3, 8, 8)
        Curvature, the damped one and its Cholesky factor.
    vectors : ndarray of float64, shape (3, 8)
        Gradient, step and trial parameters.
    """
    images = [np.zeros((PARAMETERS + 1, size), dtype) for _ in range(2)]
    return *images, np.zeros((3, PARAMETERS, PARAMETERS)), np.zeros((3, PARAMETERS))


@inlined
def minimise(p, image, psf, table, limits, prior, options, work):
    """
    Minimise chi-square from given start values.

    Parameters
    ----------
    p : ndarray, shape (8,)
        Start values; overwritten with the solution.
    image : tuple of ndarray, ndarray, int, int
        Pixels in units of the noise and square roots of their weights, both of shape
        (H * W,); H and W.
    psf : ndarray, shape (G, 2)
        Fraction and variance of each Gaussian of the PSF [pixel**2].
    table : tuple of ndarray, float, float
        Expansion, as in `galrestore.sersic.kernel.evaluate`.
    limits : ndarray, shape (2, 7)
        Bounds of all parameters but the background; in the two of the ellipticity
        ``limits[1, 5]`` is the largest ln(a/b).
    prior : tuple of float
        Mean and inverse variance of the background's Gaussian prior; 0 leaves it free.
    options : tuple of int, float, float
        Most evaluations of the model; the fit has converged when the next step promises
        to lower chi-square by less than the second value plus the third times chi-square.
    work : tuple of tuple of ndarray
        Workspaces of the kernel and of the solver.

    Returns
    -------
    chi2 : float
        Chi-square of the solution, the prior's term included.
    taken : int
        Evaluations of the model.
    status : int
        `CONVERGED`, `EXHAUSTED` or `SINGULAR`.

    Notes
    -----
    The first matrix of the workspace is half the second derivatives of chi-square at the
    solution, the inverse of the covariance.
    """
    pixels, weights, height, width = image
    now, trial, matrices, vectors = work[1]
    normal, damped, factor = matrices[0], matrices[1], matrices[2]
    gradient, delta, candidate = vectors[0], vectors[1], vectors[2]
    steps, absolute, relative = options
    for j in range(PARAMETERS):
        candidate[j] = p[j]
    chi2, damping, small, taken, status = 1e300, DAMPING[0], False, 0, EXHAUSTED
    while taken < steps:
        add_model(candidate, psf, table, height, width, work[0], trial)
        taken += 1
        chi2_trial = _residuals(candidate, pixels, weights, height * width, trial)
        chi2_trial += prior[1] * (candidate[7] - prior[0]) ** 2
        if chi2_trial < chi2:
            for j in range(PARAMETERS):
                p[j] = candidate[j]
            chi2, damping = chi2_trial, max(damping / DAMPING[1], 1e-7)
            now, trial = trial, now
            _normal_equations(now, height * width, normal, gradient)
            normal[7, 7] += prior[1]
            gradient[7] += prior[1] * (prior[0] - p[7])
        elif small:
            status = CONVERGED
            break
        else:
            damping *= DAMPING[2]
        _damp(normal, gradient, damping, p, limits, damped)
        if not _solve(damped, gradient, factor, delta):
            status = SINGULAR
            break
        promised = 0.0
        for j in range(PARAMETERS):
            promised += delta[j] * (gradient[j] + damping * normal[j, j] * delta[j])
        # A strongly damped step promises little wherever it starts: loosen before judging.
        small = promised < absolute + relative * chi2
        if (small and damping < 1) or damping > LARGEST_DAMPING:
            status = CONVERGED
            break
        _move(p, delta, limits, candidate)
    return chi2, taken, status


@internal
def _residuals(p, pixels, weights, size, rows):
    """Complete the derivatives, apply the weights, and return chi-square."""
    background = rows.dtype.type(p[7])
    model = rows[2]
    last, rest = rows[7], rows[8]
    for i in range(size):
        last[i] = weights[i]
        rest[i] = (pixels[i] - model[i] - background) * weights[i]
    for j in range(PARAMETERS - 1):
        row = rows[j]
        for i in range(size):
            row[i] *= weights[i]
    return _dot(rest, rest, size)


@internal
def _dot(a, b, size):
    total = a.dtype.type(0)
    for i in range(size):
        total += a[i] * b[i]
    return float(total)


@internal
def _normal_equations(rows, size, normal, gradient):
    for j in range(PARAMETERS):
        gradient[j] = _dot(rows[j], rows[PARAMETERS], size)
        for k in range(j, PARAMETERS):
            normal[j, k] = normal[k, j] = _dot(rows[j], rows[k], size)


@internal
def _damp(normal, gradient, damping, p, limits, damped):
    """Add the damping, and cut off parameters that press against a bound."""
    for j in range(PARAMETERS):
        for k in range(PARAMETERS):
            damped[j, k] = normal[j, k]
        damped[j, j] += damping * normal[j, j]
    for j in range(5):
        if (p[j] <= limits[0, j] and gradient[j] < 0) or (p[j] >= limits[1, j] and gradient[j] > 0):
            for k in range(PARAMETERS):
                damped[j, k] = damped[k, j] = 0
            # The gradient stays, so the diagonal alone must keep the parameter still.
            damped[j, j] = 1e30


@internal
def _move(p, delta, limits, candidate):
    """Shorten the step to the longest allowed, and keep it within the bounds."""
    scale = 1.0
    for j in range(PARAMETERS - 1):
        scale = min(scale, LONGEST[j] / max(abs(delta[j]), 1e-30))
    for j in range(PARAMETERS):
        candidate[j] = p[j] + scale * delta[j]
    for j in range(5):
        candidate[j] = min(max(candidate[j], limits[0, j]), limits[1, j])
    eta = math.hypot(candidate[5], candidate[6])
    if eta > limits[1, 5]:
        candidate[5] *= limits[1, 5] / eta
        candidate[6] *= limits[1, 5] / eta


@internal
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

"""
Compiled model of a Sersic galaxy in a stamp, with all derivatives.

Parameters of the model, a vector of eight: column and row of the centre [pixel],
ln flux, ln circularised half-light radius [ln pixel], ln n, two components of
``ln(a/b) (cos 2 theta, sin 2 theta)``, background.  The last is added by the caller.

The PSF is a sum of concentric circular Gaussians.  Every Gaussian of the expansion,
convolved with one of them, has the variances ``U = s^2 r50^2 a/b + v`` and
``V = s^2 r50^2 b/a + v`` along the axes of the galaxy, with v the variance of PSF and
pixel, so eight sums over Gaussians per pixel give the model and every derivative.
Pixels are boxes of variance 1/12.  That is exact enough where the image is smooth; around
the centre the model is evaluated on a finer grid and averaged, as Park et al. do
(section 3.1).

The arithmetic of pixels has the precision of the workspace: float32 for speed, float64
for comparisons.  The exponentials are free of calls and branches, and the loops run over
slices at constant strides, because only then does the compiler vectorise them (seven
times faster, measured with numba 0.68).  Compilation takes six seconds, and what it makes
is kept on disk only if ``GALRESTORE_COMPILED`` names a folder.  numba does not notice edits
of imported modules, so that folder must be another one whenever the code is: the workflow
names it after the code's fingerprint.
Nothing is compiled that need not be: functions that compiled code alone calls get no
wrapper for Python, and those with one caller are compiled inside of it.
"""

import contextlib
import math
import os
from typing import Any

import numba
import numpy as np
from numba import njit

__all__ = [
    "CUT",
    "LARGEST_SIDE",
    "PARAMETERS",
    "add_model",
    "compiled",
    "evaluate",
    "inlined",
    "internal",
    "window_size",
    "workspace",
]

PARAMETERS = 8
LARGEST_SIDE = 512

_STRIDE = 1024
_SUMS = 8
_DERIVATIVES = 7
# A Gaussian ends where it has fallen to exp(-15) of its peak.
CUT = 15.0
# Largest side of the finely sampled window; profiles are smooth in a pixel beyond.
_WINDOW = 8
# Under Gaussians of the PSF wider than this (FWHM of 3.7 pixels) they are smooth everywhere.
_SMOOTH = 2.5


def _kept():
    """Tell numba where to keep compiled code; return whether it may."""
    folder = os.environ.get("GALRESTORE_COMPILED")
    if not folder:
        return False
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
    # numba would keep it beside the sources instead.
    if not os.access(folder, os.W_OK):
        return False
    numba.config.CACHE_DIR = folder  # type: ignore[attr-defined]
    return True


_OPTIONS: dict[str, Any] = {"fastmath": True, "nogil": True, "error_model": "numpy"}
_BARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
compiled = njit(**_OPTIONS, cache=_kept())
# For functions that only compiled code calls: no wrapper for Python.  Inlined by LLVM, or
# code fresh from the compiler could call other copies of them than code from disk, with
# other roundings.
internal = njit(**_OPTIONS, **_BARE)
# For those that one function alone calls: each call of compiled code into compiled code
# would optimise all that is below it once more.
inlined = njit(**_OPTIONS, inline="always")


def workspace(height, width, gaussians, dtype=np.float32):
    """
    Allocate what `evaluate` needs.

    Parameters
    ----------
    height, width : int
        Shape of the largest stamp [pixel], at most `LARGEST_SIDE`.
    gaussians : int
        Number of Gaussians K.
    dtype : data-type, optional
        Precision of the pixels, float32 or float64.

    Returns
    -------
    rows : ndarray
        Sums and derivatives of one row.
    window : ndarray, shape (7, 64)
        Derivatives in the finely sampled window.
    profile : ndarray of float64, shape (4, K)
        Amplitudes, ln widths and their derivatives with respect to ln n.
    terms : ndarray of float64, shape (K, 14)
        Coefficients of each Gaussian.

    Raises
    ------
    ValueError
        If stamps are larger than `LARGEST_SIDE`.
    """
    if max(height, width) > LARGEST_SIDE:
        msg = f"stamps of {height} x {width} pixels exceed {LARGEST_SIDE}"
        raise ValueError(msg)
    return (
        np.zeros((_SUMS + _DERIVATIVES) * _STRIDE, dtype),
        np.zeros((_DERIVATIVES, _WINDOW * _WINDOW), dtype),
        np.zeros((4, gaussians)),
        np.zeros((gaussians, _SUMS + 6)),
    )


@compiled
def evaluate(p, psf, table, height, width, work, out):
    """
    Evaluate the model and its derivatives in every pixel.

    Parameters
    ----------
    p : ndarray, shape (8,)
        Parameters; see the module.
    psf : ndarray, shape (G, 2)
        Fraction of the flux and variance [pixel**2] of each Gaussian of the PSF.
    table : tuple of ndarray, float, float
        Expansion of shape (nodes, 2, K), ln n of its first node, distance of the nodes.
    height, width : int
        Shape of the stamp [pixel].
    work : tuple of ndarray
        From `workspace`.
    out : ndarray, shape (>= 7, height * width)
        Overwritten: derivatives with respect to the first seven parameters.  Row 2, the
        one with respect to ln flux, is the model itself.
    """
    add_model(p, psf, table, height, width, work, out)


@inlined
def add_model(p, psf, table, height, width, work, out):
    """Do the work of `evaluate`, inside of other compiled code."""
    _interpolate(table, p[4], work[2])
    for component in range(psf.shape[0]):
        _add_component(p, psf, component, height, width, work, out)


@inlined
def _add_component(p, psf, component, height, width, work, out):
    """Add the galaxy under one Gaussian of the PSF."""
    rows, window, profile, terms = work
    share, psf_variance = psf[component, 0], psf[component, 1]
    side, fine = window_size(psf_variance)
    side_y, side_x = min(side, height), min(side, width)
    top = min(max(math.floor(p[1] + 0.5) - (side - 1) // 2, 0), height - side_y)
    left = min(max(math.floor(p[0] + 0.5) - (side - 1) // 2, 0), width - side_x)
    # One loop for window and stamp: a second call of the row would be compiled again.
    for y in range(side_y * fine + height):
        in_window, row = y < side_y * fine, y - side_y * fine
        if y == 0 and in_window:
            # Gaussians narrower than a third of the grid's step would fall between its points.
            variance = max(psf_variance + 1 / (12 * fine**2), 0.12 / fine**2)
        elif row == 0:
            variance = psf_variance + 1 / 12
        if y == 0 or row == 0:
            _gaussian_terms(p, share, variance, profile, terms)
        if in_window:
            dy = top + (y + 0.5) / fine - 0.5 - p[1]
            first, spacing, count = left + 0.5 / fine - 0.5 - p[0], 1 / fine, side_x * fine
        else:
            dy, first, spacing, count = row - p[1], -p[0], 1.0, width
        _evaluate_row(p, variance, terms, dy, first, spacing, count, rows)
        if in_window:
            _average(rows, window, (y // fine) * side_x, side_x, fine, y % fine == 0)
        else:
            if top <= row < top + side_y:
                _paste(window, (row - top) * side_x, rows, left, side_x)
            _add(rows, out, row * width, width, component == 0)


@internal
def window_size(psf_variance):
    """
    Return how finely the centre is sampled: the finer the narrower the PSF.

    Parameters
    ----------
    psf_variance : float
        Variance of a Gaussian of the PSF [pixel**2].

    Returns
    -------
    side, fine : int
        Side of the window [pixel], 0 for none, and sub-pixels along a pixel.
    """
    if psf_variance > _SMOOTH:
        return 0, 1
    if psf_variance > 0.35:  # FWHM of 1.4 pixels
        return _WINDOW, 2
    if psf_variance > 0.09:
        return _WINDOW, 4
    return 5, 16


@internal
def _average(rows, window, offset, side, fine, start):
    """Add a row of sub-pixels to a row of the window."""
    share, zero = rows.dtype.type(1 / fine**2), rows.dtype.type(0)
    for j in range(_DERIVATIVES):
        for x in range(side):
            total = zero
            for i in range(fine):
                total += rows[(_SUMS + j) * _STRIDE + x * fine + i]
            window[j, offset + x] = total * share + (zero if start else window[j, offset + x])


@internal
def _paste(window, first, rows, left, side):
    """Replace the part of a row that lies in the window."""
    for j in range(_DERIVATIVES):
        for x in range(side):
            rows[(_SUMS + j) * _STRIDE + left + x] = window[j, first + x]


@internal
def _add(rows, out, offset, width, first):
    """Add a row to the image, or begin the image with it."""
    for j in range(_DERIVATIVES):
        row, target = rows[(_SUMS + j) * _STRIDE :], out[j, offset:]
        if first:
            for x in range(width):
                target[x] = row[x]
        else:
            for x in range(width):
                target[x] += row[x]


@internal
def _interpolate(expansion, ln_n, profile):
    """Cubic interpolation through four nodes, and its derivative."""
    table, low, step = expansion
    t = (ln_n - low) / step
    i = min(max(int(t) - 1, 0), table.shape[0] - 4)
    t -= i
    a, b, c, d = t, t - 1, t - 2, t - 3
    weight = (-b * c * d / 6, a * c * d / 2, -a * b * d / 2, a * b * c / 6)
    slope = (
        -(c * d + b * d + b * c) / (6 * step),
        (c * d + a * d + a * c) / (2 * step),
        -(b * d + a * d + a * b) / (2 * step),
        (b * c + a * c + a * b) / (6 * step),
    )
    for k in range(table.shape[2]):
        for kind in range(2):
            value, change = 0.0, 0.0
            for node in range(4):
                value += weight[node] * table[i + node, kind, k]
                change += slope[node] * table[i + node, kind, k]
            profile[kind, k], profile[2 + kind, k] = value, change


@internal
def _orientation(p):
    """Return ln(a/b) and the cosine and sine of twice the position angle."""
    eta = math.hypot(p[5], p[6])
    if eta > 0:
        return eta, p[5] / eta, p[6] / eta
    return 0.0, 1.0, 0.0


@internal
def _gaussian_terms(p, share, variance, profile, terms):
    """Precision matrix, ellipse and coefficients of the eight sums, for each Gaussian."""
    eta, cos2, sin2 = _orientation(p)
    flux, r_squared, stretch = share * math.exp(p[2]), math.exp(2 * p[3]), math.exp(eta)
    for k in range(profile.shape[1]):
        amplitude, ln_width = profile[0, k], profile[1, k]
        d_amplitude, d_ln_width = profile[2, k], profile[3, k]
        own = math.exp(2 * ln_width) * r_squared
        own_u, own_v = own * stretch, own / stretch
        u, v = own_u + variance, own_v + variance
        xx = (u + v + (u - v) * cos2) / 2
        yy = (u + v - (u - v) * cos2) / 2
        xy = (u - v) * sin2 / 2
        peak = flux / (2 * math.pi * math.sqrt(u * v))
        term = terms[k]
        term[0], term[1], term[2] = yy / (u * v), -xy / (u * v), xx / (u * v)
        term[3], term[4], term[5] = 1 / yy, xy / yy, u * v / yy
        term[6] = peak * amplitude
        term[7], term[8] = term[6] / u, term[6] / v
        term[9], term[10] = term[7] * own_u / u, term[8] * own_v / v
        shift = amplitude * d_ln_width * (own_u / u + own_v / v)
        term[11] = peak * (d_amplitude - shift)
        term[12], term[13] = d_ln_width * term[9], d_ln_width * term[10]


@inlined
def _evaluate_row(p, variance, terms, dy, first, step, count, rows):
    """Write the derivatives along a row of points ``first + i step`` columns from the centre."""
    for j in range(_SUMS):
        for i in range(count):
            rows[j * _STRIDE + i] = 0
    for k in range(terms.shape[0]):
        term = terms[k]
        rest = 2 * CUT - dy * dy * term[3]
        if rest <= 0:
            continue
        half, middle = math.sqrt(rest * term[5]), dy * term[4]
        start = max(0, math.ceil((middle - half - first) / step))
        stop = min(count, math.floor((middle + half - first) / step) + 1)
        if start < stop:
            _add_gaussian(rows[start:], stop - start, term, first + start * step, dy, step)
    _combine(p, variance, dy, first, step, count, rows)


@internal
def _add_gaussian(sums, count, term, dx, dy, step):
    """
    Add one Gaussian to the eight sums.

    exp(x) is exp(x / 16)**16, the power of a polynomial, to within 5e-10.
    """
    cast = sums.dtype.type
    one, lowest = cast(1), cast(-1)
    a2, a3, a4, a5 = cast(1 / 2), cast(1 / 6), cast(1 / 24), cast(1 / 120)
    a6, a7 = cast(1 / 720), cast(1 / 5040)
    e0 = cast(-(term[0] * dx * dx + 2 * term[1] * dx * dy + term[2] * dy * dy) / 32)
    e1 = cast(-step * (term[0] * dx + term[1] * dy) / 16)
    e2 = cast(-term[0] * step * step / 32)
    c0, c1, c2, c3 = cast(term[6]), cast(term[7]), cast(term[8]), cast(term[9])
    c4, c5, c6, c7 = cast(term[10]), cast(term[11]), cast(term[12]), cast(term[13])
    for i in range(count):
        x = cast(i)
        t = e0 + x * (e1 + x * e2)
        t = t if t > lowest else lowest
        g = a4 + t * (a5 + t * (a6 + t * a7))
        g = one + t * (one + t * (a2 + t * (a3 + t * g)))
        g *= g
        g *= g
        g *= g
        g *= g
        sums[i] += c0 * g
        sums[_STRIDE + i] += c1 * g
        sums[2 * _STRIDE + i] += c2 * g
        sums[3 * _STRIDE + i] += c3 * g
        sums[4 * _STRIDE + i] += c4 * g
        sums[5 * _STRIDE + i] += c5 * g
        sums[6 * _STRIDE + i] += c6 * g
        sums[7 * _STRIDE + i] += c7 * g


@internal
def _combine(p, variance, dy, first, step, count, rows):
    """Turn the eight sums of a row into seven derivatives."""
    eta, cos2, sin2 = _orientation(p)
    angle = math.atan2(sin2, cos2) / 2
    cast = rows.dtype.type
    half, two = cast(0.5), cast(2)
    c, s = cast(math.cos(angle)), cast(math.sin(angle))
    c2, s2, v0 = cast(cos2), cast(sin2), cast(variance)
    per_turn = cast(0.5 / max(eta, 1e-4))
    y, x0, h = cast(dy), cast(first), cast(step)
    for i in range(count):
        x = x0 + h * cast(i)
        u, v = c * x + s * y, c * y - s * x
        model, by_u, by_v = rows[i], rows[_STRIDE + i], rows[2 * _STRIDE + i]
        uu, vv = u * u, v * v
        own_u, own_v = uu * rows[3 * _STRIDE + i], vv * rows[4 * _STRIDE + i]
        radial = half * (own_u - own_v + v0 * (by_u - by_v))
        turn = -u * v * (by_u - by_v) * per_turn
        rows[_SUMS * _STRIDE + i] = c * u * by_u - s * v * by_v
        rows[(_SUMS + 1) * _STRIDE + i] = s * u * by_u + c * v * by_v
        rows[(_SUMS + 2) * _STRIDE + i] = model
        rows[(_SUMS + 3) * _STRIDE + i] = own_u + own_v - two * model + v0 * (by_u + by_v)
        rows[(_SUMS + 4) * _STRIDE + i] = (
            uu * rows[6 * _STRIDE + i] + vv * rows[7 * _STRIDE + i] + rows[5 * _STRIDE + i]
        )
        rows[(_SUMS + 5) * _STRIDE + i] = c2 * radial - s2 * turn
        rows[(_SUMS + 6) * _STRIDE + i] = s2 * radial + c2 * turn

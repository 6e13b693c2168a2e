"""
Compiled model of a Sersic galaxy in a stamp, with all derivatives.

Parameters of the model, a vector of eight: column and row of the centre [pixel],
ln flux, ln circularised half-light radius [ln pixel], ln n, two components of
``ln(a/b) (cos 2 theta, sin 2 theta)``, background.  The last is added by the caller.

Every Gaussian of the expansion has the variances ``U = s^2 r50^2 a/b + v`` and
``V = s^2 r50^2 b/a + v`` along the axes of the galaxy, with v the variance of PSF and
pixel, so eight sums over Gaussians per pixel give the model and every derivative.
Pixels are boxes of variance 1/12.  That is exact enough where the image is smooth; around
the centre the model is evaluated on a finer grid and averaged, as Park et al. do
(section 3.1).

The exponentials are float32 and free of calls and branches, and the loops run over
slices at constant strides, because only then does the compiler vectorise them (seven
times faster, measured with numba 0.68).  Nothing is cached on disk: compilation takes
a few seconds, and parallel jobs and read-only installations cannot disturb each other.
"""

import math

import numpy as np
from numba import njit

__all__ = ["LARGEST_SIDE", "PARAMETERS", "compiled", "evaluate", "workspace"]

PARAMETERS = 8
LARGEST_SIDE = 512

_STRIDE = 1024
_SUMS = 8
_DERIVATIVES = 7
# A Gaussian ends where it has fallen to exp(-15) of its peak.
_CUT = 15.0
# Largest side of the finely sampled window; profiles are smooth in a pixel beyond.
_WINDOW = 8

_F = np.float32
_ONE, _C2, _C3, _C4, _C5 = (_F(1 / math.factorial(k)) for k in range(1, 6))
_TWO, _LOW = _F(2), _F(-1)

compiled = njit(fastmath=True, nogil=True, error_model="numpy")


def workspace(height, width, gaussians):
    """
    Allocate what `evaluate` needs.

    Parameters
    ----------
    height, width : int
        Shape of the stamp [pixel], at most `LARGEST_SIDE`.
    gaussians : int
        Number of Gaussians K.

    Returns
    -------
    rows : ndarray of float32
        Sums and derivatives of one row.
    window : ndarray of float32, shape (7, 64)
        Derivatives in the finely sampled window.
    profile : ndarray, shape (4, K)
        Amplitudes, ln widths and their derivatives with respect to ln n.
    terms : ndarray, shape (K, 14)
        Coefficients of each Gaussian.
    """
    if max(height, width) > LARGEST_SIDE:
        msg = f"stamps of {height} x {width} pixels exceed {LARGEST_SIDE}"
        raise ValueError(msg)
    return (
        np.zeros((_SUMS + _DERIVATIVES) * _STRIDE, np.float32),
        np.zeros((_DERIVATIVES, _WINDOW * _WINDOW), np.float32),
        np.zeros((4, gaussians)),
        np.zeros((gaussians, _SUMS + 6)),
    )


@compiled
def evaluate(p, psf_variance, table, low, step, height, width, work, out):
    """
    Evaluate the model and its derivatives in every pixel.

    Parameters
    ----------
    p : ndarray, shape (8,)
        Parameters; see the module.
    psf_variance : float
        Variance of the Gaussian PSF [pixel**2]; 0 for none.
    table : ndarray, shape (nodes, 2, K)
        Expansion, with ln n of its first node ``low`` and the distance ``step``.
    low, step : float
        See ``table``.
    height, width : int
        Shape of the stamp [pixel].
    work : tuple of ndarray
        From `workspace`.
    out : ndarray of float32, shape (>= 7, height * width)
        Overwritten: derivatives with respect to the first seven parameters.  Row 2, the
        one with respect to ln flux, is the model itself.
    """
    rows, window, profile, terms = work
    _interpolate(table, low, step, p[4], profile)
    side, fine = _window(psf_variance)
    side_y, side_x = min(side, height), min(side, width)
    top = min(max(math.floor(p[1] + 0.5) - (side - 1) // 2, 0), height - side_y)
    left = min(max(math.floor(p[0] + 0.5) - (side - 1) // 2, 0), width - side_x)
    # One loop for window and stamp: a second call of the row would be compiled again.
    for y in range(side_y * fine + height):
        in_window, row = y < side_y * fine, y - side_y * fine
        if y == 0:
            # Gaussians narrower than a third of the grid's step would fall between its points.
            variance = max(psf_variance + 1 / (12 * fine**2), 0.12 / fine**2)
        elif row == 0:
            variance = psf_variance + 1 / 12
        if y == 0 or row == 0:
            _gaussian_terms(p, variance, profile, terms)
        if in_window:
            dy = top + (y + 0.5) / fine - 0.5 - p[1]
            first, spacing, count = left + 0.5 / fine - 0.5 - p[0], 1 / fine, side_x * fine
        else:
            dy, first, spacing, count = row - p[1], -p[0], 1.0, width
        _evaluate_row(p, variance, terms, dy, first, spacing, count, rows)
        if in_window:
            _average(rows, window, (y // fine) * side_x, side_x, fine, y % fine == 0)
        else:
            inside = top <= row < top + side_y
            _copy(rows, out, row * width, width)
            if inside:
                _paste(window, (row - top) * side_x, out, row * width + left, side_x)


@compiled
def _window(psf_variance):
    """Side of the window and sub-pixels along a pixel: finer the narrower the PSF."""
    if psf_variance > 0.35:  # FWHM of 1.4 pixels
        return _WINDOW, 2
    if psf_variance > 0.09:
        return _WINDOW, 4
    return 5, 16


@compiled
def _average(rows, window, offset, side, fine, start):
    """Add a row of sub-pixels to a row of the window."""
    share = _F(1 / fine**2)
    for j in range(_DERIVATIVES):
        for x in range(side):
            total = _F(0)
            for i in range(fine):
                total += rows[(_SUMS + j) * _STRIDE + x * fine + i]
            before = _F(0) if start else window[j, offset + x]
            window[j, offset + x] = before + total * share


@compiled
def _copy(rows, out, offset, width):
    for j in range(_DERIVATIVES):
        row, target = rows[(_SUMS + j) * _STRIDE :], out[j, offset:]
        for x in range(width):
            target[x] = row[x]


@compiled
def _paste(window, first, out, offset, side):
    for j in range(_DERIVATIVES):
        for x in range(side):
            out[j, offset + x] = window[j, first + x]


@compiled
def _interpolate(table, low, step, ln_n, profile):
    """Cubic interpolation through four nodes, and its derivative."""
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


@compiled
def _orientation(p):
    """Return ln(a/b) and the cosine and sine of twice the position angle."""
    eta = math.hypot(p[5], p[6])
    if eta > 0:
        return eta, p[5] / eta, p[6] / eta
    return 0.0, 1.0, 0.0


@compiled
def _gaussian_terms(p, variance, profile, terms):
    """Precision matrix, ellipse and coefficients of the eight sums, for each Gaussian."""
    eta, cos2, sin2 = _orientation(p)
    flux, r_squared, stretch = math.exp(p[2]), math.exp(2 * p[3]), math.exp(eta)
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


@compiled
def _evaluate_row(p, variance, terms, dy, first, step, count, rows):
    """Write the derivatives along a row of points ``first + i step`` columns from the centre."""
    for j in range(_SUMS):
        for i in range(count):
            rows[j * _STRIDE + i] = 0
    for k in range(terms.shape[0]):
        term = terms[k]
        rest = 2 * _CUT - dy * dy * term[3]
        if rest <= 0:
            continue
        half, middle = math.sqrt(rest * term[5]), dy * term[4]
        start = max(0, math.ceil((middle - half - first) / step))
        stop = min(count, math.floor((middle + half - first) / step) + 1)
        if start < stop:
            _add_gaussian(rows[start:], stop - start, term, first + start * step, dy, step)
    _combine(p, variance, dy, first, step, count, rows)


@compiled
def _add_gaussian(sums, count, term, dx, dy, step):
    """Add one Gaussian to the eight sums; exp(x) is exp(x / 16)**16, a polynomial's power."""
    e0 = _F(-(term[0] * dx * dx + 2 * term[1] * dx * dy + term[2] * dy * dy) / 32)
    e1 = _F(-step * (term[0] * dx + term[1] * dy) / 16)
    e2 = _F(-term[0] * step * step / 32)
    c0, c1, c2, c3 = _F(term[6]), _F(term[7]), _F(term[8]), _F(term[9])
    c4, c5, c6, c7 = _F(term[10]), _F(term[11]), _F(term[12]), _F(term[13])
    for i in range(count):
        x = _F(i)
        t = e0 + x * (e1 + x * e2)
        t = t if t > _LOW else _LOW
        g = _ONE + t * (_ONE + t * (_C2 + t * (_C3 + t * (_C4 + t * _C5))))
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


@compiled
def _combine(p, variance, dy, first, step, count, rows):
    """Turn the eight sums of a row into seven derivatives."""
    eta, cos2, sin2 = _orientation(p)
    angle = math.atan2(sin2, cos2) / 2
    c, s = _F(math.cos(angle)), _F(math.sin(angle))
    c2, s2, v0 = _F(cos2), _F(sin2), _F(variance)
    per_turn = _F(0.5 / max(eta, 1e-4))
    y, x0, h = _F(dy), _F(first), _F(step)
    for i in range(count):
        x = x0 + h * _F(i)
        u, v = c * x + s * y, c * y - s * x
        model, by_u, by_v = rows[i], rows[_STRIDE + i], rows[2 * _STRIDE + i]
        uu, vv = u * u, v * v
        own_u, own_v = uu * rows[3 * _STRIDE + i], vv * rows[4 * _STRIDE + i]
        radial = _C2 * (own_u - own_v + v0 * (by_u - by_v))
        turn = -u * v * (by_u - by_v) * per_turn
        rows[_SUMS * _STRIDE + i] = c * u * by_u - s * v * by_v
        rows[(_SUMS + 1) * _STRIDE + i] = s * u * by_u + c * v * by_v
        rows[(_SUMS + 2) * _STRIDE + i] = model
        rows[(_SUMS + 3) * _STRIDE + i] = own_u + own_v - _TWO * model + v0 * (by_u + by_v)
        rows[(_SUMS + 4) * _STRIDE + i] = (
            uu * rows[6 * _STRIDE + i] + vv * rows[7 * _STRIDE + i] + rows[5 * _STRIDE + i]
        )
        rows[(_SUMS + 5) * _STRIDE + i] = c2 * radial - s2 * turn
        rows[(_SUMS + 6) * _STRIDE + i] = s2 * radial + c2 * turn

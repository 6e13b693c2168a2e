"""
Noiseless images of Sersic galaxies as sums of Gaussians, compiled: GalSim's, far sooner.

A profile is written as a sum of Gaussians (`expansion`).  A Gaussian is integrated over
pixels by cutting them into sub-pixels of which none is wider than the Gaussian's minor
axis; a sub-pixel's own width h is then a variance, h**2 / 12, and one more derivative,
``-h**4 / 2880 (d4/dx4 + d4/dy4)``.  Narrow Gaussians are small, so all take about as many
points.  Wide ones are sampled at every second or fourth pixel and interpolated.

The centre of a galaxy lies at pixel ``size // 2`` plus its offset, in both axes.
"""

import math

import numpy as np
from numba import njit

from galrestore.synthesis.expansion import INDEX_RANGE, expansion_table

__all__ = ["render_gaussians"]

# Finest cut of a pixel; narrower Gaussians count as points.
_FINEST = 1024
_LARGEST = 1024
_FLATTEST = 0.02
_SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))

_F = np.float32
_ONE, _C2, _C3, _C4, _C5 = (_F(1 / math.factorial(k)) for k in range(1, 6))
_LOW = _F(-1)

# A Gaussian ends where it is below this fraction of the brightest pixel and as much of the
# flux lies beyond, which is exp(-cut) of the Gaussian's.
_FAINT = 1e-5
# Gaussians this many times wider than the step of a grid are sampled on it.
_SMOOTH = 2.5
# Middle of eight equally spaced values, for Gaussians of at least that width: errs by
# 1.5e-5 of the peak (least squares over widths and places, reweighted for the largest error).
_TAPS = (0.60211024, -0.12697931, 0.02825598, -0.00338712)
_T0, _T1, _T2, _T3 = (_F(tap) for tap in _TAPS)
_MARGIN = 6
# Below this index amplitudes of both signs cancel, to a hundredth at 0.3: double precision
# and sub-pixels of a quarter of the width.
_DELICATE = 0.45
# Minor axes beyond which the fourth derivatives are below 2e-5 of the peak [sub-pixel].
_FLAT = 3.2

_compiled = njit(fastmath=True, nogil=True, error_model="numpy")


def render_gaussians(galaxies, size, psf_fwhm=0.0):
    """
    Draw galaxies.

    Parameters
    ----------
    galaxies : mapping of str to ndarray, shape (N,)
        ``flux`` of the whole profile, positive; ``r50`` circularised half-light radius [pixel];
        ``n`` Sersic index, in `INDEX_RANGE`; ``q`` axis ratio in [0.02, 1]; ``theta`` position
        angle from the column axis [rad]; ``dx, dy`` centre minus pixel ``size // 2``, column
        and row [pixel].  ``id``, if there, names galaxies in messages.
    size : int
        Side of the images [pixel], at most 1024.
    psf_fwhm : float, optional
        Width of a Gaussian PSF [pixel]; by default there is none.

    Returns
    -------
    images : ndarray of float32, shape (N, size, size)
        Flux in each pixel, typically 2e-5 of the peak from the integral, 5e-5 for 95 in 100,
        2.5e-4 at worst so far; benchmarks/rendering.py compares with GalSim's.

    Raises
    ------
    ValueError
        If a parameter is outside its range; names the first such galaxy.
    """
    names = ("flux", "r50", "n", "q", "theta", "dx", "dy")
    columns = [np.atleast_1d(np.asarray(galaxies[name], dtype=float)) for name in names]
    rows = np.ascontiguousarray(np.column_stack(columns))
    _check(rows, size, galaxies["id"] if "id" in galaxies else np.arange(len(rows)))
    images = np.zeros((len(rows), size, size), dtype=np.float32)
    table = expansion_table()
    # The longest line of sub-pixels: 2 x 7.8 sigma / q, of eight a sigma, and two pixels.
    line = np.zeros(int(128 / rows[:, 3].min(initial=1)) + 3 * _FINEST, dtype=np.float32)
    _render(
        rows, (psf_fwhm * _SIGMA_PER_FWHM) ** 2, table.values, table.low, table.step, line, images
    )
    return images


def _check(rows, size, ids):
    if not 1 <= size <= _LARGEST:
        msg = f"size must lie between 1 and {_LARGEST}, got {size}"
        raise ValueError(msg)
    flux, r50, n, q, *_ = rows.T
    good = np.isfinite(rows).all(axis=1) & (flux > 0) & (r50 > 0) & (q >= _FLATTEST) & (q <= 1)
    # An index on the bound may have been a logarithm.
    good &= (n >= INDEX_RANGE[0] * (1 - 1e-9)) & (n <= INDEX_RANGE[1] * (1 + 1e-9))
    if not good.all():
        k = int(np.argmin(good))
        msg = (
            f"galaxy {np.asarray(ids)[k]}: Gaussians cannot draw flux = {flux[k]:g}, "
            f"n = {n[k]:g}, r50 = {r50[k]:g}, q = {q[k]:g}: flux and r50 must be positive, "
            f"n in {INDEX_RANGE}, q in [{_FLATTEST}, 1]"
        )
        raise ValueError(msg)


@_compiled
def _render(rows, psf_variance, table, low, step, line, images):
    size = images.shape[1]
    half = np.zeros((_coarse(size), _coarse(size)), np.float32)
    quarter = np.zeros((_coarse(half.shape[0]), _coarse(half.shape[0])), np.float32)
    columns = np.zeros((size, half.shape[0]), np.float32)
    terms = np.zeros((table.shape[2], 3))
    for k in range(rows.shape[0]):
        flux, r50, n, q, theta, dx, dy = rows[k]
        exact = n < _DELICATE
        brightest = _terms(flux, r50, n, q, psf_variance, table, low, step, terms)
        half[:] = 0
        quarter[:] = 0
        for j in range(terms.shape[0]):
            light, major, minor = terms[j, 0], terms[j, 1], terms[j, 2]
            share = max(abs(_central(light, major, minor) / brightest), abs(light / flux))
            cut = math.log(1e-9 + share / _FAINT)
            if cut <= 0:
                continue
            grid, h, x0, y0 = images[k], 1.0, size // 2 + dx, size // 2 + dy
            for _ in range(2):
                if h < 4 and minor > (_SMOOTH * 2 * h) ** 2 and not exact:
                    grid = half if h == 1 else quarter
                    h, x0, y0 = 2 * h, (x0 + _MARGIN) / 2, (y0 + _MARGIN) / 2
            shape = major, minor, theta, x0, y0
            _add_gaussian(light, shape, h, exact, cut, line, grid)
        if not exact:
            _refine(quarter, half, columns)
            _refine(half, images[k], columns)


@_compiled
def _terms(flux, r50, n, q, psf_variance, table, low, step, terms):
    """Flux and variances along the axes of each Gaussian; returns the brightest pixel, about."""
    t = min(max((math.log(n) - low) / step, 0.0), table.shape[0] - 1.0)
    first = min(max(int(t) - 1, 0), table.shape[0] - 4)
    a, b, c, d = t - first, t - first - 1, t - first - 2, t - first - 3
    # Cubic interpolation through four nodes.
    weight = (-b * c * d / 6, a * c * d / 2, -a * b * d / 2, a * b * c / 6)
    brightest = 0.0
    for j in range(terms.shape[0]):
        amplitude, ln_width = 0.0, 0.0
        for node in range(4):
            amplitude += weight[node] * table[first + node, 0, j]
            ln_width += weight[node] * table[first + node, 1, j]
        own = math.exp(2 * ln_width) * r50 * r50
        terms[j, 0] = flux * amplitude
        terms[j, 1], terms[j, 2] = own / q + psf_variance, own * q + psf_variance
        brightest += _central(terms[j, 0], terms[j, 1], terms[j, 2])
    return brightest


@_compiled
def _central(flux, major, minor):
    """Flux of a Gaussian in a pixel at its centre, or nearly."""
    return flux / (2 * math.pi * math.sqrt((major + 1 / 12) * (minor + 1 / 12)))


@_compiled
def _coarse(size):
    """Side of the grid of every other point; its point i lies at 2 i - margin of the finer."""
    return (size - 1 + _MARGIN) // 2 + len(_TAPS) + 1


@_compiled
def _refine(coarse, fine, columns):
    """Add a coarse grid, interpolated first along columns, then along rows."""
    for y in range(fine.shape[0]):
        i = (y + _MARGIN) // 2
        for x in range(coarse.shape[1]):
            if y % 2 == 0:
                columns[y, x] = coarse[i, x]
            else:
                columns[y, x] = (
                    _T0 * (coarse[i, x] + coarse[i + 1, x])
                    + _T1 * (coarse[i - 1, x] + coarse[i + 2, x])
                    + _T2 * (coarse[i - 2, x] + coarse[i + 3, x])
                    + _T3 * (coarse[i - 3, x] + coarse[i + 4, x])
                )
    half = _MARGIN // 2
    for y in range(fine.shape[0]):
        row, into = columns[y], fine[y]
        for x in range((fine.shape[1] + 1) // 2):
            into[2 * x] += row[x + half]
        for x in range(fine.shape[1] // 2):
            i = x + half
            into[2 * x + 1] += (
                _T0 * (row[i] + row[i + 1])
                + _T1 * (row[i - 1] + row[i + 2])
                + _T2 * (row[i - 2] + row[i + 3])
                + _T3 * (row[i - 3] + row[i + 4])
            )


@_compiled
def _add_gaussian(flux, shape, scale, exact, cut, line, grid):
    """Add one Gaussian to a grid whose points are ``scale`` pixels apart, averaged over pixels."""
    major, minor, theta, x0, y0 = shape
    # In steps of the grid, or of the sub-pixels; the box is a pixel, or a sub-pixel.
    fine = 1
    while fine < _FINEST and minor * fine * fine < (16 if exact else 1):
        fine *= 2
    h = 1 / fine
    box = h * h / 12
    major, minor = (major + box) / scale**2, (minor + box) / scale**2
    c, s = math.cos(theta), math.sin(theta)
    xx, yy = c * c * major + s * s * minor, s * s * major + c * c * minor
    both, xy = major * minor, c * s * (major - minor)
    peak = flux * h * h / (2 * math.pi * math.sqrt(both) * scale**2)
    size = grid.shape[0]
    reach_x, reach_y = math.sqrt(2 * cut * xx), math.sqrt(2 * cut * yy)
    bottom = max(0, math.floor((y0 - reach_y + 0.5) * fine))
    top = min(size * fine, math.ceil((y0 + reach_y + 0.5) * fine))
    left = max(0, math.floor(x0 - reach_x + 0.5))
    right = min(size, math.floor(x0 + reach_x + 0.5) + 1)
    if bottom >= top or left >= right:
        return
    within_column = math.floor(x0 - reach_x + 0.5) == math.floor(x0 + reach_x + 0.5)
    if within_column and math.floor(y0 - reach_y + 0.5) == math.floor(y0 + reach_y + 0.5):
        grid[bottom // fine, left] += _F(flux)
        return
    kind = 2 if exact else (1 if minor < (_FLAT * h) ** 2 else 0)
    precision = yy / both, -xy / both, xx / both
    for y in range(bottom, top):
        dy = (y + 0.5) * h - 0.5 - y0
        rest = 2 * cut - dy * dy / yy
        if rest > 0:
            half, middle = math.sqrt(rest * both / yy), x0 + dy * xy / yy
            start = max(left * fine, math.floor((middle - half + 0.5) * fine))
            stop = min(right * fine, math.ceil((middle + half + 0.5) * fine))
            if start < stop:
                dx = (start + 0.5) * h - 0.5 - x0
                # Whole pixels are added where they belong, sub-pixels collected first.
                into, first = (grid[y], 0) if fine == 1 else (line, left * fine)
                part = into[start - first : stop - first]
                _add_line(part, peak, precision, dx, dy, h, kind)
        if fine > 1 and (y % fine == fine - 1 or y == top - 1):
            _bin(line, fine, grid[y // fine, left:right])


@_compiled
def _add_line(line, peak, precision, dx, dy, h, kind):
    """Add a line of points; exp(x) is exp(x / 16)**16, a polynomial's power."""
    pxx, pxy, pyy = precision
    # Slopes of the exponent along column and row, for the fourth derivatives.
    along, across = pxx * dx + pxy * dy, pxy * dx + pyy * dy
    power = -(dx * along + dy * across) / 2
    if kind == 2:
        d2, d3, d4, d5, d6, d7 = 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040
        constant = peak * (1 - (pxx * pxx + pyy * pyy) * h**4 / 960)
        for i in range(line.size):
            x = i * h
            u, v = h * (along + pxx * x), h * (across + pxy * x)
            u, v = u * u, v * v
            fourth = u * (u - 6 * h * h * pxx) + v * (v - 6 * h * h * pyy)
            t = (power - x * (along + pxx * x / 2)) / 64
            t = t if t > -1.0 else -1.0
            g = 1 + t * (1 + t * (d2 + t * (d3 + t * (d4 + t * (d5 + t * (d6 + t * d7))))))
            g *= g
            g *= g
            g *= g
            g *= g
            g *= g
            g *= g
            line[i] += g * (constant - peak * fourth / 2880)
        return
    e0, e1, e2 = _F(power / 16), _F(-h * along / 16), _F(-pxx * h * h / 32)
    scale = _F(peak)
    if kind == 0:
        for i in range(line.size):
            x = _F(i)
            t = e0 + x * (e1 + x * e2)
            t = t if t > _LOW else _LOW
            g = _ONE + t * (_ONE + t * (_C2 + t * (_C3 + t * (_C4 + t * _C5))))
            g *= g
            g *= g
            g *= g
            g *= g
            line[i] += scale * g
        return
    u0, u1 = _F(h * along), _F(h * h * pxx)
    v0, v1 = _F(h * across), _F(h * h * pxy)
    six_x, six_y, fourth = _F(6 * h * h * pxx), _F(6 * h * h * pyy), _F(-peak / 2880)
    scale = _F(peak * (1 - (pxx * pxx + pyy * pyy) * h**4 / 960))
    for i in range(line.size):
        x = _F(i)
        t = e0 + x * (e1 + x * e2)
        t = t if t > _LOW else _LOW
        g = _ONE + t * (_ONE + t * (_C2 + t * (_C3 + t * (_C4 + t * _C5))))
        g *= g
        g *= g
        g *= g
        g *= g
        u, v = u0 + x * u1, v0 + x * v1
        u, v = u * u, v * v
        line[i] += g * (scale + fourth * (u * (u - six_x) + v * (v - six_y)))


@_compiled
def _bin(line, fine, row):
    """Sum sub-pixels into a row of pixels, and clear them."""
    for x in range(row.size):
        total = _F(0)
        for i in range(x * fine, (x + 1) * fine):
            total += line[i]
            line[i] = 0
        row[x] += total

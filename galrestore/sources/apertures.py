"""Kron fluxes and half-light radii of sources, pixel by pixel as in SExtractor."""

import math

import numpy as np

from galrestore.sources.compiling import compiled

__all__ = ["auto_fluxes", "half_light_radii"]

# Extent of the Kron moment and of the growth curve, in semi-major axes.
_EXTENT = 6.0
_STEPS, _SUBPIXELS = 64, 5
# Half the light of most sources lies within these fractions of the growth curve.
_TRIES = (0.3, 0.5, 1.0)


@compiled
def _odd(images, number, row, column):
    """Tell whether a pixel is not the source's nor the sky's."""
    role, owner = images[2][row, column], images[3][row, column]
    return role == 1 or (role == 0 and owner != 0 and owner != number)


@compiled
def _opposite(images, number, x, y, row, column):
    """
    Return the pixel opposite an odd one about the barycentre: value, noise, whether any.

    If that one is odd too, or outside, there is none, and value and noise are 0.
    """
    data, noise = images[0], images[1]
    opposite, across = int(2 * y + 0.49999 - row), int(2 * x + 0.49999 - column)
    inside = 0 <= opposite < data.shape[0] and 0 <= across < data.shape[1]
    if inside and not _odd(images, number, opposite, across):
        return data[opposite, across], noise[opposite, across], True
    return np.float32(0), np.float32(0), False


@compiled
def _conic(shape):
    """Return cxx, cyy, cxy of an ellipse of semi-axes a, b and angle theta."""
    a, b, theta = shape
    cosine, sine = math.cos(theta), math.sin(theta)
    cxx = (cosine / a) ** 2 + (sine / b) ** 2
    cyy = (sine / a) ** 2 + (cosine / b) ** 2
    return cxx, cyy, 2 * cosine * sine * (1 / a**2 - 1 / b**2)


@compiled
def _columns(conic, limit, x, dy, width):
    """Columns of a row that an ellipse may reach, one too many on each side at most."""
    cxx, cyy, cxy = conic
    middle = -0.5 * cxy * dy / cxx
    square = middle * middle - (cyy * dy * dy - limit * limit) / cxx
    half = math.sqrt(max(square, 0.0))
    first = max(math.ceil(x + middle - half) - 1, 0)
    return first, min(math.floor(x + middle + half) + 2, width)


@compiled
def _kron_radius(images, source):
    """First moment of the light within the extent, in semi-axes; 0 if not positive."""
    data = images[0]
    number, x, y = source[0], source[1], source[2]
    conic = _conic((source[3], source[4], source[5]))
    cxx, cyy, cxy = conic
    tall = _EXTENT * math.sqrt(cxx / (cxx * cyy - 0.25 * cxy * cxy))
    flux = moment = 0.0
    for row in range(max(math.ceil(y - tall), 0), min(math.floor(y + tall) + 1, data.shape[0])):
        dy = row - y
        first, last = _columns(conic, _EXTENT, x, dy, data.shape[1])
        for column in range(first, last):
            dx = column - x
            radius = cxx * dx * dx + cyy * dy * dy + cxy * dx * dy
            if radius <= _EXTENT * _EXTENT and not _odd(images, number, row, column):
                flux += data[row, column]
                moment += math.sqrt(radius) * data[row, column]
    return moment / flux if moment > 0 and flux > 0 else 0.0


@compiled
def auto_fluxes(images, mapped, sources, kron_factor, least, largest, result):
    """
    Measure FLUX_AUTO.

    Parameters
    ----------
    images : tuple of ndarray, shape (H, W)
        Data and noise (float32), roles (uint8, 1 also where there is no data) and
        segments (int32), see `galrestore.sources.footprints`.
    mapped : bool
        Whether the noise is a map: pixels for which there is none opposite then count
        without noise; else with the common one.
    sources : ndarray of float64, shape (N, 6)
        Number, column, row, semi-major and semi-minor axis [pixel], angle [rad].
    kron_factor, least, largest : float
        Aperture: ``kron_factor`` Kron radii, from ``least`` to ``largest`` semi-axes.
    result : ndarray of float64, shape (N, 3)
        Output: Kron radius [a], flux, its variance.
    """
    data, noise = images[0], images[1]
    height, width = data.shape
    for i in range(len(sources)):
        number, x, y = sources[i, 0], sources[i, 1], sources[i, 2]
        conic = _conic((sources[i, 3], sources[i, 4], sources[i, 5]))
        cxx, cyy, cxy = conic
        kron = _kron_radius(images, sources[i])
        limit = min(max(kron_factor * kron, least), largest)
        tall = limit * math.sqrt(cxx / (cxx * cyy - 0.25 * cxy * cxy))
        flux = variance = 0.0
        for row in range(max(math.ceil(y - tall), 0), min(math.floor(y + tall) + 1, height)):
            dy = row - y
            first, last = _columns(conic, limit, x, dy, width)
            for column in range(first, last):
                dx = column - x
                if cxx * dx * dx + cyy * dy * dy + cxy * dx * dy > limit * limit:
                    continue
                value, rms = data[row, column], noise[row, column]
                if _odd(images, number, row, column):
                    value, rms, found = _opposite(images, number, x, y, row, column)
                    if not (found or mapped):
                        rms = noise[row, column]
                flux += value
                variance += float(rms) * rms
        result[i, 0], result[i, 1], result[i, 2] = kron, flux, variance


@compiled
def half_light_radii(images, sources, half, radii):
    """
    Measure FLUX_RADIUS(0.5).

    Parameters
    ----------
    images : tuple of ndarray
        As of `auto_fluxes`.
    sources : ndarray of float64, shape (N, 6)
        As of `auto_fluxes`.
    half : ndarray of float64, shape (N,)
        Half of each flux.
    radii : ndarray of float64, shape (N,)
        Output [pixel]; NaN where half the flux is not positive, or never reached
        within six semi-major axes.
    """
    growth = np.empty(_STEPS)
    for i in range(len(sources)):
        radii[i] = np.nan
        if not half[i] > 0:
            continue
        density = _STEPS / (_EXTENT * sources[i, 3])
        for fraction in _TRIES:
            steps = int(fraction * _STEPS)
            _grow(images, sources[i], density, steps, growth)
            place = _crossing(growth[:steps], half[i] * _SUBPIXELS**2)
            if place >= 0:
                radii[i] = place / density
                break


@compiled
def _grow(images, source, density, steps, growth):
    """Fill the first annuli of a growth curve, times the number of sub-pixels."""
    data = images[0]
    height, width = data.shape
    number, x, y = source[0], source[1], source[2]
    growth[:] = 0
    edge = steps / density + 0.75
    for row in range(max(int(y - edge), 0), min(int(y + edge) + 2, height)):
        dy = row - y
        for column in range(max(int(x - edge), 0), min(int(x + edge) + 2, width)):
            dx = column - x
            if dx * dx + dy * dy > edge * edge:
                continue
            value = data[row, column]
            if _odd(images, number, row, column):
                value, _, _ = _opposite(images, number, x, y, row, column)
            for j in range(_SUBPIXELS):
                fine = dy + (j + 0.5) / _SUBPIXELS - 0.5
                for k in range(_SUBPIXELS):
                    finer = dx + (k + 0.5) / _SUBPIXELS - 0.5
                    place = int(math.sqrt(fine * fine + finer * finer) * density)
                    if place < steps:
                        growth[place] += value


@compiled
def _crossing(growth, level):
    """Where the sum of annuli first reaches a level, linear within annuli; -1 if never."""
    total = 0.0
    for place in range(len(growth)):
        if total + growth[place] >= level:
            return place + (level - total) / growth[place]
        total += growth[place]
    return -1.0

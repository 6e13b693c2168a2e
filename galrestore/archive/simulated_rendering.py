"""
Pixels of a simulated mosaic, strip of rows by strip of rows.

A pixel's value depends on neither the height of the strips nor their order: objects
are added in the order of their ids from stamps that know nothing of the strip, and
noise is drawn in fixed blocks with a random stream each.
"""

import numpy as np

from galrestore.archive.simulated_population import CELL, first_id, knots
from galrestore.archive.simulated_profiles import half_widths, peaks, stamp
from galrestore.rng import stream

__all__ = ["Scene", "correlation_kernel", "hits", "noise", "pixel_noise"]

_BLOCK = 256  # side of the blocks of noise [pixel]
_VISIBLE = 0.3  # objects whose peak is below this many sigma are left out
_APERTURE = 0.15  # radius of the aperture in which the depth is stated [arcsec]
_HIT_SIGMAS = (30.0, 400.0)  # range of a hit's charge, in units of the noise
_ARCMIN2 = 3600.0


class Scene:
    """
    Light of all objects of a mosaic.

    Parameters
    ----------
    table : pandas.DataFrame
        Objects sorted by id, see `simulated_population.objects`.
    fluxes : tuple of ndarray of float, shape (N,)
        Flux of the whole object, bulge (or star), disc and knots, in the pixels' unit.
    frame : Frame or ChipFrame
        Pixel grid.
    optics : Optics
        PSF.
    rms : float
        Noise of a pixel; decides what is too faint to draw.
    seed : int
        Seed of the run.
    """

    def __init__(self, table, fluxes, frame, optics, rms, seed):
        visible = peaks(table, fluxes, optics) > _VISIBLE * rms
        table, fluxes = table[visible], tuple(flux[visible] for flux in fluxes)
        x, y = frame.pixels(table.xi.to_numpy(), table.eta.to_numpy())
        half = half_widths(table, fluxes, optics, rms)
        column, row = np.round(x), np.round(y)
        near = (column + half >= 0) & (column - half < frame.width)
        near &= (row + half >= 0) & (row - half < frame.height)
        self._rows = table[near].to_dict("records")
        self._fluxes = np.array(fluxes)[:, near].T
        self._x, self._y, self._half = x[near], y[near], half[near]
        self._first = (row - half)[near]
        self._last = (row + half)[near]
        self._frame, self._optics, self._seed = frame, optics, seed
        self._kept = {}  # stamps that reach below the strip drawn last

    def __len__(self):
        return len(self._rows)

    def light(self, y0, y1):
        """
        Return the light in a strip of rows.

        Parameters
        ----------
        y0, y1 : int
            Rows y0 to y1 - 1.

        Returns
        -------
        light : ndarray of float64, shape (y1 - y0, width)
            Sum of the objects, without sky and noise.
        """
        light = np.zeros((y1 - y0, self._frame.width))
        for i in np.flatnonzero((self._last >= y0) & (self._first < y1)):
            drawn = self._kept.pop(i, None) or self._draw(i)
            _add(light, drawn, y0)
            if self._last[i] >= y1:
                self._kept[i] = drawn
        return light

    def _draw(self, i):
        galaxy = self._rows[i]
        places = knots(self._seed, galaxy) if galaxy["n_knots"] else None
        fluxes, half = tuple(self._fluxes[i]), int(self._half[i])
        x, y = self._x[i], self._y[i]
        jacobian = self._frame.jacobian(x, y)
        return stamp(galaxy, fluxes, places, self._optics, x, y, half, jacobian)


def pixel_noise(aperture_flux, pixel_scale, correlation=0.0):
    """
    Return the noise of a pixel that gives a depth.

    Parameters
    ----------
    aperture_flux : float
        Flux that is 5 sigma in an aperture of diameter 0.3 arcsec.
    pixel_scale : float
        Side of a pixel [arcsec].
    correlation : float, optional
        Correlation of neighbouring pixels, see `correlation_kernel`.

    Returns
    -------
    rms : float
        Noise of a pixel, in the unit of the flux.

    Notes
    -----
    The variance in an aperture of N = pi r^2 pixels is rms^2 N C, where C is the sum
    of the noise's correlation function, 1 for white noise; the aperture is taken to be
    large compared with the correlation.
    """
    kernel = correlation_kernel(correlation)
    pixels = np.pi * (_APERTURE / pixel_scale) ** 2
    return aperture_flux / 5 / (np.sqrt(pixels) * kernel.sum() ** 2)


def correlation_kernel(correlation):
    """
    Return the kernel that gives white noise a correlation between neighbours.

    Parameters
    ----------
    correlation : float
        Correlation at a lag of one pixel along rows, and along columns, in [0, 0.7].

    Returns
    -------
    kernel : ndarray of float, shape (3,)
        To be applied along rows and along columns; keeps the rms.
    """
    # (a, 1, a) has the correlation 2a / (1 + 2a^2) at lag 1.
    rho = correlation
    side = (1 - np.sqrt(1 - 2 * rho**2)) / (2 * rho) if rho > 0 else 0.0
    kernel = np.array([side, 1.0, side])
    return kernel / np.sqrt(np.sum(kernel**2))


def noise(seed, name, y0, y1, width, correlation=0.0):
    """
    Return Gaussian noise of unit rms in a strip of rows.

    Parameters
    ----------
    seed : int
        Seed of the run.
    name : str
        Mosaic.
    y0, y1 : int
        Rows y0 to y1 - 1.
    width : int
        Columns.
    correlation : float, optional
        Correlation of neighbouring pixels.

    Returns
    -------
    noise : ndarray of float32, shape (y1 - y0, width)
        The same in each pixel for all strips.
    """
    white = _white(seed, name, y0 - 1, y1 + 1, width)
    if correlation == 0:
        return white[1:-1, 1:-1]
    side, middle, _ = correlation_kernel(correlation).astype(np.float32)
    rows = middle * white[1:-1] + side * (white[:-2] + white[2:])
    return middle * rows[:, 1:-1] + side * (rows[:, :-2] + rows[:, 2:])


def hits(seed, name, density, frame, rms):
    """
    Place cosmic-ray hits and hot pixels that cleaning has left.

    Parameters
    ----------
    seed : int
        Seed of the run.
    name : str
        Mosaic.
    density : float
        Hits per square arcmin.
    frame : Frame
        Pixel grid.
    rms : float
        Noise of a pixel.

    Returns
    -------
    ident : ndarray of int64, shape (K,)
        Number of each hit, below 2**48 and the same for any extent of the sky.
    row, column : ndarray of int64, shape (K,)
        Pixels hit; a second pixel, if any, lies to the right.
    charge, second : ndarray of float, shape (K,)
        What they add to their pixel and to the one on its right [unit of rms].
    """
    half = np.array([frame.height, frame.width]) * frame.pixel_scale / 2
    rows, columns = (
        range(int(np.floor(-reach / CELL)), int(np.floor(reach / CELL)) + 1) for reach in half
    )
    found = [
        _hits_of_cell(seed, name, density * CELL**2 / _ARCMIN2, row, column)
        for row in rows
        for column in columns
    ]
    ident, xi, eta, charge, second = (np.concatenate(values) for values in zip(*found, strict=True))
    x, y = (np.round(values).astype(np.int64) for values in frame.pixels(xi, eta))
    # The second pixel must lie inside, too.
    inside = (x >= 0) & (x < frame.width - 1) & (y >= 0) & (y < frame.height)
    return ident[inside], y[inside], x[inside], rms * charge[inside], rms * second[inside]


def _hits_of_cell(seed, name, expected, row, column):
    rng = stream(seed, f"acquire.hits.{name}", row, column)
    count = rng.poisson(expected)
    xi, eta = rng.uniform(0, CELL, (2, count))
    charge = np.exp(rng.uniform(*np.log(_HIT_SIGMAS), count))
    second = charge * np.where(rng.uniform(size=count) < 0.5, rng.uniform(0.3, 0.9, count), 0)
    ident = first_id(row, column) + np.arange(count, dtype=np.int64)
    return ident, xi + column * CELL, eta + row * CELL, charge, second


def _white(seed, name, y0, y1, width):
    """White noise of rows y0 to y1 - 1 and columns -1 to width, from fixed blocks."""
    white = np.empty((y1 - y0, width + 2), dtype=np.float32)
    for i in range(y0 // _BLOCK, (y1 - 1) // _BLOCK + 1):
        top, bottom = max(y0, i * _BLOCK), min(y1, (i + 1) * _BLOCK)
        for j in range(-1, width // _BLOCK + 1):
            left, right = max(-1, j * _BLOCK), min(width + 1, (j + 1) * _BLOCK)
            rng = stream(seed, f"acquire.noise.{name}", i, j)
            block = rng.standard_normal((_BLOCK, _BLOCK), dtype=np.float32)
            white[top - y0 : bottom - y0, left + 1 : right + 1] = block[
                top - i * _BLOCK : bottom - i * _BLOCK, left - j * _BLOCK : right - j * _BLOCK
            ]
    return white


def _add(light, drawn, y0):
    """Add a stamp where it overlaps the strip that starts at row y0."""
    left, first, pixels = drawn
    first -= y0
    top, bottom = max(0, first), min(len(light), first + len(pixels))
    start, stop = max(0, left), min(light.shape[1], left + pixels.shape[1])
    light[top:bottom, start:stop] += pixels[
        top - first : bottom - first, start - left : stop - left
    ]

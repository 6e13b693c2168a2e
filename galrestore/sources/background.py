"""
Background level and noise of a mosaic on a mesh, evaluated by window.

The mesh is tied to the mosaic's first pixel, and the map between its knots is evaluated
point by point, so a value depends on its pixel and never on the window.  Mesh and map
are SExtractor's (Bertin & Arnouts 1996) to the last bit, its two oddities included:

- the "spline" solves the equations of the natural cubic spline but divides by six once
  too often on the way back, which weakens the coupling to the next knot;
- knots lie at the centres of cells along columns (x), but half a pixel above them along
  rows (y).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sep
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import distance_transform_edt

from galrestore.sources.compiling import compiled
from galrestore.sources.variances import typical_variance

__all__ = ["Background", "clipped_mode", "measure_background"]

# SExtractor ignores cells with less data than this and fills them from the nearest ones.
_LEAST_FRACTION = 0.5
# The error comes from cells that have neighbours on all sides; of 16 it is known to a third.
_FEWEST_INNER = 16
_ONE_SIGMA = 68.27
_F = np.float32


@dataclass(frozen=True)
class Background:
    """
    Background of a mosaic.

    Attributes
    ----------
    mesh : int
        Side of the cells [pixel]; those of the last row and column may be narrower.
    level, rms : ndarray of float32, shape (M, N)
        Background and its rms in the cells, filtered [unit of the mosaic].
    noise_scale : float
        What a relative noise map must be multiplied with to be in the mosaic's unit:
        median over cells of rms / typical noise of the map; NaN without a map.
    error : float
        Standard error of the level: 68 % of the cells agree so well with the median of
        themselves and their eight neighbours [unit of the mosaic].  Noise, faint sources,
        wings of bright ones and changes from cell to cell are in it.  NaN of fewer than
        16 inner cells.
    """

    mesh: int
    level: np.ndarray
    rms: np.ndarray
    noise_scale: float
    error: float

    @cached_property
    def global_rms(self):
        """Median rms of the cells, of those with noise if most have none; 1 if all (float)."""
        typical = float(np.median(self.rms))
        noisy = self.rms[self.rms > 0]
        if typical > 0 or not len(noisy):
            return typical if typical > 0 else 1.0
        return float(np.median(noisy))

    def noise(self, height, width):
        """
        Return the noise of a window where no map tells it.

        Parameters
        ----------
        height, width : int
            Shape of the window.

        Returns
        -------
        noise : ndarray of float32, shape (height, width)
            The global rms everywhere.
        """
        return np.full((height, width), self.global_rms, dtype=_F)

    def window(self, y0, y1, x0, x1):
        """
        Evaluate the level in a window.

        Parameters
        ----------
        y0, y1, x0, x1 : int
            Rows y0 to y1 - 1 and columns x0 to x1 - 1 of the mosaic.

        Returns
        -------
        level : ndarray of float32, shape (y1 - y0, x1 - x0)
            Bicubic interpolation of the mesh (linear along a single row of cells); the
            outermost cubics go on beyond the outermost knots.
        """
        rows = _places(np.arange(y0, y1) / self.mesh - 0.5, self.level.shape[0])
        columns = _places((np.arange(x0, x1) + 0.5) / self.mesh - 0.5, self.level.shape[1])
        level = np.empty((y1 - y0, x1 - x0), dtype=_F)
        _evaluate(self.level, self._curvature, *rows, *columns, level)
        return level

    @cached_property
    def _curvature(self):
        curvature = np.zeros_like(self.level)
        for column in range(self.level.shape[1]):
            line = np.zeros(self.level.shape[0], dtype=_F)
            _bend(np.ascontiguousarray(self.level[:, column]), line)
            curvature[:, column] = line
        return curvature


def measure_background(shape, read, mesh, filter_size):
    """
    Measure the background of a mosaic, one strip of cells in memory at a time.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the mosaic.
    read : callable
        ``read(y0, y1, x0, x1)`` returns science, noise map (or None) and mask of a
        window, as `galrestore.files.mosaics.Mosaic.window`.
    mesh : int
        Side of the cells [pixel].
    filter_size : int
        Side of the median filter over cells [cell].

    Returns
    -------
    background : Background
        The mesh.

    Raises
    ------
    ValueError
        If no pixel has data.

    Notes
    -----
    Each cell has SExtractor's mode, see `clipped_mode`.  Cells of which less than half
    has data take the mean of the nearest others; if all cells are so empty, those with
    any data count.  The median filter uses as many cells on one side as on the other,
    hence fewer at the rim.  The noise map is scaled by the ratio of a cell's rms and the
    root of the map's variance, see `galrestore.sources.variances`.
    """
    cells = [-(-size // mesh) for size in shape]
    level, rms, fraction, variance = (np.zeros(cells) for _ in range(4))
    for i in range(cells[0]):
        science, noise, mask = read(i * mesh, min((i + 1) * mesh, shape[0]), 0, shape[1])
        whole = not mask.any()
        for j in range(cells[1]):
            cell = np.s_[:, j * mesh : (j + 1) * mesh]
            good = ... if whole else ~mask[cell]
            values = science[cell][good]
            fraction[i, j] = values.size / science[cell].size
            if values.size:
                level[i, j], rms[i, j] = clipped_mode(values)
                if noise is not None:
                    variance[i, j] = typical_variance(values, noise[cell][good] ** 2)
    if not np.any(fraction > 0):
        msg = "no pixel has data"
        raise ValueError(msg)
    sound = fraction >= min(_LEAST_FRACTION, fraction.max())
    error = _level_error(level, sound)
    level, rms, variance = (
        _filtered(_filled(values, sound), filter_size) for values in (level, rms, variance)
    )
    scale = _noise_scale(rms, variance)
    return Background(mesh, level.astype(_F), rms.astype(_F), scale, error)


def clipped_mode(values):
    """
    Return SExtractor's estimate of background and noise.

    Parameters
    ----------
    values : ndarray of float32
        Pixels, at least one, all finite.

    Returns
    -------
    level, rms : float
        Mode and standard deviation of the pixels left after clipping at 3 sigma around
        the median until nothing changes, on a histogram.  The mode is 2.5 median - 1.5
        mean, or the median where the two differ by more than 0.3 sigma (crowded cells).
    """
    line = np.ascontiguousarray(values, dtype=_F).reshape(1, -1)
    cell = sep.Background(line, bw=line.size, bh=1, fw=1, fh=1)
    # sep says 1 where there is no noise, but not in its map.
    rms = cell.globalrms if cell.globalrms != 1 else float(cell.rms()[0, 0])
    return cell.globalback, rms


def _level_error(level, sound):
    """Tell how well cells agree with the median of theirs and their neighbours' levels."""
    inner = np.zeros_like(sound)
    inner[1:-1, 1:-1] = sound[1:-1, 1:-1]
    if inner.sum() < _FEWEST_INNER:
        return np.nan
    apart = np.abs(level - _filtered(_filled(level, sound), 3))[inner]
    return float(np.percentile(apart, _ONE_SIGMA))


def _noise_scale(rms, variance):
    if not variance.any():
        return np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sort((rms / np.sqrt(variance))[variance > 0])
    positive = ratio[ratio > 0]
    return float(np.median(positive)) if len(positive) else 1.0


def _filled(values, sound):
    """Give cells that are not sound the mean of the nearest that are."""
    if sound.all():
        return values
    nearest = distance_transform_edt(~sound, return_distances=False, return_indices=True)
    rows, columns = np.nonzero(~sound)
    square = ((nearest[:, rows, columns] - (rows, columns)) ** 2).sum(axis=0)
    padding = int(np.sqrt(square.max()))
    values = np.pad(np.where(sound, values, 0), padding)
    sound = np.pad(sound, padding)
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for distance in np.unique(square):
        here = square == distance
        for dy, dx in _circle(distance):
            place = rows[here] + padding + dy, columns[here] + padding + dx
            total[here] += values[place]
            count[here] += sound[place]
    inner = np.s_[padding : values.shape[0] - padding, padding : values.shape[1] - padding]
    values = values[inner].copy()
    values[rows, columns] = total / count
    return values


def _circle(square):
    """Yield all steps (dy, dx) of a squared length."""
    for dy in range(-int(np.sqrt(square)), int(np.sqrt(square)) + 1):
        dx = round(np.sqrt(square - dy**2))
        if dx**2 + dy**2 == square:
            yield from {(dy, dx), (dy, -dx)}


def _filtered(values, size):
    """Median over cells, over as many on one side as on the other."""
    filtered = np.empty_like(values)
    rows, columns = (_room(count, size // 2) for count in values.shape)
    for dy in np.unique(rows):
        for dx in np.unique(columns):
            box = (2 * dy + 1, 2 * dx + 1)
            medians = np.median(sliding_window_view(values, box), axis=(2, 3))
            here = np.ix_(np.flatnonzero(rows == dy), np.flatnonzero(columns == dx))
            filtered[here] = medians[here[0] - dy, here[1] - dx]
    return filtered


def _room(count, most):
    """Cells that each of a row of cells has on both sides."""
    place = np.arange(count)
    return np.minimum(np.minimum(place, place[::-1]), most)


def _places(position, knots):
    """Knot before each position and the distance from it, in cells."""
    before = np.clip(np.floor(position), 0, max(knots - 2, 0)).astype(np.int64)
    return before, (position - before).astype(_F)


@compiled
def _bend(values, curvature):
    """Second derivatives / 6 at the knots of one line, as SExtractor has them."""
    knots = len(values)
    if knots < 3:
        curvature[:] = 0
        return
    carry = np.zeros(knots, dtype=np.float32)
    curvature[0] = 0
    for i in range(1, knots - 1):
        factor = _F(-1) / (curvature[i - 1] + _F(4))
        curvature[i] = factor
        step = values[i + 1] + values[i - 1] - _F(2) * values[i]
        carry[i] = factor * (carry[i - 1] - _F(6) * step)
    curvature[knots - 1] = 0
    for i in range(knots - 2, 0, -1):
        curvature[i] = (curvature[i] * curvature[i + 1] + carry[i]) / _F(6)


@compiled
def _evaluate(values, curvature, row, dy, column, dx, level):
    """Interpolate along columns, then along each row; float32 in this order of terms."""
    knots = values.shape[1]
    line, bent = np.empty(knots, dtype=np.float32), np.empty(knots, dtype=np.float32)
    for y in range(len(row)):
        i, high = row[y], dy[y]
        low = _F(1) - high
        if values.shape[0] == 1:
            line[:] = values[0]
        else:
            high3, low3 = high * high * high - high, low * low * low - low
            for j in range(knots):
                line[j] = (
                    low * values[i, j]
                    + high * values[i + 1, j]
                    + low3 * curvature[i, j]
                    + high3 * curvature[i + 1, j]
                )
        if knots == 1:
            level[y, :] = line[0]
            continue
        if values.shape[0] == 1:
            bent[:] = 0
        else:
            _bend(line, bent)
        for x in range(len(column)):
            j, right = column[x], dx[x]
            left = _F(1) - right
            level[y, x] = left * (line[j] + (left * left - _F(1)) * bent[j]) + right * (
                line[j + 1] + (right * right - _F(1)) * bent[j + 1]
            )

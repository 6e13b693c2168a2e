"""Masks of neighbours in stamps, from the ellipses of a catalogue."""

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["nearer_to_neighbours", "neighbour_masks", "squared_distance"]

# Light of a source reaches about four times the second-moment ellipse of its isophote.
_REACH = 4.0


def neighbour_masks(sources, targets, side):
    """
    Mark pixels that belong to neighbours rather than to the source of a stamp.

    A pixel belongs to the source whose ellipse is nearest, in units of the ellipse's
    own axes; it is masked if that is a neighbour and nearer than 4.

    Parameters
    ----------
    sources : dict of str to ndarray, shape (M,)
        All detected sources of one image: ``x, y`` [pixel], ``a, b`` second-moment rms
        along the axes [pixel], ``theta`` [rad].
    targets : ndarray of int, shape (N,)
        Rows of ``sources`` that have a stamp.
    side : int
        Side of the stamps [pixel]; they begin at column ``floor(x + 0.5) - side // 2``.

    Returns
    -------
    mask : ndarray of bool, shape (N, side, side)
        True for pixels of neighbours.
    """
    x, y = np.asarray(sources["x"], dtype=float), np.asarray(sources["y"], dtype=float)
    mask = np.zeros((len(targets), side, side), dtype=bool)
    if len(targets) == 0:
        return mask
    tree = cKDTree(np.column_stack([x, y]))
    reach = side / np.sqrt(2) + _REACH * np.max(sources["a"], initial=0.0)
    for plane, target in zip(mask, targets, strict=True):
        corner = np.floor([y[target] + 0.5, x[target] + 0.5]) - side // 2
        rows = np.arange(side) + corner[0]
        columns = np.arange(side) + corner[1]
        near = tree.query_ball_point([x[target], y[target]], reach)
        plane[:] = nearer_to_neighbours(sources, target, rows, columns, near)
    return mask


def nearer_to_neighbours(sources, target, rows, columns, neighbours=None):
    """
    Mark pixels that belong to neighbours of one source.

    Parameters
    ----------
    sources : dict of str to ndarray, shape (M,)
        As of `neighbour_masks`.
    target : int
        Row of the source itself.
    rows, columns : ndarray, shape (H,) and (W,)
        Where the pixels are [pixel].
    neighbours : iterable of int, optional
        Rows of the sources that matter; all by default.

    Returns
    -------
    mask : ndarray of bool, shape (H, W)
        True for pixels within 4 of a neighbour's ellipse and nearer to it than to the
        target's, both in units of the ellipse's own axes.
    """
    own = squared_distance(sources, target, rows, columns)
    mask = np.zeros(own.shape, dtype=bool)
    for other in range(len(sources["x"])) if neighbours is None else neighbours:
        if other != target:
            distance = squared_distance(sources, other, rows, columns)
            mask |= (distance < own) & (distance < _REACH**2)
    return mask


def squared_distance(sources, k, rows, columns):
    """
    Return the squared elliptical distance of pixels from a source.

    Parameters
    ----------
    sources : dict of str to ndarray, shape (M,)
        As of `neighbour_masks`.
    k : int
        Row of the source.
    rows, columns : ndarray, shape (H,) and (W,)
        Where the pixels are [pixel].

    Returns
    -------
    distance : ndarray of float64, shape (H, W)
        In units of the ellipse's axes, squared; axes count as half a pixel at least.
    """
    c, s = np.cos(sources["theta"][k]), np.sin(sources["theta"][k])
    dx, dy = columns[None, :] - sources["x"][k], rows[:, None] - sources["y"][k]
    # Unresolved detections may have vanishing axes.
    along = (c * dx + s * dy) / max(sources["a"][k], 0.5)
    across = (c * dy - s * dx) / max(sources["b"][k], 0.5)
    return along**2 + across**2

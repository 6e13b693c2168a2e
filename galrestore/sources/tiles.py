"""Tiles of a mosaic: cores that cover it once, read with a margin around them."""

from itertools import pairwise

__all__ = ["grown", "tiles"]


def tiles(shape, side):
    """
    Cut a mosaic into tiles as wide as itself, from top to bottom.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the mosaic.
    side : int
        A tile has at most about half as many pixels again as a square of this side, but
        at least one row.

    Yields
    ------
    core : tuple of int
        ``(y0, y1, x0, x1)``; each pixel lies in one core.

    Notes
    -----
    Whole rows lie together in a file: narrower tiles take twice as long to read.
    """
    rows = max(3 * side**2 // (2 * shape[1]), 1)
    count = max(1, -int(-(shape[0] / rows - 0.25) // 1))
    for y0, y1 in pairwise(shape[0] * piece // count for piece in range(count + 1)):
        yield y0, y1, 0, shape[1]


def grown(core, margin, shape):
    """
    Widen a box on all sides, within the mosaic.

    Parameters
    ----------
    core : tuple of int
        ``(y0, y1, x0, x1)``.
    margin : int
        Pixels on each side.
    shape : tuple of int
        Rows and columns of the mosaic.

    Returns
    -------
    box : tuple of int
        ``(y0, y1, x0, x1)``.
    """
    y0, y1, x0, x1 = core
    return (
        max(y0 - margin, 0),
        min(y1 + margin, shape[0]),
        max(x0 - margin, 0),
        min(x1 + margin, shape[1]),
    )

"""Tiles of a mosaic: cores that cover it once, read with a margin around them."""

from itertools import pairwise

__all__ = ["grown", "tiles"]


def tiles(shape, side):
    """
    Cut a mosaic into tiles.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the mosaic.
    side : int
        Side to aim at [pixel]; tiles are alike in size and at most a quarter larger.

    Yields
    ------
    core : tuple of int
        ``(y0, y1, x0, x1)``; each pixel lies in one core.
    """
    for y0, y1 in _pieces(shape[0], side):
        for x0, x1 in _pieces(shape[1], side):
            yield y0, y1, x0, x1


def _pieces(size, side):
    """Cut one axis into pieces of about the same length."""
    count = max(1, -int(-(size / side - 0.25) // 1))
    return pairwise(size * piece // count for piece in range(count + 1))


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

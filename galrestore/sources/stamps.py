"""
Stamps: cutting, padding with blanks, trimming.

A stamp of width w around (x, y) begins at column round(x) - w // 2 and row
round(y) - w // 2, so that the source's pixel lands on index w // 2; padding and
trimming keep it at index size // 2.
"""

import numpy as np

__all__ = ["corner", "cut", "resized"]


def corner(position, width):
    """
    Return the first row or column of a stamp.

    Parameters
    ----------
    position : ndarray of float, shape (N,)
        Centre of the source along the axis [pixel].
    width : int or ndarray of int, shape (N,)
        Width of the stamp [pixel].

    Returns
    -------
    first : ndarray of int, shape (N,)
        Index of its first pixel, negative beyond the mosaic.
    """
    return np.floor(np.asarray(position) + 0.5).astype(np.int64) - width // 2


def cut(image, row, column, width, blank):
    """
    Cut a square, blank where it reaches beyond the image.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Where to cut.
    row, column : int
        First pixel of the square; may lie outside.
    width : int
        Side of the square [pixel].
    blank : scalar
        Value outside the image.

    Returns
    -------
    square : ndarray, shape (width, width)
        A copy, of the image's type.
    """
    square = np.full((width, width), blank, dtype=image.dtype)
    y0, y1 = max(row, 0), min(row + width, image.shape[0])
    x0, x1 = max(column, 0), min(column + width, image.shape[1])
    if y0 < y1 and x0 < x1:
        square[y0 - row : y1 - row, x0 - column : x1 - column] = image[y0:y1, x0:x1]
    return square


def resized(stamp, size):
    """
    Pad a stamp with blanks, or trim it, about the source's pixel.

    Parameters
    ----------
    stamp : ndarray of float32 or int32, shape (w, w)
        Stamp with the source's pixel at index w // 2; pixels, or labels.
    size : int
        Side wanted [pixel].

    Returns
    -------
    stamp : ndarray of the same type, shape (size, size)
        Stamp with the source's pixel at index size // 2; blank is NaN, or label 0.
    """
    first = stamp.shape[0] // 2 - size // 2
    blank = np.nan if stamp.dtype.kind == "f" else 0
    return cut(stamp, first, first, size, blank)

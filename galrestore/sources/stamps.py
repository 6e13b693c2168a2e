"""
Stamps: cutting, filling up with noise, trimming.

A stamp of width w around (x, y) begins at column round(x) - w // 2 and row
round(y) - w // 2, so that the source's pixel lands on index w // 2; padding and
trimming keep it at index size // 2.
"""

import numpy as np

from galrestore.rng import stream

__all__ = ["assemble", "corner", "cut", "fill", "is_truncated", "resized"]

_RING = 2


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


def fill(stamp, level, rms, seed, ident):
    """
    Fill blank pixels with white noise that matches the sky.

    Parameters
    ----------
    stamp : ndarray of float32, shape (S, S)
        Stamp; NaN where blank.
    level, rms : float
        Sky and noise measured around the source [unit of the stamp].
    seed, ident : int
        Seed of the run and id of the object, which key the noise.

    Returns
    -------
    stamp : ndarray of float32, shape (S, S)
        Copy without NaN.
    """
    noise = stream(seed, "select.padding", ident).normal(level, rms, stamp.shape)
    return np.where(np.isnan(stamp), noise.astype(np.float32), stamp)


def is_truncated(data, segments, label, rms, sigma):
    """
    Tell whether trimming cut a source's profile off.

    Parameters
    ----------
    data : ndarray of float, shape (S, S)
        Background-subtracted pixels of the trimmed stamp; NaN where blank.
    segments : ndarray of int, shape (S, S)
        Label of the source of each pixel.
    label : int
        The stamp's own source.
    rms : float
        Noise of a pixel [unit of the data].
    sigma : float
        Significance from which light in the ring counts.

    Returns
    -------
    truncated : bool
        Whether the source's segment touches the edge, or the summed light of the
        outermost two pixels, neighbours left out, exceeds sigma times its noise.
    """
    edge = np.ones(data.shape, dtype=bool)
    edge[1:-1, 1:-1] = False
    if np.any(segments[edge] == label):
        return True
    ring = np.ones(data.shape, dtype=bool)
    ring[_RING:-_RING, _RING:-_RING] = False
    ring &= np.isfinite(data) & ((segments == 0) | (segments == label))
    return bool(data[ring].sum() > sigma * rms * np.sqrt(ring.sum()))


def assemble(stamps, size=None):
    """
    Stack stamps of different widths.

    Parameters
    ----------
    stamps : list of ndarray of float32
        Square stamps of even widths.
    size : int, optional
        Side of the cube; by default the largest width.

    Returns
    -------
    cube : ndarray of float32, shape (N, size, size)
        Each stamp with its source's pixel at index size // 2, NaN around it; of shape
        (0, 2, 2) without stamps and size.
    """
    size = size or max((stamp.shape[0] for stamp in stamps), default=2)
    cube = np.full((len(stamps), size, size), np.nan, dtype=np.float32)
    for plane, stamp in zip(cube, stamps, strict=True):
        plane[...] = resized(stamp, size)
    return cube

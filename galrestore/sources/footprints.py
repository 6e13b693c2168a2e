"""
Footprints of sources: the pixels above the threshold, in runs along rows.

A run is ``(row, first column, column after the last one, label, role)``.  The label is
that of a source, 0 in groups too small to be one.  The role says what the pixels are in
photometry: `PLAIN` ones belong to their source, `NOBODYS` take no part, and `RETURNED`
ones count as sky in spite of their label.
"""

import numpy as np

from galrestore.sources.compiling import compiled

__all__ = ["NOBODYS", "PLAIN", "RETURNED", "labelled", "paint"]

PLAIN, NOBODYS, RETURNED = 0, 1, 2


def labelled(runs, sources, bumps, segments, origin):
    """
    Return the runs of sources and bumps.

    Parameters
    ----------
    runs : ndarray of int32, shape (R, 4)
        Runs of components, see `galrestore.sources.components.components`.
    sources, bumps : ndarray of int
        Components that hold sources, and those too small to be one.
    segments : ndarray of int32, shape (H, W)
        Label of the source of each pixel of the sources.
    origin : tuple of int
        Row and column of the window in the mosaic.

    Returns
    -------
    pieces : ndarray of int32, shape (P, 5)
        Runs in pixels of the mosaic, ordered by rows, cut where the source changes.
    """
    components = runs[:, 3].max(initial=-1) + 1
    small, chosen = np.zeros(components, dtype=bool), np.zeros(components, dtype=bool)
    small[bumps] = True
    chosen[bumps] = chosen[sources] = True
    runs = runs[chosen[runs[:, 3]]]
    nothing = np.empty((0, 5), dtype=np.int32)
    pieces = np.empty((_split(runs, small, segments, nothing), 5), dtype=np.int32)
    _split(runs, small, segments, pieces)
    pieces[:, 0] += origin[0]
    pieces[:, 1:3] += origin[1]
    return pieces[np.argsort(pieces[:, 0], kind="stable")]


def paint(runs, box):
    """
    Paint sources into a window.

    Parameters
    ----------
    runs : ndarray of int32, shape (R, 5)
        Footprints, ordered by rows.
    box : tuple of int
        ``(y0, y1, x0, x1)``: rows y0 to y1 - 1 and columns x0 to x1 - 1 of the mosaic.

    Returns
    -------
    segments : ndarray of int32, shape (y1 - y0, x1 - x0)
        Label of the source of each pixel, 0 for none.
    roles : ndarray of uint8, same shape
        Role of each pixel.
    """
    y0, y1, x0, x1 = box
    here = runs[slice(*np.searchsorted(runs[:, 0], (y0, y1)))]
    segments = np.zeros((y1 - y0, x1 - x0), dtype=np.int32)
    roles = np.zeros(segments.shape, dtype=np.uint8)
    _paint(here, y0, x0, segments, roles)
    return segments, roles


@compiled
def _split(runs, small, segments, pieces):
    """Cut runs where the source changes; return how many there are."""
    count = 0
    for run in range(len(runs)):
        y, begin, end = runs[run, 0], runs[run, 1], runs[run, 2]
        bump = small[runs[run, 3]]
        for x in range(begin, end):
            if x + 1 == end or (not bump and segments[y, x + 1] != segments[y, x]):
                if count < len(pieces):
                    piece = pieces[count]
                    piece[0], piece[1], piece[2] = y, begin, x + 1
                    piece[3] = 0 if bump else segments[y, x]
                    piece[4] = NOBODYS if bump else PLAIN
                begin = x + 1
                count += 1
    return count


@compiled
def _paint(runs, y0, x0, segments, roles):
    for run in range(len(runs)):
        row = runs[run, 0] - y0
        begin = max(runs[run, 1] - x0, 0)
        end = min(runs[run, 2] - x0, segments.shape[1])
        for column in range(begin, end):
            segments[row, column], roles[row, column] = runs[run, 3], runs[run, 4]

"""
From a mosaic to the list of its sources, strip by strip.

Strips are as wide as the mosaic, because the deblending draws its random numbers in the
order in which components are completed, row by row.  A component belongs to the strip
that holds its last row; if its first rows are cut off, the strip is read again with
more rows above it.  So the list is the same, bit by bit, whatever the strips.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from galrestore.sources.deblending import fresh_stream
from galrestore.sources.detection import Detections, Incomplete, detect, merged
from galrestore.sources.footprints import paint

__all__ = ["Scan", "scan"]

# Components are rarely taller; those that are make their strips be read again.
_SLACK = 64
# Rows below a strip that smoothing needs, and one to tell that a component has ended.
_BELOW = 2


@dataclass(frozen=True)
class Scan:
    """
    Sources of a mosaic.

    Attributes
    ----------
    table : pandas.DataFrame
        Sources, cleaned: columns of `galrestore.sources.detection.Detections`.
    runs : ndarray of int32, shape (R, 5)
        Their pixels, likewise; ordered by rows.
    """

    table: pd.DataFrame
    runs: np.ndarray

    def window(self, box):
        """
        Paint the sources of a window.

        Parameters
        ----------
        box : tuple of int
            ``(y0, y1, x0, x1)`` in pixels of the mosaic.

        Returns
        -------
        segments : ndarray of int32, shape (y1 - y0, x1 - x0)
            Label of the source of each pixel, 0 for none.
        roles : ndarray of uint8, same shape
            Role of each pixel in photometry, see `galrestore.sources.footprints`.
        """
        return paint(self.runs, box)


def scan(shape, read, cores, settings):
    """
    Find the sources of a mosaic.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the mosaic.
    read : callable
        ``read(box)`` returns the `galrestore.sources.detection.Window` of a box
        ``(y0, y1, x0, x1)``.
    cores : iterable of tuple of int
        Strips, as of `galrestore.sources.tiles.tiles`.
    settings : galrestore.config.select.Select
        Threshold, least area and deblending.

    Returns
    -------
    scan : Scan
        The sources.
    """
    stream = fresh_stream()
    tables, runs, count = [], [], 0
    for core in cores:
        found = _strip(shape, read, core, settings, stream)
        own = found.runs[:, 3] > 0
        found.runs[own, 3] += count
        count += len(found.table)
        tables.append(found.table)
        runs.append(found.runs)
    runs = np.concatenate(runs)
    table = pd.concat(tables, ignore_index=True)
    table, runs = merged(Detections(table, runs, None))
    return Scan(table, runs[np.argsort(runs[:, 0], kind="stable")])


def _strip(shape, read, core, settings, stream):
    """Find the components that end in a strip."""
    y0, y1, _, _ = core
    above = _SLACK
    while True:
        window = read((max(y0 - above, 0), min(y1 + _BELOW, shape[0]), 0, shape[1]))
        try:
            return detect(
                window,
                core,
                threshold=settings.threshold,
                minimum_area=settings.minimum_area,
                deblend_levels=settings.deblend_levels,
                deblend_contrast=settings.deblend_contrast,
                stream=stream,
            )
        except Incomplete as incomplete:
            above += incomplete.reach + _SLACK

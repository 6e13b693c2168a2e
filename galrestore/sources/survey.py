"""
From an image to the table of its sources, tile by tile.

A source belongs to the tile whose core holds the pixel of its barycentre.  Each tile is read with a
margin that holds all that its measurements reach; if a component that matters is cut
off by the margin, the tile is done again with a wider one.  So the table is the
same, bit by bit, whatever the size of the tiles.
"""

import numpy as np
import pandas as pd

from galrestore.progress import track
from galrestore.sources import measurement, stamps
from galrestore.sources.background import measure_background
from galrestore.sources.detection import Incomplete, Window, detect, spurious
from galrestore.sources.stamp_measures import MEASURES, measure_stamps
from galrestore.sources.stamp_wcs import local_frames
from galrestore.sources.tiles import grown, tiles

__all__ = ["survey"]

# Components are rarely wider; those that are make their tiles be read again.
_SLACK = 96
_TINY = np.finfo(np.float32).tiny
# What sources that are too wide to be measured get.
_MEASURED = {
    **dict.fromkeys(("kron_radius", "flux_auto", "fluxerr_auto", "r50", "snr"), np.nan),
    **dict.fromkeys(MEASURES, np.nan),
    "cut_off": False,
}


def survey(image, settings, tile, quiet=False):
    """
    Detect and measure the sources of one image.

    Parameters
    ----------
    image : galrestore.files.mosaics.Mosaic
        The image.
    settings : galrestore.config.select.Select
        Thresholds and limits.
    tile : int
        Side of the windows [pixel].
    quiet : bool, optional
        Whether to show no progress.

    Returns
    -------
    table : pandas.DataFrame
        Sources ordered by y and x, spurious ones left out: positions, shapes, photometry,
        what their stamps tell (`stamp_measures.MEASURES`) and where they lie on the sky.
    """
    background = measure_background(
        image.shape, image.window, settings.background_mesh, settings.background_filter
    )
    cores = list(tiles(image.shape, tile))
    tables = [
        _tile(image, background, core, settings)
        for core in (cores if quiet else track(cores, f"{image.name}: tiles"))
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table.iloc[np.lexsort((table["x"], table["y"]))].reset_index(drop=True)
    table = table[~spurious(table)].reset_index(drop=True)
    frames = local_frames(image.sky, table["x"].to_numpy(), table["y"].to_numpy())
    return table.assign(**frames)[[*_columns(), *frames]]


def _columns():
    return [
        *("x", "y", "a", "b", "theta", "area", "peak", "background", "rms", "stamp_width"),
        *("flags", *_MEASURED),
    ]


def _tile(image, background, core, settings):
    """Survey one tile: sources whose barycentres lie in its core, with their stamps."""
    reach = measurement.measuring_reach(settings.maximum_width)
    margin = reach + _SLACK
    zone = grown(core, reach, image.shape)
    while True:
        window = _read(image, background, grown(core, margin, image.shape))
        try:
            found = detect(
                window,
                zone,
                threshold=settings.threshold,
                minimum_area=settings.minimum_area,
                deblend_levels=settings.deblend_levels,
                deblend_contrast=settings.deblend_contrast,
            )
        except Incomplete as incomplete:
            margin += incomplete.reach + _SLACK
            continue
        return _measured(image, window, found, core, settings)


def _read(image, background, box):
    science, noise, mask = image.window(*box)
    level, mesh_noise = background.window(*box)
    if noise is None:
        noise = mesh_noise
    elif image.weight_kind == "inverse_variance":
        noise = noise * np.float32(background.noise_scale)
    science[mask] = np.nan
    data = np.where(mask, np.float32(0), science - level)
    noise = np.maximum(noise, _TINY)
    return Window(box[0], box[2], image.shape, science, data, noise, mask, level)


def _measured(image, window, found, core, settings):
    """Measure the sources of a core."""
    table = found.table
    y0, y1, x0, x1 = core
    row, column = stamps.corner(table["y"], 0), stamps.corner(table["x"], 0)
    inside = (row >= y0) & (row < y1) & (column >= x0) & (column < x1)
    row, column = row[inside] - window.y0, column[inside] - window.x0
    table = table[inside].reset_index(drop=True)
    table["stamp_width"] = measurement.stamp_width(table["a"])
    table["area"] = table["tnpix"].astype(np.int64)
    table["background"] = window.level[row, column].astype(float)
    table["rms"] = window.noise[row, column].astype(float)
    narrow = (table["stamp_width"] <= settings.maximum_width).to_numpy()
    chosen = table[narrow]
    measures = {}
    if narrow.any():
        measures = measurement.auto_photometry(window, found.segments, chosen)
        trim = settings.stamp_size if image.telescope == "jwst" else settings.maximum_width
        measures |= measure_stamps(window, found.segments, chosen, trim, settings.truncation_sigma)
    for name, blank in _MEASURED.items():
        values = np.full(len(table), blank)
        values[narrow] = measures.get(name, blank)
        table[name] = values
    return table

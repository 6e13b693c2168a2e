"""
From an image to the table of its sources.

Sources are found strip by strip (`galrestore.sources.scanning`) and then measured tile by
tile.  A source belongs to the tile whose core holds the pixel of its barycentre, and each
tile is read with a margin that holds all that its measurements reach.  So the table is
the same, bit by bit, whatever the size of the tiles.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from galrestore.progress import track
from galrestore.sources import measurement, stamps
from galrestore.sources.background import measure_background
from galrestore.sources.detection import Detections, Window
from galrestore.sources.scanning import scan
from galrestore.sources.stamp_measures import MEASURES, measure_stamps
from galrestore.sources.stamp_wcs import local_frames
from galrestore.sources.tiles import grown, tiles

__all__ = ["survey"]

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
    strips = cores if quiet else track(cores, f"{image.name}: find")
    found = scan(image.shape, partial(_read, image, background), strips, settings)
    tables = [
        _tile(image, background, found, core, settings)
        for core in (cores if quiet else track(cores, f"{image.name}: measure"))
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table.iloc[np.lexsort((table["x"], table["y"]))].reset_index(drop=True)
    frames = local_frames(image.sky, table["x"].to_numpy(), table["y"].to_numpy())
    return table.assign(**frames)[[*_columns(), *frames]]


def _columns():
    return [
        *("x", "y", "a", "b", "theta", "area", "flux_iso", "fluxerr_iso", "peak", "background"),
        *("background_error", "rms", "stamp_width", "flags", *_MEASURED),
    ]


def _tile(image, background, found, core, settings):
    """Survey one tile: sources whose barycentres lie in its core, with their stamps."""
    reach = measurement.measuring_reach(settings.maximum_width)
    box = grown(core, reach, image.shape)
    segments, roles = found.window(box)
    window = replace(_read(image, background, box), roles=roles)
    table = _measured(image, window, Detections(found.table, found.runs, segments), core, settings)
    return table.assign(background_error=background.error)


def _read(image, background, box):
    """Read a window and subtract its background; the noise is the map's, or one number."""
    science, noise, mask = image.window(*box)
    level, mapped = background.window(*box), noise is not None
    if not mapped:
        noise = background.noise(*science.shape)
    elif image.weight_kind == "inverse_variance":
        noise *= np.float32(background.noise_scale)
    np.maximum(noise, _TINY, out=noise)
    data = science - level
    if mask.any():
        science[mask] = np.nan
        data[mask] = 0
    return Window(
        *(box[0], box[2], image.shape, science, data, noise, mask, level),
        noise_is_mapped=mapped,
    )


def _measured(image, window, found, core, settings):
    """Measure the sources of a core."""
    table = found.table
    y0, y1, x0, x1 = core
    row, column = stamps.corner(table["y"], 0), stamps.corner(table["x"], 0)
    inside = (row >= y0) & (row < y1) & (column >= x0) & (column < x1)
    row, column = row[inside] - window.y0, column[inside] - window.x0
    table = table[inside].reset_index(drop=True)
    table["stamp_width"] = measurement.stamp_width(table["a"])
    table["area"], table["flux_iso"] = table["tnpix"], table["flux"]
    table["fluxerr_iso"] = np.sqrt(table["variance"])
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

"""
Cutting the stamps of accepted sources out of a mosaic, tile by tile.

What a stamp holds depends on its source alone, so that tiles have no influence; the noise
that fills it up is keyed by its object.
"""

import numpy as np

from galrestore.progress import track
from galrestore.sources import padding, stamps
from galrestore.sources.tiles import tiles

__all__ = ["cut_stamps", "stamp_side"]


def stamp_side(selection, settings):
    """
    Return the side of a mosaic's stamps.

    Parameters
    ----------
    selection : galrestore.sources.selection.Selection
        Catalogue and telescope.
    settings : galrestore.config.select.Select
        Sizes.

    Returns
    -------
    side : int
        JWST: ``stamp_size``.  HST: the widest accepted stamp, 2 without any [pixel].
    """
    if selection.about["telescope"] == "jwst":
        return settings.stamp_size
    table = selection.table
    accepted = table[table["rejected_by"] == ""]
    return int(max(accepted["stamp_width"], default=2))


def cut_stamps(images, selection, settings, seed, tile):
    """
    Cut the stamps of the accepted sources.

    Parameters
    ----------
    images : collection of galrestore.files.mosaics.Mosaic
        As given to `galrestore.sources.selection.select`.
    selection : galrestore.sources.selection.Selection
        What it found.
    settings : galrestore.config.select.Select
        Sizes and padding.
    seed : int
        Seed of the run, for padding.
    tile : int
        Side of the windows [pixel]; without influence on the result.

    Yields
    ------
    planes : ndarray of int, shape (K,)
        Where the stamps belong among all accepted sources in the order of the catalogue.
    cube : ndarray of float32, shape (K, S, S)
        JWST stamps padded or trimmed; HST stamps w x w about index S // 2, NaN around
        them and where the mosaic has no data, which fits leave out.
    """
    table = selection.table
    accepted = table[table["rejected_by"] == ""].reset_index(drop=True)
    side, jwst = stamp_side(selection, settings), selection.about["telescope"] == "jwst"
    for index, image in enumerate(images):
        here = accepted[accepted["image"] == index]
        row, column = (stamps.corner(here[axis], 0) for axis in "yx")
        cores = list(tiles(image.shape, tile))
        quiet = image.n_images > 1
        for y0, y1, x0, x1 in cores if quiet else track(cores, f"{image.name}: stamps"):
            inside = (row >= y0) & (row < y1) & (column >= x0) & (column < x1)
            part = here[inside]
            if len(part):
                cube = _cut_part(image, part, side, jwst, settings, seed)
                yield part.index.to_numpy(), cube


def _cut_part(image, part, side, jwst, settings, seed):
    """Stamps of the sources of one tile, from a window that holds all of them."""
    reach = max(side, settings.stamp_size) // 2 + 1
    rows, columns = (stamps.corner(part[axis], 0) for axis in "yx")
    box = (
        max(int(rows.min()) - reach, 0),
        min(int(rows.max()) + reach, image.shape[0]),
        max(int(columns.min()) - reach, 0),
        min(int(columns.max()) + reach, image.shape[1]),
    )
    science, _, mask = image.window(*box)
    science[mask] = np.nan
    cube = np.full((len(part), side, side), np.nan, dtype=np.float32)
    for plane, source in zip(cube, part.itertuples(), strict=True):
        width = int(source.stamp_width)
        stamp = _square(science, source, box, width)
        stamp = stamps.resized(stamp, side) if jwst else stamp
        if jwst and np.isnan(stamp).any():
            around = None
            if settings.padding == "correlated":
                around = _square(science, source, box, max(len(stamp), settings.stamp_size))
            stamp = padding.fill(stamp, source.sky, source.sky_rms, seed, source.id, around)
        plane[...] = stamps.resized(stamp, side)
    return cube


def _square(science, source, box, width):
    row, column = (int(stamps.corner(place, width)) for place in (source.y, source.x))
    return stamps.cut(science, row - box[0], column - box[2], width, np.nan)

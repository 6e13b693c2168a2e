"""Cutouts of galaxies, one in an image: which source is meant, its stamp, its light."""

import numpy as np

from galrestore.sources.detection import Window
from galrestore.sources.measurement import auto_photometry
from galrestore.sources.stamps import corner, cut

__all__ = ["meant_source", "placed", "source_stamp", "unsubtracted_radius"]


def meant_source(sources):
    """
    Return which source a cutout is of, whether it would be rejected or not.

    Parameters
    ----------
    sources : pandas.DataFrame
        Sources of the cutout (contract of the catalogue).

    Returns
    -------
    target : int
        Row of the one that is not ``reject_offcentre``; -1 if nothing was detected.
    """
    meant = np.flatnonzero(~sources["reject_offcentre"].to_numpy(bool))
    return int(meant[0]) if len(meant) else -1


def source_stamp(image, source, blank):
    """
    Cut the w x w pixels of a source out of a cutout.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Pixels of the cutout, or a mask.
    source : pandas.Series
        Its row of the catalogue.
    blank : scalar
        Value beyond the cutout.

    Returns
    -------
    stamp : ndarray, shape (w, w)
        The source's pixel at index w // 2.
    row, column : int
        Where the stamp begins in the cutout; may be negative.
    """
    width = int(source["stamp_width"])
    row, column = int(corner(source["y"], width)), int(corner(source["x"], width))
    return cut(image, row, column, width, blank), row, column


def placed(mask, source, shape):
    """
    Put a mask around a source into the frame of its cutout.

    Parameters
    ----------
    mask : ndarray of bool, shape (S, S)
        The source's pixel at index S // 2.
    source : pandas.Series
        Its row of the catalogue.
    shape : tuple of int
        Rows and columns of the cutout.

    Returns
    -------
    mask : ndarray of bool, shape (H, W)
        False where the mask does not reach.
    """
    row, column = int(corner(source["y"], len(mask))), int(corner(source["x"], len(mask)))
    return cut(mask, -row, -column, max(shape), False)[: shape[0], : shape[1]]


def unsubtracted_radius(pixels, neighbours, source):
    """
    Measure FLUX_RADIUS(0.5) as in the catalogue, but subtract no sky.

    A cutout is often filled by its galaxy, whose light then counts as sky; where the
    mosaic's sky has been subtracted before, the pixels are better taken as they are.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
        The cutout; NaN where there are no data.
    neighbours : ndarray of bool, shape (H, W)
        Pixels that belong to other sources.
    source : pandas.DataFrame
        The source's row of the catalogue, whose ellipse is used.

    Returns
    -------
    radius : float
        Half-light radius [pixel]; NaN without positive flux.
    """
    blank = ~np.isfinite(pixels)
    data = np.where(blank, 0, pixels).astype(np.float32)
    noise = np.ones_like(data)
    window = Window(0, 0, data.shape, pixels, data, noise, blank, np.zeros_like(data))
    segments = np.where(neighbours, 2, 0).astype(np.int32)
    return float(auto_photometry(window, segments, source.assign(label=1))["r50"][0])

"""Cutouts of galaxies, one in an image: which source is meant, and its stamp."""

import numpy as np

from galrestore.sources.stamps import corner, cut

__all__ = ["galaxy_stamp"]


def galaxy_stamp(pixels, sources):
    """
    Cut the stamp of the galaxy that a cutout is of, whether it would be rejected or not.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
        The cutout; NaN where there are no data.
    sources : pandas.DataFrame
        Sources of the cutout (contract of the catalogue); the one meant is the one that
        is not ``reject_offcentre``.

    Returns
    -------
    stamp : ndarray of float32
        Its w x w pixels, source at index w // 2, NaN beyond the cutout; the whole cutout if
        nothing was detected in it.
    row, column : int
        Where the stamp begins in the cutout; may be negative.
    target : int
        Row of the source in ``sources``; -1 if nothing was detected.
    """
    meant = np.flatnonzero(~sources["reject_offcentre"].to_numpy(bool))
    if len(meant) == 0:
        return pixels.copy(), 0, 0, -1
    source = sources.iloc[meant[0]]
    width = int(source["stamp_width"])
    row, column = int(corner(source["y"], width)), int(corner(source["x"], width))
    return cut(pixels, row, column, width, np.nan), row, column, int(meant[0])

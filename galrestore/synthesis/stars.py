"""
Point sources as JWST would see them (Park et al. 2024, section 6.2).

A star is a Gaussian of the PSF's width, integrated over pixels; centre at any sub-pixel
position of a square in the middle of the stamp.
"""

import numpy as np
from scipy.special import erf

from galrestore.rng import stream
from galrestore.synthesis.degradation import FWHM_PER_SIGMA

__all__ = ["draw_centres", "render_stars"]


def draw_centres(ids, field, size, seed):
    """
    Draw where stars lie.

    Parameters
    ----------
    ids : ndarray of int64, shape (N,)
        Stars; they key the draw.
    field : float
        Side of the square they fall into [pixel]; its centre is the stamp's.
    size : int
        Side of the stamps [pixel].
    seed : int
        Seed of the run.

    Returns
    -------
    x, y : ndarray of float64, shape (N,)
        Column and row of the centres [pixel], 0-based.

    Raises
    ------
    ValueError
        If the square is larger than the stamp.
    """
    if not 0 < field <= size:
        msg = f"limits.star_field = {field:g} pixels does not fit into stamps of {size} pixels"
        raise ValueError(msg)
    draws = [stream(seed, "limits.stars", i).uniform(-field / 2, field / 2, 2) for i in ids]
    offsets = np.array(draws).reshape(-1, 2)
    return (size - 1) / 2 + offsets[:, 0], (size - 1) / 2 + offsets[:, 1]


def render_stars(x, y, fwhm, size):
    """
    Draw stars without noise.

    Parameters
    ----------
    x, y : ndarray of float, shape (N,)
        Column and row of the centres [pixel], 0-based.
    fwhm : ndarray of float, shape (N,)
        Full width at half maximum of the PSF, pixel not included [pixel].
    size : int
        Side of the stamps [pixel].

    Returns
    -------
    images : ndarray of float64, shape (N, size, size)
        Share of the star's light in each pixel.
    """
    lines = [_line(centre, fwhm, size) for centre in (y, x)]
    return np.einsum("ni,nj->nij", *lines)


def _line(centre, fwhm, size):
    """Integrals of the Gaussian over the pixels of one axis, shape (N, size)."""
    edges = np.arange(size + 1) - 0.5 - np.asarray(centre, dtype=float)[:, None]
    sigma = np.asarray(fwhm, dtype=float)[:, None] / FWHM_PER_SIGMA
    return np.diff(erf(edges / (np.sqrt(2) * sigma)), axis=1) / 2

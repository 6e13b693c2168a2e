"""
Cosmic rays and bad pixels of single exposures: found, and filled from their neighbours.

Hits are found by L.A.Cosmic: the Laplacian of a subsampled image is large at edges that
are sharper than any star's.
"""

from dataclasses import dataclass

import numpy as np
from astropy.convolution import Gaussian2DKernel, interpolate_replace_nans
from astroscrappy import detect_cosmics

__all__ = ["CleanStamp", "clean_stamp", "find_cosmic_rays"]

# A hole wider than the kernel needs another pass; more than these leave it to the median.
_PASSES = 8
_KERNEL = Gaussian2DKernel(1.0, x_size=5, y_size=5)


@dataclass(frozen=True)
class CleanStamp:
    """
    Stamp whose bad pixels are filled.

    Attributes
    ----------
    image : ndarray of float32, shape (H, W)
        The stamp; pixels outside both masks are as they were.
    cosmic_rays : ndarray of bool, shape (H, W)
        Pixels hit.
    bad : ndarray of bool, shape (H, W)
        Other pixels filled: hot, saturated, without data.
    """

    image: np.ndarray
    cosmic_rays: np.ndarray
    bad: np.ndarray

    @property
    def hits(self):
        """Number of pixels hit."""
        return int(self.cosmic_rays.sum())

    @property
    def replaced(self):
        """Number of pixels filled."""
        return int((self.cosmic_rays | self.bad).sum())


def find_cosmic_rays(
    image,
    read_noise,
    exclude=None,
    threshold=4.5,
    neighbour_threshold=0.3,
    contrast=5.0,
    iterations=4,
):
    """
    Find cosmic rays in one exposure.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        Pixels with the sky in them [electron].
    read_noise : float
        Read noise [electron].
    exclude : ndarray of bool, shape (H, W), optional
        Bad pixels, neither looked at nor reported.
    threshold : float, optional
        Least Laplacian of a hit over its noise (``sigclip``).
    neighbour_threshold : float, optional
        Fraction of the threshold that suffices beside a hit (``sigfrac``).
    contrast : float, optional
        Least ratio of Laplacian and fine structure (``objlim``): the larger, the safer
        are the cores of stars.
    iterations : int, optional
        Most passes.

    Returns
    -------
    hit : ndarray of bool, shape (H, W)
        True where a cosmic ray fell.

    Raises
    ------
    ValueError
        If the read noise is not positive.

    References
    ----------
    van Dokkum (2001), PASP 113, 1420; Park et al. 2024, section 5.1.
    """
    if not read_noise > 0:
        msg = f"read_noise must be positive, got {read_noise}"
        raise ValueError(msg)
    blank = ~np.isfinite(image)
    exclude = blank if exclude is None else blank | exclude
    hit, _ = detect_cosmics(
        np.where(blank, 0, image).astype(np.float32),
        inmask=exclude,
        sigclip=threshold,
        sigfrac=neighbour_threshold,
        objlim=contrast,
        gain=1.0,
        readnoise=read_noise,
        satlevel=np.inf,  # saturated pixels are flagged by the calibration
        niter=iterations,
        sepmed=False,
    )
    return hit & ~exclude


def clean_stamp(image, read_noise, bad=None, cosmic_rays=None, **options):
    """
    Remove cosmic rays and bad pixels from a stamp.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        Pixels of one exposure with the sky in them [electron].
    read_noise : float
        Read noise [electron].
    bad : ndarray of bool, shape (H, W), optional
        Pixels flagged as bad for other reasons.
    cosmic_rays : ndarray of bool, shape (H, W), optional
        Pixels flagged as hit, where the exposure's hits were flagged.  By default
        `find_cosmic_rays` decides.
    **options
        Further arguments of `find_cosmic_rays`.

    Returns
    -------
    clean : CleanStamp
        A stamp that is neither hit nor has bad pixels comes back as it is.

    Raises
    ------
    ValueError
        If no pixel is good.
    """
    image = np.asarray(image, dtype=np.float32)
    bad = ~np.isfinite(image) | (False if bad is None else bad)
    if cosmic_rays is None:
        cosmic_rays = find_cosmic_rays(image, read_noise, bad, **options)
    hole = bad | cosmic_rays
    if hole.all():
        msg = f"no good pixel in a stamp of shape {image.shape}"
        raise ValueError(msg)
    return CleanStamp(_filled(image, hole), np.asarray(cosmic_rays, bool), bad)


def _filled(image, hole):
    """Fill holes from their rims inwards."""
    filled = np.where(hole, np.nan, image)
    for _ in range(_PASSES):
        if not np.isnan(filled).any():
            break
        filled = interpolate_replace_nans(filled, _KERNEL, boundary="extend")
    filled = np.where(np.isnan(filled), np.nanmedian(filled), filled)
    return np.where(hole, filled, image).astype(np.float32)

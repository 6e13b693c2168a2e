"""
Cosmic rays and bad pixels of single exposures: found, and filled from their neighbours.

Hits are found by L.A.Cosmic: the Laplacian of a subsampled image is large at edges that
are sharper than any star's.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from astropy.convolution import Gaussian2DKernel, interpolate_replace_nans
from astroscrappy import detect_cosmics

from galrestore.sources.background import clipped_mode

__all__ = ["CleanStamp", "clean_stamp", "effective_read_noise", "find_cosmic_rays"]

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
    noise,
    exclude=None,
    threshold=5.0,
    neighbour_threshold=0.3,
    contrast=2.0,
    iterations=4,
):
    """
    Find cosmic rays in one exposure.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        Pixels with the sky in them [electron].
    noise : float
        Noise beside that of the electrons, see `effective_read_noise` [electron].
    exclude : ndarray of bool, shape (H, W), optional
        Bad pixels: filled from their neighbours first, and not reported.
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
        If the noise is not positive, or no pixel is good.

    References
    ----------
    van Dokkum (2001), PASP 113, 1420; Park et al. 2024, section 5.1.
    """
    if not noise > 0:
        msg = f"noise must be positive, got {noise}"
        raise ValueError(msg)
    blank = ~np.isfinite(image)
    exclude = blank if exclude is None else blank | exclude
    # Not through a mask: L.A.Cosmic finds no hit beside masked pixels, and a tenth of the
    # pixels may be hot.
    hit, _ = detect_cosmics(
        _filled(np.asarray(image, np.float32), exclude),
        sigclip=threshold,
        sigfrac=neighbour_threshold,
        objlim=contrast,
        gain=1.0,
        readnoise=noise,
        satlevel=np.inf,  # saturated pixels are flagged by the calibration
        niter=iterations,
        sepmed=False,
    )
    return hit & ~exclude


def effective_read_noise(image, read_noise, exclude=None):
    """
    Return the noise that a chip shows beside that of its electrons.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        Pixels of a chip with the sky in them [electron]; more sky than sources.
    read_noise : float
        Read noise that the header states [electron].
    exclude : ndarray of bool, shape (H, W), optional
        Bad pixels.

    Returns
    -------
    noise : float
        Scatter of the sky less that of its electrons, in quadrature; not less than the
        stated read noise [electron].

    Notes
    -----
    The correction for charge transfer inefficiency (``_flc``) amplifies read noise: 3.1
    electrons of WFC3/UVIS become 5 on a faint sky.
    """
    good = np.isfinite(image) if exclude is None else np.isfinite(image) & ~exclude
    mode, rms = clipped_mode(image[good])
    return float(np.sqrt(max(rms**2 - max(mode, 0.0), read_noise**2)))


def clean_stamp(image, noise, bad=None, cosmic_rays=None, **options):
    """
    Remove cosmic rays and bad pixels from a stamp.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        Pixels of one exposure with the sky in them [electron].
    noise : float
        As in `find_cosmic_rays`.
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
        cosmic_rays = find_cosmic_rays(image, noise, bad, **options)
    hole = bad | cosmic_rays
    return CleanStamp(_filled(image, hole), np.asarray(cosmic_rays, bool), bad)


def _filled(image, hole):
    """Fill holes from their rims inwards."""
    if hole.all():
        msg = f"no good pixel in an image of shape {image.shape}"
        raise ValueError(msg)
    filled = np.where(hole, np.nan, image)
    for _ in range(_PASSES):
        if not np.isnan(filled).any():
            break
        with warnings.catch_warnings():
            # Of holes wider than the kernel, which take another pass.
            warnings.filterwarnings("ignore", "nan_treatment='interpolate', however")
            filled = interpolate_replace_nans(filled, _KERNEL, boundary="extend")
    filled = np.where(np.isnan(filled), np.nanmedian(filled), filled)
    return np.where(hole, filled, image).astype(np.float32)

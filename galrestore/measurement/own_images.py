"""
Restored images in the unit of the image they were made from, and when not to trust them.

References
----------
Park et al. (2024), ApJ 972, 45, sections 4.4 and 6.
"""

import numpy as np

from galrestore.measurement.photometry import rescale_matched
from galrestore.synthesis.degradation import blur, gaussian_kernel

__all__ = ["TRAINED_FWHM", "WARNINGS", "in_unit_of", "warnings_of"]

# Width of the blur that networks learn to undo, settings degrade [pixel of 0.05 arcsec].
TRAINED_FWHM = 1.88
_MOST_NOISE = 0.1
_MOST_CORRELATION = 0.1
_MOST_WIDER = 0.2

WARNINGS = {
    "noise": "noise above 0.1 of the stamp's range: failures are frequent (docs/limits.md)",
    "correlated": "noise correlated by more than 0.1 between neighbours: the network knows white "
    "noise and takes this for structure",
    "psf": "PSF differs by more than 20% from the 1.88 pixels of the training",
    "saturated": "saturated pixels, or a peak that is cut off",
    "cosmic_ray": "pixels that look like cosmic rays: the network sharpens them into sources",
    "filled": "blank pixels filled with noise",
    "star": "on the star locus: the network knows galaxies, and widens or narrows stars",
    "scale": "scale that is not positive: the restored image has nothing of the input in it",
}


def in_unit_of(low_quality, restored, rms, filled, psf_fwhm, correlation=None):
    """
    Bring restored images back to the unit of their input.

    Parameters
    ----------
    low_quality : ndarray, shape (N, H, W)
        Stamps as given to the network [unit of the image].
    restored : ndarray, shape (N, H, W)
        As it returns them.
    rms : ndarray of float, shape (N,)
        Noise of the stamps [unit of the image].
    filled : ndarray of bool, shape (N, H, W)
        Pixels that hold no data and do not count.
    psf_fwhm : float
        Width of the Gaussian that blurs the restored images to match [pixel].
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1), optional
        Correlation of the stamps' noise at lags of -L to L rows and columns, 1 in the
        middle; by default it is white.

    Returns
    -------
    images : ndarray of float32, shape (N, H, W)
        Scale times restored plus zero point [unit of the image].
    scaling : galrestore.measurement.photometry.Scaling
        Scale and zero point, with errors for noise so correlated.
    """
    kernel = gaussian_kernel(psf_fwhm, 2 * int(np.ceil(2 * psf_fwhm)) + 1)
    blurred = blur(restored, kernel)
    scaling = rescale_matched(low_quality, blurred, rms, ~filled, correlation)
    scale, offset = scaling.scale[:, None, None], scaling.offset[:, None, None]
    return (scale * restored + offset).astype(np.float32), scaling


def warnings_of(row):
    """
    Name what speaks against the restored image of a source.

    Parameters
    ----------
    row : mapping
        ``noise``, ``noise_lag1``, ``psf_fwhm`` [pixel], ``saturated``, ``cosmic_rays``,
        ``filled``, ``star``, ``scale``.

    Returns
    -------
    names : list of str
        Of `WARNINGS`.
    """
    holds = {
        "noise": row["noise"] > _MOST_NOISE,
        "correlated": row["noise_lag1"] > _MOST_CORRELATION,
        "psf": abs(row["psf_fwhm"] / TRAINED_FWHM - 1) > _MOST_WIDER,
        "saturated": row["saturated"] > 0,
        "cosmic_ray": row["cosmic_rays"] > 0,
        "filled": row["filled"] > 0,
        "star": row["star"],
        "scale": not row["scale"] > 0,
    }
    return [name for name in WARNINGS if holds[name]]

"""What fits leave of their stamps: the noise, where the galaxy is fainter than it."""

import numpy as np

from galrestore.sersic.fitting import model_images

__all__ = ["blank_residuals"]

# Worse fits leave structure of the galaxy.
_WORST_CHI2 = 1.5


def blank_residuals(stamps, fits, psf, mask=None):
    """
    Return the stamps less their fits, without what is not noise alone.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        What was fitted.
    fits : dict of str to ndarray, shape (N,)
        From `galrestore.sersic.fitting.fit_sersic`.
    psf : float or galrestore.sersic.psf.Psf
        The PSF of the fits.
    mask : ndarray of bool, shape (N, H, W), optional
        Pixels that were left out.

    Returns
    -------
    residuals : ndarray of float64, shape (M, H, W)
        Of the good fits, in units of each stamp's noise; NaN where pixels were left out or the
        model is above the noise.
    """
    good = (fits["failure"] == "") & (fits["chi2"] < _WORST_CHI2)
    chosen = {name: values[good] for name, values in fits.items()}
    rms, background = (chosen[name][:, None, None] for name in ("rms", "background"))
    models = model_images(chosen, stamps.shape[1:], psf)
    residuals = (np.asarray(stamps, dtype=float)[good] - background - models) / rms
    residuals[np.abs(models) > rms] = np.nan
    if mask is not None:
        residuals[mask[good]] = np.nan
    return residuals

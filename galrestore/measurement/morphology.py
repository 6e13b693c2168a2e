"""
Morphology of restored images: the same Sersic fit of GT, LQ and RS.

The paper fits a Sersic profile to each image and compares ellipticity, index, half-light
radius and the brightness there.  It does not say that a PSF is in the model, and that
LQ comes out rounder than GT says that none is: here none is for GT, LQ and RS, with the
same masks.  What an astronomer would do without restoration is the fit of LQ with its PSF
in the model, `FIT_WITH_PSF`.

References
----------
Park et al. (2024), ApJ 972, 45, section 4.3 and equations 6 and 7.
"""

import numpy as np

from galrestore.sersic.fitting import fit_sersic
from galrestore.sersic.profile import ellipticity_components

__all__ = ["FIT_WITH_PSF", "MORPHOLOGY", "fit_morphology"]

# Name of the fit of LQ with its PSF in the model, beside those of images.
FIT_WITH_PSF = "LQ + PSF"

# What a fit of one image tells.
MORPHOLOGY = (
    *("e1", "e2", "n", "r50", "i50"),
    *("x", "y", "q", "theta", "chi2", "rms", "masked"),
    *("n_error", "r50_error", "failure", "flag"),
)


def fit_morphology(images, psf, mask, scale, **options):
    """
    Fit a Sersic profile to each image.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images of one kind; the object at pixel ``side // 2`` of both axes.
    psf : float or Psf
        PSF in the model, 0 for none; see `galrestore.sersic.fitting.fit_sersic`.
    mask : ndarray of bool, shape (N, H, W)
        Pixels to leave out, the same for all kinds of images.
    scale : ndarray, shape (N,)
        Unit of the images' pixels in the unit wanted for brightness.
    **options
        Further arguments of `fit_sersic`.

    Returns
    -------
    columns : dict of str to ndarray, shape (N,)
        `MORPHOLOGY`: ellipticity components ``e1, e2``; index ``n``; circularised
        half-light radius ``r50`` [pixel]; brightness there ``i50`` [unit wanted]; centre
        ``x, y`` [pixel], ``q``, ``theta`` [rad]; ``chi2`` for the noise ``rms`` of the stamp's
        rim [unit wanted]; ``masked`` fraction; standard errors for white noise;
        ``failure`` and ``flag`` as of `fit_sersic`.  NaN where nothing could be fitted;
        values of failed fits are there, but not to be used.

    Notes
    -----
    Weights are equal within an image, so that the noise, the image's own, only scales
    chi-square; the background is free.
    """
    fits = fit_sersic(images, psf, mask=mask, **options)
    known = np.isfinite(fits["q"])
    e1, e2 = ellipticity_components(
        np.where(known, fits["q"], 1.0), np.where(known, fits["theta"], 0.0)
    )
    fits["e1"], fits["e2"] = np.where(known, e1, np.nan), np.where(known, e2, np.nan)
    for name in ("i50", "rms"):
        fits[name] = fits[name] * np.asarray(scale, dtype=float)
    return {name: fits[name] for name in MORPHOLOGY}

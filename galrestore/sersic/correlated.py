"""
Errors of fits under noise that neighbouring pixels share.

Least squares with independent weights stays unbiased where noise is correlated, as in
drizzled images, but its covariance is no longer the inverse curvature ``A^-1``: it is
``A^-1 B A^-1``, where A is ``F^T F``, B is ``F^T C F``, F holds the derivatives of the model
in units of each pixel's noise, and C the correlation of the pixels.
"""

import numpy as np

from galrestore.sersic.kernel import PARAMETERS, evaluate, workspace
from galrestore.sersic.stamp import REPORT
from galrestore.synthesis.noise import covariance_of_sums

__all__ = ["checked_correlation", "gradient_covariances"]

_BOX = [REPORT.index(name) for name in ("top", "bottom", "left", "right")]
_PRIOR, _STEPS = REPORT.index("prior_weight"), REPORT.index("iterations")


def checked_correlation(correlation):
    """
    Bring a correlation of noise to units of the variance, alike for lags of both signs.

    Parameters
    ----------
    correlation : ndarray of float, shape (2 L + 1, 2 L + 1)
        Correlation at lags of -L to L rows and columns, in any unit.

    Returns
    -------
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1)
        The same, 1 in the middle.

    Raises
    ------
    ValueError
        If the sides are even, a lag is not finite, or the middle is not the largest.
    """
    correlation = np.asarray(correlation, dtype=float)
    if correlation.ndim != 2 or not all(side % 2 for side in correlation.shape):
        msg = f"the correlation of the noise needs odd sides, got shape {correlation.shape}"
        raise ValueError(msg)
    middle = correlation[tuple(side // 2 for side in correlation.shape)]
    if not (np.isfinite(correlation).all() and 0 < middle >= np.abs(correlation).max()):
        msg = f"the correlation of the noise must be largest at lag 0, got {middle:g} there"
        raise ValueError(msg)
    return (correlation + correlation[::-1, ::-1]) / (2 * middle)


def gradient_covariances(parameters, roots, report, psfs, table, correlation):
    """
    Return the covariance of each fit's gradient, B of the module.

    Parameters
    ----------
    parameters : ndarray, shape (N, 8)
        Solutions, in units of the noise.
    roots : ndarray, shape (N, H, W)
        Square roots of the pixels' weights; 0 or less where a pixel takes no part.
    report : ndarray, shape (N, 13)
        What `galrestore.sersic.stamp.REPORT` lists.
    psfs : ndarray, shape (N, G, 2)
        Fraction and variance [pixel**2] of the Gaussians of each PSF.
    table : tuple of ndarray, float, float
        Expansion, as in `galrestore.sersic.kernel.evaluate`.
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1)
        From `checked_correlation`.

    Returns
    -------
    covariances : ndarray of float64, shape (N, 8, 8)
        The curvature where noise is white; 0 for stamps that were not fitted.  What is
        known of the sky beforehand is independent of the stamp's noise and adds its weight.
    """
    covariances = np.zeros((len(parameters), PARAMETERS, PARAMETERS))
    for k in np.flatnonzero(report[:, _STEPS] > 0):
        top, bottom, left, right = report[k, _BOX].astype(int)
        shape = (bottom - top, right - left)
        rows = _derivatives(parameters[k], psfs[k], table, shape)
        rows *= roots[k, top:bottom, left:right].clip(0)
        covariances[k] = covariance_of_sums(rows, correlation)
        covariances[k, 7, 7] += report[k, _PRIOR]
    return covariances


def _derivatives(p, psf, table, shape):
    """Evaluate the derivatives with respect to all parameters; 1 for the background."""
    rows = np.ones((PARAMETERS, shape[0] * shape[1]), dtype=np.float32)
    evaluate(p, psf, table, *shape, workspace(*shape, table[0].shape[2]), rows)
    return rows.reshape(PARAMETERS, *shape).astype(float)

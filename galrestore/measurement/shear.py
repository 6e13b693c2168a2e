"""
Calibration of shear: ellipticities of images, and the bias of the shear they give.

The mean ellipticity over the orientations of a galaxy is (1 + m) g + c, with a
multiplicative bias m and an additive one c that are 0 for a perfect estimate.
"""

import numpy as np
import pandas as pd

from galrestore.measurement.image_quality import sky_level
from galrestore.measurement.statistics import mean_and_error
from galrestore.sersic.profile import ellipticity_components

__all__ = [
    "ESTIMATORS",
    "adaptive_ellipticities",
    "calibrate",
    "calibrate_all",
    "fitted_ellipticities",
]

ESTIMATORS = ("fit", "adaptive")
# Noise of noiseless images, for weights that must not be infinite [range of the image].
_LEAST_RMS = 1e-3


def fitted_ellipticities(images, psf=0.0):
    """
    Measure ellipticities by fits of Sersic profiles.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images, min-max normalised.
    psf : float, optional
        FWHM of the PSF to fit with [pixel]; 0 fits what is seen.

    Returns
    -------
    e1, e2 : ndarray of float64, shape (N,)
        NaN where the fit failed.
    """
    from galrestore.sersic.fitting import fit_sersic  # numba: a second to import

    rms = np.maximum(sky_level(images)[1], _LEAST_RMS)
    fits = fit_sersic(images, psf, rms=rms)
    good = fits["failure"] == ""
    q = np.where(good, fits["q"], 1.0)
    e1, e2 = ellipticity_components(q, np.where(good, fits["theta"], 0.0))
    return np.where(good, e1, np.nan), np.where(good, e2, np.nan)


def adaptive_ellipticities(images):
    """
    Measure ellipticities by GalSim's adaptive moments.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images, min-max normalised.

    Returns
    -------
    e1, e2 : ndarray of float64, shape (N,)
        (a - b) / (a + b) of the best elliptical Gaussian weight; NaN where none was found.

    References
    ----------
    Hirata & Seljak (2003), MNRAS 343, 459; Bernstein & Jarvis (2002), AJ 123, 583.
    """
    import galsim

    shapes = np.full((len(images), 2), np.nan)
    for k, (image, sky) in enumerate(zip(images, sky_level(images)[0], strict=True)):
        stamp = galsim.Image(np.ascontiguousarray(image - sky, dtype=np.float64))
        found = galsim.hsm.FindAdaptiveMom(stamp, strict=False, guess_sig=3.0)
        if found.moments_status == 0:
            shapes[k] = found.observed_shape.g1, found.observed_shape.g2
    return shapes[:, 0], shapes[:, 1]


def calibrate(table):
    """
    Derive multiplicative and additive bias.

    Parameters
    ----------
    table : pandas.DataFrame
        A ring test: ``galaxy``, ``orientation``, ``g1``, ``g2`` and ellipticities ``e1``,
        ``e2``, one row an image.

    Returns
    -------
    biases : pandas.DataFrame
        A row for each component: ``component`` (1 or 2), ``m``, ``m_error``, ``c``,
        ``c_error`` (standard errors over the galaxies), ``n`` galaxies, ``lost`` galaxies
        without an ellipticity in some image.

    Notes
    -----
    Only differences between the same galaxies, in the same orientations and under the same
    noise, enter m, so that neither shapes nor noise blur it.
    """
    rows = []
    for component in (1, 2):
        shear = table[f"g{component}"]
        means = [
            table[shear * sign > 0].groupby("galaxy")[f"e{component}"].agg(_complete_mean)
            for sign in (1, -1)
        ]
        modulus = shear.abs().max()
        response = (means[0] - means[1]) / (2 * modulus) - 1
        row = {"component": component, "n": int(response.notna().sum())}
        row["lost"] = len(response) - row["n"]
        row["m"], row["m_error"] = mean_and_error(response.to_numpy())
        row["c"], row["c_error"] = mean_and_error(((means[0] + means[1]) / 2).to_numpy())
        rows.append(row)
    return pd.DataFrame(rows)


def _complete_mean(values):
    """Mean that asks for all orientations: without one of them the ring is open."""
    return values.mean() if values.notna().all() else np.nan


def calibrate_all(low_quality, restored, truth, ring, psf):
    """
    Derive the biases of GT, LQ and RS with both estimators.

    Parameters
    ----------
    low_quality, restored, truth : ndarray, shape (N, H, W)
        Images.
    ring : pandas.DataFrame
        ``galaxy``, ``orientation``, ``g1``, ``g2`` of each.
    psf : float
        FWHM of the PSF that LQ is fitted with [pixel].

    Returns
    -------
    biases : pandas.DataFrame
        From `calibrate`, with ``image`` and ``estimator``.
    """
    parts = []
    for name, images, width in (
        ("GT", truth, 0.0),
        ("LQ", low_quality, psf),
        ("RS", restored, 0.0),
    ):
        shapes = {
            "fit": fitted_ellipticities(images, width),
            "adaptive": adaptive_ellipticities(images),
        }
        for estimator, (e1, e2) in shapes.items():
            biases = calibrate(ring.assign(e1=e1, e2=e2))
            parts.append(biases.assign(image=name, estimator=estimator))
    return pd.concat(parts, ignore_index=True)

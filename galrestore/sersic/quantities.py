"""From the solver's numbers to quantities with units, standard errors and quality flags."""

import numpy as np

from galrestore.sersic.profile import brightness_at_r50, enclosed_fraction
from galrestore.sersic.stamp import FAILURES, REPORT

__all__ = ["FLAGS", "QUANTITIES", "in_units", "quality_flags"]

# Bits of the column `flag`; a fit without any is good in every respect.
FLAGS = {
    "failed": (1, "the column failure says why"),
    "masked": (2, "more than a third of the stamp is masked"),
    "residual": (4, "chi-square per degree of freedom above 1.5: not a Sersic profile"),
    "truncated": (8, "more than a quarter of the flux lies beyond the nearest edge of the stamp"),
    "index": (16, "standard error of ln n above 0.5"),
    "unresolved": (32, "semi-minor half-light axis below a quarter of the PSF's FWHM"),
}

QUANTITIES = (
    "x",
    "y",
    "model_flux",
    "r50",
    "i50",
    "n",
    "q",
    "theta",
    "background",
    "chi2",
    "rms",
    "masked",
    "x_error",
    "y_error",
    "model_flux_error",
    "r50_error",
    "i50_error",
    "n_error",
    "q_error",
    "theta_error",
    "background_error",
)


def in_units(parameters, curvature, report, gradient=None):
    """
    Turn the solver's parameters into quantities.

    Parameters
    ----------
    parameters : ndarray, shape (N, 8)
        Parameters of `galrestore.sersic.kernel`, in units of the noise.
    curvature : ndarray, shape (N, 8, 8)
        Half the second derivatives of chi-square; for white noise the inverse of the
        parameters' covariance.
    report : ndarray, shape (N, 13)
        What `galrestore.sersic.stamp.REPORT` lists.
    gradient : ndarray, shape (N, 8, 8), optional
        Covariance of half the first derivatives of chi-square, where noise is not white.

    Returns
    -------
    result : dict of str to ndarray, shape (N,)
        `QUANTITIES`, ``iterations`` and ``failure``, as `fit_sersic` describes them.
    """
    column = dict(zip(REPORT, report.T, strict=True))
    number = column["failure"].astype(int)
    result = {name: np.full(len(number), np.nan) for name in QUANTITIES}
    result["iterations"] = column["iterations"].astype(np.int64)
    result["failure"] = np.array(["", *FAILURES], dtype=object)[number]
    seen = (result["failure"] != "pixels") & (column["rms"] > 0)
    for name in ("rms", "masked"):
        result[name] = np.where(seen, column[name], np.nan)
    fitted = column["iterations"] > 0
    some = {name: values[fitted] for name, values in column.items()}
    covariance = _covariances(curvature[fitted])
    if gradient is not None:
        covariance = covariance @ gradient[fitted] @ covariance
        # No noise is correlated like this.
        negative = np.diagonal(covariance, axis1=1, axis2=2) < 0
        covariance[negative.any(axis=1)] = np.nan
    values = _values(parameters[fitted], some) | _errors(
        parameters[fitted], covariance, some["rms"]
    )
    for name, found in values.items():
        result[name][fitted] = found
    return result


def quality_flags(result, shape, psf_fwhm):
    """
    Grade fits.

    Parameters
    ----------
    result : dict of str to ndarray, shape (N,)
        From `in_units`.
    shape : tuple of ndarray, shape (4, N)
        First row, last row + 1, and the same of the columns, of each stamp's data.
    psf_fwhm : ndarray, shape (N,)
        Width of the PSF [pixel].

    Returns
    -------
    flag : ndarray of int64, shape (N,)
        Sum of the bits in `FLAGS` that hold.
    """
    top, bottom, left, right = shape
    x, y, r50, n = (result[name] for name in ("x", "y", "r50", "n"))
    edge = np.min([x - left, right - 1 - x, y - top, bottom - 1 - y], axis=0) + 0.5
    with np.errstate(invalid="ignore"):
        inside = enclosed_fraction(np.maximum(edge, 0) / r50, n)
        held = {
            "failed": result["failure"] != "",
            "masked": result["masked"] > 1 / 3,
            "residual": result["chi2"] > 1.5,
            "truncated": inside < 0.75,
            "index": ~(result["n_error"] < 0.5 * n) & np.isfinite(n),
            "unresolved": r50 * np.sqrt(result["q"]) < psf_fwhm / 4,
        }
    return sum(np.where(held[name], bit, 0) for name, (bit, _) in FLAGS.items()).astype(np.int64)


def _values(p, column):
    """Quantities of fits, from parameters and report."""
    rms, sky = column["rms"], column["sky"]
    data = column["valid"] + (column["prior_weight"] > 0)
    flux, r50, n = np.exp(p[:, 2]) * rms, np.exp(p[:, 3]), np.exp(p[:, 4])
    return {
        "x": p[:, 0] + column["left"],
        "y": p[:, 1] + column["top"],
        "model_flux": flux,
        "r50": r50,
        "i50": brightness_at_r50(flux, r50, n),
        "n": n,
        "q": np.exp(-np.hypot(p[:, 5], p[:, 6])),
        "theta": 0.5 * np.arctan2(p[:, 6], p[:, 5]) % np.pi,
        "background": sky + p[:, 7] * rms,
        "chi2": column["chi2"] / np.maximum(data - p.shape[1], 1),
    }


def _errors(p, covariance, rms):
    """Linear propagation of the covariance; NaN where there is none."""
    n, eta = np.exp(p[:, 4]), np.hypot(p[:, 5], p[:, 6])
    flux, r50 = np.exp(p[:, 2]) * rms, np.exp(p[:, 3])
    turn = np.arctan2(p[:, 6], p[:, 5])
    # ln i50 = ln flux - 2 ln r50 + ln g(n), g by central differences.
    step = 1e-4
    unit = [np.log(brightness_at_r50(1.0, 1.0, n * np.exp(s))) for s in (step, -step)]
    zero, one = np.zeros_like(n), np.ones_like(n)
    by_i50 = np.array([zero, zero, one, -2 * one, (unit[0] - unit[1]) / (2 * step)]).T
    error = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    ellipse = covariance[:, 5:7, 5:7]
    along = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return {
        "x_error": error[:, 0],
        "y_error": error[:, 1],
        "model_flux_error": flux * error[:, 2],
        "r50_error": r50 * error[:, 3],
        "i50_error": brightness_at_r50(flux, r50, n) * _along(covariance[:, :5, :5], by_i50),
        "n_error": n * error[:, 4],
        "q_error": np.exp(-eta) * _along(ellipse, along),
        "theta_error": _angle_error(eta, _along(ellipse, across)),
        "background_error": rms * error[:, 7],
    }


def _angle_error(eta, error):
    """
    Return the standard error of half the angle of a vector of length ``eta``.

    Noise lengthens the vectors of round galaxies, by the square of the error on average.
    A circle has no angle: no error is larger than that of a uniform one.
    """
    length = np.sqrt(np.maximum(eta**2 - error**2, 1e-12))
    return np.minimum(error / (2 * length), np.pi / np.sqrt(12))


def _along(covariance, direction):
    """Return the standard error of a linear combination, for each object."""
    # einsum adds up in an order that depends on the number of objects.
    pairs = np.ndindex(covariance.shape[1:])
    return np.sqrt(sum(direction[:, i] * covariance[:, i, j] * direction[:, j] for i, j in pairs))


def _covariances(curvature):
    """Inverses of the curvatures; NaN where there is none."""
    scale = np.sqrt(np.diagonal(curvature, axis1=1, axis2=2))
    covariance = np.full(curvature.shape, np.nan)
    good = np.flatnonzero(np.all(scale > 0, axis=1) & np.all(np.isfinite(scale), axis=1))
    scale = scale[good]
    values, vectors = np.linalg.eigh(curvature[good] / (scale[:, :, None] * scale[:, None, :]))
    regular = values[:, 0] > 1e-12
    vectors = vectors[regular] / scale[regular, :, None]
    inverse = (vectors / values[regular, None, :]) @ np.swapaxes(vectors, 1, 2)
    covariance[good[regular]] = inverse
    return covariance

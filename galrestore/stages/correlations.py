"""How the noise under sources is correlated: for stages ``fit`` and ``compare``."""

import logging

import numpy as np

from galrestore.synthesis.noise import neighbour_correlation, sky_correlation

__all__ = ["measured_correlation"]

logger = logging.getLogger(__name__)

# The correlation at one lag is then known to 0.02 to 0.05, the errors of fits to a tenth.
_FEWEST = 2_000


def measured_correlation(residuals, lags, name):
    """
    Measure the correlation of the noise that fits left.

    Parameters
    ----------
    residuals : ndarray of float, shape (N, H, W)
        From `galrestore.sersic.residuals.blank_residuals`.
    lags : int
        Largest lag [pixel].
    name : str
        Of the mosaic, for messages.

    Returns
    -------
    correlation : ndarray of float64, shape (2 lags + 1, 2 lags + 1), or None
        In units of the variance, for `galrestore.sersic.fitting.fit_sersic`; None where
        fewer than 2,000 pixels show noise alone, or none so far apart, with a warning.
    """
    pixels = np.isfinite(residuals).sum()
    try:
        if pixels < _FEWEST:
            msg = f"{pixels} pixels show noise alone, {_FEWEST} are needed"
            raise ValueError(msg)
        correlation = sky_correlation(residuals, lags)
    except ValueError as error:
        logger.warning("%s: %s; errors of fits are for white noise", name, error)
        return None
    logger.info(
        "%s: neighbours' noise correlates by %.3f (%d pixels)",
        name,
        neighbour_correlation(correlation),
        pixels,
    )
    return correlation

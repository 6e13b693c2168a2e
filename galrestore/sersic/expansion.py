"""
Multi-Gaussian expansion of the Sersic profile.

A Sersic profile of unit flux and unit half-light radius is written as a sum of K
Gaussians.  Convolution with a Gaussian PSF is then exact, because variances add, and
so is the derivative with respect to every parameter.  Amplitudes and widths are
tabulated at nodes in ln n and interpolated between them.

Widths are spaced evenly in the logarithm, over a range that follows the profile;
amplitudes are least-squares solutions for the surface brightness I(r) and for the
enclosed flux F(<r) together.  I(r) alone leaves the flux of a cusp free, which the
PSF would spread over the brightest pixels.

References
----------
Cappellari (2002), MNRAS 333, 400; Hogg & Lang (2013), PASP 125, 719.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from galrestore.sersic.profile import (
    brightness_at_r50,
    enclosed_fraction,
    intensity,
    radius_enclosing,
)

__all__ = ["INDEX_RANGE", "Expansion", "expand", "expansion_table"]

# Below 0.25 the profile is nearly a disc with a sharp rim, which Gaussians cannot make.
INDEX_RANGE = (0.25, 8.0)

_NODES = 300
_RADII = 160
_RIDGE = 1e-4
# Brightness errors count relative to I(r) + 0.02 I(R50), flux errors to F(<r) + 0.02.
_FLOOR = 0.02


@dataclass(frozen=True)
class Expansion:
    """
    Table of expansions over the Sersic index.

    Attributes
    ----------
    values : ndarray, shape (nodes, 2, K)
        Amplitudes (fractions of the total flux) and ln widths (standard deviation in
        units of the circularised half-light radius) at each node.
    low : float
        ln n of the first node.
    step : float
        Distance of the nodes in ln n.
    """

    values: np.ndarray
    low: float
    step: float


def expand(n, gaussians):
    """
    Expand one profile.

    Parameters
    ----------
    n : float
        Sersic index.
    gaussians : int
        Number of Gaussians K.

    Returns
    -------
    amplitudes : ndarray, shape (K,)
        Flux of each Gaussian as a fraction of the profile's; they may be negative.
    widths : ndarray, shape (K,)
        Standard deviations in units of the half-light radius, increasing.
    """
    widths = _widths(n, gaussians)
    inner, outer = radius_enclosing(np.array([0.1 * _inner_fraction(n), 0.9995]), n)
    r = np.geomspace(0.3 * inner, outer, _RADII)
    i50 = brightness_at_r50(1.0, 1.0, n)
    brightness, flux = intensity(r, i50, 1.0, n), enclosed_fraction(r, n)
    falling = np.exp(-(r[:, None] ** 2) / (2 * widths**2))
    weights = np.concatenate([1 / (brightness + _FLOOR * i50), 1 / (flux + _FLOOR)])
    design = np.concatenate([falling / (2 * np.pi * widths**2), 1 - falling])
    target = np.concatenate([brightness, flux])
    # The ridge keeps neighbouring Gaussians from cancelling each other.
    design = np.concatenate([design * weights[:, None], _RIDGE * np.eye(gaussians)])
    target = np.concatenate([target * weights, np.zeros(gaussians)])
    return np.linalg.lstsq(design, target, rcond=None)[0], widths


@lru_cache(maxsize=4)
def expansion_table(gaussians):
    """
    Tabulate expansions over the Sersic index.

    Parameters
    ----------
    gaussians : int
        Number of Gaussians K.

    Returns
    -------
    table : Expansion
        Covers `INDEX_RANGE`; made in about 0.1 s, once
        per process.
    """
    nodes = np.linspace(np.log(INDEX_RANGE[0]), np.log(INDEX_RANGE[1]), _NODES)
    values = np.empty((_NODES, 2, gaussians))
    for row, node in zip(values, nodes, strict=True):
        amplitudes, widths = expand(np.exp(node), gaussians)
        row[:] = amplitudes, np.log(widths)
    values.setflags(write=False)
    return Expansion(values, float(nodes[0]), float(nodes[1] - nodes[0]))


def _inner_fraction(n):
    """Flux within the smallest scale that is expanded; profiles with n < 1/2 are flat there."""
    return 2e-3 + 0.1 * np.exp(-((n / 0.4) ** 2))


def _widths(n, gaussians):
    inner, outer = radius_enclosing(np.array([_inner_fraction(n), 0.995]), n)
    outer *= 0.6 - 0.2 * np.exp(-((n / 0.4) ** 2))
    return np.geomspace(0.5 * max(inner, 1e-4), outer, gaussians)

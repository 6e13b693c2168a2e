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

__all__ = ["INDEX_RANGE", "Expansion", "amplitudes", "expand", "expansion_table", "tabulate"]

# Below 0.25 the profile is nearly a disc with a sharp rim, which Gaussians cannot make.
INDEX_RANGE = (0.25, 8.0)

_NODES = 300
_RADII = 160
_RIDGE = 1e-4
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
    radii = np.geomspace(0.3 * inner, outer, _RADII)
    return amplitudes(n, widths, radii, _FLOOR, _RIDGE), widths


def amplitudes(n, widths, radii, floor, ridge):
    """
    Solve for the amplitudes of Gaussians of given widths.

    Parameters
    ----------
    n : float
        Sersic index.
    widths : ndarray, shape (K,)
        Standard deviations [half-light radius].
    radii : ndarray, shape (R,)
        Where brightness I(r) and enclosed flux F(<r) are matched [half-light radius].
    floor : float
        Errors of brightness count relative to I(r) + floor I(R50), those of flux to
        F(<r) + floor.
    ridge : float
        Weight of small amplitudes; keeps neighbouring Gaussians from cancelling each other.

    Returns
    -------
    amplitudes : ndarray, shape (K,)
        Least-squares solution: fractions of the profile's flux; they may be negative.
    """
    i50 = brightness_at_r50(1.0, 1.0, n)
    brightness, flux = intensity(radii, i50, 1.0, n), enclosed_fraction(radii, n)
    falling = np.exp(-(radii[:, None] ** 2) / (2 * widths**2))
    weights = np.concatenate([1 / (brightness + floor * i50), 1 / (flux + floor)])
    design = np.concatenate([falling / (2 * np.pi * widths**2), 1 - falling])
    target = np.concatenate([brightness, flux])
    design = np.concatenate([design * weights[:, None], ridge * np.eye(len(widths))])
    target = np.concatenate([target * weights, np.zeros(len(widths))])
    return np.linalg.lstsq(design, target, rcond=None)[0]


def tabulate(index_range, nodes, gaussians, expand_one):
    """
    Tabulate expansions at nodes that are evenly spaced in ln n.

    Parameters
    ----------
    index_range : tuple of float
        Sersic indices of the first and the last node.
    nodes : int
        Number of nodes.
    gaussians : int
        Number of Gaussians K.
    expand_one : callable
        ``expand_one(n)`` returns amplitudes and widths, both of shape (K,).

    Returns
    -------
    table : Expansion
        The expansions, read-only.
    """
    places = np.linspace(*np.log(index_range), nodes)
    values = np.empty((nodes, 2, gaussians))
    for row, place in zip(values, places, strict=True):
        found, widths = expand_one(np.exp(place))
        row[:] = found, np.log(widths)
    values.setflags(write=False)
    return Expansion(values, float(places[0]), float(places[1] - places[0]))


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
    return tabulate(INDEX_RANGE, _NODES, gaussians, lambda n: expand(n, gaussians))


def _inner_fraction(n):
    """Flux within the smallest scale that is expanded; profiles with n < 1/2 are flat there."""
    return 2e-3 + 0.1 * np.exp(-((n / 0.4) ** 2))


def _widths(n, gaussians):
    inner, outer = radius_enclosing(np.array([_inner_fraction(n), 0.995]), n)
    outer *= 0.6 - 0.2 * np.exp(-((n / 0.4) ** 2))
    return np.geomspace(0.5 * max(inner, 1e-4), outer, gaussians)

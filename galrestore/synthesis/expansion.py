"""
Expansion of the Sersic profile into Gaussians, for images without PSF.

It reaches farther in and out than the table that fits use (`galrestore.sersic.expansion`):
without PSF the centre of a steep profile is a cusp, and pixels hold what it encloses.

References
----------
Cappellari (2002), MNRAS 333, 400; Hogg & Lang (2013), PASP 125, 719.
"""

from functools import lru_cache

import numpy as np

from galrestore.sersic.profile import (
    brightness_at_r50,
    enclosed_fraction,
    intensity,
    radius_enclosing,
)

__all__ = ["GAUSSIANS", "INDEX_RANGE", "expansion_table"]

# Sersic indices of the table; GalSim's range.
INDEX_RANGE = (0.3, 6.2)
GAUSSIANS = 24

_NODES = 200
_RADII = 240
_RIDGE = 1e-5
# Brightness errors count relative to I(r) + 0.01 I(R50), flux errors to F(<r) + 0.01.
_FLOOR = 0.01
# Half-light radii that are expanded; a stamp of 64 pixels reaches 57 for r50 of 0.8 pixels.
_REACH = 60.0


@lru_cache(maxsize=1)
def expansion_table():
    """
    Tabulate expansions over the Sersic index.

    Returns
    -------
    values : ndarray of float64, shape (nodes, 2, K)
        Amplitudes (fractions of the total flux) and ln widths (standard deviation in
        units of the circularised half-light radius) at each node.
    low, step : float
        ln n of the first node, and the distance of the nodes.
    """
    nodes = np.linspace(*np.log(INDEX_RANGE), _NODES)
    values = np.empty((_NODES, 2, GAUSSIANS))
    for row, node in zip(values, nodes, strict=True):
        amplitudes, widths = _expand(np.exp(node))
        row[:] = amplitudes, np.log(widths)
    values.setflags(write=False)
    return values, float(nodes[0]), float(nodes[1] - nodes[0])


def _expand(n):
    """Least-squares amplitudes and widths in half-light radii, for I(r) and F(<r) together."""
    inner, outer = radius_enclosing(np.array([_inner_fraction(n), 0.9999]), n)
    inner, outer = max(inner, 1e-4), min(outer, _REACH)
    widths = np.geomspace(0.5 * inner, 0.37 * outer, GAUSSIANS)
    r = np.geomspace(0.1 * inner, min(1.3 * outer, _REACH), _RADII)
    i50 = brightness_at_r50(1.0, 1.0, n)
    brightness, flux = intensity(r, i50, 1.0, n), enclosed_fraction(r, n)
    falling = np.exp(-(r[:, None] ** 2) / (2 * widths**2))
    weights = np.concatenate([1 / (brightness + _FLOOR * i50), 1 / (flux + _FLOOR)])
    design = np.concatenate([falling / (2 * np.pi * widths**2), 1 - falling])
    target = np.concatenate([brightness, flux]) * weights
    # The ridge keeps neighbouring Gaussians from cancelling each other.
    design = np.concatenate([design * weights[:, None], _RIDGE * np.eye(GAUSSIANS)])
    target = np.concatenate([target, np.zeros(GAUSSIANS)])
    return np.linalg.lstsq(design, target, rcond=None)[0], widths


def _inner_fraction(n):
    """Flux within the smallest scale that is expanded; profiles with n < 1/2 are flat there."""
    return 1e-5 + 1e-2 * np.exp(-((n / 0.5) ** 2))

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

from galrestore.sersic.expansion import amplitudes, tabulate
from galrestore.sersic.profile import radius_enclosing

__all__ = ["GAUSSIANS", "INDEX_RANGE", "expansion_table"]

# Sersic indices of the table; GalSim's range.
INDEX_RANGE = (0.3, 6.2)
GAUSSIANS = 24

_NODES = 200
_RADII = 240
_RIDGE = 1e-5
_FLOOR = 0.01
# Half-light radii that are expanded; a stamp of 64 pixels reaches 57 for r50 of 0.8 pixels.
_REACH = 60.0


@lru_cache(maxsize=1)
def expansion_table():
    """
    Tabulate expansions over the Sersic index.

    Returns
    -------
    table : galrestore.sersic.expansion.Expansion
        Of `GAUSSIANS` Gaussians; covers `INDEX_RANGE`.
    """
    return tabulate(INDEX_RANGE, _NODES, GAUSSIANS, _expand)


def _expand(n):
    """Least-squares amplitudes and widths in half-light radii."""
    inner, outer = radius_enclosing(np.array([_inner_fraction(n), 0.9999]), n)
    inner, outer = max(inner, 1e-4), min(outer, _REACH)
    widths = np.geomspace(0.5 * inner, 0.37 * outer, GAUSSIANS)
    radii = np.geomspace(0.1 * inner, min(1.3 * outer, _REACH), _RADII)
    return amplitudes(n, widths, radii, _FLOOR, _RIDGE), widths


def _inner_fraction(n):
    """Flux within the smallest scale that is expanded; profiles with n < 1/2 are flat there."""
    return 1e-5 + 1e-2 * np.exp(-((n / 0.5) ** 2))

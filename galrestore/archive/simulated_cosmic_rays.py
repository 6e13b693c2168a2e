"""
Cosmic rays of simulated exposures: straight tracks of charge through thin silicon.

Particles come from all sides, so that the length of a track seen from above has the
distribution P(> l) = 1 / (1 + (l / d)^2), d being the thickness of the silicon: most are
short, few cross the chip.
"""

import numpy as np

__all__ = ["cosmic_rays"]

_PITCH, _DEPTH = 15.0, 13.5  # pixel and thickness of a thinned CCD [micron]
# Charge per path: most probable value and width of a Landau distribution in silicon of
# this thickness, at 3.65 eV an electron [electron/micron].
_MOST_PROBABLE, _LANDAU_WIDTH = 60.0, 8.0
_DIFFUSION = 0.35  # spread of the charge on its way [pixel]
_LONGEST = 500.0  # pixel


def cosmic_rays(rng, shape, seconds, rate):
    """
    Draw the charge that cosmic rays leave in a chip during an exposure.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of this chip and exposure.
    shape : (int, int)
        Rows and columns of the chip.
    seconds : float
        Time during which charge gathers [s].
    rate : float
        Particles [cm**-2 s**-1].

    Returns
    -------
    charge : ndarray of float32, shape (H, W)
        Whole electrons in each pixel.

    Notes
    -----
    The Landau distribution of the charge is taken in Moyal's form, -log(z^2) with z
    normal; each electron diffuses on its own.

    References
    ----------
    Miles et al. (2021), ApJ 918, 86 (rates and sizes in Hubble's cameras); Bichsel
    (1988), Rev. Mod. Phys. 60, 663 (charge); ACS Instrument Handbook, section 4.3.5
    (1.5 to 3 per cent of WFC pixels in 1,000 s; charge per event peaks near 1,000
    electrons).
    """
    area = shape[0] * shape[1] * (_PITCH * 1e-4) ** 2  # cm^2
    count = rng.poisson(rate * area * seconds)
    start = rng.uniform(0, 1, (2, count)) * np.array(shape)[:, None] - 0.5  # row, column
    angle = rng.uniform(0, 2 * np.pi, count)
    tangent = np.sqrt(1 / rng.uniform(0, 1, count) - 1)
    length = np.minimum(tangent * _DEPTH / _PITCH, _LONGEST)  # pixel
    path = np.hypot(length * _PITCH, _DEPTH)  # micron
    landau = -np.log(rng.standard_normal(count) ** 2)
    number = np.round(path * np.maximum(_MOST_PROBABLE + _LANDAU_WIDTH * landau, 0)).astype(int)
    owner = np.repeat(np.arange(count), number)
    along = rng.uniform(0, 1, len(owner)) * length[owner]
    spread = rng.normal(0, _DIFFUSION, (2, len(owner)))
    row = np.round(start[0, owner] + along * np.sin(angle[owner]) + spread[0]).astype(int)
    column = np.round(start[1, owner] + along * np.cos(angle[owner]) + spread[1]).astype(int)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    pixel = row[inside] * shape[1] + column[inside]
    return np.bincount(pixel, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)

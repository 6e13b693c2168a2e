"""
Galaxies of a ring test: each in four orientations under shears of both signs.

A Sersic profile under a shear that keeps the area is one of the same radius and index with
another ellipse.  With ellipticities (a - b) / (a + b) as complex numbers, a reduced shear g
turns e into (e + g) / (1 + g* e); over orientations 45 degrees apart the mean of that is g,
but for g* cubed times the fourth power of e.
"""

import numpy as np
import pandas as pd

from galrestore.sersic.profile import ellipticity_components

__all__ = ["ORIENTATIONS", "render_sheared", "ring", "ring_keys", "sheared_ellipse"]

ORIENTATIONS = (0.0, 45.0, 90.0, 135.0)


def sheared_ellipse(q, theta, g1, g2):
    """
    Shear an ellipse.

    Parameters
    ----------
    q : ndarray of float
        Axis ratio b/a, in (0, 1].
    theta : ndarray of float
        Position angle of the major axis from the column axis [rad].
    g1, g2 : ndarray of float
        Reduced shear.

    Returns
    -------
    q, theta : ndarray of float64
        Of the sheared ellipse; theta in [0, pi).

    References
    ----------
    Seitz & Schneider (1997), A&A 318, 687; Bartelmann & Schneider (2001), section 4.2.
    """
    shape = np.array(ellipticity_components(q, theta))
    ellipticity, shear = shape[0] + 1j * shape[1], np.asarray(g1) + 1j * np.asarray(g2)
    seen = (ellipticity + shear) / (1 + np.conj(shear) * ellipticity)
    return (1 - np.abs(seen)) / (1 + np.abs(seen)), np.angle(seen) / 2 % np.pi


def ring(galaxies, shear):
    """
    Put galaxies into a ring test.

    Parameters
    ----------
    galaxies : pandas.DataFrame
        Contract `POPULATION`, N rows.
    shear : float
        Modulus of the shear.

    Returns
    -------
    table : pandas.DataFrame
        16 N rows: columns of the population with the sheared ``q`` and ``theta``, ``galaxy``
        (the id), ``orientation`` [deg], ``g1``, ``g2``: +- shear in each component.
    """
    parts = []
    for g1, g2 in ((shear, 0.0), (-shear, 0.0), (0.0, shear), (0.0, -shear)):
        for orientation in ORIENTATIONS:
            turned = galaxies["theta"] + np.deg2rad(orientation)
            q, theta = sheared_ellipse(galaxies["q"], turned, g1, g2)
            about = {"galaxy": galaxies["id"], "orientation": orientation, "g1": g1, "g2": g2}
            parts.append(galaxies.assign(q=q, theta=theta, **about))
    return pd.concat(parts, ignore_index=True)


def ring_keys(table):
    """
    Give all shears of one galaxy in one orientation the same number.

    Parameters
    ----------
    table : pandas.DataFrame
        From `ring`.

    Returns
    -------
    keys : ndarray of int64, shape (16 N,)
        Noise keyed by them cancels in differences of shears.
    """
    turn = np.searchsorted(ORIENTATIONS, table["orientation"])
    return len(ORIENTATIONS) * table["galaxy"].to_numpy() + turn


def render_sheared(table, size):
    """
    Draw the galaxies of a ring test.

    Parameters
    ----------
    table : pandas.DataFrame
        From `ring`.
    size : int
        Side of the images [pixel].

    Returns
    -------
    images : ndarray of float64, shape (16 N, size, size)
        Without noise and PSF.

    Raises
    ------
    ValueError
        If GalSim cannot draw one of them.
    """
    from galrestore.synthesis.rendering import render  # GalSim

    names = ["flux", "r50", "n", "q", "theta", "dx", "dy"]
    return np.stack([render(*row, size=size) for row in table[names].to_numpy()])

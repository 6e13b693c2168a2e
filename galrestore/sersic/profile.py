"""
Closed forms of the Sersic profile (Park et al. 2024, equations 1, 2, 6 and 7).

Radii are circularised, ``r50 = sqrt(a b)``, so that no formula here but the
ellipticity's knows the axis ratio.  The profile is not truncated: ``flux`` is the integral
over the whole plane.
"""

import numpy as np
from scipy.special import gamma, gammainc, gammaincinv

__all__ = [
    "brightness_at_r50",
    "ellipticity_components",
    "enclosed_fraction",
    "intensity",
    "radius_enclosing",
    "shape_constant",
    "total_flux",
]


def shape_constant(n):
    """
    Return the b_n that puts half of the light within the half-light radius.

    Parameters
    ----------
    n : float or ndarray
        Sersic index, positive.

    Returns
    -------
    b : float or ndarray
        Solution of ``gammainc(2 n, b) = 1/2``.

    Raises
    ------
    ValueError
        If an index is not positive.

    References
    ----------
    Graham & Driver (2005), PASA 22, 118.
    """
    n = _positive(n, "n")
    return gammaincinv(2 * n, 0.5)


def intensity(radius, i50, r50, n):
    """
    Return the surface brightness at a radius (equation 1).

    Parameters
    ----------
    radius : float or ndarray
        Circularised radius, equation 2 [pixel].
    i50 : float or ndarray
        Surface brightness at ``r50`` [flux per pixel].
    r50 : float or ndarray
        Circularised half-light radius [pixel].
    n : float or ndarray
        Sersic index.

    Returns
    -------
    brightness : float or ndarray
        Surface brightness [flux per pixel].

    Raises
    ------
    ValueError
        If ``r50`` or ``n`` is not positive.
    """
    scaled = np.asarray(radius, dtype=float) / _positive(r50, "r50")
    return i50 * np.exp(-shape_constant(n) * (scaled ** (1 / np.asarray(n, dtype=float)) - 1))


def total_flux(i50, r50, n):
    """
    Integrate the profile over the whole plane.

    Parameters
    ----------
    i50 : float or ndarray
        Surface brightness at ``r50`` [flux per pixel].
    r50 : float or ndarray
        Circularised half-light radius [pixel].
    n : float or ndarray
        Sersic index.

    Returns
    -------
    flux : float or ndarray
        Total flux.

    Raises
    ------
    ValueError
        If ``r50`` or ``n`` is not positive.

    References
    ----------
    Graham & Driver (2005), PASA 22, 118, equation 4.
    """
    return i50 * _positive(r50, "r50") ** 2 * _flux_factor(n)


def brightness_at_r50(flux, r50, n):
    """
    Return the surface brightness at the half-light radius, I(R50).

    Parameters
    ----------
    flux : float or ndarray
        Total flux.
    r50 : float or ndarray
        Circularised half-light radius [pixel].
    n : float or ndarray
        Sersic index.

    Returns
    -------
    i50 : float or ndarray
        Surface brightness [flux per pixel].

    Raises
    ------
    ValueError
        If ``r50`` or ``n`` is not positive.
    """
    return flux / (_positive(r50, "r50") ** 2 * _flux_factor(n))


def enclosed_fraction(radius, n):
    """
    Return the fraction of the light within a radius.

    Parameters
    ----------
    radius : float or ndarray
        Circularised radius in units of ``r50``, not negative.
    n : float or ndarray
        Sersic index.

    Returns
    -------
    fraction : float or ndarray
        In [0, 1).

    Raises
    ------
    ValueError
        If ``n`` is not positive.
    """
    n = _positive(n, "n")
    return gammainc(2 * n, shape_constant(n) * np.asarray(radius, dtype=float) ** (1 / n))


def radius_enclosing(fraction, n):
    """
    Return the radius within which a fraction of the light lies.

    Parameters
    ----------
    fraction : float or ndarray
        Fraction of the total flux, in [0, 1).
    n : float or ndarray
        Sersic index.

    Returns
    -------
    radius : float or ndarray
        Circularised radius in units of ``r50``; the inverse of `enclosed_fraction`.

    Raises
    ------
    ValueError
        If ``n`` is not positive.
    """
    n = _positive(n, "n")
    return (gammaincinv(2 * n, fraction) / shape_constant(n)) ** n


def ellipticity_components(q, theta):
    """
    Return both components of the ellipticity (equations 6 and 7).

    Parameters
    ----------
    q : float or ndarray
        Axis ratio b/a, in (0, 1].
    theta : float or ndarray
        Position angle of the major axis [rad].

    Returns
    -------
    e1, e2 : float or ndarray
        ``e cos 2 theta`` and ``e sin 2 theta`` with ``e = (a - b) / (a + b)``.

    Raises
    ------
    ValueError
        If ``q`` is outside (0, 1].
    """
    q, theta = np.asarray(q, dtype=float), np.asarray(theta, dtype=float)
    if np.any((q <= 0) | (q > 1)):
        msg = f"q must lie in (0, 1], got values from {q.min():g} to {q.max():g}"
        raise ValueError(msg)
    e = (1 - q) / (1 + q)
    return e * np.cos(2 * theta), e * np.sin(2 * theta)


def _flux_factor(n):
    n = _positive(n, "n")
    b = shape_constant(n)
    return 2 * np.pi * n * np.exp(b) * b ** (-2 * n) * gamma(2 * n)


def _positive(value, name):
    value = np.asarray(value, dtype=float)
    if np.any(value <= 0):
        msg = f"{name} must be positive, got {value.min():g}"
        raise ValueError(msg)
    return value

"""Closed forms against special cases, numerical integrals and each other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from galrestore.sersic.profile import (
    brightness_at_r50,
    ellipticity_components,
    enclosed_fraction,
    intensity,
    radius_enclosing,
    shape_constant,
    total_flux,
)

INDICES = [0.3, 0.5, 1.0, 2.5, 4.0, 8.0]


def test_gaussian_is_the_half_index_case():
    # n = 1/2 is I = 2 I50 exp(-ln2 (r/r50)^2), whose integral is 2 pi I50 r50^2 / ln 2.
    assert_allclose(total_flux(3.0, 4.0, 0.5), 2 * np.pi * 3.0 * 16 / np.log(2), rtol=1e-13)
    assert_allclose(intensity(8.0, 3.0, 4.0, 0.5), 6.0 / 2**4, rtol=1e-13)


def test_shape_constants_of_the_literature():
    # Graham & Driver (2005): b = 1.678 for n = 1 and 7.669 for n = 4, as printed there.
    assert_allclose(shape_constant(np.array([1.0, 4.0])), [1.678, 7.669], atol=5e-4)


@pytest.mark.parametrize("n", INDICES)
def test_flux_and_half_light_against_quadrature(n):
    def ring(r):
        return 2 * np.pi * r * intensity(r, 2.0, 3.0, n)

    inner = quad(ring, 0, 3.0, epsrel=1e-10)[0]
    assert_allclose(inner, total_flux(2.0, 3.0, n) / 2, rtol=1e-8)


@pytest.mark.parametrize("n", INDICES)
def test_inverses(n):
    flux = total_flux(2.0, 3.0, n)
    assert_allclose(brightness_at_r50(flux, 3.0, n), 2.0, rtol=1e-13)
    fractions = np.array([0.01, 0.5, 0.99])
    assert_allclose(enclosed_fraction(radius_enclosing(fractions, n), n), fractions, rtol=1e-10)


def test_ellipticity_follows_equations_6_and_7():
    # a = 3, b = 1: e = (3 - 1) / (3 + 1) = 1/2.
    e1, e2 = ellipticity_components(1 / 3, np.array([0.0, np.pi / 4, np.pi / 2]))
    assert_allclose(e1, [0.5, 0, -0.5], atol=1e-15)
    assert_allclose(e2, [0, 0.5, 0], atol=1e-15)


@pytest.mark.parametrize("q", [0.0, 1.1])
def test_impossible_axis_ratios(q):
    with pytest.raises(ValueError, match=r"q must lie in \(0, 1\]"):
        ellipticity_components(q, 0.0)


def test_impossible_radius_and_index():
    with pytest.raises(ValueError, match="r50 must be positive, got -1"):
        total_flux(1.0, [2.0, -1.0], 1.0)
    with pytest.raises(ValueError, match="n must be positive, got 0"):
        shape_constant(0.0)

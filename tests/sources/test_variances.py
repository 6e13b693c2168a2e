"""Typical variances of cells: closed forms, and pixels that do not count."""

import numpy as np
from numpy.testing import assert_allclose

from galrestore.sources.background import clipped_mode
from galrestore.sources.variances import typical_variance

COUNT = 2**18
# Of uniform variances 2.5 median - 1.5 mean has a variance of 6.25 / 4 + 2.25 / 12 - 7.5 / 8,
# over N: 0.0018 here, five of them allowed.
TOLERANCE = 5 * np.sqrt((6.25 / 4 + 2.25 / 12 - 7.5 / 8) / COUNT)


def test_constant_variances_are_typical():
    values = np.random.default_rng(1).normal(0, 1, 4096)
    assert typical_variance(values, np.full(4096, 3.25)) == 3.25


def test_uniform_variances():
    rng = np.random.default_rng(2)
    found = typical_variance(rng.normal(0, 1, COUNT), rng.uniform(1, 2, COUNT))
    assert_allclose(found, 1.5, atol=TOLERANCE)


def test_variances_of_sources_do_not_count():
    # A tenth of the pixels are sources, 0.1 + 2 sqrt(0.09) = 0.7 of whose height is the cut, with
    # variances as high as any of the sky's.  On their own, variances show a median of 1.556
    # and a mean of 1.55, whose mode is 1.564.
    rng = np.random.default_rng(3)
    values, variances = rng.normal(0, 1, COUNT), rng.uniform(1, 2, COUNT)
    values[: COUNT // 10], variances[: COUNT // 10] = 1e4, 2
    assert_allclose(typical_variance(values, variances), 1.5, atol=TOLERANCE)
    alone, _ = clipped_mode(variances.astype(np.float32))
    assert_allclose(alone, 2.5 * (1 + 0.5 / 0.9) - 1.5 * 1.55, atol=TOLERANCE)


def test_of_the_values_themselves_it_is_the_background():
    # The same pixels count then, in the same histogram.
    values = np.random.default_rng(4).normal(70, 3, 4096).astype(np.float32)
    values[:300] += 40
    assert_allclose(typical_variance(values, values), clipped_mode(values)[0], rtol=1e-6)


def test_shape_does_not_matter():
    values, variances = np.random.default_rng(5).normal(9, 1, (2, 64, 64)).astype(np.float32)
    flat = typical_variance(values.ravel(), variances.ravel())
    assert typical_variance(values, variances) == flat
    assert_allclose(typical_variance(values.T, variances.T), flat, rtol=1e-6)

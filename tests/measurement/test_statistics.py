"""Averages and errors against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from galrestore.measurement.statistics import mean_and_error, median_and_error, paired_difference
from galrestore.rng import stream


def test_mean_and_standard_error():
    # Sample variance of 1, 2, 3, 4 is 5/3.
    mean, error = mean_and_error([1.0, np.nan, 2.0, 3.0, 4.0])
    assert_allclose([mean, error], [2.5, np.sqrt(5 / 3 / 4)], rtol=1e-14)


def test_too_few_values_have_no_error():
    assert np.isnan(mean_and_error([])).all()
    assert mean_and_error([7.0])[0] == 7.0
    assert np.isnan(mean_and_error([7.0])[1])
    assert mean_and_error([7.0, np.inf])[0] == np.inf
    assert np.isnan(median_and_error([np.nan], stream(1, "t"))).all()
    assert np.isnan(median_and_error([2.0], stream(1, "t"))[1])


def test_bootstrap_error_of_a_gaussian_median():
    # The median of N normal values scatters by sqrt(pi / 2N).  One sample's bootstrap
    # knows the density at its median to some N^-1/4 = 0.2 of itself.
    count = 900
    values = stream(8, "test.median").normal(5.0, 2.0, count)
    median, error = median_and_error(values, stream(8, "test.bootstrap"), 2000)
    expected = 2.0 * np.sqrt(np.pi / 2 / count)
    assert median == np.median(values)
    assert_allclose(error, expected, rtol=0.4)


def test_bootstrap_is_repeatable_and_scales():
    values = stream(8, "test.median").normal(5.0, 2.0, 101)
    first = median_and_error(values, stream(8, "test.bootstrap"), 200)
    assert median_and_error(values, stream(8, "test.bootstrap"), 200) == first
    scaled = median_and_error(10 * values, stream(8, "test.bootstrap"), 200)
    assert_allclose(scaled, 10 * np.array(first), rtol=1e-12)
    with pytest.raises(ValueError, match="draws must be 2 or more, got 1"):
        median_and_error(values, stream(8, "test.bootstrap"), 1)


def test_paired_difference_cancels_what_images_share():
    brightness = stream(8, "test.paired").normal(30.0, 6.0, 50)
    wobble = np.tile([0.1, -0.1], 25)
    difference, error = paired_difference(brightness + 0.5 + wobble, brightness)
    # Sample standard deviation of 25 pairs of +-0.1 is 0.1 sqrt(50/49); over sqrt(50).
    assert_allclose([difference, error], [0.5, 0.1 / 7], rtol=1e-9)


def test_equal_infinite_scores_do_not_differ():
    assert_allclose(paired_difference([np.inf, 3.0], [np.inf, 2.0])[0], 0.5)
    assert_allclose(paired_difference([np.nan, 3.0], [1.0, 2.0])[0], 1.0)
    with pytest.raises(ValueError, match="must be of the same images"):
        paired_difference([1.0], [1.0, 2.0])

"""Streams depend on their key alone."""

import numpy as np
from numpy.testing import assert_allclose

from galrestore.rng import integer_seed, stream


def test_same_key_same_numbers():
    assert stream(1, "fit", 5).integers(2**62) == stream(1, "fit", 5).integers(2**62)


def test_every_part_of_the_key_matters():
    keys = [
        (1, "fit", 5),
        (2, "fit", 5),
        (1, "fat", 5),
        (1, "fit", 6),
        (1, "fit", 5, 0),
        (1, "fit"),
    ]
    numbers = {int(stream(*key).integers(2**62)) for key in keys}
    assert len(numbers) == len(keys)


def test_negative_and_large_ids_are_taken():
    numbers = {int(stream(1, "sky", i, -3).integers(2**62)) for i in (-1, 1, 2**62, -(2**62))}
    assert len(numbers) == 4


def test_moments():
    # 5-sigma bounds: se(mean) = s/sqrt(N), se(std) = s/sqrt(2N); N = 2**16.
    s, size = 3.0, 2**16
    x = stream(20240331, "degrade", 0).normal(0.0, s, size)
    assert_allclose(x.mean(), 0.0, atol=5 * s / np.sqrt(size))
    assert_allclose(x.std(), s, atol=5 * s / np.sqrt(2 * size))


def test_integer_seeds_fit_galsim_and_torch():
    seeds = [integer_seed(0, "render", i) for i in range(1000)]
    assert min(seeds) >= 1
    assert max(seeds) < 2**31
    assert len(set(seeds)) == 1000

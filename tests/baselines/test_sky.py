"""Sky of stamps with a galaxy in the middle."""

import numpy as np

from galrestore.baselines.sky import sky_level
from galrestore.rng import stream


def test_sky_of_a_stamp_with_a_galaxy():
    y, x = np.indices((65, 61)) - 32
    galaxy = 50 * np.exp(-0.5 * (x**2 + y**2) / 3**2)
    stamp = galaxy + stream(1, "sky").normal(7.0, 2.0, (65, 61))
    # The galaxy's wings between 0 and 3 sigma lift the median by some per cent of sigma.
    assert abs(sky_level(stamp) - 7) < 0.2


def test_a_flat_stamp_is_its_own_sky():
    assert sky_level(np.full((9, 11), 3.5)) == 3.5

"""Sky and noise of stamps with a galaxy in the middle."""

import numpy as np

from galrestore.baselines.sky import scaled_to_peak, sky_and_noise
from galrestore.rng import stream


def test_sky_and_noise_of_a_stamp_with_a_galaxy():
    y, x = np.indices((65, 61)) - 32
    galaxy = 50 * np.exp(-0.5 * (x**2 + y**2) / 3**2)
    stamp = galaxy + stream(1, "sky").normal(7.0, 2.0, (65, 61))
    sky, noise = sky_and_noise(stamp)
    # The galaxy's wings between 0 and 3 sigma lift the median by some per cent of sigma;
    # clipping at 3 sigma lowers the MAD by about 1 per cent; its error is 1.3 per cent.
    assert abs(sky - 7) < 0.2
    assert abs(noise - 2) < 0.12


def test_flat_stamp_has_no_noise():
    assert sky_and_noise(np.full((9, 11), 3.5)) == (3.5, 0.0)


def test_peak_becomes_one_and_an_empty_image_stays():
    image = np.array([[0.0, 4.0], [-2.0, 1.0]])
    assert scaled_to_peak(image).tolist() == [[0.0, 1.0], [-0.5, 0.25]]
    assert not scaled_to_peak(np.zeros((3, 3))).any()

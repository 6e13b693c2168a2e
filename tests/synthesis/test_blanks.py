"""Noise-only images have the mean and the noise asked for, whatever their company."""

import numpy as np
import pytest

from galrestore.synthesis.blanks import draw_blanks, draw_models

SHAPE = (64, 64)


def test_moments_are_those_asked_for():
    mean, sigma = np.array([0.1, 0.3, 0.2, 0.5]), np.array([0.01, 0.02, 0.05, 0.08])
    images = draw_blanks(mean, sigma, 2, SHAPE, seed=1)
    count = SHAPE[0] * SHAPE[1]
    # Five standard errors: sigma / sqrt(N) of the mean, sigma / sqrt(2 N) of the deviation.
    assert np.all(np.abs(images.mean(axis=(1, 2)) - mean) < 5 * sigma / np.sqrt(count))
    assert np.all(np.abs(images.std(axis=(1, 2)) - sigma) < 5 * sigma / np.sqrt(2 * count))


def test_seeds_differ_and_more_images_leave_the_first_alone():
    few = draw_blanks(np.zeros(4), np.ones(4), 2, SHAPE, seed=1)
    many = draw_blanks(np.zeros(6), np.ones(6), 2, SHAPE, seed=1)
    assert np.array_equal(few[:2], many[:2])  # seed 0
    assert np.array_equal(few[2:], many[3:5])  # seed 1
    # Independent white fields of 4,096 pixels correlate by less than five times 1 / 64.
    assert abs(np.corrcoef(few[0].ravel(), few[2].ravel())[0, 1]) < 5 / 64


def test_correlated_noise_keeps_its_correlation():
    correlation = np.array([[0.0, 0.2, 0.0], [0.2, 1.0, 0.2], [0.0, 0.2, 0.0]])
    image = draw_blanks(np.zeros(1), np.ones(1), 1, (256, 256), 1, correlation)[0]
    # The error of a correlation of 65,536 pixels is about 1 / 256.
    assert np.mean(image[1:] * image[:-1]) == pytest.approx(0.2, abs=5 / 256)


def test_models_are_drawn_from_all_images():
    rows = draw_models(7, 3, 100, seed=1)
    assert rows.shape == (300,)
    assert set(rows) == set(range(7))
    assert not np.array_equal(rows[:100], rows[100:200])


def test_without_training_images_there_is_nothing_to_copy():
    with pytest.raises(ValueError, match="there are none"):
        draw_models(0, 1, 1, seed=1)

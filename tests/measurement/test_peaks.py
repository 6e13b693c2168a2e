"""Peaks are found by their prominence, which closed forms give."""

import numpy as np
import pytest

from galrestore.measurement.peaks import find_peaks, unmatched
from galrestore.synthesis.stars import render_stars


def field(*stars):
    """Stars of FWHM 4 pixels: row, column, peak."""
    image = np.zeros((40, 40))
    for row, column, peak in stars:
        star = render_stars(np.array([column]), np.array([row]), np.array([4.0]), 40)[0]
        image += peak * star / star.max()
    return image


def test_planted_peaks_are_found_where_they_are():
    image = field((10, 10, 1.0), (30, 12, 0.5), (20, 33, 0.2))
    assert find_peaks(image, 0.1).tolist() == [[10, 10], [20, 33], [30, 12]]
    # Far apart, a peak is as prominent as it is high; its neighbours add less than 1e-6.
    assert find_peaks(image, 0.3).tolist() == [[10, 10], [30, 12]]
    assert find_peaks(image, 0.49).tolist() == [[10, 10], [30, 12]]
    assert find_peaks(image, 0.51).tolist() == [[10, 10]]


def test_prominence_counts_from_the_saddle():
    # A ridge of 1, a saddle of 0.7 and a ridge of 0.9: the second is 0.2 prominent.
    line = np.array([0.0, 1.0, 0.8, 0.7, 0.85, 0.9, 0.0])
    image = np.outer(np.array([0, 0.1, 1, 0.1, 0]), line)
    assert find_peaks(image, 0.19).tolist() == [[2, 1], [2, 5]]
    assert find_peaks(image, 0.21).tolist() == [[2, 1]]


def test_a_flat_frame_has_no_peaks():
    assert find_peaks(np.full((9, 9), 3.0), 0.1).shape == (0, 2)


@pytest.mark.parametrize(("distance", "alone"), [(1.9, [True, True]), (2.0, [False, True])])
def test_peaks_match_within_the_distance(distance, alone):
    found = unmatched(np.array([[10, 10], [5, 30]]), np.array([[10, 12], [5, 20]]), distance)
    assert found.tolist() == alone


def test_nothing_matches_nothing():
    assert unmatched(np.array([[1, 1]]), np.zeros((0, 2)), 5.0).tolist() == [True]
    assert unmatched(np.zeros((0, 2)), np.array([[1, 1]]), 5.0).tolist() == []

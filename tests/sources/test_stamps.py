"""Stamps: the source's pixel stays at index size // 2, blanks are filled, cuts found."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.sources import stamps


def numbered(height, width):
    return np.arange(height * width, dtype=np.float32).reshape(height, width)


@pytest.mark.parametrize("width", [10, 12, 64])
def test_source_pixel_lands_on_half_the_width(width):
    image = numbered(151, 173)
    x, y = 80.49, 77.5  # rounds to column 80 and row 78
    stamp = stamps.cut(image, stamps.corner(y, width), stamps.corner(x, width), width, np.nan)
    assert stamp.shape == (width, width)
    assert stamp[width // 2, width // 2] == image[78, 80]


def test_beyond_the_image_is_blank():
    stamp = stamps.cut(numbered(9, 11), -3, 8, 6, np.nan)
    assert_array_equal(np.isfinite(stamp), np.outer([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]))
    assert_array_equal(stamp[3:, :3], numbered(9, 11)[:3, 8:])
    assert np.isnan(stamps.cut(numbered(9, 11), 20, 0, 4, np.nan)).all()


@pytest.mark.parametrize("size", [8, 16, 30])
def test_resizing_keeps_the_source_pixel(size):
    stamp = numbered(16, 16)
    resized = stamps.resized(stamp, size)
    assert resized.shape == (size, size)
    assert resized[size // 2, size // 2] == stamp[8, 8]
    assert np.isfinite(resized).sum() == min(size, 16) ** 2
    assert stamps.resized(np.ones((16, 16), np.int32), size).sum() == min(size, 16) ** 2


def test_padding_has_the_level_and_noise_of_the_sky():
    stamp = stamps.resized(np.full((10, 10), 99, np.float32), 64)
    filled = stamps.fill(stamp, 5.0, 0.25, 1, 7)
    inner = np.isfinite(stamp)
    assert_array_equal(filled[inner], 99)
    padding = filled[~inner]
    # 5-sigma bounds for N = 3996.
    assert_allclose(padding.mean(), 5, atol=5 * 0.25 / np.sqrt(padding.size))
    assert_allclose(padding.std(), 0.25, rtol=5 / np.sqrt(2 * padding.size))


def test_padding_is_keyed_by_seed_and_object():
    stamp = np.full((6, 6), np.nan, np.float32)
    first = stamps.fill(stamp, 0, 1, 1, 7)
    assert_array_equal(first, stamps.fill(stamp, 0, 1, 1, 7))
    assert (first != stamps.fill(stamp, 0, 1, 1, 8)).all()
    assert (first != stamps.fill(stamp, 0, 1, 2, 7)).all()


def test_truncation_by_light_in_the_ring():
    data, segments = np.zeros((64, 64)), np.zeros((64, 64), int)
    segments[20:40, 20:40] = 1
    assert not stamps.is_truncated(data, segments, 1, 1.0, 3.0)
    # The ring has 64^2 - 60^2 = 496 pixels: 3 sigma are 66.8.
    data[0, :] = 66.7 / 64
    assert not stamps.is_truncated(data, segments, 1, 1.0, 3.0)
    data[0, :] = 66.9 / 64
    assert stamps.is_truncated(data, segments, 1, 1.0, 3.0)
    segments[0, :] = 2  # the light is a neighbour's
    assert not stamps.is_truncated(data, segments, 1, 1.0, 3.0)


def test_truncation_by_a_segment_at_the_edge():
    data, segments = np.zeros((20, 20)), np.zeros((20, 20), int)
    segments[5:19, 8] = 1
    assert not stamps.is_truncated(data, segments, 1, 1.0, 3.0)
    segments[19, 8] = 1
    assert stamps.is_truncated(data, segments, 1, 1.0, 3.0)


def test_cube_of_different_widths():
    cube = stamps.assemble([np.ones((10, 10), np.float32), np.ones((14, 14), np.float32)])
    assert cube.shape == (2, 14, 14)
    assert np.isnan(cube[0]).sum() == 14**2 - 10**2
    assert cube[0, 7, 7] == 1
    assert stamps.assemble([]).shape == (0, 2, 2)
    assert stamps.assemble([], 64).shape == (0, 64, 64)

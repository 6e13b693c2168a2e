"""Stamps: the source's pixel stays at index size // 2, blanks are filled, cuts found."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

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

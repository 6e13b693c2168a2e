"""Deblending: its random numbers, and the order in which it links pixels."""

import ctypes
import ctypes.util

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from galrestore.sources import deblending

STATE = 31


def draws(count):
    stream = deblending.fresh_stream()
    words, place = [int(word) for word in stream[:STATE]], int(stream[STATE])
    numbers = []
    for _ in range(count):
        words[place] = (words[place] + words[(place + 28) % STATE]) % 2**32
        numbers.append(words[place] >> 1)
        place = (place + 1) % STATE
    return numbers


def test_stream_begins_as_published():
    # The first numbers of rand() of the GNU C library without a seed, quoted everywhere.
    assert draws(3) == [1804289383, 846930886, 1681692777]


def test_stream_is_that_of_the_c_library(need):
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    if not hasattr(library, "gnu_get_libc_version"):
        need("rand() is tested against the GNU C library")
    library.srand(1)
    assert draws(1000) == [library.rand() for _ in range(1000)]


def linked(rows):
    """Link the pixels of a picture of '#', as (row, column)."""
    stride = len(rows[0]) + 2
    pixels = [
        (y + 1) * stride + x + 1
        for y, row in enumerate(rows)
        for x, mark in enumerate(row)
        if mark == "#"
    ]
    following = np.full((len(rows) + 2) * stride, -1, dtype=np.int64)
    place = deblending._link(np.array(pixels, dtype=np.int64), stride, following)
    order = []
    while place >= 0:
        order.append((place // stride - 1, place % stride - 1))
        place = following[place]
    return order


def test_pixels_are_linked_when_a_row_meets_the_one_above():
    # The second row begins on its own, and one pixel later meets the first.
    assert linked([".##.", "####", ".##."]) == [
        (1, 0),
        *((0, 1), (0, 2)),
        *((1, 1), (1, 2), (1, 3)),
        *((2, 1), (2, 2)),
    ]


def test_the_arms_of_a_u_are_linked_where_they_meet():
    # The left arm first, with what the row below adds until it meets the right one.
    assert linked(["#.#", "#.#", "###"]) == [
        *((0, 0), (1, 0), (2, 0), (2, 1)),
        *((0, 2), (1, 2), (2, 2)),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_pixel_is_linked_once(seed):
    # A random walk is connected, and has holes and arms.
    steps = np.random.default_rng(seed).integers(-1, 2, (200, 2))
    y, x = np.cumsum(steps, axis=0).T
    image = np.zeros((np.ptp(y) + 1, np.ptp(x) + 1), bool)
    image[y - y.min(), x - x.min()] = True
    order = linked(["".join("#" if pixel else "." for pixel in row) for row in image])
    assert_array_equal(sorted(order), np.argwhere(image))


def test_heap_of_the_brightest_pixels():
    def height(*values):
        heap = np.zeros(5, np.float32)
        for count, value in enumerate(values):
            deblending._feed(heap, count, np.float32(value))
        return heap[0]

    assert height(3, 1, 2, 5, 4) == 3  # five pixels: the first one's
    assert height(3, 1, 2, 5, 4, 9) == 1  # the sixth sorts them, and is passed over
    assert height(3, 1, 2, 5, 4, 9, 6) == 2
    assert height(3, 1, 2, 5, 4, 9, 0) == 1

"""Tiles cover a mosaic once."""

import numpy as np
import pytest

from galrestore.sources.tiles import grown, tiles


@pytest.mark.parametrize("shape", [(1, 1), (257, 613), (1000, 99)])
@pytest.mark.parametrize("side", [64, 256, 5000])
def test_each_pixel_lies_in_one_core(shape, side):
    hits = np.zeros(shape, int)
    for y0, y1, x0, x1 in tiles(shape, side):
        hits[y0:y1, x0:x1] += 1
        assert max(y1 - y0, x1 - x0) <= 1.25 * side
    assert (hits == 1).all()


def test_margins_end_with_the_mosaic():
    assert grown((0, 10, 90, 95), 7, (50, 100)) == (0, 17, 83, 100)

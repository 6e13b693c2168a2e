"""Tiles cover a mosaic once."""

import numpy as np
import pytest

from galrestore.sources.tiles import grown, tiles


@pytest.mark.parametrize("shape", [(1, 1), (257, 613), (1000, 99), (3, 9000)])
@pytest.mark.parametrize("side", [64, 256, 5000])
def test_each_pixel_lies_in_one_core(shape, side):
    hits = np.zeros(shape, int)
    below = 0
    for y0, y1, x0, x1 in tiles(shape, side):
        assert y0 == below  # from top to bottom
        below = y1
        hits[y0:y1, x0:x1] += 1
        # Half as many again, and a quarter more for pieces of equal size; or a row.
        assert (y1 - y0) * (x1 - x0) <= max(1.5 * 1.25 * side**2, shape[1])
    assert (hits == 1).all()


def test_margins_end_with_the_mosaic():
    assert grown((0, 10, 90, 95), 7, (50, 100)) == (0, 17, 83, 100)

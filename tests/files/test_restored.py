"""Scratch cubes."""

import numpy as np
import pytest

from galrestore.files.restored import scratch_cube


@pytest.mark.parametrize("count", [0, 3])
def test_scratch_cubes_hold_what_is_written_and_leave_no_file(tmp_path, count):
    folder = tmp_path / "new"
    cube = scratch_cube(folder, count, 4)
    assert cube.shape == (count, 4, 4)
    cube[:] = 1.5
    assert np.array_equal(cube, np.full((count, 4, 4), 1.5))
    assert list(folder.iterdir()) == []

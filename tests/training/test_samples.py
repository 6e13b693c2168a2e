"""Strips of samples: where each image lies, and which stamps are shown."""

import numpy as np
import pytest
from PIL import Image

from galrestore.training.pairs import Pairs
from galrestore.training.samples import Samples

SHAPE = (8, 10)


def _pairs(count):
    images = np.zeros((count, *SHAPE), dtype=np.float32)
    images[:, 0, 0] = 1  # the first pixel of the bottom row
    return Pairs(images, 1 - images, "validation")


def test_a_strip_shows_lq_rs_gt_with_the_bottom_row_below(tmp_path):
    pairs = _pairs(3)
    grey = np.full_like(pairs.lq, 0.05)
    Samples(tmp_path, 2, 1).write(7, grey, pairs)
    strip = np.asarray(Image.open(tmp_path / "step_0000007.png").convert("L"))
    # Twice the pixels and a gap of 4 behind each: 2 rows of 8, 3 columns of 10.
    assert strip.shape == (2 * (16 + 4), 3 * (20 + 4))
    lq, rs, gt = (strip[:20, 24 * k : 24 * k + 24] for k in range(3))
    assert lq[-1, 0] == 255
    assert lq[-1, 2] == 0
    assert gt[-1, 0] == 0
    # asinh(0.05 / 0.05) / asinh(1 / 0.05) = 0.239 of 256 levels; grey is rounded down twice.
    assert rs[10, 5] == pytest.approx(0.239 * 256, abs=2)
    assert (lq[:4] == 255).all()  # the gap, above as y points upwards


def test_the_seed_chooses_the_stamps(tmp_path):
    pairs = _pairs(30)
    values = np.linspace(0, 1, 30, dtype=np.float32)
    restored = np.ones_like(pairs.lq) * values[:, None, None]
    strips = []
    for seed in (1, 1, 2):
        Samples(tmp_path, 4, seed).write(1, restored, pairs)
        strips.append((tmp_path / "step_0000001.png").read_bytes())
    assert strips[0] == strips[1] != strips[2]


def test_no_stamps_no_file(tmp_path):
    Samples(tmp_path / "none", 0, 1).write(1, _pairs(2).lq, _pairs(2))
    assert not (tmp_path / "none").exists()

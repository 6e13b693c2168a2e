"""Errors off the source, and their averages by kernel."""

import numpy as np
import pandas as pd
import pytest

from galrestore.measurement.drizzling import outskirts, summarise_drizzling
from galrestore.rng import stream
from galrestore.synthesis.stars import render_stars

TRUTH = render_stars(np.full(2, 32.0), np.full(2, 32.0), np.array([6.0, 9.0]), 64)
TRUTH /= TRUTH.max(axis=(1, 2), keepdims=True)


def test_a_perfect_image_has_no_error_off_the_source():
    assert outskirts(5 * TRUTH - 2, TRUTH) == pytest.approx([0, 0], abs=1e-12)


def test_noise_off_the_source_is_measured():
    noise = 0.002 * stream(1, "test.drizzling").standard_normal(TRUTH.shape)
    # The match shrinks the image by the noise's share of its power, 4096 x 4e-6 of pi sigma^2
    # = 20, or 0.1 %; the rest is five times the error 1 / sqrt(2 N) of some 3,500 pixels.
    assert outskirts(TRUTH + noise, TRUTH) == pytest.approx([0.002, 0.002], rel=0.06)


def test_means_by_method_and_kernel():
    table = pd.DataFrame({"kernel": ["white", "square"] * 3, "method": "m", "noise": 0.05})
    table["noise_sigma"], table["white_sigma"] = [0.3, 0.2] * 3, 0.3
    for name in ("lag_1", "lag_2", "lag_3", "residual", "outskirts", "false_peaks"):
        table[name] = [0.0, 1.0, 0.0, 2.0, 0.0, 3.0]
    summary = summarise_drizzling(table).set_index("kernel")
    assert summary["n"].tolist() == [3, 3]
    assert summary.loc["square", "rms_ratio"] == pytest.approx(2 / 3)
    # 1, 2, 3: mean 2, standard deviation 1, its error 1 / sqrt(3).
    assert summary.loc["square", ["lag_1", "lag_1_error"]].tolist() == pytest.approx(
        [2, 1 / np.sqrt(3)]
    )
    # 1, 2, 3 against 0, 0, 0 of the same galaxies.
    assert summary.loc["square", "residual_to_white"] == 2
    assert summary.loc["white", ["residual_to_white", "outskirts_to_white_error"]].tolist() == [
        0,
        0,
    ]

"""Statistics of blanks are those of the noise, and planted sources are counted."""

import numpy as np
import pandas as pd
import pytest

from galrestore.measurement.blanks import count_sources, measure_blanks, summarise_blanks
from galrestore.synthesis.blanks import draw_blanks
from galrestore.synthesis.stars import render_stars

MEAN, SIGMA = np.full(6, 0.2), np.repeat([0.01, 0.02, 0.05], 2)
NOISE = draw_blanks(MEAN, SIGMA, 2, (64, 64), seed=1)


def test_identity_restoration_keeps_all_statistics():
    columns = measure_blanks(NOISE, NOISE)
    for name in ("mean", "std"):
        assert np.array_equal(columns[f"rs_{name}"], columns[f"lq_{name}"])
    # Five standard errors of 4,096 pixels.
    assert np.all(np.abs(columns["lq_mean"] - MEAN) < 5 * SIGMA / 64)
    assert np.all(np.abs(columns["lq_std"] / SIGMA - 1) < 5 / np.sqrt(2 * 4096))
    # The highest of 4,096 Gaussian numbers is above 3 sigma but for a chance of 0.4 %, and
    # below 5.5 but for one of 8e-5.
    assert np.all((columns["rs_peak"] > 3) & (columns["rs_peak"] < 5.5))


def test_a_constant_has_no_sources_and_no_scatter():
    columns = measure_blanks(NOISE, np.full_like(NOISE, 0.1))
    # The mean of 4,096 times 0.1 is 0.1 to rounding.
    assert np.abs(columns["rs_std"]).max() < 1e-12
    assert not columns["rs_sources"].any()
    assert not columns["rs_sources_own"].any()


def test_planted_sources_are_counted():
    # A star of FWHM 3 has a variance of 1.71 with the pixel; the filter adds 1/2 to it, so a
    # peak of 0.1 becomes 0.077, and 2 pi 2.21 ln(0.077 / t) pixels are above a threshold t:
    # 23 for 1.5 x 0.01, 13 for 1.5 x 0.02, less than one, not five, for 1.5 x 0.05.
    centres = np.array([12.0, 30.0, 50.0])
    star = render_stars(centres, centres[::-1], np.full(3, 3.0), 64).sum(axis=0)
    planted = np.full((3, 64, 64), 0.2) + 0.1 * star / star.max()
    counts = count_sources(planted, np.full(3, 0.2), np.array([0.01, 0.02, 0.05]))
    assert counts.tolist() == [3, 3, 0]


def test_summary_counts_every_image_once_by_seed_and_by_noise():
    table = pd.DataFrame(measure_blanks(NOISE, NOISE / 2))
    table["id"], table["method"], table["set"] = np.arange(6), "half", "blanks"
    table["seed_index"], table["sigma"] = [0, 0, 0, 1, 1, 1], SIGMA
    summary = summarise_blanks(table)
    assert summary.groupby("by")["n"].sum().to_dict() == {"all": 6, "noise": 6, "seed": 6}
    every = summary[summary["by"] == "all"].iloc[0]
    assert every["rs_std"] == pytest.approx(every["lq_std"] / 2)
    assert every["rs_mean"] == pytest.approx(every["lq_mean"] / 2)
    levels = summary[summary["by"] == "noise"]["sigma"]
    assert levels.is_monotonic_increasing


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="two equal cubes"):
        measure_blanks(NOISE, NOISE[:2])

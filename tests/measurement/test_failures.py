"""Failures made on purpose are found, counted and picked; a perfect image has none."""

import numpy as np
import pandas as pd
import pytest

from galrestore.measurement.failure_summary import rates_by_noise, rates_of_false_peaks
from galrestore.measurement.failures import (
    KINDS,
    Limits,
    central_object,
    compare,
    failure_rates,
    pick_failures,
    second_moments,
)
from galrestore.measurement.false_peaks import EDGES, excess_beneath, tally
from galrestore.rng import stream
from galrestore.synthesis.degradation import degrade, gaussian_kernel

LIMITS = Limits(
    wrong_angle=20.0,
    elongated=0.15,
    too_round=0.3,
    lost_structure=0.25,
    prominence=0.05,
    distance=2.0,
)
Y, X = np.indices((64, 64)) - 32.0


def gaussian(a, b, degrees, row=0.0, column=0.0):
    """Elliptical Gaussian of peak 1, semi-axes a and b as standard deviations [pixel]."""
    angle = np.deg2rad(degrees)
    along = (X - column) * np.cos(angle) + (Y - row) * np.sin(angle)
    across = (Y - row) * np.cos(angle) - (X - column) * np.sin(angle)
    return np.exp(-0.5 * ((along / a) ** 2 + (across / b) ** 2))


def judged(restored, truth):
    table, false = compare(restored[None], restored[None], truth[None], LIMITS)
    return table.iloc[0], false


@pytest.mark.parametrize("degrees", [0, 30, 90, 155])
def test_moments_of_a_gaussian(degrees):
    image = gaussian(6.0, 3.0, degrees)[None]
    everywhere = np.ones(image.shape, dtype=bool)
    ellipticity, angle = second_moments(image, np.zeros(1), everywhere)
    # Moments of the whole plane are a^2 and b^2; beyond 32 pixels lie 1e-7 of the light.
    assert ellipticity[0] == pytest.approx(1 / 3, abs=1e-5)
    assert angle[0] == pytest.approx(degrees, abs=1e-3)


def test_moments_of_darkness():
    ellipticity, angle = second_moments(np.zeros((1, 9, 9)), np.ones(1), np.ones((1, 9, 9), bool))
    assert np.isnan([ellipticity[0], angle[0]]).all()


def test_the_central_object_is_kept():
    mask = np.zeros((2, 20, 20), dtype=bool)
    mask[0, 9:12, 9:12] = mask[0, 0:4, 0:4] = True
    assert central_object(mask).sum(axis=(1, 2)).tolist() == [9, 0]


def test_a_perfect_restoration_has_no_failure():
    truth = gaussian(6, 3, 40) + gaussian(2, 2, 0, 9, 9)
    row, false = judged(3 * truth + 2, truth)
    assert [row[f"{kind}_excess"] for kind in KINDS] == pytest.approx([0] * 4, abs=1e-6)
    assert (row["peaks"], row["false_peaks"], len(false)) == (2, 0, 0)
    assert row["e_rs"] == pytest.approx(row["e_gt"])


def test_a_turned_galaxy_has_a_wrong_angle():
    row, _ = judged(gaussian(6, 3, 70), gaussian(6, 3, 40))
    # 30 degrees of 20; the pixels of GT's object pull the moments of RS back a little.
    assert 1.2 < row["wrong_angle_excess"] <= 1.5
    row, _ = judged(gaussian(6, 3, 178), gaussian(6, 3, 2))
    # 4 degrees of 20, pulled back likewise; without the wrap at 180 it were 176.
    assert 0.8 * 4 / 20 < row["wrong_angle_excess"] <= 4 / 20


def test_a_round_galaxy_has_neither_angle_nor_ellipticity_to_lose():
    row, _ = judged(gaussian(4, 4, 0), gaussian(4.2, 4, 0))
    assert np.isnan([row["wrong_angle_excess"], row["too_round_excess"]]).all()


def test_a_rounded_galaxy_is_too_round():
    row, _ = judged(gaussian(4.5, 4.5, 0), gaussian(6, 3, 40))
    assert row["too_round_excess"] > 1
    assert row["lost_structure_excess"] > 1  # and much of its light is elsewhere


def test_a_merged_pair_loses_a_peak():
    truth = gaussian(2, 2, 0) + 0.6 * gaussian(2, 2, 0, 0, 8)
    row, _ = judged(gaussian(5, 2.5, 0, 0, 3), truth)
    assert (row["peaks"], row["lost_peaks"]) == (2, 2)  # the one that is left lies in between
    row, _ = judged(gaussian(2, 2, 0), truth)
    assert (row["peaks"], row["lost_peaks"], row["lost_peak_excess"]) == (2, 1, 1)


@pytest.mark.parametrize("planted", [0, 1, 3])
def test_planted_false_peaks_are_counted(planted):
    truth = gaussian(4, 3, 20)
    places = [(-20, -20), (18, -5), (5, 22)][:planted]
    extra = sum((0.2 * gaussian(1.5, 1.5, 0, *place) for place in places), np.zeros((64, 64)))
    row, false = judged(truth + extra, truth)
    assert row["false_peaks"] == planted
    found = sorted(zip(false["row"] - 32, false["column"] - 32, strict=True))
    assert found == sorted(places)
    # The affine match cannot undo them: their height stays within the share of their light.
    assert np.allclose(false["height"], 0.2, atol=0.02)


def test_peaks_below_the_noise_of_gt_do_not_count():
    noise = 0.01 * stream(1, "test.failures").standard_normal((64, 64))
    truth = gaussian(4, 3, 20) + noise
    # Six times 0.01 is more than the 0.055 planted; 0.2 is more than that.
    for height, count in ((0.055, 0), (0.2, 1)):
        row, _ = judged(gaussian(4, 3, 20) + height * gaussian(1.5, 1.5, 0, 20, 20), truth)
        assert row["false_peaks"] == count


def failing():
    """Ten images of two classes: three of the first fail by structure, all of the second."""
    table = pd.DataFrame({f"{kind}_excess": np.full(10, 0.5) for kind in KINDS})
    table["noise"], table["false_peaks"] = np.repeat([0.02, 0.1], 5), [0] * 5 + [2, 0, 1, 0, 0]
    table.loc[[1, 2, 4, 5, 6, 7, 8, 9], "lost_structure_excess"] = [1.0, 2, 3, 1, 1, 1, 9, 1]
    table.loc[:3, "too_round_excess"] = np.nan
    table.loc[8, "too_round_excess"] = 2.0
    return table


def test_rates_count_what_applies():
    rates = failure_rates(failing(), np.repeat([0, 1], 5)).set_index(["class_index", "kind"])
    assert rates.loc[(0, "lost_structure"), ["images", "failed"]].tolist() == [5, 3]
    assert rates.loc[(0, "too_round"), ["images", "failed"]].tolist() == [1, 0]
    assert rates.loc[(1, "any"), "rate"] == 1
    assert rates.loc[(1, "false_peak"), ["failed", "events"]].tolist() == [2, 3]
    # Wilson's interval of 3 of 5 at z = 1: (0.6 + 0.1 +- sqrt(0.24 / 5 + 0.01)) / 1.2.
    assert rates.loc[(0, "lost_structure"), "low"] == pytest.approx(0.38264, abs=2e-4)
    assert rates.loc[(0, "lost_structure"), "high"] == pytest.approx(0.78403, abs=2e-4)


def test_the_worst_of_each_kind_is_picked_once():
    assert pick_failures(failing()) == {"lost_structure": 8}
    table = failing()
    table.loc[3, "wrong_angle_excess"] = 1.5
    table.loc[8, "lost_peak_excess"] = 2.0  # taken already
    assert pick_failures(table) == {"lost_structure": 8, "wrong_angle": 3}


def test_classes_are_rungs_or_steps_of_noise():
    table = failing().assign(method="m", set="jwst", rung=-1)
    rates = rates_by_noise(pd.concat([table, table.assign(set="ladder", rung=7)]))
    classes = rates.groupby("set")["class_index"].unique()
    assert [list(classes["jwst"]), list(classes["ladder"])] == [[1, 5], [7]]


@pytest.fixture(scope="module")
def pairs():
    truth = np.stack([gaussian(4, 3, 20), gaussian(3, 2, 90)])
    kernel = gaussian_kernel(1.88, 7)
    made = degrade(truth, np.array([5, 9]), np.array([0.05, 0.1]), kernel, seed=3)
    return made, kernel


def test_noise_beneath_is_the_noise_that_was_added(pairs):
    (truth, low, columns), kernel = pairs
    excess = excess_beneath(low, truth, columns, kernel)
    assert excess.std(axis=(1, 2)) == pytest.approx([1, 1], abs=1e-6)
    # Gaussian: 2.3 per cent of 8,192 pixels above 2 sigma; neighbours share noise, so that
    # only a ninth of them are independent, and the error is 0.005.
    assert np.mean(excess > 2) == pytest.approx(0.0228, abs=0.015)


def test_without_noise_nothing_lies_beneath():
    truth = gaussian(4, 3, 20)[None]
    scales = {"gt_min": [0], "gt_max": [1], "lq_min": [0], "lq_max": [1]}
    kernel = np.array([0.0, 1.0, 0.0])
    assert np.abs(excess_beneath(truth, truth, scales, kernel)).max() == 0


def test_tally_counts_every_pixel_and_peak():
    excess = np.zeros((1, 8, 8))
    excess[0, 2, 3], excess[0, 5, 5] = 2.5, -7
    false = pd.DataFrame({"image": [0, 0], "row": [2, 5], "column": [3, 5]})
    counts = tally(excess, false)
    assert counts["pixels"].tolist() == [1, 0, 62, 0, 1, 0, 0]
    assert counts["false_peaks"].tolist() == [1, 0, 0, 0, 1, 0, 0]
    assert counts["excess_low"].tolist() == EDGES[:-1].tolist()


def test_rates_of_false_peaks_have_poisson_intervals():
    table = pd.DataFrame({"pixels": [2_000_000, 1_000_000, 0], "false_peaks": [4, 0, 0]})
    rates = rates_of_false_peaks(table)
    assert rates["rate"].tolist()[:2] == [2, 0]
    # Gehrels' 84 per cent upper limits of 4 and 0 events: 7.163 and 1.841.
    assert rates["high"].tolist()[:2] == pytest.approx([7.163 / 2, 1.841], abs=2e-3)
    assert np.isnan(rates["rate"].iloc[2])

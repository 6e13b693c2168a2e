"""Agreement with the truth against closed forms, SciPy and astropy; bootstrap errors too."""

import numpy as np
import pytest
from astropy.stats import sigma_clip
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import linregress, median_abs_deviation

from galrestore.measurement.comparison import SCATTERS, STATISTICS, agreement, compare
from galrestore.rng import stream


def keyed(key):
    """Return the streams of the resamplings."""
    return lambda image: stream(8, f"{key}.{image}")


def sample(count, scatter=0.5, slope=0.8, bias=0.2, key=0):
    """Return truth of unit variance, and values of known slope, bias and scatter."""
    rng = stream(8, "test.comparison", key)
    truth = rng.normal(size=count)
    return slope * truth + bias + scatter * rng.normal(size=count), truth


def test_statistics_are_those_of_scipy_and_astropy():
    values, truth = sample(500)
    values[:5] += 20  # for the clipping to have something to do
    found = agreement(values, truth)
    line = linregress(truth, values)
    assert_allclose([found["pearson"], found["slope"]], [line.rvalue, line.slope], rtol=1e-12)
    difference = values - truth
    assert_allclose(found["rmse"], np.sqrt(np.mean(difference**2)), rtol=1e-14)
    # 1.4826 is SciPy's "normal" scale to four digits.
    assert_allclose(found["mad"], median_abs_deviation(difference, scale="normal"), rtol=1e-5)
    clipped = sigma_clip(difference, sigma=3, maxiters=None, cenfunc="mean", stdfunc="std")
    assert_allclose(found["clipped"], clipped.compressed().std(), rtol=1e-12)
    assert_allclose([found["bias"], found["mean_bias"]], [np.median(difference), difference.mean()])


def test_lines_of_many_samples_are_those_of_each():
    pairs = [sample(200, key=key) for key in range(7)]
    values, truth = (np.array(part).reshape(7, 1, 200) for part in zip(*pairs, strict=True))
    together = agreement(values, truth)
    for k, pair in enumerate(pairs):
        for name, value in agreement(*pair).items():
            assert_allclose(together[name][k, 0], value, rtol=1e-12, err_msg=name)


def test_the_truth_itself_agrees_perfectly():
    _, truth = sample(50)
    row = compare({"LQ": truth + 0.1, "RS": truth}, truth, keyed("b"), 20).iloc[1]
    assert row["pearson"] == pytest.approx(1, abs=1e-15)
    assert [row[name] for name in SCATTERS] == [0, 0, 0]
    assert row["bias"] == 0
    assert row["slope"] == pytest.approx(1, abs=1e-15)
    assert row["rmse_ratio"] == np.inf


def test_the_reference_itself_gains_nothing():
    values, truth = sample(80)
    table = compare({"LQ": values, "RS": values.copy()}, truth, keyed("b"), 20)
    for name in STATISTICS:
        assert table[name][0] == table[name][1]
    for name in SCATTERS:
        assert table[f"{name}_ratio"].tolist() == [1, 1]
        assert table[f"{name}_ratio_error"].tolist() == [0, 0]


def test_bootstrap_errors_are_those_of_normal_theory():
    # Values of unit slope and scatter s about a truth of unit variance: standard errors
    # of large samples, with N = 2,000 and 1,000 resamplings.
    count, s = 2000, 0.5
    values, truth = sample(count, scatter=s, slope=1.0)
    low = truth + 2 * s * stream(8, "test.low").normal(size=count)
    row = compare({"LQ": low, "RS": values}, truth, keyed("test.boot"), 1000).iloc[1]
    root, r = np.sqrt(count), 1 / np.sqrt(1 + s**2)
    expected = {
        "mean_bias": s / root,
        "bias": np.sqrt(np.pi / 2) * s / root,
        "slope": s / root,
        "pearson": (1 - r**2) / root,
        # Of mean squares about equality, mean 0.2: var(d^2) = 2 s^4 + 4 s^2 b^2.
        "rmse": np.sqrt(2 * s**4 + 4 * s**2 * 0.04) / (2 * np.sqrt(s**2 + 0.04)) / root,
        # Median absolute deviations are 37% efficient (Rousseeuw & Croux 1993).
        "mad": s / np.sqrt(2 * 0.3675) / root,
    }
    for name, error in expected.items():
        # A standard deviation of 1,000 draws errs by 2.2%. The sample's own moments add, of the
        # error: of second order 1 / sqrt(2 N) = 1.6%, of fourth order sqrt(96) / (6 sqrt(N)) =
        # 3.7%, of 1 - r^2 another 2 r / sqrt(N) = 4%; the density at a median about 7%. Times 4.
        rtol = {"rmse": 0.17, "pearson": 0.24, "bias": 0.3, "mad": 0.3}.get(name, 0.11)
        assert_allclose(row[f"{name}_error"], error, rtol=rtol, err_msg=name)
    # Independent scatters of 2 s and s: the log of the ratio of rms about the mean has the
    # variance of two logs, 2 x 1 / (2 N); of mads, 2 x 1.361 / N.
    assert_allclose(row["mad_ratio"], 2.0, atol=5 * 2 * np.sqrt(2 * 1.361 / count))
    assert_allclose(row["mad_ratio_error"], 2 * np.sqrt(2 * 1.361 / count), rtol=0.3)


def test_values_of_one_object_stay_together():
    # K copies of each object's value tell no more than one: the same errors, not smaller
    # ones by sqrt(K).
    values, truth = sample(300)
    copies = [np.repeat(array[:, None], 9, axis=1) for array in (values, truth)]
    alone = compare({"LQ": values}, truth, keyed("test.together"), 100)
    together = compare({"LQ": copies[0]}, copies[1], keyed("test.together"), 100)
    for name in ("rmse", "mean_bias", "slope", "pearson"):
        assert_allclose(together[name], alone[name], rtol=1e-12)
        assert_allclose(together[f"{name}_error"], alone[f"{name}_error"], rtol=1e-9)


def test_each_row_is_of_the_objects_that_it_and_the_reference_have():
    values, truth = sample(60)
    holes = values.copy()
    holes[:10] = np.nan
    low, truth_holes = values.copy(), truth.copy()
    low[50:], truth_holes[40] = np.nan, np.nan
    table = compare({"LQ": low, "RS": holes, "no": values * np.nan}, truth_holes, keyed("b"), 9)
    assert table["count"].tolist() == [49, 39, 0]
    both = np.r_[10:40, 41:50]
    assert table["rmse"][1] == pytest.approx(np.sqrt(np.mean((values - truth)[both] ** 2)))
    assert np.isnan(table["rmse"][2])
    assert_array_equal(table["rmse_ratio"][:2], 1.0)


def test_too_few_resamplings():
    with pytest.raises(ValueError, match="draws must be 2 or more, got 1"):
        compare({"LQ": np.zeros(5)}, np.zeros(5), keyed("b"), 1)

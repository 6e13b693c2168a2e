"""Calibration: known biases and scatters come back bin by bin; what cannot be measured counts."""

import numpy as np
import pandas as pd
import pytest

from galrestore.files.contracts.calibration import CALIBRATION
from galrestore.files.contracts.shapes import SHAPES
from galrestore.measurement.calibration import calibrate, properties, relative_errors
from galrestore.measurement.calibration_markdown import render_calibration

PER_BIN, BINS = 101, 4
COUNT = PER_BIN * BINS
# Deviates with median 0 and median absolute value 1, the same in each bin.
DEVIATES = np.tile(np.linspace(-2, 2, PER_BIN), BINS)
WHITE = np.zeros(COUNT)


@pytest.fixture
def objects():
    """Noise rises by bin; LQ's bias and scatter rise with it, RS has half of both."""
    number = np.repeat(np.arange(BINS), PER_BIN)
    noise = 0.01 + 0.001 * np.arange(COUNT)
    error = 0.1 * (number + 1) * (1 + DEVIATES)
    frames = []
    for image, factor in (("GT", 0.0), ("LQ", 1.0), ("LQ + PSF", 2.0), ("net", 0.5)):
        frame = pd.DataFrame({column.name: [1.0] * COUNT for column in SHAPES})
        for name, truth in (("n", 2.0), ("r50", 4.0), ("flux_aperture", 9.0), ("flux_isophote", 8)):
            frame[name] = truth * (1 + factor * error)
        frame["noise"], frame["scale"], frame["area_aperture"] = noise, 3.0, 25
        frames.append(frame.assign(image=image, set="jwst", failure=""))
    return pd.concat(frames, ignore_index=True)


def table_of(objects, correlation=WHITE, bins=BINS):
    return calibrate(objects, correlation, ["net", "LQ + PSF"], {"net": "Net"}, 7, bins, 50)


@pytest.mark.parametrize(("image", "factor"), [("LQ", 1.0), ("net", 0.5), ("LQ + PSF", 2.0)])
def test_known_biases_and_scatters(objects, image, factor):
    """Bias k/10 and scatter 1.4826 k/10 in bin k, times the factor: exact up to rounding."""
    table = table_of(objects)
    own = table[(table["by"] == "noise") & (table["image"] == image) & (table["quantity"] == "n")]
    expected = 0.1 * factor * np.arange(1, BINS + 1)
    np.testing.assert_allclose(own["bias"], expected, rtol=1e-12)
    np.testing.assert_allclose(own["mad"], 1.4826 * expected, rtol=1e-12)
    np.testing.assert_allclose(own["mad_ratio"], 1 / factor, rtol=1e-12)
    assert own["count"].tolist() == [PER_BIN] * BINS
    # rms about zero: b sqrt(1 + variance of the deviates).
    np.testing.assert_allclose(own["rmse"], expected * np.sqrt(1 + np.var(DEVIATES)), rtol=1e-12)
    np.testing.assert_allclose(own["low"], 0.01 + 0.001 * PER_BIN * np.arange(BINS))


def test_errors_are_those_of_the_median(objects):
    """
    A median of N uniform deviates over a range w errs by w / (2 sqrt(N)).

    Fifty resamplings of 101 tell a standard deviation to 10%, and the bootstrap of a median
    is off by some 20% at this size: three times their quadratic sum, 0.67.
    """
    table = table_of(objects)
    own = table[(table["by"] == "noise") & (table["image"] == "LQ") & (table["quantity"] == "R50")]
    expected = 0.4 * np.arange(1, BINS + 1) / (2 * np.sqrt(PER_BIN))
    np.testing.assert_allclose(own["bias_error"], expected, rtol=0.67)


def test_signal_to_noise_is_that_of_the_aperture(objects):
    """F / (sigma scale sqrt(A)) with F = 9, scale 3 and A = 25."""
    found = properties(objects, WHITE)
    noise = objects.loc[objects["image"] == "LQ", "noise"].to_numpy()
    np.testing.assert_allclose(found["S/N"], 9 / (noise * 3 * 5))
    assert "correlation" not in found


def test_correlation_is_a_property_where_it_varies(objects):
    correlation = np.where(np.arange(COUNT) % 2, 0.4, 0.0)
    table = table_of(objects, correlation, bins=2)
    own = table[(table["by"] == "correlation") & (table["quantity"] == "n")]
    assert own.loc[own["image"] == "LQ", "middle"].tolist() == [0.0, 0.4]
    assert "correlation of LQ" not in render_calibration(table_of(objects))
    assert "## n by correlation" in render_calibration(table)


def test_failures_are_missing_and_faint_fluxes_are_not(objects):
    net = objects.index[objects["image"] == "net"]
    objects.loc[net[:3], "failure"] = "index"
    objects.loc[net[:3], "flux_aperture"] = -9.0
    table = table_of(objects).set_index(["image", "by", "bin"])
    for quantity, missing in (("n", 3), ("aperture flux", 0)):
        first = table[table["quantity"] == quantity].loc[("net", "noise", 0)]
        assert (first["count"], first["missing"]) == (PER_BIN - missing, missing)
    # -9 instead of 9 is a relative difference of -2.
    np.testing.assert_allclose(relative_errors(objects, "aperture flux")["net"][:3], -2.0)


def test_nothing_detected_and_no_common_scale(objects):
    """Where LQ shows no object nothing is summed; ready pairs have no fluxes of GT."""
    objects.loc[objects.groupby("image").head(2).index, "area_aperture"] = 0
    assert np.isnan(relative_errors(objects, "isophotal flux")["LQ"][:2]).all()
    assert np.isnan(properties(objects, WHITE)["S/N"][:2]).all()
    truth = objects["image"] == "GT"
    objects.loc[truth, ["flux_aperture", "flux_isophote"]] = np.nan
    table = table_of(objects)
    assert "S/N" not in set(table["by"])
    assert table.loc[table["quantity"] == "aperture flux", "count"].eq(0).all()
    assert (table.loc[table["quantity"] == "n", "count"] > 0).all()


def test_few_objects_share_fewer_bins(objects):
    """Seven objects make two bins of three and more; two make one, without statistics."""
    for count, bins in ((7, 2), (2, 1)):
        few = objects.groupby("image", sort=False).head(count)
        table = table_of(few, WHITE[:count])
        assert table["bin"].max() == bins - 1
        assert set(table.columns) == {column.name for column in CALIBRATION}
    assert table["bias"].isna().all()

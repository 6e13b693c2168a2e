"""Published fits: their columns, differences and summary."""

import numpy as np
import pandas as pd
import pytest

from galrestore.files.contracts.published_fits import PUBLISHED_FITS, PUBLISHED_SUMMARY
from galrestore.measurement.published_fits import differences, published_values, summarise

BLANK = {"str": "", "int64": 0, "float64": np.nan}


def galaxies(count, **columns):
    frame = pd.DataFrame({c.name: [BLANK[c.dtype]] * count for c in PUBLISHED_FITS})
    frame["mosaic"], frame["psf"], frame["image"] = "bright", "gaussian", np.arange(count)
    return frame.assign(**columns)


def test_columns_of_the_cosmos_fits():
    # A Gaussian (n = 1/2): I(R50) is half of the peak, and the flux 2 pi sigma^2 times the
    # peak with sigma^2 = R50^2 / (2 ln 2).
    sersic = np.array([[0.5, 8.0, 0.5, 0.25, 0.0, 200.0, 210.0, -0.2]])
    values = published_values(1, sersic, np.array([7.0]))
    assert values["published_r50"][0] == 4.0  # 8 sqrt(1/4)
    assert values["published_theta"][0] == pytest.approx(np.pi - 0.2)
    assert values["published_flux"][0] == pytest.approx(2 * np.pi * 16 / (2 * np.log(2)))
    assert values["published_flux_radius"][0] == 7.0


def test_fits_that_were_not_made_are_missing():
    values = published_values(2, np.zeros((2, 8)), np.array([0.0, 3.0]))
    assert all(np.isnan(values[f"published_{name}"]).all() for name in ("r50", "flux", "q"))
    assert np.isnan(values["published_flux_radius"]).tolist() == [True, False]
    assert np.isnan(published_values(2)["published_n"]).all()


@pytest.mark.parametrize("wrong", [{"sersic": np.ones((2, 8))}, {"flux_radius": np.ones((3, 2))}])
def test_other_galaxies_are_refused(wrong):
    with pytest.raises(ValueError, match=r"has shape .* is expected: one row for each cutout"):
        published_values(3, **wrong)


def test_angles_are_the_same_after_half_a_turn():
    table = galaxies(
        3, theta=[0.1, 3.1, 2.0], published_theta=[3.1, 0.1, 0.5], r50=2.0, published_r50=4.0
    )
    change = differences(table)
    # 0.1 - 3.1 + pi and its opposite; 1.5 is less than a quarter of a turn.
    assert change["theta"].to_numpy() == pytest.approx([np.pi - 3, 3 - np.pi, 1.5])
    assert change["ln_r50"].to_numpy() == pytest.approx([-np.log(2)] * 3)


def test_summary_counts_failed_missing_and_outlying_galaxies():
    change = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 5.0, 9.0, np.nan, 0.2])
    table = galaxies(
        9,
        q=1 + change,
        published_q=[1.0] * 8 + [np.nan],
        failure=[""] * 6 + ["index", "", ""],
    )
    summary = summarise(table)
    assert set(summary.columns) == {c.name for c in PUBLISHED_SUMMARY}
    row = summary.iloc[0]
    assert row["quantity"] == "q"
    assert (row["published"], row["failed"], row["missing"], row["compared"]) == (8, 1, 1, 6)
    # Of 0, .1, .2, .3, .4, 5: median .25; distances .05 .05 .15 .15 .25 4.75 have median .15.
    assert row["median"] == pytest.approx(0.25)
    assert row["scatter"] == pytest.approx(1.4826 * 0.15)
    assert row["median_error"] == pytest.approx(1.2533 * 1.4826 * 0.15 / np.sqrt(6), rel=1e-4)
    assert row["outliers"] == "5"


def test_flux_radius_is_compared_once_and_needs_no_fit():
    radii = {"aperture_r50": [1.0, 1.0], "unsubtracted_r50": [np.nan, 2.0]}
    table = galaxies(2, **radii, published_flux_radius=1.0, failure="index")
    summary = summarise(pd.concat([table, table.assign(psf="image")]))
    assert summary["quantity"].tolist() == [
        "ln_apparent",
        "ln_aperture",
        "ln_unsubtracted",
        "ln_apparent",
    ]
    assert summary["compared"].tolist() == [0, 2, 1, 0]
    assert summary["median"].iloc[2] == pytest.approx(np.log(2))
    assert np.isnan(summary["median"].iloc[0])

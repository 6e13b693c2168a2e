"""
Shapes and fluxes of known galaxies: Gaussians, for which all of it is a closed form.

A Gaussian of rms axes A, B is the Sersic profile of index 1/2 with circularised
half-light radius sqrt(2 ln 2 A B), ellipticity (A - B) / (A + B) and brightness
F / (4 pi A B) there, half of its peak.  Images are integrated over pixels, as the fit's.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr

from galrestore.files.contracts.shapes import SHAPE_PIXELS, SHAPES
from galrestore.measurement.morphology import FIT_WITH_PSF
from galrestore.measurement.shape_tables import (
    MORPHOLOGY,
    summarise_gains,
    summarise_morphology,
    summarise_photometry,
)
from galrestore.measurement.shapes import REFERENCES, measure_shapes
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

SIDE = 64
COUNT = 12
# Axes and fluxes of the galaxies: along columns and rows, in turn.
A = np.linspace(2.5, 5.0, COUNT)
B = A * np.tile([0.6, 0.9], COUNT // 2)
SWAP = np.arange(COUNT) % 3 == 0
FLUX = np.geomspace(50, 500, COUNT)
POINT = np.ones((1, 1))  # a PSF that blurs nothing
WIDTH = 0.8  # of another PSF, a Gaussian [pixel]


def galaxies(width=0.0, shift=(0.0, 0.0), flux=FLUX):
    """Gaussians integrated over pixels, blurred by another and shifted (column, row)."""
    wide, tall = np.where(SWAP, B, A), np.where(SWAP, A, B)
    edges = np.arange(SIDE + 1) - 0.5 - SIDE // 2
    along, across = (
        np.diff(ndtr((edges - moved) / np.sqrt(axis**2 + width**2)[:, None]), axis=1)
        for axis, moved in zip((wide, tall), shift, strict=True)
    )
    return flux[:, None, None] * across[:, :, None] * along[:, None, :]


def noise(key, rms=1e-4):
    return rms * stream(11, "test.shapes", key).normal(size=(COUNT, SIDE, SIDE))


def pairs(truth, low):
    """Min-max normalise both, and tell their scales."""
    table = pd.DataFrame({"id": np.arange(COUNT) + 2**60, "noise": np.linspace(0.01, 0.1, COUNT)})
    images = []
    for name, cube in (("gt", truth), ("lq", low)):
        table[f"{name}_min"] = cube.min(axis=(1, 2))
        table[f"{name}_max"] = cube.max(axis=(1, 2))
        span = table[f"{name}_max"] - table[f"{name}_min"]
        images.append(
            (cube - table[f"{name}_min"].to_numpy()[:, None, None]) / span.to_numpy()[:, None, None]
        )
    return (*images, table)


def measure(truth, low, restored, table, kernel=POINT, psf=0.0, **more):
    objects, samples, spectra = measure_shapes(
        truth, low, restored, table,
        kernel=kernel, psf=psf, seed=5, pixels=20, bins=8, detection={}, fit={}, **more,
    )  # fmt: skip
    objects["set"] = samples["set"] = "jwst"
    return objects, samples, spectra


def of(objects, image, column):
    return objects.loc[objects["image"] == image, column].to_numpy()


@pytest.fixture(scope="module")
def blurred():
    """GT, LQ blurred by 0.8 pixel; RS is GT, LQ, and a known blur, shift and scale of GT."""
    truth, low, table = pairs(
        3.0 + galaxies() + noise(0), 3.0 + galaxies(width=WIDTH) + noise(1, 1e-3)
    )
    # As far from GT as a network that smooths by 1.2 pixels and misplaces.
    wrong = 7.0 * galaxies(width=1.2, shift=(0.7, -0.4)) - 2.0 + noise(2)
    return measure(truth, low, {"gt": truth, "lq": low, "wrong": wrong}, table)


def expected(width=0.0):
    a, b = np.sqrt(A**2 + width**2), np.sqrt(B**2 + width**2)
    e = (a - b) / (a + b) * np.where(SWAP, -1, 1)
    return {
        "e1": e,
        "e2": np.zeros(COUNT),
        "n": np.full(COUNT, 0.5),
        "r50": np.sqrt(2 * np.log(2) * a * b),
    }


@pytest.mark.parametrize(("image", "width"), [("GT", 0), ("LQ", WIDTH), ("wrong", 1.2)])
def test_a_known_blur_changes_shapes_by_the_closed_form(blurred, image, width):
    objects, _, _ = blurred
    assert (of(objects, image, "failure") == "").all()
    for name, values in expected(width).items():
        # The fit's expansion in Gaussians holds to 1e-3; noise of 1e-4 to 1e-3 under peaks
        # of 1 and more adds at most as much.
        assert_allclose(of(objects, image, name), values, rtol=4e-3, atol=2e-3, err_msg=name)


def test_the_shift_moves_the_centre_alone(blurred):
    objects, _, _ = blurred
    assert_allclose(of(objects, "wrong", "x") - of(objects, "GT", "x"), 0.7, atol=0.01)
    assert_allclose(of(objects, "wrong", "y") - of(objects, "GT", "y"), -0.4, atol=0.01)


def test_brightness_and_fluxes_are_on_the_original_scale(blurred):
    objects, _, _ = blurred
    # I(R50) = F / (4 pi A B), whatever the min-max normalisation and the sky of 3.
    assert_allclose(of(objects, "GT", "i50"), FLUX / (4 * np.pi * A * B), rtol=5e-3)
    assert_allclose(of(objects, "GT", "sky"), 3.0, atol=1e-3)
    # Flux beyond 3.5 semi-axes of a Gaussian: exp(-3.5^2 / 2) = 0.2%; the Kron ellipse is
    # LQ's, which is wider.
    assert_allclose(of(objects, "GT", "flux_aperture"), FLUX, rtol=3e-3)
    # RS was given in another unit, on another sky: 7 times and -2.  Its match to LQ scales by
    # sum(B L) / sum(B^2) of the two shapes, here of Gaussians off by a shift d: for each axis
    # sqrt(2 s_B^2 / (s_B^2 + s_L^2)) exp(-d^2 / (2 (s_B^2 + s_L^2))), and F_L / F_B = 1/7.
    wide, tall = np.where(SWAP, B, A), np.where(SWAP, A, B)
    scale = np.full(COUNT, 1 / 7)
    for axis, moved in ((wide, 0.7), (tall, 0.4)):
        both = 2 * axis**2 + 1.2**2 + WIDTH**2
        scale *= np.sqrt(2 * (axis**2 + 1.2**2) / both) * np.exp(-(moved**2) / (2 * both))
    # The offset of the match takes the means away: (1 - m_L / <BL>) / (1 - m_B / <B^2>), which
    # differ from 1 by at most 4 pi s^2 / 4096 = 8% times the mismatch of 5%.
    assert_allclose(of(objects, "wrong", "scale"), scale, rtol=5e-3)
    assert_allclose(
        of(objects, "wrong", "flux_aperture") / of(objects, "wrong", "scale") / 7, FLUX, rtol=5e-3
    )
    assert_allclose(of(objects, "wrong", "sky"), 3.0, atol=0.02)


def test_the_fit_with_psf_undoes_the_blur(blurred):
    truth, low, table = pairs(galaxies() + noise(0), galaxies(width=WIDTH) + noise(1, 1e-3))
    objects, _, _ = measure(truth, low, {}, table, psf=WIDTH * np.sqrt(8 * np.log(2)))
    for name, values in expected().items():
        assert_allclose(of(objects, FIT_WITH_PSF, name), values, rtol=4e-3, atol=2e-3)
    assert np.isnan(of(objects, FIT_WITH_PSF, "flux_aperture")).all()


def test_gt_as_rs_has_no_scatter(blurred):
    objects, _, spectra = blurred
    table = summarise_morphology(objects, {}, 1, 10).set_index(["image", "quantity"])
    for quantity in ("e1", "e2", "n", "r50"):
        row = table.loc[("gt", quantity)]
        assert [row[name] for name in ("rmse", "mad", "clipped", "bias")] == [0, 0, 0, 0]
        # All indices are 1/2: there a correlation is of rounding.
        assert quantity == "n" or row["pearson"] == pytest.approx(1, abs=1e-12)
    # The scale of RS is still LQ's: GT against GT * PSF, matched without a blur here.
    scaled = of(objects, "gt", "i50") / of(objects, "gt", "scale")
    assert_allclose(scaled * of(objects, "GT", "scale"), of(objects, "GT", "i50"), rtol=1e-6)
    # With the PSF known, fluxes and pixels are GT's too.
    assert_allclose(spectra["gt"][..., 3] ** 2, spectra["gt"][..., 0] * spectra["gt"][..., 1])


def test_gt_as_rs_has_no_scatter_of_flux_either():
    # LQ = K GT exactly but for noise of 1e-6: the match finds GT's own scale.
    line = gaussian_kernel(1.88, 7)
    original = 3.0 + galaxies() + noise(0)
    truth, low, table = pairs(original, blur(original, line) + noise(1, 1e-6))
    objects, samples, _ = measure(truth, low, {"gt": truth}, table, kernel=line, psf=1.88)
    found = summarise_photometry(objects, samples, {}, 1, 10)
    found = found[(found["image"] == "gt") & (found["rescale"] == "matched")]
    # Noise of 1e-6 under peaks of 1 over hundreds of pixels.
    assert found["rmse"].max() < 1e-5
    assert found["pearson"].min() > 1 - 1e-9
    assert_allclose(found["slope"], 1.0, atol=1e-5)
    morphology = summarise_morphology(objects, {}, 1, 10).set_index(["image", "quantity"])
    assert morphology.loc[("gt", "log i50"), "rmse"] < 1e-5
    # Equations 8 and 9 rest on 16 pixels and on modes that the wings shift: 1%.
    assert_allclose(of(objects, "gt", "scale_paper"), of(objects, "GT", "scale"), rtol=0.01)


def test_lq_as_rs_makes_both_columns_equal(blurred):
    # With a PSF of one pixel, LQ blurred is LQ, and both recipes give its own scale.
    objects, samples, spectra = blurred
    for name in ("e1", "e2", "n", "r50", "chi2", "failure"):
        assert_array_equal(of(objects, "lq", name), of(objects, "LQ", name))
    for name in ("scale", "scale_paper", "i50", "flux_aperture", "flux_isophote_paper", "sky"):
        assert_allclose(of(objects, "lq", name), of(objects, "LQ", name), rtol=1e-6, err_msg=name)
    assert_allclose(spectra["lq"], spectra["LQ"], rtol=1e-5)
    for table in (
        summarise_morphology(objects, {}, 1, 10),
        summarise_photometry(objects, samples, {}, 1, 10),
    ):
        rows = table.set_index(["quantity", "rescale", "image"]).sort_index()
        numbers = ["rmse", "mad", "clipped", "slope", "bias", "mean_bias"]
        for key, part in rows.groupby(level=[0, 1]):
            low, same = (part.loc[(*key, image), numbers].astype(float) for image in ("LQ", "lq"))
            assert_allclose(same, low, rtol=1e-4, atol=1e-6, err_msg=str(key))
        assert_allclose(table.loc[table["image"] == "lq", "rmse_ratio"], 1.0, rtol=1e-4)


def test_measured_biases_equal_the_closed_form(blurred):
    objects, _, _ = blurred
    table = summarise_morphology(objects, {}, 1, 10).set_index(["image", "quantity"])
    for image, width in (("LQ", WIDTH), ("wrong", 1.2)):
        for quantity in ("e1", "r50", "n"):
            known = expected(width)[quantity] - expected()[quantity]
            row = table.loc[(image, quantity)]
            assert row["bias"] == pytest.approx(np.median(known), abs=0.01)
            assert row["mean_bias"] == pytest.approx(known.mean(), abs=0.01)
            assert row["rmse"] == pytest.approx(np.sqrt(np.mean(known**2)), abs=0.01)
        # Rounder than GT: the slope of e1 is below 1 by as much as that of the closed form.
        slope = np.polyfit(expected()["e1"], expected(width)["e1"], 1)[0]
        assert table.loc[(image, "e1"), "slope"] == pytest.approx(slope, abs=0.01)
        assert slope < 0.97


def test_tables_keep_their_contracts(blurred):
    objects, samples, _ = blurred
    assert set(objects.columns) == {column.name for column in SHAPES}
    assert set(samples.columns) == {column.name for column in SHAPE_PIXELS}
    assert objects["image"].value_counts().tolist() == [COUNT] * (len(REFERENCES) + 3)
    assert len(samples) == 20 * COUNT * 4


def test_pixels_do_not_depend_on_the_batch(blurred):
    truth, low, table = pairs(
        3.0 + galaxies() + noise(0), 3.0 + galaxies(width=WIDTH) + noise(1, 1e-3)
    )
    _, samples, _ = blurred
    rows = slice(4, 7)
    _, part, _ = measure(truth[rows], low[rows], {}, table.iloc[rows])
    whole = samples[(samples["image"] == "LQ") & samples["id"].isin(table["id"].iloc[rows])]
    assert_array_equal(part[["truth", "value"]], whole[["truth", "value"]])


@pytest.mark.parametrize("ready", [True, False])
def test_pairs_without_a_common_scale_have_shapes_but_no_fluxes(ready):
    truth, low, table = pairs(galaxies() + noise(0), galaxies(width=WIDTH) + noise(1, 1e-3))
    if ready:
        table[["gt_min", "gt_max", "lq_min", "lq_max"]] = 0.0, 1.0, 0.0, 1.0
    objects, samples, spectra = measure(truth, low, {"gt": truth}, table, common_scale=ready)
    morphology = summarise_morphology(objects, {}, 1, 10).set_index(["image", "quantity"])
    assert morphology.loc[("gt", "r50"), "count"] == COUNT
    assert morphology.loc[("gt", "log i50"), "count"] == 0
    photometry = summarise_photometry(objects, samples, {}, 1, 10)
    assert (photometry["count"] == 0).all()
    assert photometry["rmse"].isna().all()
    assert np.isnan(spectra["gt"]).all()


def test_failures_are_counted_by_image_and_take_no_part(blurred):
    objects, samples, _ = blurred
    objects = objects.copy()
    first = {image: objects.index[objects["image"] == image][0] for image in ("GT", "wrong")}
    objects.loc[first["GT"], "failure"] = "index"
    objects.loc[first["wrong"] + 3, "failure"] = "centre"
    objects.loc[first["wrong"] + 5, "flux_aperture"] = -1.0
    morphology = summarise_morphology(objects, {}, 1, 10).set_index(["image", "quantity"])
    for quantity in MORPHOLOGY:
        row = morphology.loc[("wrong", quantity)]
        assert (row["count"], row["failed"], row["failed_truth"]) == (COUNT - 2, 1, 1)
        assert morphology.loc[("LQ", quantity), "count"] == COUNT - 1
    photometry = summarise_photometry(objects, samples, {}, 1, 10)
    wrong = photometry[photometry["image"] == "wrong"].set_index(["quantity", "rescale"])["failed"]
    assert wrong["log aperture flux", "matched"] == 1
    assert wrong["log aperture flux", "paper"] == 0


def test_gains_are_those_of_each_third(blurred):
    # Fifteen objects of rising noise: LQ is off by 3, 2 and 1 times RS in the thirds.
    rows = []
    draws = stream(11, "test.gains").normal(size=15)
    for image, factor in (("GT", 0), ("LQ", np.repeat([3, 2, 1], 5)), ("rs", 1)):
        frame = pd.DataFrame({column.name: [0.5] * 15 for column in SHAPES})
        frame["n"] = 1 + 0.1 * factor * draws
        frame["noise"], frame["failure"] = np.arange(15), ""
        rows.append(frame.assign(image=image, set="jwst"))
    objects = pd.concat(rows, ignore_index=True)
    # The last object of the first third is off by 40 times the scatter in RS alone.
    objects.loc[(objects["image"] == "rs") & (objects["noise"] == 4), "n"] = 7.0
    table = summarise_gains(objects, ["rs"], {"rs": "mine"}, 1, 10)
    some = table[(table["quantity"] == "n") & (table["by"] == "noise")]
    assert some["outliers"].tolist() == [1, 0, 0]
    assert some["outliers_lq"].tolist() == [0, 0, 0]
    assert some[["low", "high"]].to_numpy().tolist() == [[0, 4], [5, 9], [10, 14]]
    assert_allclose(some["mad_ratio"].iloc[1:], [2.0, 1.0], rtol=1e-12)
    assert set(some["label"]) == {"mine"}

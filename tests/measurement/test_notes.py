"""Sentences below Table 1, from scores whose differences are known."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from galrestore.files.contracts.tuning import TUNING_GRID
from galrestore.measurement.notes import (
    compare_with_order,
    networks_against_baselines,
    render_contest,
    render_order,
    render_tuning,
)

LINEAGES = {
    "galsim": "restormer/galsim-galsim",
    "jwst": "restormer/jwst",
    "transfer": "galsim-jwst",
    "gated": "nafnet/jwst",
}
# Mean PSNR above that of no training, and noise of the difference: +1 and -1 by turns.
SHIFTS = {
    "none": (0.0, 0.0),
    "wiener": (1.0, 0.0),
    "sparse": (5.0, 1.0),
    "galsim": (3.0, 1.0),
    "jwst": (6.0, 0.0),
    "transfer": (5.5, 1.0),
    "gated": (9.0, 0.0),
}


def measured(method, name="jwst", count=100):
    shift, noise = SHIFTS[method]
    psnr = 20 + np.arange(count) / 10 + shift + noise * (-1.0) ** np.arange(count)
    frame = pd.DataFrame({"id": np.arange(count), "method": method, "set": name, "psnr": psnr})
    frame["ssim"] = frame["psnr"] / 100
    frame["psnr_matched"], frame["nrmse_source"] = psnr + 7, 1 - frame["psnr"] / 100
    return frame


def order(*methods, name="jwst"):
    return compare_with_order([measured(method, name) for method in methods], LINEAGES)


def test_steps_of_the_papers_order():
    found = order("none", "sparse", "transfer", "jwst", "galsim")
    steps = found[found["score"] == "psnr"]
    assert list(zip(steps["worse"], steps["better"], strict=True)) == [
        ("no training", "GalSim"),
        ("GalSim", "JWST"),
        ("JWST", "GalSim -> JWST"),
    ]
    assert_allclose(steps["difference"], [3, 3, -0.5], atol=1e-12)
    # Differences of +-1 by turns: sample variance 100 / 99, of the mean 1 / 99.
    assert_allclose(steps["error"], np.sqrt(1 / 99), rtol=1e-12)
    # Table 1: 16.4488, 32.2997, 38.7868, 38.8416 dB.
    assert_allclose(steps["paper"], [15.8509, 6.4871, 0.0548], atol=1e-10)
    # No training has 20 + 4.95 dB.  The paper's own gain is 0.33% in PSNR, 4.67% in SSIM.
    assert_allclose(steps["gain"].iloc[-1], -0.5 / 24.95, rtol=1e-12)
    assert_allclose(found["paper_gain"].iloc[-2:], [0.0033, 0.0467], atol=5e-5)


def test_a_reversed_order_is_said():
    text = " ".join(render_order(order("none", "galsim", "jwst", "transfer")).split())
    assert "- GalSim over no training: +3.00 ± 0.10 dB (paper +15.85): holds; +0.0300" in text
    assert "- GalSim -> JWST over JWST: -0.50 ± 0.10 dB (paper +0.05): reversed" in text
    assert "PSNR -2.00% (+0.33%), SSIM -2.00% (+4.67%)" in text
    assert text.endswith(
        "The paper's order does not hold at this budget: GalSim -> JWST over JWST (dB) is "
        "reversed, GalSim -> JWST over JWST (SSIM) is reversed."
    )


def test_an_order_that_holds_or_is_undecided(monkeypatch):
    assert render_order(order("none", "jwst")).strip().endswith("The paper's order holds.")
    monkeypatch.setitem(SHIFTS, "transfer", (6.15, 1.0))  # 1.5 standard errors above
    text = render_order(order("jwst", "transfer"))
    assert "+0.15 ± 0.10 dB (paper +0.05): undecided" in text
    assert "units of no training" not in text


def test_no_order_without_two_of_its_methods():
    assert render_order(order("none", "wiener", "gated")) == ""
    assert render_order(order("none", "jwst", name="galsim")) == ""


def test_the_best_network_meets_the_best_baseline():
    frames = [measured(method) for method in ("none", "wiener", "sparse", "jwst", "gated")]
    table = networks_against_baselines(frames, LINEAGES)
    assert table["network"].tolist() == ["NAFNet: JWST"] * 2
    assert table["baseline"].tolist() == ["sparse deconvolution"] * 2
    assert_allclose(table["difference"], [4, -0.04], rtol=1e-12)
    assert_allclose(table["error"], [np.sqrt(1 / 99), np.sqrt(1 / 99) / 100], rtol=1e-9)
    assert render_contest(table).count("the network is better") == 2

    worse = networks_against_baselines([measured("galsim"), measured("sparse")], LINEAGES)
    text = render_contest(worse)
    assert "matched PSNR: GalSim - sparse deconvolution = -2.00 ± 0.00 dB" in text
    assert text.count("the network is worse") == 2


@pytest.mark.parametrize("methods", [("none", "wiener"), ("none", "jwst")])
def test_no_contest_of_one_side(methods):
    frames = [measured(method) for method in methods]
    assert render_contest(networks_against_baselines(frames, LINEAGES)) == ""


def test_tuned_parameters_are_told_with_edges():
    empty = {"str": "wiener", "int64": 1, "float64": 1.0, "bool": False}
    grid = pd.DataFrame({column.name: [empty[column.dtype]] * 3 for column in TUNING_GRID})
    grid = grid.assign(parameter="noise_factor", value=[0.7, 1.4, 3.0], noise_class=[0, 0, 1])
    grid = grid.assign(noise_low=[0.0, 0.0, 0.03], score=[35.0, 36.0, 33.0], stamps=45)
    grid = grid.assign(chosen=[False, True, True], at_edge=[False, False, True])
    text = render_tuning([grid])
    assert (
        "- Wiener: noise_factor 1.4, iterations 1 from noise 0.000 on (36.00 ± 1.00 dB on 45 "
        "images); noise_factor 3, iterations 1 from noise 0.030 on (33.00 ± 1.00 dB on 45 "
        "images, the grid ends here)"
    ) in text
    assert render_tuning([]) == ""

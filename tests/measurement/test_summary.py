"""Table 1 and the counts of rejections, from scores and flags that are known."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from galrestore.files.contracts.selection import SELECTION
from galrestore.files.contracts.table1 import TABLE1
from galrestore.measurement.markdown import render_by_noise, render_scores, render_selection
from galrestore.measurement.published import method_label, method_labels
from galrestore.measurement.summary import count_rejections, scores_by_noise, summarise_scores

LINEAGES = {"galsim": "galsim-galsim", "jwst": "jwst", "transfer": "galsim-jwst"}
SHIFTS = {"none": 0.0, "starlet_rl": 1.0, "jwst": 2.0, "transfer": 2.5}


def measured(method, name="jwst", count=5):
    """Scores that rise by one from image to image, shifted by method."""
    rising = np.arange(count, dtype=float) + SHIFTS[method]
    frame = pd.DataFrame({"id": np.arange(count) + 10, "method": method, "set": name})
    for score in ("psnr", "psnr_authors", "psnr_matched"):
        frame[score] = 30 + rising
    for score in ("ssim", "ssim_matched"):
        frame[score] = 0.5 + rising / 100
    frame["nrmse_source"] = 0.9 - rising / 100
    return frame


def table(name="jwst"):
    return summarise_scores([measured(method, name) for method in SHIFTS], LINEAGES, 1, 50)


def test_means_errors_and_paired_differences():
    found = table()
    assert list(found["method"]) == list(SHIFTS)
    assert list(found["label"]) == [
        "no training",
        "starlet + Richardson-Lucy",
        "JWST",
        "GalSim -> JWST",
    ]
    # 0 to 4 have mean 2, sample variance 2.5.
    assert_allclose(found["psnr"], 32 + np.array(list(SHIFTS.values())), rtol=1e-14)
    assert_allclose(found["psnr_error"], np.sqrt(2.5 / 5), rtol=1e-14)
    assert_allclose(found["nrmse_source_median"], 0.88 - found["psnr"] / 100 + 0.32, rtol=1e-12)
    assert_allclose(found["psnr_to_best"], [-2.5, -1.5, -0.5, 0.0], rtol=1e-14)
    assert_allclose(found["psnr_to_best_error"], 0.0, atol=1e-14)
    assert set(found.columns) == {column.name for column in TABLE1}


def test_the_paper_stands_beside_its_own_four_rows():
    found = table().set_index("label")
    assert found.loc["GalSim -> JWST", ["paper_psnr", "paper_ssim"]].tolist() == [38.8416, 0.8622]
    assert found.loc["no training", "paper_psnr"] == 16.4488
    assert np.isnan(found.loc["starlet + Richardson-Lucy", "paper_psnr"])
    assert table("galsim")["paper_psnr"].isna().all()


def test_the_papers_numbers_belong_to_training_sets():
    # Two models of the same sets have two labels and the same row of the paper; a network
    # of another kind has none.
    lineages = LINEAGES | {"jwst": "restormer/galsim-jwst-jwst", "starlet_rl": "nafnet/jwst"}
    frames = [measured(method) for method in ("transfer", "jwst", "starlet_rl")]
    found = summarise_scores(frames, lineages, 1, 50)
    assert found["label"].tolist()[1] == "GalSim -> JWST (jwst)"
    assert found["paper_psnr"].tolist()[:2] == [38.8416, 38.8416]
    assert np.isnan(found["paper_psnr"].iloc[2])


def test_other_images_are_refused():
    with pytest.raises(ValueError, match="same images"):
        summarise_scores([measured("none"), measured("jwst", count=4)], LINEAGES, 1)
    with pytest.raises(ValueError, match=r"got sets \['galsim', 'jwst'\]"):
        summarise_scores([measured("none"), measured("jwst", "galsim")], LINEAGES, 1)


def test_markdown_marks_the_best_of_each_column():
    text = render_scores(table())
    rows = {
        line.split("|")[1].strip(): line
        for line in text.split("## ")[0].splitlines()
        if "|" in line
    }
    # Six columns, smallest NRMSE and largest of the others, are all the last method's.
    assert rows["GalSim -> JWST"].count("**") == 12
    assert "**34.50 ± 0.71**" in rows["GalSim -> JWST"]
    assert "38.84" in rows["GalSim -> JWST"]
    assert not any("**" in rows[label] for label in rows if label != "GalSim -> JWST")
    assert "paper" not in render_scores(table("galsim"))
    assert len({len(line) for line in rows.values()}) == 1  # aligned on a terminal
    rule = next(line for line in text.splitlines() if line.startswith("| -"))
    assert all(re.fullmatch(r"-{2,}[-:]", cell.strip()) for cell in rule.strip("|").split("|"))


def test_scores_that_nobody_has_are_dashes():
    frames = [measured(method) for method in SHIFTS]
    for frame in frames:
        frame["nrmse_source"] = np.nan
    text = render_scores(summarise_scores(frames, LINEAGES, 1, 50))
    assert "nan" not in text


@pytest.mark.parametrize(
    ("method", "lineage", "label"),
    [
        ("none", None, "no training"),
        ("mine", None, "mine"),
        ("transfer", "galsim-jwst", "GalSim -> JWST"),
        ("transfer", "restormer/galsim-jwst", "GalSim -> JWST"),
        ("gated", "nafnet/jwst-jwst", "NAFNet: JWST"),
        ("mine", "wide/jwst", "wide: JWST"),
        ("long", "jwst-jwst-jwst", "JWST"),
        ("back", "galsim-jwst-galsim", "GalSim -> JWST -> GalSim"),
    ],
)
def test_labels(method, lineage, label):
    assert method_label(method, lineage) == label


def test_no_two_methods_share_a_label():
    lineages = {"short": "jwst", "long": "jwst-jwst"}
    assert method_labels(["short", "long"], lineages) == {"short": "JWST", "long": "JWST (long)"}


CRITERIA = {"width": "too wide", "faint": "too faint"}


def catalogue(telescope, wide, faint):
    """Sources with two flags each, in the order of the criteria."""
    frame = pd.DataFrame({"telescope": telescope, "reject_width": wide, "reject_faint": faint})
    first = np.where(frame["reject_width"], "width", np.where(frame["reject_faint"], "faint", ""))
    return frame.assign(rejected_by=first)


def test_counts_of_rejections():
    catalogues = {
        "a": catalogue("hst", [True, True, False, False], [True, False, True, False]),
        "b": catalogue("hst", [False], [True]),
        "c": catalogue("jwst", [False], [False]),
    }
    found = count_rejections(catalogues, CRITERIA)
    counts = found.set_index(["mosaic", "criterion"])[["first", "failing"]]
    assert counts.loc[("a", "width")].tolist() == [2, 2]
    assert counts.loc[("a", "faint")].tolist() == [1, 2]
    assert counts.loc[("a", "accepted")].tolist() == [1, 1]
    assert counts.loc[("all hst", "detected")].tolist() == [5, 5]
    assert counts.loc[("all hst", "faint")].tolist() == [2, 3]
    assert counts.loc[("all jwst", "accepted")].tolist() == [1, 1]
    assert set(found.columns) == {column.name for column in SELECTION}
    text = render_selection(found)
    line = next(line for line in text.splitlines() if line.startswith("| faint"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == ["faint", "1 / 2", "1 / 1", "0 / 0", "2 / 3", "0 / 0", "too faint"]


def test_scores_by_noise_are_means_of_equal_classes():
    # Images 0..8 in mixed order of noise; PSNR is 30 + the rank of the noise, so that the
    # thirds have means 31, 34, 37; the second method is 2 dB better among the noisiest.
    ranks = np.array([4, 0, 8, 2, 6, 1, 7, 3, 5])
    frames = [measured("none", count=9), measured("transfer", count=9)]
    for frame in frames:
        frame["noise"] = ranks / 100
        frame["psnr_matched"] = 30.0 + ranks
        frame["nrmse_source"] = 0.1
    frames[1].loc[ranks >= 6, "psnr_matched"] += 2
    table = scores_by_noise(frames, LINEAGES)
    assert_allclose(table["psnr_matched"], [31, 34, 37, 31, 34, 39], rtol=1e-12)
    assert_allclose(table["noise_low"][:3], [0, 0.03, 0.06])
    assert_allclose(table["noise_high"][:3], [0.02, 0.05, 0.08])
    text = render_by_noise(table)
    assert "noise 0.060 to 0.080" in text
    assert " 37.00 / **0.100** |" in text
    assert " **39.00** / **0.100** |" in text


def test_classes_of_equal_noise_stay_apart():
    frames = [measured("none", count=2).assign(noise=0.05)]
    assert len(scores_by_noise(frames, LINEAGES)) == 2
    assert render_by_noise(scores_by_noise(frames, LINEAGES)).count("noise 0.050 to 0.050") == 2

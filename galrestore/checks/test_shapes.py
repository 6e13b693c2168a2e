"""Morphology and photometry are of the test split, complete, and sound where they must be."""

import numpy as np
import pytest

from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.shapes import COMPARISON, SHAPE_PIXELS, SHAPES
from galrestore.measurement.shapes import REFERENCES

_FITTED = ["e1", "e2", "n", "r50", "i50", "x", "y", "q", "theta", "chi2"]
_FLUXES = ["flux_aperture", "flux_isophote", "flux_aperture_paper", "flux_isophote_paper"]


def test_shapes_are_of_the_test_pairs(artefacts, shaped):
    """Each image and method has one row for each test pair, in the table's order."""
    expected = _tested(artefacts, shaped)["id"].to_numpy()
    objects = artefacts.table(f"shapes/{shaped}.parquet", SHAPES)
    missing = set(REFERENCES) - set(objects["image"])
    assert not missing, f"shapes/{shaped}: no rows of {', '.join(sorted(missing))}"
    for image, rows in objects.groupby("image", sort=False):
        assert np.array_equal(rows["id"], expected), (
            f"shapes/{shaped}: {len(rows)} rows of {image} for {len(expected)} test pairs, "
            "or other ids"
        )
    samples = artefacts.table(f"shapes/{shaped}_pixels.parquet", SHAPE_PIXELS)
    images = set(objects["image"]) - {"GT", "LQ + PSF"}
    assert set(samples["image"]) == images, f"shapes/{shaped}_pixels: not of the same images"
    counts = samples.groupby(["image", "id"]).size()
    assert counts.nunique() == 1, f"shapes/{shaped}_pixels: not equally many of each pair"
    assert len(counts) == len(images) * len(expected), f"shapes/{shaped}_pixels: pairs are missing"


def test_measured_shapes_are_finite(artefacts, shaped):
    """Fits that did not fail are complete, and so are fluxes of detected objects."""
    objects = artefacts.table(f"shapes/{shaped}.parquet", SHAPES)
    fitted = objects[objects["failure"] == ""]
    # i50 is on the original scale, which ready pairs have lost.
    names = [name for name in _FITTED if name != "i50"]
    _finite(fitted, names, f"shapes/{shaped}: fits")
    known = objects["scale"].notna() & (objects["area_aperture"] > 0)
    _finite(objects[known & (objects["image"] != "LQ + PSF")], _FLUXES, f"shapes/{shaped}: fluxes")
    _finite(fitted[fitted["scale"].notna()], ["i50"], f"shapes/{shaped}: fits")


def test_areas_are_those_of_all_images(artefacts, shaped):
    """The Kron ellipse and the isophote of an object have the same pixels in all images."""
    objects = artefacts.table(f"shapes/{shaped}.parquet", SHAPES)
    areas = objects.groupby("id")[["area_aperture", "area_isophote"]].nunique()
    wrong = areas.index[(areas > 1).any(axis=1)].tolist()
    assert not wrong, f"shapes/{shaped}: areas of ids {wrong[:5]} differ between images"


def test_good_fits_lie_within_their_bounds(artefacts, shaped):
    """Fits without a failure are finite, with positive radii and axis ratios to 1."""
    objects = artefacts.table(f"shapes/{shaped}.parquet", SHAPES)
    good = objects[objects["failure"] == ""]
    sound = np.isfinite(good[["e1", "e2", "n", "r50", "q", "chi2"]]).all(axis=1)
    sound &= (good["r50"] > 0) & (good["n"] > 0) & (good["q"] > 0) & (good["q"] <= 1)
    # (1 - q) / (1 + q) of equations 6 and 7.
    length = np.hypot(good["e1"], good["e2"])
    sound &= np.abs(length - (1 - good["q"]) / (1 + good["q"])) < 1e-9
    wrong = good[~sound]
    assert wrong.empty, (
        f"shapes/{shaped}: id {wrong['id'].iloc[0]} of {wrong['image'].iloc[0]} counts as good"
    )


def test_counts_of_comparisons_add_up(artefacts, presented):
    """No comparison has more objects than were measured, and counts leave room for failures."""
    kind, _, name = presented.partition("_")
    if kind not in ("morphology", "photometry"):
        pytest.skip("not a comparison of shapes")
    table = artefacts.table(f"tables/{presented}.parquet", COMPARISON)
    objects = artefacts.table(f"shapes/{name}.parquet", SHAPES)
    total = (objects["image"] == "GT").sum()
    most = total - table[["failed", "failed_truth"]].max(axis=1)
    wrong = table[(table["count"] > most) | (table["count"] < 0)]
    assert wrong.empty, (
        f"tables/{presented}: {wrong['quantity'].iloc[0]} of {wrong['image'].iloc[0]} compares "
        f"{wrong['count'].iloc[0]} of {total} objects in spite of the failures"
    )


def _finite(frame, names, what):
    bad = frame["id"][~np.isfinite(frame[names]).all(axis=1)].tolist()
    assert not bad, f"{what} of ids {bad[:5]} are not finite"


def _tested(artefacts, name):
    pairs = artefacts.table(f"pairs/{name}.parquet", PAIRS)
    return pairs[pairs["split"] == "test"]

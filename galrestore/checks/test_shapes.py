"""Morphology and photometry are of the test split, complete, and sound where they must be."""

import numpy as np
import pytest

from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.shapes import COMPARISON, SHAPES


def test_shapes_are_of_the_test_split(artefacts, shaped):
    """Each image has one row for each pair of the test split, in the table's order."""
    _skip_parts(shaped)
    objects = artefacts.table(f"shapes/{shaped}.parquet", SHAPES)
    pairs = artefacts.table(f"pairs/{shaped}.parquet", PAIRS)
    expected = pairs.loc[pairs["split"] == "test", "id"].to_numpy()
    assert {"GT", "LQ"} <= set(objects["image"]), f"shapes/{shaped}: lacks GT or LQ"
    for image, rows in objects.groupby("image"):
        assert np.array_equal(rows["id"], expected), (
            f"shapes/{shaped}: rows of {image} are not the test pairs"
        )


def test_areas_are_those_of_all_images(artefacts, shaped):
    """The Kron ellipse and the isophote of an object have the same pixels in all images."""
    _skip_parts(shaped)
    objects = artefacts.table(f"shapes/{shaped}.parquet", SHAPES)
    areas = objects.groupby("id")[["area_aperture", "area_isophote"]].nunique()
    wrong = areas.index[(areas > 1).any(axis=1)].tolist()
    assert not wrong, f"shapes/{shaped}: areas of ids {wrong[:5]} differ between images"


def test_good_fits_lie_within_their_bounds(artefacts, shaped):
    """Fits without a failure are finite, with positive radii and axis ratios to 1."""
    _skip_parts(shaped)
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


def _skip_parts(name):
    if name.endswith(("_pixels", "_spectrum")):
        pytest.skip("drawn pixels and spectra have no objects of their own")

"""Detection against known sources and against sep run on whole images."""

import numpy as np
import pytest
import sep
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import cKDTree

from galrestore.sources.detection import Incomplete, Window, detect, smooth, spurious

SETTINGS = {
    "threshold": 1.5,
    "minimum_area": 5,
    "deblend_levels": 32,
    "deblend_contrast": 0.005,
}


def window_of(data, y0=0, x0=0, frame=None, noise=1.0, mask=None):
    data = data.astype(np.float32)
    mask = np.zeros(data.shape, bool) if mask is None else mask
    rms = np.full(data.shape, noise, np.float32)
    return Window(y0, x0, frame or data.shape, data, data, rms, mask, np.zeros_like(data))


def everywhere(window):
    return (0, window.frame[0], 0, window.frame[1])


def found_in(data, **changes):
    window = window_of(data, **changes)
    return detect(window, everywhere(window), **SETTINGS)


def set_limits():
    """Give sep what a whole image needs; `detect` leaves it with what its last one did."""
    sep.set_extract_pixstack(10**6)
    sep.set_sub_object_limit(1024)


def test_smoothing_spreads_a_pixel_over_nine():
    image = np.zeros((5, 7), np.float32)
    image[2, 3] = 16
    assert_array_equal(smooth(image)[1:4, 2:5], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert smooth(image).sum() == 16


def test_gaussian_has_its_own_moments(make):
    # The isophote at 1.5 of a smoothed peak of 1.4e4 lies at 4.3 sigma and cuts 1e-4 of
    # the light; smoothing adds a variance of 1/2 along each axis.
    image = np.zeros((81, 97))
    make.gaussian(image, 40.3, 33.7, 1e6, 3.3)
    table = found_in(image).table
    assert len(table) == 1
    assert_allclose(table[["x", "y"]].iloc[0], [40.3, 33.7], atol=0.01)
    assert_allclose(table[["a", "b"]].iloc[0], np.sqrt(3.3**2 + 0.5), rtol=5e-3)
    assert (table["xpeak"][0], table["ypeak"][0]) == (40, 34)


def test_blend_is_parted_and_labels_follow_the_table(make):
    image = np.zeros((60, 71))
    make.gaussian(image, 25, 30, 2e4, 2.5)
    make.gaussian(image, 36, 30, 1e4, 2.5)
    found = found_in(image)
    assert_allclose(np.sort(found.table["xpeak"]), [25, 36])
    for source in found.table.itertuples():
        assert found.segments[source.ypeak, source.xpeak] == source.label
        assert source.flags & sep.OBJ_MERGED


def test_positions_are_those_of_the_mosaic(make):
    image = np.zeros((40, 50))
    make.gaussian(image, 21.25, 17.5, 1e4, 2)
    here = found_in(image).table
    there = found_in(image, y0=1000, x0=3000, frame=(5000, 5000)).table
    assert_array_equal(there["x"] - 3000, here["x"])
    assert_array_equal(there["y"] - 1000, here["y"])
    assert_array_equal(there["a"], here["a"])


def test_component_cut_off_by_the_window_is_refused(make):
    image = np.zeros((40, 50))
    make.gaussian(image, 1, 20, 1e4, 2)
    with pytest.raises(Incomplete) as caught:
        found_in(image, y0=100, x0=100, frame=(500, 500))
    assert caught.value.reach >= 9
    # It does not matter if nobody asks for it, or if the mosaic ends there.
    window = window_of(image, 100, 100, (500, 500))
    assert len(detect(window, (100, 140, 130, 150), **SETTINGS).table) == 0
    assert found_in(image).table["flags"][0] & sep.OBJ_TRUNC


def test_masked_pixels_take_no_part(make):
    image = np.zeros((40, 50))
    make.gaussian(image, 15, 20, 1e4, 2)
    mask = np.zeros(image.shape, bool)
    mask[:, :25] = True
    assert len(found_in(np.where(mask, 0, image), mask=mask).table) == 0


def test_same_sources_as_sep_on_the_whole_image(make):
    # Differences: random numbers of the deblending; and sep's cleaning passes over one
    # pixel of each source when it looks for the fifth brightest, which decides about
    # two per cent of the sources of a sky as crowded as this.
    data = np.nan_to_num(make.crowded((613, 701), 300) - 3.9)
    ours = found_in(data).table
    ours = ours[~spurious(ours)]
    set_limits()
    theirs = sep.extract(data, 1.5, err=np.ones_like(data), filter_type="conv")
    tree = cKDTree(np.column_stack([ours["x"], ours["y"]]))
    distance, index = tree.query(np.column_stack([theirs["x"], theirs["y"]]))
    assert len(theirs) > 150
    assert abs(len(ours) - len(theirs)) <= 0.03 * len(theirs)
    assert np.mean(distance < 1) > 0.94
    ratio = ours["a"].to_numpy()[index] / theirs["a"]
    single = (distance < 1) & ((theirs["flag"] & sep.OBJ_MERGED) == 0)
    assert single.sum() > 100
    assert_allclose(ratio[single], 1, rtol=1e-6)


def test_cleaning_removes_bumps_on_wings_only(make):
    # sep on the whole image is the referee, with and without its own cleaning.
    rng = np.random.default_rng(8)
    data = rng.normal(0, 1, (301, 333))
    make.disc(data, 160, 150, 4e5, 11)
    make.disc(data, 40, 40, 900, 2)
    data = data.astype(np.float32)
    kwargs = {"err": np.ones_like(data), "filter_type": "conv"}
    set_limits()
    dirty = sep.extract(data, 1.5, clean=False, **kwargs)
    clean = sep.extract(data, 1.5, clean=True, **kwargs)
    ours = found_in(data).table
    bad = spurious(ours)
    assert len(dirty) == len(ours)
    assert len(clean) < len(dirty)
    assert np.sum(~bad) == len(clean)
    assert_allclose(np.sort(ours["x"][~bad]), np.sort(clean["x"]), atol=0.5)


def test_nothing_to_find():
    found = found_in(np.zeros((30, 31)))
    assert len(found.table) == 0
    assert not found.segments.any()
    assert spurious(found.table).shape == (0,)

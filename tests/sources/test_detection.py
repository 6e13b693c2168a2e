"""Detection against known sources, against scipy and against sep run on whole images."""

from itertools import pairwise

import numpy as np
import pytest
import sep
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from scipy.spatial import cKDTree

from galrestore.sources.components import components, smooth
from galrestore.sources.deblending import fresh_stream
from galrestore.sources.detection import (
    MERGED,
    SINGULAR,
    TRUNCATED,
    Detections,
    Incomplete,
    Window,
    detect,
    merged,
    spurious,
)
from galrestore.sources.footprints import NOBODYS, RETURNED, paint

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
    """Give sep what a whole image needs."""
    sep.set_extract_pixstack(10**6)
    sep.set_sub_object_limit(1024)


def smoothed(image):
    result = np.empty_like(image)
    smooth(image, result)
    return result


def test_smoothing_spreads_a_pixel_over_nine():
    image = np.zeros((5, 7), np.float32)
    image[2, 3] = 16
    assert_array_equal(smoothed(image)[1:4, 2:5], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert smoothed(image).sum() == 16


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (61, 47)])
def test_components_are_those_of_scipy(shape):
    rng = np.random.default_rng(3)
    image = rng.normal(0, 1, shape).astype(np.float32)
    noise = rng.uniform(0.5, 1.5, shape).astype(np.float32)
    mask = rng.uniform(size=shape) < 0.05
    runs, boxes = components(image, noise, mask, 0.3)
    labels, count = ndimage.label((image > 0.3 * noise) & ~mask, np.ones((3, 3)))
    assert len(boxes) == count
    painted = np.zeros(shape, int)
    for row, begin, end, number in runs:
        painted[row, begin:end] = number + 1
    assert_array_equal(painted, labels)  # both number by the first pixel
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels)):
        ours = labels == number + 1
        last = np.flatnonzero(ours[rows.stop - 1])[-1]
        edges = (rows.start, rows.stop - 1, columns.start, columns.stop - 1, last)
        assert_array_equal(boxes[number], [ours.sum(), *edges])


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
        assert source.flags == MERGED


def test_positions_are_those_of_the_mosaic(make):
    image = np.zeros((40, 50))
    make.gaussian(image, 21.25, 17.5, 1e4, 2)
    here = found_in(image).table
    there = found_in(image, y0=1000, x0=3000, frame=(5000, 5000)).table
    # Positions are rounded where they are: 2^-42 at 3000.
    assert_allclose(there["x"] - 3000, here["x"], rtol=0, atol=2**-42)
    assert_allclose(there["y"] - 1000, here["y"], rtol=0, atol=2**-42)
    assert_array_equal(there["a"], here["a"])


def test_component_cut_off_by_the_window_is_refused(make):
    image = np.zeros((40, 50))
    make.gaussian(image, 20, 1, 1e4, 2)
    stream = fresh_stream()
    window = window_of(image, 100, 100, (500, 500))
    with pytest.raises(Incomplete) as caught:
        detect(window, (100, 140, 100, 150), stream=stream, **SETTINGS)
    assert caught.value.reach >= 9
    assert_array_equal(stream, fresh_stream())
    # It does not matter if nobody asks for it, or if the mosaic ends there.
    assert len(detect(window, (112, 140, 100, 150), **SETTINGS).table) == 0
    assert found_in(image).table["flags"][0] == TRUNCATED


@pytest.mark.parametrize("rows", [(37, 38, 39, 40, 41), (11, 250), (299,)])
def test_any_strips_give_the_same_sources(make, rows):
    # Blends draw random numbers, one component after the other: 30 of them at least.
    image = np.nan_to_num(make.crowded((300, 301), 150) - 3.9)
    whole = found_in(image)
    assert np.sum(whole.table["flags"] & MERGED) > 30
    stream, window = fresh_stream(), window_of(image)
    edges = (0, *rows, 300)
    parts = [
        detect(window, (y0, y1, 0, 301), stream=stream, **SETTINGS) for y0, y1 in pairwise(edges)
    ]
    for name in whole.table.columns.drop("label"):
        joined = np.concatenate([part.table[name] for part in parts])
        assert_array_equal(joined, whole.table[name], err_msg=name)
    assert sum(len(part.runs) for part in parts) == len(whole.runs)


def test_masked_pixels_take_no_part(make):
    image = np.zeros((40, 50))
    make.gaussian(image, 15, 20, 1e4, 2)
    mask = np.zeros(image.shape, bool)
    mask[:, :25] = True
    assert len(found_in(np.where(mask, 0, image), mask=mask).table) == 0


@pytest.mark.parametrize("hole", [(0, 30, 0, 60), (28, 33, 20, 60), (30, 31, 30, 31)])
def test_a_source_may_touch_a_hole_in_the_data(make, hole):
    image = np.zeros((60, 80))
    make.gaussian(image, 30, 33, 1e4, 4)
    mask = np.zeros(image.shape, bool)
    mask[hole[0] : hole[1], hole[2] : hole[3]] = True
    found = found_in(np.where(mask, 0, image), mask=mask)
    assert len(found.table) >= 1
    # The pixels that touch the hole lack data for the smoothing.
    near = ndimage.binary_dilation(mask, np.ones((3, 3)))
    assert not found.segments[near].any()
    assert np.isfinite(found.table.to_numpy(float)).all()


def test_mosaic_without_data_has_no_sources():
    mask = np.ones((20, 30), bool)
    assert len(found_in(np.zeros((20, 30)), noise=np.inf, mask=mask).table) == 0


@pytest.mark.parametrize("threshold", [-1.0, 0.0])
def test_absurd_thresholds_make_one_component(threshold):
    # Twice as wide as sep's stack of pixels, and half of the pixels are local maxima.
    data = np.random.default_rng(4).normal(100, 1, (401, 397)).astype(np.float32)
    window = window_of(data)
    found = detect(window, everywhere(window), **SETTINGS | {"threshold": threshold})
    assert len(found.table) >= 1
    assert (found.segments > 0).all()
    assert found.table["npix"].sum() == data.size


def test_sources_thinner_than_a_pixel():
    # Smoothed, a line is three pixels wide; a mask leaves one, whose variance across is
    # that of a pixel, 1/12.
    data = np.zeros((20, 30))
    data[10, 8:20] = 100
    mask = np.zeros(data.shape, bool)
    mask[[8, 12]] = True
    table = found_in(data, mask=mask).table
    assert len(table) == 1
    assert table["flags"][0] == SINGULAR
    assert_allclose(table["b"], np.sqrt(1 / 12), rtol=1e-12)
    assert_allclose(table["theta"], 0, atol=1e-12)


def test_isophotal_sums():
    # A square of 4 x 4 pixels of height 32: smoothed, 2 at the corners outside, 6 and 8
    # along the sides outside, 18 at its own corners.
    data = np.zeros((14, 15))
    data[5:9, 6:10] = 32
    row = found_in(data, noise=2.0).table.iloc[0]
    assert (row["x"], row["y"]) == (7.5, 6.5)
    assert row["npix"] == 32  # all but the four corners of 6 x 6, which lie below 3
    assert row["tnpix"] == 16
    assert row["flux"] == 16 * 32
    assert row["variance"] == 32 * 4
    assert row["peak"] == 32
    assert row["cflux"] == 16 * 32 - 4 * 2
    assert row["thresh"] == 3


def test_same_sources_as_sep_on_the_whole_image(make):
    # sep draws other random numbers, so that blends have other wings.
    data = np.nan_to_num(make.crowded((613, 701), 300) - 3.9)
    ours = found_in(data).table
    set_limits()
    theirs = sep.extract(data, 1.5, err=np.ones_like(data), filter_type="conv", clean=False)
    tree = cKDTree(np.column_stack([ours["x"], ours["y"]]))
    distance, index = tree.query(np.column_stack([theirs["x"], theirs["y"]]))
    assert len(ours) == len(theirs) > 300
    assert (distance < 1e-3).all()
    ours = ours.iloc[index].reset_index(drop=True)
    assert_array_equal(ours["flags"] & MERGED, theirs["flag"] & sep.OBJ_MERGED)
    single = ours["flags"] & MERGED == 0
    assert single.sum() > 100
    for name in ("npix", "tnpix", "xcpeak", "ycpeak"):
        values = ours[name.replace("cpeak", "peak")]
        assert_array_equal(values[single], theirs[name][single], err_msg=name)
    # sep keeps fluxes in float32, and the inverse of the tensor of moments.
    for name in ("a", "b", "flux", "cflux", "peak"):
        assert_allclose(ours[name][single], theirs[name][single], rtol=2e-5, err_msg=name)


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


def test_bumps_become_part_of_their_source(make):
    rng = np.random.default_rng(8)
    data = rng.normal(0, 1, (301, 333))
    make.disc(data, 160, 150, 4e5, 11)
    found = found_in(data)
    table, runs = merged(found)
    assert len(table) == np.sum(~spurious(found.table)) < len(found.table)
    # No pixel is lost, and no flux.
    for name in ("npix", "flux", "variance"):
        assert_allclose(table[name].sum(), found.table[name].sum(), rtol=1e-12)
    segments, roles = paint(runs, (0, 301, 0, 333))
    assert_array_equal(segments > 0, found.segments > 0)
    assert_array_equal(np.bincount(segments.ravel())[1:], table["npix"])
    # Groups too small to be sources take no part, bumps are sky again.
    assert (roles[(segments == 0) & (roles != 0)] == NOBODYS).all()
    assert np.any((segments == 0) & (roles == NOBODYS))
    assert np.any(roles == RETURNED)
    # A window shows the same.
    part, _ = paint(runs, (90, 200, 101, 300))
    assert_array_equal(part, segments[90:200, 101:300])


def test_nothing_to_find():
    found = found_in(np.zeros((30, 31)))
    assert len(found.table) == 0
    assert not found.segments.any()
    assert spurious(found.table).shape == (0,)
    table, runs = merged(Detections(found.table, found.runs, found.segments))
    assert len(table) == len(runs) == 0

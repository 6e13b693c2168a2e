"""Background mesh: sep as referee to the last bit, and values that know no window."""

import numpy as np
import pytest
import sep
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from galrestore.sources.background import clipped_mode, measure_background

# Standard deviation of a unit Gaussian cut at 3 sigma.
CUT_GAUSSIAN = np.sqrt(1 - 6 * norm.pdf(3) / (2 * norm.cdf(3) - 1))


def measure(image, mesh=16, filter_size=1, noise=None):
    def read(y0, y1, x0, x1):
        part = image[y0:y1, x0:x1]
        return part, None if noise is None else noise[y0:y1, x0:x1], ~np.isfinite(part)

    return measure_background(image.shape, read, mesh, filter_size)


@pytest.mark.parametrize("shape", [(256, 384), (300, 417), (48, 413), (407, 50), (41, 37)])
@pytest.mark.parametrize("mesh", [64, 48])
def test_same_bits_as_sep_on_the_whole_image(make, shape, mesh):
    # sep holds the whole image in memory, and has SExtractor's bits (test_sextractor).
    # Where the mesh is no power of two, it adds up 48 rounded steps of 1/48 (6e-8 each)
    # from knot to knot; levels at knots differ by less than 20.
    image = np.nan_to_num(make.crowded(shape, 60), nan=4)
    ours = measure(image, mesh, 3)
    theirs = sep.Background(image, bw=mesh, bh=mesh, fw=3, fh=3)
    level = ours.window(0, shape[0], 0, shape[1])
    assert_allclose(level, theirs.back(), rtol=0, atol=0 if mesh == 64 else 48 * 6e-8 * 20)
    assert np.float32(ours.global_rms) == np.float32(theirs.globalrms)


def test_clipped_gaussian():
    # 5-sigma bounds; mode = 2.5 median - 1.5 mean has a variance of about 5.5 / N.
    values = np.random.default_rng(1).normal(1000, 2, 2**15)
    level, rms = clipped_mode(values)
    assert_allclose(level, 1000, atol=5 * 2 * np.sqrt(5.5 / values.size))
    assert_allclose(rms, 2 * CUT_GAUSSIAN, rtol=5 / np.sqrt(2 * values.size))


def test_clipping_forgets_bright_pixels():
    # The histogram has steps of 10 sigma / 4096; the second cut of 2 sigma differs a little.
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, 4000)
    spoilt = np.concatenate([values, rng.uniform(50, 5000, 200)])
    assert_allclose(clipped_mode(spoilt)[0], 0, atol=5 * np.sqrt(5.5 / 4000))
    assert_allclose(clipped_mode(spoilt)[1], 1, atol=0.1)


def test_flat_cell():
    assert clipped_mode(np.full(7, 3.0)) == (3.0, 0.0)


def test_plane_is_recovered_between_the_outermost_knots():
    # A cubic keeps a plane, up to the half pixel by which knots are too low.  Cells have the
    # mode of symmetric values, their mean to two steps of a histogram of 256 steps in ten
    # sigma, sigma^2 = (4^2 + 8^2) / 12.
    y, x = np.mgrid[:80, :112]
    level = measure(5 + 0.25 * x - 0.5 * y).window(8, 72, 8, 104)
    expected = 5 + 0.25 * x - 0.5 * (y - 0.5)
    assert_allclose(level, expected[8:72, 8:104], atol=2 * 10 * np.sqrt(80 / 12) / 256)


@pytest.mark.parametrize("box", [(0, 33, 5, 90), (17, 18, 0, 131), (40, 97, 64, 65)])
def test_values_do_not_depend_on_the_window(box):
    background = measure(np.random.default_rng(3).normal(7, 1, (97, 131)), filter_size=3)
    whole = background.window(0, 97, 0, 131)
    y0, y1, x0, x1 = box
    assert_array_equal(background.window(*box), whole[y0:y1, x0:x1])


def test_cells_without_data_take_the_mean_of_the_nearest():
    # Cells of one value each: 1 and 5 beside the hole, 9 below it, others further away.
    cells = np.array([[1.0, np.nan, 5.0], [2.0, 9.0, 3.0], [2.0, 2.0, 2.0]])
    level = measure(np.kron(cells, np.ones((16, 16)))).level
    assert level[0, 1] == np.float32((1 + 5 + 9) / 3)
    # Two holes side by side: each takes what is nearest to it.
    cells[0, 2] = np.nan
    level = measure(np.kron(cells, np.ones((16, 16)))).level
    assert_array_equal(level[0], np.float32([1, (1 + 9) / 2, 3]))


def test_half_empty_cells_are_not_trusted():
    image = np.ones((32, 16))
    image[16:] = 8
    image[16:25] = np.nan
    assert_array_equal(measure(image).level.ravel(), [1, 1])
    image[24] = 8
    assert_array_equal(measure(image).level.ravel(), [1, 8])


def test_image_that_is_nearly_empty_has_a_level_all_the_same():
    image = np.full((64, 64), np.nan)
    image[3, 5:8] = 2
    assert_array_equal(np.unique(measure(image).window(0, 64, 0, 64)), 2)


def test_image_smaller_than_the_mesh_has_one_level():
    image = np.random.default_rng(5).normal(2, 1, (19, 23)).astype(np.float32)
    background = measure(image, mesh=64, filter_size=3)
    level, rms = clipped_mode(image)
    assert_array_equal(np.unique(background.window(3, 5, 0, 23)), np.float32(level))
    assert_array_equal(np.unique(background.noise(2, 23)), np.float32(rms))


def test_noiseless_cells_do_not_make_the_global_rms_zero():
    image = np.zeros((16, 80))
    image[:, 64:] = np.random.default_rng(7).normal(0, 1, (16, 16))
    background = measure(image)
    assert background.global_rms == background.rms[0, 4] > 0


def test_relative_noise_map_is_scaled_to_the_rms():
    image = np.random.default_rng(6).normal(0, 1, (128, 128))
    background = measure(image, mesh=64, noise=np.full(image.shape, 0.25))
    # Four cells of 4096 pixels: 5 / sqrt(2 * 4096) = 0.055 for each.
    assert_allclose(background.noise_scale, 4 * CUT_GAUSSIAN, rtol=0.055)


def test_error_of_the_level():
    # Cells with 32 x 32 values of unit variance: modes scatter by sqrt(4.57 / 1024), from
    # the variances of mean and median, 1 and 1.571 over N, and their covariance 1 / N.  The
    # median of nine has 1.57 / 9 of that variance and 1 / 9 in common with each of them:
    # 0.976 of the scatter is left.  Histogram and clipping change it little: 62 x 62 cells
    # know it to 1.2 / 62 = 2 %, of which five and as much again are allowed.
    image = np.random.default_rng(8).normal(9, 1, (64 * 32, 64 * 32)).astype(np.float32)
    expected = 0.976 * np.sqrt(4.57) / 32
    assert_allclose(measure(image, mesh=32, filter_size=3).error, expected, rtol=0.15)
    # Whatever filter the level has.
    assert measure(image, 32, 1).error == measure(image, 32, 3).error


def test_error_is_that_of_most_cells():
    # Skies of 2 and 2.1 by columns, and a source in every ninth cell: each of the others is 0.1
    # from the median of its neighbours, two thirds of which have the other sky.
    rows, columns = np.indices((18, 18))
    cells = np.where((rows % 3 == 1) & (columns % 3 == 1), 50.0, 2 + 0.1 * (columns % 2))
    error = measure(np.kron(cells, np.ones((16, 16))), filter_size=3).error
    assert_allclose(error, 0.1, rtol=1e-5)


def test_error_is_unknown_on_few_cells():
    image = np.random.default_rng(9).normal(0, 1, (96, 96)).astype(np.float32)
    assert np.isfinite(measure(image).error)
    assert np.isnan(measure(image[:80]).error)
    image[16:32, 16:32] = np.nan
    assert np.isnan(measure(image).error)


def test_no_data_at_all():
    with pytest.raises(ValueError, match="no pixel has data"):
        measure(np.full((20, 20), np.nan))

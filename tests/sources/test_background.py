"""Background mesh: statistics with known answers, and values that know no window."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from galrestore.sources.background import clipped_mode, measure_background, mesh_edges

# Standard deviation of a unit Gaussian cut at 3 sigma.
CUT_GAUSSIAN = np.sqrt(1 - 6 * norm.pdf(3) / (2 * norm.cdf(3) - 1))


def measure(image, mesh=16, filter_size=1, noise=None):
    def read(y0, y1, x0, x1):
        part = image[y0:y1, x0:x1]
        return part, None if noise is None else noise[y0:y1, x0:x1], ~np.isfinite(part)

    return measure_background(image.shape, read, mesh, filter_size)


@pytest.mark.parametrize(
    ("size", "edges"),
    [
        (128, [0, 64, 128]),
        (150, [0, 64, 150]),  # 22 pixels are less than half a cell and join the last one
        (170, [0, 64, 128, 170]),
        (31, [0, 31]),
    ],
)
def test_mesh_is_tied_to_the_first_pixel(size, edges):
    assert_array_equal(mesh_edges(size, 64), edges)


def test_clipped_gaussian():
    # 5-sigma bounds; mode = 2.5 median - 1.5 mean has a variance of about 5.5 / N.
    values = np.random.default_rng(1).normal(1000, 2, 2**15)
    level, rms = clipped_mode(values)
    assert_allclose(level, 1000, atol=5 * 2 * np.sqrt(5.5 / values.size))
    assert_allclose(rms, 2 * CUT_GAUSSIAN, rtol=5 / np.sqrt(2 * values.size))


def test_clipping_forgets_bright_pixels():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, 4000)
    spoilt = np.concatenate([values, rng.uniform(50, 5000, 200)])
    assert_allclose(clipped_mode(spoilt), clipped_mode(values), atol=1e-9)


def test_crowded_cells_fall_back_on_the_median():
    # Three pixels: nothing is clipped, mean 1, median 0, sigma 1.41: skewed beyond 0.3.
    assert clipped_mode(np.array([0.0, 0.0, 3.0])) == (0.0, np.sqrt(2.0))


def test_plane_is_recovered_between_the_outermost_centres():
    # The mode of a cell's symmetric values is their mean, and a spline keeps a plane.
    y, x = np.mgrid[:80, :112]
    image = 5 + 0.25 * x - 0.5 * y
    level, rms = measure(image).window(8, 72, 8, 104)
    assert_allclose(level, image[8:72, 8:104], atol=1e-5)
    assert np.all(rms > 0)


@pytest.mark.parametrize("box", [(0, 33, 5, 90), (17, 18, 0, 131), (40, 97, 64, 65)])
def test_values_do_not_depend_on_the_window(box):
    background = measure(np.random.default_rng(3).normal(7, 1, (97, 131)), filter_size=3)
    whole = background.window(0, 97, 0, 131)
    y0, y1, x0, x1 = box
    for image, part in zip(whole, background.window(*box), strict=True):
        assert_array_equal(part, image[y0:y1, x0:x1])


def test_cells_without_data_take_their_neighbours_value():
    image = np.full((48, 64), 3.0)
    image[:16, 16:32] = np.nan
    image[:16, :16] = np.random.default_rng(4).normal(3, 1, (16, 16))
    assert_allclose(measure(image).level[0, 1:], 3, atol=1)
    assert np.isfinite(measure(image).level).all()


def test_image_smaller_than_the_mesh_has_one_level():
    image = np.random.default_rng(5).normal(2, 1, (19, 23))
    level, rms = measure(image, mesh=64, filter_size=3).window(3, 5, 0, 23)
    expected = clipped_mode(image)
    assert_array_equal(np.unique(level), np.float32(expected[0]))
    assert_array_equal(np.unique(rms), np.float32(expected[1]))


def test_image_with_one_row_of_cells():
    image = np.tile(np.linspace(0, 9, 90), (10, 1))
    level, _ = measure(image, mesh=10).window(0, 10, 20, 70)
    assert_allclose(level, image[:, 20:70], atol=1e-5)


def test_relative_noise_map_is_scaled_to_the_rms():
    image = np.random.default_rng(6).normal(0, 1, (128, 128))
    background = measure(image, mesh=64, noise=np.full(image.shape, 0.25))
    # Four cells of 4096 pixels: 5 / sqrt(2 * 4096) = 0.055 for each.
    assert_allclose(background.noise_scale, 4 * CUT_GAUSSIAN, rtol=0.055)


def test_no_data_at_all():
    with pytest.raises(ValueError, match="no pixel has data"):
        measure(np.full((20, 20), np.nan))

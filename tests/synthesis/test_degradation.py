"""Degradation with closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp

from galrestore.synthesis import degradation

LINE = degradation.gaussian_kernel(1.88, 7)


def galaxies(count, shape=(64, 64), seed=1):
    """Round exponential discs of different sizes on a sky of 5."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot(y - shape[0] // 2, x - shape[1] // 2)
    return np.stack([5 + 300 * np.exp(-radius / s) for s in rng.uniform(2, 5, count)])


def test_kernel_is_a_gaussian_of_unit_sum():
    assert_allclose(LINE.sum(), 1, rtol=1e-15)
    # sigma = 1.88 / 2.3548 = 0.79836: ratios of a sampled Gaussian are exact.
    sigma = 1.88 / (2 * np.sqrt(2 * np.log(2)))
    assert_allclose(LINE[4] / LINE[3], np.exp(-1 / (2 * sigma**2)), rtol=1e-13)
    assert_allclose(LINE, LINE[::-1])


@pytest.mark.parametrize(("fwhm", "size"), [(1.88, 6), (0.0, 7)])
def test_kernels_that_cannot_be(fwhm, size):
    with pytest.raises(ValueError, match="odd size and a positive width"):
        degradation.gaussian_kernel(fwhm, size)


def test_point_becomes_the_kernel():
    point = np.zeros((1, 31, 37))
    point[0, 14, 20] = 2.0
    blurred = degradation.blur(point, LINE)
    assert_allclose(blurred[0, 11:18, 17:24], 2 * np.outer(LINE, LINE), rtol=1e-13)
    assert_allclose(blurred.sum(), 2, rtol=1e-13)


def test_edges_keep_the_level_of_the_sky():
    assert_allclose(degradation.blur(np.full((2, 11, 13), 7.0), LINE), 7, rtol=1e-13)
    # A reflected image keeps its total, whatever is at its edge.
    image = np.random.default_rng(1).random((3, 17, 23))
    assert_allclose(degradation.blur(image, LINE).sum((1, 2)), image.sum((1, 2)), rtol=1e-12)


def test_normalisation():
    images = np.array([[[1.0, 3.0], [5.0, 2.0]], [[-2.0, 0.0], [-1.0, -2.0]]])
    scaled, low, high = degradation.normalise(images)
    assert_array_equal(scaled[0], [[0, 0.5], [1, 0.25]])
    assert_array_equal(low, [1, -2])
    assert_array_equal(high, [5, 0])


@pytest.mark.parametrize("bad", [np.ones((4, 4)), np.full((4, 4), np.nan)])
def test_images_that_cannot_be_normalised(bad):
    with pytest.raises(ValueError, match="image 1 is constant or not finite"):
        degradation.normalise(np.stack([np.eye(4), bad]))


@pytest.mark.parametrize("noise", [1e-4, 0.003, 0.05, 0.1])
def test_noise_is_the_fraction_asked_for(noise):
    scene = degradation.blur(galaxies(20), LINE)
    fields = np.random.default_rng(2).standard_normal(scene.shape)
    noisy, sigma, reached = degradation.add_noise(scene, fields, np.full(20, noise))
    assert_array_equal(reached, noise)
    assert_allclose(noisy, scene + sigma[:, None, None] * fields, rtol=1e-13)
    assert_allclose(sigma / np.ptp(noisy, axis=(1, 2)), noise, rtol=1e-10)


def test_noise_beyond_the_limit_is_cut():
    scene, fields = galaxies(3), np.random.default_rng(3).standard_normal((3, 64, 64))
    noisy, sigma, reached = degradation.add_noise(scene, fields, np.array([0.1, 0.5, 9.0]))
    limit = 0.98 / np.ptp(fields, axis=(1, 2))
    assert_allclose(reached, [0.1, limit[1], limit[2]], rtol=1e-13)
    assert_allclose(sigma / np.ptp(noisy, axis=(1, 2)), reached, rtol=1e-9)


def test_pairs():
    images, ids = galaxies(300), np.arange(300) + 10**15
    noise = np.linspace(0.001, 0.1, 300)
    truth, low, columns = degradation.degrade(images, ids, noise, LINE, 1)
    for cube in (truth, low):
        assert cube.dtype == np.float32
        assert_array_equal(cube.min((1, 2)), 0)
        assert_array_equal(cube.max((1, 2)), 1)
    assert_allclose(
        columns["gt_min"] + truth[:, 5, 7] * (columns["gt_max"] - columns["gt_min"]),
        images[:, 5, 7],
        rtol=1e-6,
    )
    # What was added is white noise of the rms that the table says, in both units.
    span = (columns["lq_max"] - columns["lq_min"])[:, None, None]
    added = low * span + columns["lq_min"][:, None, None] - degradation.blur(images, LINE)
    error = 5 / np.sqrt(2 * 64**2)
    assert_allclose(added.std((1, 2)), columns["noise_sigma"], rtol=error)
    assert_allclose((added / span).std((1, 2)), noise, rtol=error)
    assert_array_equal(columns["noise"], noise)
    residual = added / columns["noise_sigma"][:, None, None]
    # 300 x 64 x 63 products of unit variance.
    correlation = np.mean(residual[:, :, 1:] * residual[:, :, :-1])
    assert abs(correlation) < 5 / np.sqrt(300 * 64 * 63)


def test_a_pair_does_not_depend_on_its_company():
    images, ids = galaxies(9, (33, 41)), np.arange(9)
    noise = np.full(9, 0.03)
    _, together, _ = degradation.degrade(images, ids, noise, LINE, 1)
    _, alone, _ = degradation.degrade(images[4:5], ids[4:5], noise[4:5], LINE, 1)
    assert_array_equal(alone[0], together[4])
    _, other_seed, _ = degradation.degrade(images[4:5], ids[4:5], noise[4:5], LINE, 2)
    assert (other_seed[0] != together[4]).mean() > 0.99


def test_drawn_noise_follows_the_sample():
    pool = np.random.default_rng(5).gamma(4, 0.01, 700)
    ids = np.arange(2000)
    drawn = degradation.draw_noise(pool, ids, 1)
    assert np.isin(drawn, pool).all()
    # The seed is fixed; a wrong distribution of this size has p < 1e-6.
    assert ks_2samp(drawn, pool).pvalue > 0.01
    assert_array_equal(degradation.draw_noise(pool[::-1], ids[7:9], 1), drawn[7:9])


def test_noise_measured_in_lq_follows_the_sample():
    # Sky of the stamps' rim, where discs of scale < 5 pixels leave < 1% of the peak.
    pool = np.random.default_rng(6).uniform(0.02, 0.09, 500)
    images, ids = galaxies(600), np.arange(600)
    noise = degradation.draw_noise(pool, ids, 1)
    _, low, _ = degradation.degrade(images, ids, noise, LINE, 1)
    rim = np.concatenate([low[:, :6].reshape(600, -1), low[:, -6:].reshape(600, -1)], axis=1)
    assert ks_2samp(rim.std(axis=1), pool).pvalue > 0.01

"""Drizzling keeps light where it is, and correlates noise as theory says."""

import numpy as np
import pytest

from galrestore.rng import stream
from galrestore.synthesis.degradation import gaussian_kernel
from galrestore.synthesis.drizzle_kernels import (
    KERNELS,
    SQUARE_LAG,
    SQUARE_RMS,
    draw_dithers,
    drizzle_galaxy,
    drizzle_sample,
    drizzled,
    noise_lags,
    observe,
)
from galrestore.synthesis.stars import render_stars

SIDE, EXPOSURES, MOSAICS = 64, 8, 40
INNER = slice(4, -4)
STAR = render_stars(np.array([30.0]), np.array([33.0]), np.array([4.0]), SIDE)[0]
PSF = gaussian_kernel(1.88, 7)


@pytest.fixture(scope="module")
def noise_of_mosaics():
    """Variance over that of the white mean, and correlations: by kernel, means and errors."""
    measures = {kernel: [] for kernel in KERNELS}
    for ident in range(MOSAICS):
        dithers = draw_dithers(ident, EXPOSURES, seed=1)
        generator = stream(1, "test.drizzle", ident)
        _, noise = observe(np.zeros((SIDE, SIDE)), dithers, np.sqrt(EXPOSURES), generator)
        for kernel in KERNELS:
            rms, lags = noise_lags(drizzled(noise, dithers, kernel)[INNER, INNER])
            measures[kernel].append([rms**2, *(lags * rms**2)])
    return {
        kernel: (np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(MOSAICS))
        for kernel, rows in measures.items()
    }


def test_square_kernel_correlates_as_casertano_says(noise_of_mosaics):
    # Variances and covariances average to theory over random dithers; five standard errors.
    mean, error = noise_of_mosaics["square"]
    expected = SQUARE_RMS**2 * np.array([1, SQUARE_LAG, 0, 0])
    assert np.all(np.abs(mean - expected) < 5 * error)
    assert np.all(error < 0.01)


def test_without_dithers_noise_stays_white(noise_of_mosaics):
    mean, error = noise_of_mosaics["white"]
    assert np.all(np.abs(mean - [1, 0, 0, 0]) < 5 * error)


def test_lanczos3_correlates_less_than_square(noise_of_mosaics):
    lanczos, square = (noise_of_mosaics[name][0] for name in ("lanczos3", "square"))
    assert lanczos[0] > square[0]
    assert abs(lanczos[1] / lanczos[0]) < 0.6 * square[1] / square[0]


def test_exposures_are_the_scene_shifted():
    dithers = np.array([[0.3, -0.2], [0.0, 0.0], [-0.45, 0.5]])
    light, noise = observe(STAR, dithers, 0.0, stream(1, "test"))
    expected = render_stars(30 - dithers[:, 1], 33 - dithers[:, 0], np.full(3, 4.0), SIDE)
    # As in the tests of stacking: 6e-7 of the amplitude is left at Nyquist's frequency.
    np.testing.assert_allclose(light, expected, atol=1e-6)
    assert not noise.any()


@pytest.mark.parametrize(("kernel", "off"), [("lanczos3", 0.01), ("square", 0.06)])
def test_mosaics_show_the_scene_where_it_is(kernel, off):
    dithers = draw_dithers(3, EXPOSURES, seed=1)
    light, _ = observe(STAR, dithers, 0.0, stream(1, "test"))
    mosaic = drizzled(light, dithers, kernel)[INNER, INNER]
    # The square kernel spreads light by the variance d (1 - d), 1/6 of a pixel^2 on average
    # along each axis: a star of sigma^2 = 2.97 with the pixel loses 1 - 2.97 / 3.14 of its
    # peak, 5 %; lanczos3 interpolates, with ripples of its passband of about a per cent.
    assert np.abs(mosaic - STAR[INNER, INNER]).max() < off * STAR.max()
    peak = np.unravel_index(mosaic.argmax(), mosaic.shape)
    assert peak == (33 - 4, 30 - 4)
    assert mosaic.sum() == pytest.approx(1, abs=2e-3)
    if kernel == "square":
        assert mosaic.max() / STAR.max() == pytest.approx(2.97 / 3.14, abs=0.01)


def test_noise_is_that_asked_for():
    images, noise = drizzle_galaxy(STAR / STAR.max(), 7, 0.05, PSF, EXPOSURES, seed=1)
    # Exactly: the noise of unit variance is scaled to the fraction; 5 errors 1 / sqrt(2 N)
    # remain of the field's own rms.
    fraction = noise["white"].std() / np.ptp(images["white"])
    assert fraction == pytest.approx(0.05, rel=5 / np.sqrt(2 * 64**2))
    # The square kernel's of the same exposures is lower, see above; 8 dithers scatter by 5 %.
    assert noise["square"].std() / noise["white"].std() == pytest.approx(SQUARE_RMS, abs=0.15)


def test_a_galaxy_does_not_depend_on_its_company():
    truth = np.stack([STAR, STAR[::-1]]) / STAR.max()
    both, columns = drizzle_sample(truth, np.array([4, 7]), 0.05, PSF, 4, seed=1)
    alone, own = drizzle_sample(truth[1:], np.array([7]), 0.05, PSF, 4, seed=1)
    assert np.array_equal(both[1::2], alone)
    assert columns["kernel"].tolist() == ["white"] * 2 + ["square"] * 2 + ["lanczos3"] * 2
    for name in ("noise_sigma", "white_sigma", "lag_1", "lag_3"):
        assert np.array_equal(columns[name][1::2], own[name])

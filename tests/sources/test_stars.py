"""Star locus: found where stars are, silent where there are none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from galrestore.sources.stars import StarLimits, fit_star_locus, point_source_r50

EXPECTED = point_source_r50(2.0)


def sample(stars, galaxies, seed=1, r50=1.2 * EXPECTED):
    rng = np.random.default_rng(seed)
    sizes = np.concatenate(
        [
            r50 * np.exp(rng.normal(0, 0.03, stars)),
            rng.uniform(1.5 * EXPECTED, 8 * EXPECTED, galaxies),
        ]
    )
    flux = 10 ** rng.uniform(2, 4, len(sizes))
    return flux, sizes, flux


def test_point_source_radius():
    # Gaussian of sigma^2 = 0.7213 px^2 and pixel of 1/12: sqrt(2 ln2 x 0.8047) = 1.056.
    assert_allclose(EXPECTED, 1.0562, atol=1e-3)


def test_locus_is_found_among_many_galaxies():
    flux, r50, snr = sample(40, 600)
    locus = fit_star_locus(flux, r50, snr, np.ones(640, bool), 2.0)
    # Error of a robust mode of 40 stars: 0.03 x 1.25 / sqrt(40) = 0.006, at 5 sigma.
    assert_allclose(np.log(locus.r50 / (1.2 * EXPECTED)), 0, atol=0.03)
    assert 0.03 <= locus.width < 0.05
    star = locus.contains(flux, r50, snr, 3.0)
    assert star[:40].sum() >= 36
    assert star[40:].sum() == 0


def test_locus_is_found_where_faint_galaxies_crowd_it():
    # At S/N below 100, 60 galaxies in each 3 widths above the locus hide its 30 stars; the
    # bright ones stand alone.
    rng = np.random.default_rng(2)
    sizes = 1.2 * EXPECTED * np.exp([*rng.normal(0, 0.03, 60), *rng.uniform(0.1, 1, 600)])
    snr = np.concatenate([10 ** rng.uniform(1.5, 4, 60), rng.uniform(30, 100, 600)])
    locus = fit_star_locus(snr, sizes, snr, np.ones(660, bool), 2.0)
    assert locus.stars >= 50
    assert_allclose(np.log(locus.r50 / (1.2 * EXPECTED)), 0, atol=0.03)


@pytest.mark.parametrize(("stars", "galaxies"), [(5, 60), (0, 600), (0, 0)])
def test_without_a_locus_the_psf_decides(stars, galaxies):
    flux, r50, snr = sample(stars, galaxies)
    locus = fit_star_locus(flux, r50, snr, np.ones(len(flux), bool), 2.0)
    assert (locus.r50, locus.width, locus.stars) == (EXPECTED, 0.05, 0)
    assert locus.contains(flux, r50, snr, 3.0)[stars:].sum() == 0


def test_faint_and_unmeasured_sources_are_no_stars():
    locus = fit_star_locus(*np.zeros((3, 0)), np.zeros(0, bool), 2.0)
    r50 = np.array([EXPECTED, EXPECTED, np.nan])
    star = locus.contains(np.ones(3), r50, np.array([20.1, 19.9, 99.0]), 3.0)
    assert star.tolist() == [True, False, False]


def test_noise_widens_the_locus_for_faint_stars():
    # Half width 3 sqrt(0.05^2 + (0.7 / S/N)^2): 0.183 at S/N 20, 0.150 at 1000.
    locus = fit_star_locus(*np.zeros((3, 0)), np.zeros(0, bool), 2.0)
    r50 = EXPECTED * np.exp([0.182, 0.184, 0.149, 0.151])
    star = locus.contains(np.ones(4), r50, np.array([20.0, 20.0, 1e3, 1e3]), 3.0)
    assert star.tolist() == [True, False, True, False]


def test_limits_in_magnitudes():
    # -2.5 log10(flux): 1e4 is -10, 100 is -5.
    limits = StarLimits.of_magnitudes(-10.0, -5.0)
    flux = np.array([1.001e4, 0.999e4, 100.1, 99.9, np.nan])
    inside = limits.contain(flux, np.full(5, 1.0))
    assert inside.tolist() == [False, True, True, False, False]


def test_stars_beyond_saturation_do_not_count():
    flux, r50, snr = sample(40, 0)
    r50[flux > 3000] *= 1.5
    limits = StarLimits(20.0, 0.0, 3000.0)
    locus = fit_star_locus(flux, r50, snr, np.ones(40, bool), 2.0, limits)
    assert locus.brightest <= 3000
    assert_allclose(np.log(locus.r50 / (1.2 * EXPECTED)), 0, atol=0.03)
    assert not locus.contains(flux, r50, snr, 3.0)[flux > 3000].any()

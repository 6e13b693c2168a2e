"""Star locus: found where stars are, silent where there are none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from galrestore.sources.stars import fit_star_locus, point_source_r50

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
    assert 0.02 <= locus.width < 0.05
    star = locus.contains(r50, snr, 3.0)
    assert star[:40].sum() >= 36
    assert star[40:].sum() == 0


@pytest.mark.parametrize(("stars", "galaxies"), [(5, 60), (0, 600), (0, 0)])
def test_without_a_locus_the_psf_decides(stars, galaxies):
    flux, r50, snr = sample(stars, galaxies)
    locus = fit_star_locus(flux, r50, snr, np.ones(len(flux), bool), 2.0)
    assert (locus.r50, locus.width, locus.stars) == (EXPECTED, 0.05, 0)
    assert locus.contains(r50, snr, 3.0)[stars:].sum() == 0


def test_faint_and_unmeasured_sources_are_no_stars():
    locus = fit_star_locus(*np.zeros((3, 0)), np.zeros(0, bool), 2.0)
    r50 = np.array([EXPECTED, EXPECTED, np.nan])
    assert locus.contains(r50, np.array([51.0, 49.0, 99.0]), 3.0).tolist() == [True, False, False]

"""Galaxies and stars of the simulated sky."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal

from galrestore.archive.simulated_population import knots, magnitude_at, objects
from galrestore.config.acquire import SimulatedPopulation

LAW = SimulatedPopulation()
SEED = 20240331
AREA = 120.0  # side of the test's sky [arcsec]: 4 arcmin^2


@pytest.fixture(scope="module")
def table():
    return objects(SEED, LAW, (-60, 60), (-60, 60))


def galaxies(table):
    return table[(table.kind == "galaxy") & (table.companion_of == -1)]


def test_counts_have_the_density_and_slope_asked_for(table):
    magnitude = galaxies(table).magnitude
    for limit in (25.0, LAW.faintest):
        expected = 4 * LAW.galaxy_density * 10 ** (LAW.count_slope * (limit - 25))
        # Poisson, 5 sigma.
        assert abs(np.sum(magnitude < limit) - expected) < 5 * np.sqrt(expected)
    assert magnitude.between(LAW.brightest, LAW.faintest).all()


def test_stars_have_the_density_and_magnitudes_asked_for():
    law = SimulatedPopulation(galaxy_density=0, star_density=100)
    stars = objects(SEED, law, (-60, 60), (-60, 60))
    assert (stars.kind == "star").all()
    assert abs(len(stars) - 400) < 5 * 20  # Poisson, 5 sigma
    assert stars.magnitude.between(18, 26).all()
    # log10 N(<m) = 0.15 m: half of the stars are brighter than 26 - log10(2) / 0.15,
    # up to the 6 % that a power law would have below 18; 5 sigma of a fraction.
    median = np.mean(stars.magnitude < 26 - np.log10(2) / 0.15)
    assert abs(median - (0.5 - 0.063) / (1 - 0.063)) < 5 * 0.5 / np.sqrt(len(stars))


def test_sizes_follow_the_relation(table):
    found = galaxies(table)
    found = found[found.magnitude.between(24, 27)]
    residual = np.log10(found.disc_r50 / LAW.size) - LAW.size_slope * (found.magnitude - 25)
    # The median of N normal deviates has the error 1.25 sigma / sqrt(N), their standard
    # deviation sigma / sqrt(2N); 5 sigma of each.
    error = LAW.size_scatter / np.sqrt(len(found))
    assert abs(residual.median()) < 5 * 1.25 * error
    assert abs(residual.std() - LAW.size_scatter) < 5 * error / np.sqrt(2)


def test_fractions_of_types(table):
    found = galaxies(table)
    for share, mark in (
        (LAW.spheroid_fraction, found.b_over_t == 1),
        (LAW.composite_fraction, found.b_over_t.between(0, 1, inclusive="neither")),
    ):
        error = np.sqrt(share * (1 - share) / len(found))
        assert abs(mark.mean() - share) < 5 * error


def test_larger_sky_holds_the_smaller_one(table):
    small = objects(SEED, LAW, (-13, 17.5), (-21, 4))
    inside = table.xi.between(-13, 17.5, inclusive="left")
    inside &= table.eta.between(-21, 4, inclusive="left")
    assert len(small) > 100
    assert_frame_equal(small, table[inside].reset_index(drop=True))


def test_ids_are_unique_and_sorted(table):
    assert table.id.is_unique
    assert table.id.is_monotonic_increasing


def test_another_seed_gives_another_sky(table):
    other = objects(SEED + 1, LAW, (-10, 10), (-10, 10))
    assert not np.isin(other.magnitude, table.magnitude).any()


def test_companions_are_close_to_their_galaxy_and_fainter(table):
    pairs = table[table.companion_of != -1].merge(
        table, left_on="companion_of", right_on="id", suffixes=("", "_of")
    )
    expected = LAW.companion_fraction * len(galaxies(table))
    assert abs(len(pairs) - expected) < 5 * np.sqrt(expected)
    distance = np.hypot(pairs.xi - pairs.xi_of, pairs.eta - pairs.eta_of) / pairs.r50_of
    assert distance.between(0.8, 3.0).all()
    assert (pairs.magnitude - pairs.magnitude_of).between(0, 2.5).all()


def test_components_add_up_to_the_magnitude_at_the_pivot(table):
    total, *parts = magnitude_at(table, 0.8)
    assert_allclose(total, table.magnitude, atol=1e-12)
    added = sum(10 ** (-0.4 * part) for part in parts)
    assert_allclose(-2.5 * np.log10(added), total, atol=1e-12)


def test_slopes_become_colours(table):
    table = table[table.b_over_t.between(0, 1, inclusive="neither") & (table.n_knots > 0)].assign(
        bulge_slope=1.0, disc_slope=0.5, knot_slope=-0.5
    )
    assert len(table) > 5
    near, far = magnitude_at(table, 0.8), magnitude_at(table, 1.6)
    # f_nu ~ lambda^s: brighter by 2.5 s log10(2) over a factor 2 in wavelength.
    for part, slope in ((1, 1.0), (2, 0.5), (3, -0.5)):
        assert_allclose(near[part] - far[part], 2.5 * slope * np.log10(2), atol=1e-12)
    blue = magnitude_at(table, 0.4)
    assert_allclose(blue[1] - near[1], 2 * 2.5 * np.log10(2), atol=1e-12)  # twice as steep


def test_knots_lie_on_their_disc(table):
    found = table[table.n_knots > 0]
    assert len(found) > 10
    for galaxy in found.to_dict("records"):
        dx, dy, share, sigma = knots(SEED, galaxy)
        assert len(dx) == len(share) == len(sigma) == galaxy["n_knots"]
        assert_allclose(share.sum(), 1, rtol=1e-12)
        cos, sin = np.cos(galaxy["theta"]), np.sin(galaxy["theta"])
        along, across = dx * cos + dy * sin, (dy * cos - dx * sin) / galaxy["disc_q"]
        radius = np.hypot(along, across) / galaxy["disc_r50"]
        assert (radius > 0.3 - 1e-9).all()
        assert (radius < 2.2 + 1e-9).all()


def test_empty_sky():
    law = SimulatedPopulation(galaxy_density=0, star_density=0)
    assert len(objects(SEED, law, (-5, 5), (-5, 5))) == 0

"""Split by sky: neighbours stay together, shares are met, order does not matter."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.spatial import cKDTree

from galrestore.synthesis.split import friends, sky_groups, sky_points, split

SHARES = (0.8, 0.1, 0.1)


def catalogue(ra=np.nan, dec=np.nan, x=0.0, y=0.0, scale=0.03, field="f", image=0):
    columns = {"ra": ra, "dec": dec, "x": x, "y": y, "pixel_scale": scale}
    count = max(np.size(values) for values in columns.values())
    table = pd.DataFrame({name: np.broadcast_to(v, count) for name, v in columns.items()})
    return table.astype(float).assign(field=field, image=image)


def random_sky(count, seed=1, extent=120):
    """Positions within some arcseconds at declination 60, each in two bands."""
    rng = np.random.default_rng(seed)
    dec = 60 + rng.uniform(0, extent, count) / 3600
    ra = (359.99 + rng.uniform(0, extent, count) / 3600 / np.cos(np.radians(dec))) % 360
    other = rng.normal(0, 0.05 / 3600, (2, count))
    return catalogue(np.concatenate([ra, ra + other[0]]), np.concatenate([dec, dec + other[1]]))


def test_distances_are_angles():
    points = sky_points(catalogue([0.0, 0.0, 359.9999], [60.0, 60.001, 60.0]))
    distance = np.linalg.norm(points - points[0], axis=1)
    # 0.001 deg in declination; 0.0001 deg in right ascension at cos 60 = 1/2.
    np.testing.assert_allclose(distance, [0, 3.6, 0.18], rtol=1e-5, atol=1e-9)


def test_friends_of_friends():
    points = np.array([[0.0], [0.9], [1.8], [3.0], [9.0], [9.5]])
    assert_array_equal(friends(points, 1.0), [0, 0, 0, 1, 2, 2])
    assert friends(np.zeros((0, 3)), 1.0).shape == (0,)


def test_nothing_within_reach_is_in_another_set():
    table = random_sky(400)
    groups = sky_groups(table, 1.0, 10.0)
    sets = split(groups, SHARES, 1)
    assert 60 < len(np.unique(groups)) < 200
    pairs = cKDTree(sky_points(table)).query_pairs(1.0, output_type="ndarray")
    assert len(pairs) > 400
    assert_array_equal(sets[pairs[:, 0]], sets[pairs[:, 1]])
    # Whole groups: shares are met to within the largest one.
    largest = np.unique(groups, return_counts=True)[1].max()
    counts = np.bincount(sets, minlength=3)
    assert (np.abs(counts - 800 * np.array(SHARES)) <= largest).all()


def test_groups_and_split_do_not_depend_on_order_or_company():
    table = random_sky(150)
    order = np.random.default_rng(2).permutation(len(table))
    groups = sky_groups(table, 1.0, 10.0)
    assert_array_equal(sky_groups(table.iloc[order], 1.0, 10.0), groups[order])
    assert_array_equal(split(groups[order], SHARES, 3), split(groups, SHARES, 3)[order])
    alone = sky_groups(table[table["dec"] < 60.005], 1.0, 10.0)
    assert np.isin(alone, groups).mean() > 0.9
    assert (split(groups, SHARES, 4) != split(groups, SHARES, 3)).any()


def test_bands_of_different_scale_are_matched_without_coordinates():
    # Pixel 10 of 0.06 arcsec covers 0.60 to 0.66 arcsec: pixels 20 and 21 of 0.03.
    short = catalogue(x=np.array([20.5, 500.0]), y=np.array([20.5, 500.0]))
    wide = catalogue(x=np.array([10.0]), y=np.array([10.0]), scale=0.06)
    table = pd.concat([short, wide], ignore_index=True)
    points = sky_points(table)
    np.testing.assert_allclose(points[2], points[0], atol=1e-9)
    groups = sky_groups(table, 1.0, 10.0)
    assert groups[0] == groups[2] != groups[1]


def test_fields_without_coordinates_do_not_touch():
    one = catalogue(x=np.zeros(3), field="a").assign(image=[0, 1, 2])
    table = pd.concat([one, catalogue(x=np.zeros(1), field="b"), catalogue([0.0], [0.0])])
    assert len(np.unique(sky_groups(table, 1.0, 10.0))) == 5


@pytest.mark.parametrize("count", [10, 1000, 10_000])
def test_single_members_meet_the_shares_exactly(count):
    sets = split(np.arange(count), SHARES, 1)
    assert_array_equal(np.bincount(sets), [count * 8 // 10, count // 10, count // 10])


@pytest.mark.parametrize("sizes", [(1, 1, 1), (500, 1, 1), (400, 300, 1), (90, 2, 2, 2)])
def test_no_set_is_empty_when_there_are_three_groups(sizes):
    groups = np.repeat(np.arange(len(sizes)) * 7 + 3, sizes)
    for seed in range(20):
        assert (np.bincount(split(groups, SHARES, seed), minlength=3) > 0).all()


def test_a_share_of_nothing_stays_empty():
    assert_array_equal(np.unique(split(np.arange(50), (0.5, 0.0, 0.5), 1)), [0, 2])


def test_dealing_is_not_in_order_of_the_groups():
    # Test members are spread over the ids: mean of 1000 ranks of 10,000, 5 sigma.
    sets = split(np.arange(10_000), SHARES, 1)
    ranks = np.flatnonzero(sets == 2) / 10_000
    assert abs(ranks.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 1000)


def test_nothing_to_split():
    assert sky_groups(random_sky(3).iloc[:0], 1.0, 10.0).shape == (0,)
    assert split(np.zeros(0, np.int64), SHARES, 1).shape == (0,)

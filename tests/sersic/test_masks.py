"""Masks of neighbours: which pixels belong to whom."""

import numpy as np

from galrestore.sersic.masks import neighbour_masks


def sources(*rows):
    names = ("x", "y", "a", "b", "theta")
    return dict(zip(names, np.array(rows, dtype=float).T, strict=True))


def test_a_lonely_source_has_no_mask():
    mask = neighbour_masks(sources((50, 40, 3, 2, 0.4), (500, 40, 3, 2, 0)), np.array([0]), 33)
    assert mask.shape == (1, 33, 33)
    assert not mask.any()


def test_equal_round_sources_share_at_the_middle():
    # Sources at columns 100 and 110: the border is at 105, or index 5 from the source's
    # pixel 16; the neighbour reaches 4 x 3 = 12 pixels around index 26.
    table = sources((100, 70, 3, 3, 0), (110, 70, 3, 3, 0))
    mask = neighbour_masks(table, np.array([0, 1]), 33)
    rows, columns = np.indices((33, 33))
    expected = (columns > 21) & ((columns - 26) ** 2 + (rows - 16) ** 2 < 144)
    np.testing.assert_array_equal(mask[0], expected)
    # Seen from the other source the picture is mirrored.
    np.testing.assert_array_equal(mask[1], expected[:, ::-1])


def test_ellipses_turn_with_theta():
    # A neighbour elongated along the rows (theta = pi / 2) masks 4 a = 16 up, 4 b = 4 aside.
    mask = neighbour_masks(sources((80, 80, 1, 1, 0), (95, 80, 4, 1, np.pi / 2)), np.array([0]), 61)
    rows, columns = np.nonzero(mask[0])
    assert rows.min() == 30 - 15
    assert rows.max() == 30 + 15
    assert columns.min() == 45 - 3
    assert columns.max() == 45 + 3


def test_a_tilted_ellipse_leans_towards_both_rows_and_columns():
    # theta counts from the column axis towards the row axis: at pi / 4 the neighbour at index
    # (row 30, column 45) reaches 4 a = 16 along (+, +), and only 4 b = 4 along (+, -).
    table = sources((80, 80, 1, 1, 0), (95, 80, 4, 1, np.pi / 4))
    mask = neighbour_masks(table, np.array([0]), 61)[0]
    assert mask[30 + 9, 45 + 9]
    assert not mask[30 + 13, 45 + 13]
    assert not mask[30 + 9, 45 - 9]
    assert not mask[30 - 9, 45 + 9]


def test_no_targets():
    assert neighbour_masks(sources((1, 1, 1, 1, 0)), np.array([], dtype=int), 9).shape == (0, 9, 9)

"""Tuning finds the optimum of a method whose optimum is known."""

import numpy as np
import pandas as pd
import pytest

from galrestore.baselines import methods, tuning
from galrestore.baselines.methods import Choice
from galrestore.baselines.tuning import choices_of, tune
from galrestore.files.contracts.tuning import TUNING_GRID, TUNING_STAMPS
from galrestore.rng import stream

SHAPE = (24, 26)
CHESS = np.indices(SHAPE).sum(axis=0) % 2 - 0.5
# Noise of the first and of the second half of the stamps, and where each is best.
NOISE = 0.004, 0.03
BEST = 2.0, 5.0


def bump():
    y, x = np.indices(SHAPE) - 12
    return np.exp(-(x**2 + y**2) / 8.0)


def toy(images, noise, kernel, value):
    """A galaxy that is spoilt by the distance from value 2 or 5, and from 3 iterations."""
    best = np.where(noise < 0.015, *BEST)
    step = 0
    while True:
        step += 1
        wrong = 0.01 * np.hypot(value - best, step - 3) + 0.005
        model = bump() + np.reshape(wrong, (-1, 1, 1)) * CHESS
        model[:, 0, 0] = 1.5  # the peak, whatever is spoilt
        yield 7 * model


@pytest.fixture
def pairs(monkeypatch):
    monkeypatch.setitem(methods.METHODS, "toy", (toy, "value"))
    white = stream(1, "tuning").normal(size=(20, *SHAPE))
    # The range of LQ is 1 nearly: one peak of 1 far from any noise.
    lq = np.repeat(NOISE, 10)[:, None, None] * white
    lq[:, 12, 12] = 1.0
    gt = np.tile(bump(), (20, 1, 1))
    gt[:, 0, 0] = 1.5
    return lq, (0.4 * gt / 1.5 + 0.1)


def test_the_best_of_each_class_is_chosen(pairs):
    grid, stamps = tune("toy", *pairs, None, (1.0, 2.0, 3.0, 4.0, 5.0), (1, 2, 3, 4), 2)
    assert len(grid) == 5 * 4 * 2
    assert set(grid.columns) == {column.name for column in TUNING_GRID}
    assert set(stamps.columns) | {"id"} == {column.name for column in TUNING_STAMPS}
    chosen = grid[grid["chosen"]]
    assert chosen["noise_class"].tolist() == [0, 1]
    assert chosen["value"].tolist() == list(BEST)
    assert chosen["iterations"].tolist() == [3, 3]
    # Value 5 ends the grid, 2 does not; 3 iterations of 4 neither.
    assert chosen["at_edge"].tolist() == [False, True]
    assert chosen["stamps"].tolist() == [10, 10]
    # Chess of +-1/2 times 0.005 is left, of images with peak 1.5, on GT of peak 0.5, scaled
    # by 0.4: PSNR = 20 log10(0.5 / (0.0025 * 0.4 / 1.5)); matching shifts it by 1e-4.
    left = 0.0025 * 0.4 / 1.5
    np.testing.assert_allclose(chosen["score"], 20 * np.log10(0.5 / left), atol=0.01)
    np.testing.assert_allclose(chosen[["scale", "offset"]], [[0.4, 0.1]] * 2, rtol=1e-3)
    by_class = stamps.groupby("noise_class")["score"].mean()
    np.testing.assert_allclose(by_class, chosen["score"], rtol=1e-12)


def test_choices_are_read_back(pairs):
    grid, stamps = tune("toy", *pairs, None, (2.0, 5.0), (3,), 2)
    choices, edges = choices_of(grid)
    assert [(choice.value, choice.iterations) for choice in choices] == [(2.0, 3), (5.0, 3)]
    assert isinstance(choices[0], Choice)
    # The edge lies between the two levels of noise.
    (edge,) = edges
    noise = stamps["noise"].to_numpy()
    assert noise[:10].max() < edge < noise[10:].min()
    assert stamps["noise_class"].tolist() == [0] * 10 + [1] * 10
    assert grid["noise_low"].min() == 0
    assert np.isinf(grid["noise_high"].max())


def test_one_class_takes_the_compromise(pairs):
    grid, _ = tune("toy", *pairs, None, (2.0, 3.5, 5.0), (3,), 1)
    assert grid["noise_class"].unique().tolist() == [0]
    means = grid.set_index("value")["score"]
    # Chess of both halves by value; PSNR falls by 20 dB for each factor of 10.
    wrong = np.array([[0.005, 0.035], [0.02, 0.02], [0.035, 0.005]])
    expected = -20 * np.log10(wrong).mean(axis=1)
    np.testing.assert_allclose(np.diff(means), np.diff(expected), atol=0.02)
    assert grid["chosen"].tolist() == [True, False, False]


def test_more_classes_than_images(pairs):
    lq, gt = (images[9:11] for images in pairs)
    grid, stamps = tune("toy", lq, gt, None, (1.0,), (3,), 5)
    assert stamps["noise_class"].tolist() == [0, 1]
    assert grid["stamps"].tolist() == [1, 1]
    # Two images of one noise cannot be told apart.
    grid, stamps = tune("toy", lq[[0, 0]], gt, None, (1.0,), (3,), 5)
    assert stamps["noise_class"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("values", "least", "ends"),
    [
        ([0.5, 1.0, 2.0], 0, [True, False, True]),
        ([0.0, 1.0, 2.0], 0, [False, False, True]),  # no threshold below 0
        ([1, 2, 3], 1, [False, False, True]),  # no iterations below 1
        ([3.0, 3.0, 3.0], 0, [False, False, False]),  # nothing was to be chosen
    ],
)
def test_where_a_grid_ends(values, least, ends):
    assert tuning._at_edge(pd.Series(values), least).tolist() == ends

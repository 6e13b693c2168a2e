"""Learning rates at steps where the cosine is known."""

import pytest

from galrestore.config.train import Phase
from galrestore.training.schedule import fixed_then_cosine, learning_rate, one_cosine


@pytest.mark.parametrize(
    ("step", "expected"),
    # The authors' phase: 46,000 steps fixed, then a cosine over 104,000.  At its quarter
    # points the cosine is (1 + cos(pi/3)) / 2 = 3/4, 1/2 and 1/4 between the two rates.
    [
        (0, 3e-4),
        (45_999, 3e-4),
        (46_000, 3e-4),
        (46_000 + 104_000 // 3, 1e-6 + 0.75 * 2.99e-4),
        (46_000 + 52_000, 1.505e-4),
        (150_000, 1e-6),
    ],
)
def test_fixed_then_cosine(step, expected):
    rate = fixed_then_cosine(step, 150_000, 3e-4, 1e-6, 46 / 150)
    # A third of 104,000 is rounded by 0.7 step: 2e-5 of the period.
    assert rate == pytest.approx(expected, rel=5e-5)


@pytest.mark.parametrize(
    ("phase", "step", "expected"), [(0, 0, 3e-4), (1, 0, 1.505e-4), (1, 100, 1e-6)]
)
def test_one_cosine_goes_through_the_phases(phase, step, expected):
    assert one_cosine(step, 100, 3e-4, 1e-6, phase, 2) == pytest.approx(expected, rel=1e-12)


def test_one_cosine_has_no_jump_between_phases():
    last, first = one_cosine(100, 100, 1.0, 0.0, 0, 2), one_cosine(0, 100, 1.0, 0.0, 1, 2)
    assert last == first


def test_warm_up_rises_evenly_to_the_schedule():
    common = {"network": {"architecture": "unet"}, "lineage": "jwst", "iterations": 100}
    plain = Phase(**common, learning_rate=1e-3, fixed_fraction=0.5)
    warm = Phase(**common, learning_rate=1e-3, fixed_fraction=0.5, warmup=4)
    rates = [learning_rate(step, warm) for step in range(5)]
    assert rates == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3], rel=1e-12)
    assert learning_rate(60, warm) == learning_rate(60, plain)

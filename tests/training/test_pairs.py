"""Order of the stamps, and refusals."""

import numpy as np
import pytest

from galrestore.errors import EmptyError
from galrestore.training.pairs import Order, Pairs


def test_each_pass_sees_every_stamp_once():
    order = Order(size=10, seed=3, ident=5)
    seen = np.concatenate([order.rows(step, 4) for step in range(15)])
    for number in range(6):
        assert sorted(seen[10 * number : 10 * number + 10]) == list(range(10))
    assert not np.array_equal(seen[:10], seen[10:20])


def test_a_step_larger_than_the_set_repeats_it():
    rows = Order(size=3, seed=3, ident=5).rows(0, 9)
    assert np.bincount(rows).tolist() == [3, 3, 3]


def test_order_depends_on_seed_and_training():
    rows = [Order(50, seed, ident).rows(0, 50).tolist() for seed, ident in ((1, 1), (1, 2), (2, 1))]
    assert rows[0] != rows[1] != rows[2]


def test_some_are_distinct_and_keep_their_partner():
    gt = np.arange(20.0).repeat(9).reshape(20, 3, 3)
    pairs = Pairs(-gt, gt, "test").some(6, seed=1)
    chosen = pairs.gt[:, 0, 0]
    assert len(pairs) == 6
    assert (np.diff(chosen) > 0).all()
    assert np.array_equal(pairs.lq, -pairs.gt)


def test_an_empty_set_is_named():
    empty = np.zeros((0, 8, 8))
    with pytest.raises(EmptyError, match="jwst validation"):
        Pairs(empty, empty, "jwst validation")


@pytest.mark.parametrize(
    ("lq", "message"),
    [(np.zeros((2, 3, 4)), "shape|got"), (np.full((2, 3, 3), np.nan), "finite")],
)
def test_unfit_images_are_refused(lq, message):
    with pytest.raises(ValueError, match=message):
        Pairs(lq, np.zeros((2, 3, 3)), "test")

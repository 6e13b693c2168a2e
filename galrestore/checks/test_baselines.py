"""Parameters of the baselines are the best of their grids, on validation images alone."""

import numpy as np
import pytest

from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.tuning import TUNING_GRID, TUNING_STAMPS

# Least value of a parameter, and of iterations: a grid that begins there cannot go on.
_LEAST = {"value": 0, "iterations": 1}


def test_tuned_on_validation_images_alone(artefacts, tuned):
    """No image, and no source, of the test split had a say."""
    stamps = artefacts.table(f"baselines/stamps/{tuned}.parquet", TUNING_STAMPS)
    pairs = artefacts.table("pairs/jwst.parquet", PAIRS).set_index("id")
    used = pairs.reindex(stamps["id"])
    others = sorted(set(used["split"].fillna("nowhere")) - {"validation"})
    assert not others, f"baselines/{tuned}: tuned on images of {', '.join(others)}"
    tested = pairs.loc[pairs["split"] == "test", "group"]
    shared = int(used["group"].isin(tested).sum())
    assert not shared, f"baselines/{tuned}: {shared} images share their source with the test"


def test_the_best_point_is_chosen(artefacts, tuned):
    """In each class of noise one point is chosen: none has a higher score."""
    grid = artefacts.table(f"baselines/grid/{tuned}.parquet", TUNING_GRID)
    stamps = artefacts.table(f"baselines/stamps/{tuned}.parquet", TUNING_STAMPS)
    assert set(grid["noise_class"]) == set(stamps["noise_class"]), (
        f"baselines/{tuned}: classes of the grid are not those of the images"
    )
    for number, points in grid.groupby("noise_class"):
        chosen = points[points["chosen"]]
        assert len(chosen) == 1, f"baselines/{tuned}: class {number} has {len(chosen)} choices"
        assert chosen["score"].iloc[0] == points["score"].max(), (
            f"baselines/{tuned}: class {number} has a better point than the chosen one"
        )
        scores = stamps["score"][stamps["noise_class"] == number]
        # Sums of doubles in another order.
        assert chosen["score"].iloc[0] == pytest.approx(scores.mean(), rel=1e-9), (
            f"baselines/{tuned}: the score of class {number} is not that of its images"
        )


def test_edges_of_the_grid_are_reported(artefacts, tuned):
    """A choice where the grid ends says so: the optimum may lie beyond."""
    grid = artefacts.table(f"baselines/grid/{tuned}.parquet", TUNING_GRID)
    at_edge = np.zeros(len(grid), dtype=bool)
    for name, least in _LEAST.items():
        low, high = grid[name].min(), grid[name].max()
        if low < high:
            at_edge |= (grid[name] == high) | ((grid[name] == low) & (low > least))
    wrong = int((grid["at_edge"] != at_edge).sum())
    assert not wrong, f"baselines/{tuned}: {wrong} points are wrong about the grid's edge"

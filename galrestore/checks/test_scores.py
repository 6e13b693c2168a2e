"""Restored images and scores are of the test split, and Table 1 sums them up."""

import numpy as np
import pytest

from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.cubes import read_cube, read_ids


def test_restored_images_are_the_test_split(artefacts, restored):
    """One finite image for each pair of the test split, in the table's order."""
    path = artefacts.path(f"restored/{restored}.fits")
    expected = _tested(artefacts, restored.split("/")[-1])["id"]
    ids = read_ids(path)
    assert np.array_equal(ids, expected), (
        f"restored/{restored}: {len(ids)} images for {len(expected)} test pairs, or other ids"
    )
    bad = ids[~np.isfinite(read_cube(path, "RS")).all(axis=(1, 2))].tolist()
    assert not bad, f"restored/{restored}: RS of ids {bad[:5]} is not finite"


def test_scores_are_of_the_test_split(artefacts, scored):
    """One row for each pair of the test split, under the method's and the set's names."""
    method, name = scored.split("/")
    scores = artefacts.table(f"measurements/{scored}.parquet", MEASUREMENTS)
    assert np.array_equal(scores["id"], _tested(artefacts, name)["id"]), (
        f"measurements/{scored}: rows are not the test pairs"
    )
    named = set(zip(scores["method"], scores["set"], strict=True))
    assert named == {(method, name)}, f"measurements/{scored}: holds scores of {named}"


def test_scores_are_those_of_the_images(artefacts, scored):
    """The PSNR of eq. 4, computed here once more from the images, is the table's."""
    name = scored.split("/")[-1]
    scores = artefacts.table(f"measurements/{scored}.parquet", MEASUREMENTS)
    pairs = artefacts.table(f"pairs/{name}.parquet", PAIRS)
    tested = (pairs["split"] == "test").to_numpy()
    truth = read_cube(artefacts.path(f"pairs/{name}.fits"), "GT", tested)
    images = read_cube(artefacts.path(f"restored/{scored}.fits"), "RS")
    for psnr, image, gt in zip(scores["psnr"], images, truth, strict=True):
        error = np.mean((image.astype(float) - gt) ** 2)
        # Equivalent to PSNR = 10 log10(MAX^2 / error), and sound where the error is 0.
        assert error == pytest.approx(gt.max() ** 2 * 10 ** (-psnr / 10), rel=1e-6), (
            f"measurements/{scored}: PSNR {psnr} is not that of the images"
        )


def test_table1_is_the_mean_of_the_scores(artefacts, presented):
    """Means of Table 1 are those of the measurements."""
    if not presented.startswith("table1_"):
        pytest.skip("not a table of scores")
    table = artefacts.table(f"tables/{presented}.parquet", TABLE1)
    for row in table.itertuples():
        scores = artefacts.table(f"measurements/{row.method}/{row.set}.parquet", MEASUREMENTS)
        assert row.n == len(scores), f"{presented}: {row.method} counts {row.n} images"
        for score in ("psnr", "ssim", "psnr_authors", "psnr_matched", "ssim_matched"):
            # Sums of doubles in another order.
            assert getattr(row, score) == pytest.approx(scores[score].mean(), rel=1e-9), (
                f"{presented}: {score} of {row.method} is not the mean of its measurements"
            )


def _tested(artefacts, name):
    pairs = artefacts.table(f"pairs/{name}.parquet", PAIRS)
    return pairs[pairs["split"] == "test"]

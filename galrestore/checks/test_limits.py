"""Sets of the limits are whole: images, restored images and measurements of the same objects."""

import numpy as np
import pytest

from galrestore.files.contracts.limits import BLANK_SUMMARY, FAILURE_RATES, STAR_SUMMARY
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import read_table

_OPEN = ["excess_low", "excess_high"]


def test_limit_images_are_whole(artefacts, limit_set):
    """GT and LQ of a set are finite, equally large, and of the objects of its table."""
    name = f"limits/sets/{limit_set}"
    ids = artefacts.table(f"{name}.parquet", PAIRS)["id"]
    assert ids.is_unique, f"{name}: ids occur twice"
    path = artefacts.path(f"{name}.fits")
    assert np.array_equal(read_ids(path), ids), f"{name}: images and table are of other objects"
    truth, low = read_cube(path, "GT"), read_cube(path, "LQ")
    assert truth.shape == low.shape, f"{name}: GT has shape {truth.shape}, LQ {low.shape}"
    for kind, images in (("GT", truth), ("LQ", low)):
        _finite(ids, images, f"{name}: {kind}")


def test_limit_images_are_restored(artefacts, limit_restored):
    """One finite image for each of the set, in its order."""
    name = limit_restored.split("/")[-1]
    ids = artefacts.table(f"limits/sets/{name}.parquet", PAIRS)["id"]
    path = artefacts.path(f"limits/restored/{limit_restored}.fits")
    found = read_ids(path)
    assert np.array_equal(found, ids), (
        f"limits/restored/{limit_restored}: {len(found)} images for {len(ids)}, or other ids"
    )
    _finite(ids, read_cube(path, "RS"), f"limits/restored/{limit_restored}: RS")


def test_limit_measurements_are_of_the_set(artefacts, limit_measured):
    """One row for each image of the set, or of the test split, and none with infinities."""
    name = limit_measured.split("/")[-1]
    path = f"limits/measurements/{limit_measured}"
    table = read_table(artefacts.path(f"{path}.parquet"), empty=True)
    _no_infinities(table, path)
    if "id" not in table:
        pytest.skip("measured over the whole set, not image by image")
    if name in artefacts.below("limits/sets", ".parquet"):
        expected = artefacts.table(f"limits/sets/{name}.parquet", PAIRS)["id"]
    else:
        pairs = artefacts.table(f"pairs/{name}.parquet", PAIRS)
        expected = pairs.loc[pairs["split"] == "test", "id"]
    assert np.array_equal(table["id"], expected), (
        f"{path}: {len(table)} rows for {len(expected)} images, or other ids"
    )


def test_summaries_of_the_limits_add_up(artefacts, presented):
    """Each summary counts the images of its sets, and has no infinite figure."""
    if not presented.startswith("limits_"):
        pytest.skip("not a table of limits")
    table = read_table(artefacts.path(f"tables/{presented}.parquet"), empty=True)
    _no_infinities(table, f"tables/{presented}")
    for method, name, count in _counted(artefacts, presented):
        expected = len(read_table(artefacts.path(f"limits/sets/{name}.parquet"), PAIRS))
        assert count == expected, (
            f"tables/{presented}: counts {count} images of {name} for {method}, not {expected}"
        )


def _counted(artefacts, presented):
    """Yield method, set and number of images that a summary is of."""
    path = f"tables/{presented}.parquet"
    if presented == "limits_blanks":
        table = artefacts.table(path, BLANK_SUMMARY)
        for (method, name, _), part in table.groupby(["method", "set", "by"]):
            yield method, name, part["n"].sum()
    if presented == "limits_stars":
        for method, part in artefacts.table(path, STAR_SUMMARY).groupby("method"):
            yield method, "stars", part["n"].sum()
    if presented == "limits_failures":
        table = artefacts.table(path, FAILURE_RATES)
        own = table[(table["kind"] == "any") & (table["set"] == "ladder")]
        for method, part in own.groupby("method"):
            yield method, "ladder", part["images"].sum()


def _finite(ids, images, what):
    bad = ids[~np.isfinite(images).all(axis=(1, 2))].tolist()
    assert not bad, f"{what} of ids {bad[:5]} is not finite"


def _no_infinities(table, what):
    # Classes of the noise beneath false peaks are open at both ends.
    numbers = table.select_dtypes("number").drop(columns=_OPEN, errors="ignore")
    bad = numbers.columns[np.isinf(numbers.to_numpy(dtype=float, na_value=np.nan)).any(axis=0)]
    assert not len(bad), f"{what}: infinite {', '.join(bad)}"

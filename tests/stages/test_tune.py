"""Stage ``tune`` from the command line: validation images alone, the same bytes again."""

import json

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.tuning import TUNING_GRID, TUNING_STAMPS
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.provenance import Provenance, sha256_of
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel, normalise

RECORD = Provenance(stage="degrade", code="c", settings="{}", seed=3)
COUNT = 24
SETTINGS = {
    "stamps": 6,
    "noise_classes": 2,
    "wiener_noise_factor": [0.5, 1.0, 2.0],
    "sparse_threshold": [0.5, 1.0],
    "iterations": [2, 4],
}


@pytest.fixture
def pairs(tmp_path):
    """Every third of 24 pairs is validation; images of the others are not to be looked at."""
    y, x = np.indices((30, 32)) - 15
    gt = np.exp(-0.5 * (x**2 + y**2) / 4) * np.ones((COUNT, 1, 1))
    noise = np.geomspace(0.005, 0.1, COUNT)
    white = stream(1, "tune").normal(size=gt.shape)
    lq = normalise(blur(gt, gaussian_kernel(1.88, 7)) + noise[:, None, None] * white)[0]
    split = np.where(np.arange(COUNT) % 3, np.where(np.arange(COUNT) % 2, "train", "test"), "")
    split = np.where(split == "", "validation", split)
    lq[split != "validation"] = np.nan
    frame = pd.DataFrame({column.name: np.zeros(COUNT) for column in PAIRS})
    frame["id"] = frame["group"] = np.arange(COUNT) + 100
    frame["source"], frame["split"] = "jwst", split
    write_cube(tmp_path / "pairs.fits", {"GT": gt, "LQ": lq}, frame["id"], RECORD)
    write_table(tmp_path / "pairs.parquet", frame, PAIRS, RECORD)
    return frame


def _tune(folder, method, name="a"):
    outputs = [folder / name / "grid.parquet", folder / name / "stamps.parquet"]
    status = main(
        ["tune", method, "--images", str(folder / "pairs.fits"),
         "--table", str(folder / "pairs.parquet"), "--degradation", "{}",
         "--settings", json.dumps(SETTINGS), "--seed", "3", "--log", str(folder / "tune.log"),
         "--grid", str(outputs[0]), "--stamps", str(outputs[1])]
    )  # fmt: skip
    return status, *outputs


@pytest.mark.parametrize(("method", "points"), [("wiener", 3), ("sparse", 4)])
def test_parameters_are_chosen_on_validation_stamps(tmp_path, pairs, method, points):
    status, grid, stamps = _tune(tmp_path, method)
    assert status == 0
    table, tried = read_table(grid, TUNING_GRID), read_table(stamps, TUNING_STAMPS)
    assert len(table) == 2 * points
    assert set(table["method"]) == {method}
    assert table[table["chosen"]]["stamps"].tolist() == [3, 3]
    split = pairs.set_index("id")["split"]
    assert len(tried) == 6
    assert (split[tried["id"]] == "validation").all()
    # Noise rises with the id, and so do the classes.
    assert tried["noise_class"].tolist() == [0, 0, 0, 1, 1, 1]
    files = [str(tmp_path / f"pairs.{end}") for end in ("fits", "parquet")]
    assert read_provenance(grid).inputs == {file: sha256_of(file) for file in files}
    log = (tmp_path / "tune.log").read_text()
    assert log.count(" dB on 3 stamps") == 2
    assert log.count("edge of the grid") == table[table["chosen"]]["at_edge"].sum()


def test_all_methods_see_the_same_stamps_and_the_same_bytes_come_again(tmp_path, pairs):
    _, grid, stamps = _tune(tmp_path, "wiener")
    _, again, stamps_again = _tune(tmp_path, "wiener", "b")
    assert grid.read_bytes() == again.read_bytes()
    assert stamps.read_bytes() == stamps_again.read_bytes()
    _, _, others = _tune(tmp_path, "sparse", "c")
    names = ["id", "noise", "noise_class"]
    pd.testing.assert_frame_equal(read_table(stamps)[names], read_table(others)[names])


def test_no_validation_stamps(tmp_path, pairs, capsys):
    table = pairs.assign(split="train")
    write_table(tmp_path / "pairs.parquet", table, PAIRS, RECORD)
    status, grid, _ = _tune(tmp_path, "wiener")
    assert status == 2
    assert "no pair is in the validation split" in capsys.readouterr().err
    assert not grid.exists()


def test_pixels_that_are_not_finite(tmp_path, pairs, capsys):
    write_table(tmp_path / "pairs.parquet", pairs.assign(split="validation"), PAIRS, RECORD)
    status, _, _ = _tune(tmp_path, "wiener")
    assert status == 2
    assert "images are not finite, first id" in capsys.readouterr().err

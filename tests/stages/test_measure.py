"""Stage measure: the right images are scored, and wrong ones are refused by name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.provenance import Provenance, fingerprint, sha256_of
from galrestore.rng import stream

RECORD = Provenance("degrade", "ab12", "{}", 7)
SPLIT = np.array(["train", "test", "validation", "test", "test"])
IDS = np.array([50, 10, 40, 30, 20]) + 2**60


def pairs():
    """Table of five pairs, three of them for the test, ids in no order."""
    frame = pd.DataFrame({"id": IDS, "source": "m", "split": SPLIT, "group": IDS})
    numbers = ("noise_sigma", "noise_lag1", "kernel_fwhm", "gt_min", "gt_max", "lq_min", "lq_max")
    for name in numbers:
        frame[name] = 1.0
    return frame.assign(noise=[0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of pairs and a restoration that is off by 0.1, 0.01, 0.001."""
    monkeypatch.chdir(tmp_path)
    truth = stream(1, "test.measure").uniform(0, 0.9, (5, 13, 17))
    truth[:, 6, 8] = 1.0
    write_cube("pairs.fits", {"GT": truth, "LQ": truth[::-1]}, IDS, RECORD)
    write_table("pairs.parquet", pairs(), PAIRS, RECORD)
    offsets = np.array([0.1, 0.01, 0.001])[:, None, None]
    restored(truth[SPLIT == "test"] + offsets)
    return tmp_path


def restored(images, ids=IDS[SPLIT == "test"]):
    write_cube("rs.fits", {"RS": images}, ids, RECORD)


def measure():
    return main(
        ["measure", "--restored", "rs.fits", "--images", "pairs.fits", "--table", "pairs.parquet",
         "--method", "mine", "--set", "jwst", "--settings", "{}", "--seed", "7",
         "--output", "out/scores.parquet"]
    )  # fmt: skip


def test_rows_are_the_test_images(folder):
    assert measure() == 0
    scores = read_table("out/scores.parquet", MEASUREMENTS)
    assert scores["id"].tolist() == IDS[[1, 3, 4]].tolist()
    assert scores["noise"].tolist() == [0.2, 0.4, 0.5]
    assert set(zip(scores["method"], scores["set"], strict=True)) == {("mine", "jwst")}
    # Offsets of 10^-k under a peak of 1; pixels are single precision, 6e-8 of 1.
    np.testing.assert_allclose(scores["psnr"], [20, 40, 60], atol=1e-3)
    np.testing.assert_allclose(scores["offset"], [-0.1, -0.01, -0.001], atol=1e-6)
    np.testing.assert_allclose(scores["scale"], 1.0, atol=1e-6)
    record = read_provenance("out/scores.parquet")
    assert record.code == fingerprint("stages.measure")
    assert record.inputs == {p: sha256_of(p) for p in ("rs.fits", "pairs.fits", "pairs.parquet")}


def refused(capsys, *words):
    assert measure() == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    for word in words:
        assert word in error
    assert not Path("out", "scores.parquet").exists()


def test_restored_images_of_other_objects(folder, capsys):
    images = np.zeros((3, 13, 17))
    restored(images, IDS[[1, 4, 3]])
    refused(capsys, "rs.fits: has other objects than the test split of pairs.parquet")
    restored(images[:2], IDS[[1, 3]])
    refused(capsys, "rs.fits: has other objects")


def test_images_of_other_objects_than_the_table(folder, capsys):
    write_cube("pairs.fits", {"GT": np.zeros((5, 13, 17))}, IDS + 1, RECORD)
    refused(capsys, "pairs.fits: has other objects than pairs.parquet")


def test_pixels_that_are_not_finite(folder, capsys):
    images = np.zeros((3, 13, 17))
    images[1, 2, 3] = np.nan
    images[2, 0, 0] = np.inf
    restored(images)
    refused(capsys, "rs.fits", "2 of 3 images are not finite", f"ids {IDS[3]}, {IDS[4]}")


def test_images_of_another_shape(folder, capsys):
    restored(np.zeros((3, 17, 13)))
    refused(capsys, "rs.fits: RS is (3, 17, 13), GT of the test (3, 13, 17)")


def test_no_test_images(folder, capsys):
    write_table("pairs.parquet", pairs().assign(split="train"), PAIRS, RECORD)
    refused(capsys, "pairs.parquet: no pair is in the test split")

"""Stage ``train`` from the command line, on a small set of pairs."""

import json

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_table, write_table
from galrestore.networks.weights import load_network, read_provenance
from galrestore.provenance import Provenance
from galrestore.rng import stream

RECORD = Provenance(stage="degrade", code="c", settings="{}", seed=3)
SETTINGS = {
    "network": {
        "architecture": "restormer",
        "dim": 4,
        "num_blocks": [1, 1, 1, 1],
        "num_refinement_blocks": 0,
        "heads": [1, 1, 2, 2],
        "ffn_expansion_factor": 2.0,
    },
    "iterations": 3,
    "batch_size": 4,
    "micro_batch": 2,
    "validate_every": 2,
    "device": "cpu",
}


def _write_pairs(folder, splits, broken=False):
    generator = stream(1, "pairs")
    lq, gt = generator.uniform(size=(2, len(splits), 16, 16))
    if broken:
        gt[0, 3, 3] = np.nan
    ids = np.arange(len(splits)) + 100
    frame = pd.DataFrame({column.name: np.zeros(len(splits)) for column in PAIRS})
    frame["id"] = frame["group"] = ids
    frame["source"], frame["split"] = "galsim", splits
    write_cube(folder / "pairs.fits", {"GT": gt, "LQ": lq}, ids, RECORD)
    write_table(folder / "pairs.parquet", frame, PAIRS, RECORD)


def _train(folder, name, lineage, *extra, **changes):
    return main(
        [
            "train",
            "--images",
            str(folder / "pairs.fits"),
            "--table",
            str(folder / "pairs.parquet"),
            "--settings",
            json.dumps(SETTINGS | {"lineage": lineage} | changes),
            "--seed",
            "3",
            "--weights",
            str(folder / name / "weights.safetensors"),
            "--history",
            str(folder / name / "history.parquet"),
            *extra,
        ]
    )


@pytest.fixture
def pairs(tmp_path):
    _write_pairs(tmp_path, ["train"] * 6 + ["validation"] * 3 + ["test"] * 2)
    return tmp_path


def test_two_phases_twice_give_the_same_bytes(pairs):
    for name in ("first", "again"):
        assert _train(pairs, name, "galsim") == 0
    start = str(pairs / "first" / "weights.safetensors")
    assert _train(pairs, "second", "galsim-jwst", "--start", start) == 0

    for file in ("weights.safetensors", "history.parquet"):
        first, again = ((pairs / name / file).read_bytes() for name in ("first", "again"))
        assert first == again
    history = read_table(pairs / "second" / "history.parquet", HISTORY)
    assert history["step"].tolist() == [2, 3]
    second = load_network(pairs / "second" / "weights.safetensors", None)
    assert sum(p.numel() for p in second.parameters()) > 0
    record = read_provenance(pairs / "second" / "weights.safetensors")
    assert record.stage == "train"
    assert start in record.inputs


@pytest.mark.parametrize("missing", ["train", "validation"])
def test_an_empty_split_is_named(tmp_path, capsys, missing):
    left = {"train": "validation", "validation": "train"}[missing]
    _write_pairs(tmp_path, [left] * 3)
    assert _train(tmp_path, "model", "jwst") == 2
    assert f"no jwst {missing} stamps" in capsys.readouterr().err
    assert not (tmp_path / "model" / "weights.safetensors").exists()


def test_broken_pixels_name_file_and_object(tmp_path, capsys):
    _write_pairs(tmp_path, ["train"] * 3 + ["validation"], broken=True)
    assert _train(tmp_path, "model", "jwst") == 2
    error = capsys.readouterr().err
    assert "pairs.fits" in error
    assert "id 100" in error


def test_a_start_of_another_network_is_refused(pairs, capsys):
    assert _train(pairs, "first", "galsim") == 0
    start = str(pairs / "first" / "weights.safetensors")
    larger = {"network": SETTINGS["network"] | {"dim": 6}}
    assert _train(pairs, "second", "galsim-jwst", "--start", start, **larger) == 2
    assert "another network" in capsys.readouterr().err

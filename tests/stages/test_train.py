"""Stage ``train`` from the command line, on a small set of pairs."""

import json
import os
import signal
import subprocess
import sys

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
from galrestore.training.batches import Batches
from galrestore.training.state import State

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


def _arguments(folder, name, lineage, *extra, **changes):
    return [
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


def _train(folder, name, lineage, *extra, **changes):
    return main(_arguments(folder, name, lineage, *extra, **changes))


def _bytes(folder, name):
    """Weights and history with their provenance, as they lie on disk."""
    return [
        (folder / name / file).read_bytes() for file in ("weights.safetensors", "history.parquet")
    ]


LONG = {"iterations": 40, "validate_every": 9, "ema": 0.9}
# A process that kills itself, as kill -9 does, when it comes to a step.
KILLED = """
import os, signal, sys
from galrestore.cli import main
from galrestore.training.batches import Batches

last, original = int(sys.argv[1]), Batches.__call__

def call(self, step):
    if step == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(self, step)

Batches.__call__ = call
sys.exit(main(sys.argv[2:]))
"""


def _run(*command, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "TORCHELASTIC_"))}
    return subprocess.run(
        [sys.executable, *command],
        env=env | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
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


def test_killed_three_times_training_ends_with_the_same_bytes(pairs):
    assert _train(pairs, "whole", "galsim", **LONG) == 0
    state = ["--state", str(pairs / "state"), "--save-minutes", "0.0005"]  # 0.03 s
    steps = sorted(stream(9, "kill").choice(np.arange(2, 40), 3, replace=False))
    for step in steps:
        killed = _arguments(pairs, "killed", "galsim", *state, **LONG)
        done = _run("-c", KILLED, str(step), *killed)
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (pairs / "killed").exists()
    assert "going on after step" in done.stderr  # the third start did not begin anew
    assert _train(pairs, "killed", "galsim", *state, **LONG) == 0
    assert _bytes(pairs, "killed") == _bytes(pairs, "whole")
    assert not (pairs / "state").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_saves_and_asks_to_be_started_again(pairs, monkeypatch, capsys, number):
    original = Batches.__call__

    def call(self, step):
        if step == 21:
            signal.raise_signal(number)
        return original(self, step)

    state = ["--state", str(pairs / "state")]
    with monkeypatch.context() as patched:
        patched.setattr(Batches, "__call__", call)
        with pytest.raises(SystemExit) as stopped:
            _train(pairs, "stopped", "galsim", *state, **LONG)
    assert stopped.value.code == 75
    assert "stopped as asked after step 22" in capsys.readouterr().err
    assert not (pairs / "stopped").exists()
    assert _train(pairs, "stopped", "galsim", *state, **LONG) == 0
    assert "going on after step 22" in capsys.readouterr().err
    assert _train(pairs, "whole", "galsim", **LONG) == 0
    assert _bytes(pairs, "stopped") == _bytes(pairs, "whole")


def test_a_state_of_other_settings_is_not_resumed(pairs, monkeypatch, capsys):
    state = ["--state", str(pairs / "state"), "--save-minutes", "0"]
    with monkeypatch.context() as patched:
        patched.setattr(State, "remove", lambda self: None)
        assert _train(pairs, "first", "galsim", *state, **LONG) == 0
    changed = LONG | {"learning_rate": 1e-3}
    assert _train(pairs, "other", "galsim", *state, **changed) == 0
    assert "left aside: it has other settings" in capsys.readouterr().err
    assert _train(pairs, "whole", "galsim", **changed) == 0
    assert _bytes(pairs, "other") == _bytes(pairs, "whole")


def test_samples_are_written_as_asked(pairs):
    folder = pairs / "samples"
    assert _train(pairs, "a", "galsim", "--samples", str(folder), "--sample-count", "2") == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "step_0000002.png",
        "step_0000003.png",
    ]
    empty = ["--samples", str(pairs / "none"), "--sample-count", "0"]
    assert _train(pairs, "b", "galsim", *empty) == 0
    assert not (pairs / "none").exists()
    assert _bytes(pairs, "a") == _bytes(pairs, "b")

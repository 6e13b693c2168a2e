"""Several processes train as one: in real processes connected by gloo, on the CPU."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from galrestore.cli import main
from galrestore.config.train import Phase
from galrestore.errors import SettingsError
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_table, write_table
from galrestore.provenance import Provenance
from galrestore.rng import stream
from galrestore.training import devices

NETWORK = {"architecture": "unet", "width": 4, "levels": 2}
SETTINGS = {
    "network": NETWORK,
    "lineage": "jwst",
    "iterations": 20,
    "batch_size": 8,
    "micro_batch": 2,
    "learning_rate": 1e-3,
    "gradient_clip": 1.0,
    "ema": 0.9,
    "validate_every": 1,
    "device": "cpu",
}
# The stage, in whose first process a signal arrives at a step.
STAGE = """
import os, signal, sys
from galrestore.cli import main
from galrestore.training.batches import Batches

last, original = int(sys.argv[1]), Batches.__call__

def call(self, step):
    if step == last and os.environ.get("LOCAL_RANK", "0") == "0":
        signal.raise_signal(signal.SIGTERM)
    return original(self, step)

Batches.__call__ = call
sys.exit(main(sys.argv[2:]))
"""
NEVER = "-1"


@pytest.fixture
def folder(tmp_path):
    record = Provenance(stage="degrade", code="c", settings="{}", seed=3)
    ids = np.arange(15)
    lq, gt = stream(6, "pairs").uniform(size=(2, len(ids), 16, 16))
    table = pd.DataFrame({column.name: np.zeros(len(ids)) for column in PAIRS})
    table["id"] = table["group"] = ids
    table["source"], table["split"] = "jwst", ["train"] * 12 + ["validation"] * 3
    write_cube(tmp_path / "pairs.fits", {"GT": gt, "LQ": lq}, ids, record)
    write_table(tmp_path / "pairs.parquet", table, PAIRS, record)
    (tmp_path / "stage.py").write_text(STAGE)
    return tmp_path


def _arguments(folder, name, **changes):
    return [
        *("train", "--images", str(folder / "pairs.fits")),
        *("--table", str(folder / "pairs.parquet"), "--seed", "3", "--code", "c"),
        *("--settings", json.dumps(SETTINGS | changes), "--state", str(folder / "state")),
        *("--weights", str(folder / name / "weights.safetensors")),
        *("--history", str(folder / name / "history.parquet")),
        *("--log", str(folder / f"{name}.log")),
    ]


def _two_processes(folder, name, step, launcher=()):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "TORCHELASTIC_"))}
    arguments = _arguments(folder, name, devices=2)
    return subprocess.run(
        [sys.executable, *launcher, str(folder / "stage.py"), step, *arguments],
        env=env | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def _bytes(folder, name):
    files = ("weights.safetensors", "history.parquet")
    return [(folder / name / file).read_bytes() for file in files]


def test_two_processes_train_as_one_stop_together_and_go_on(folder):
    assert main(_arguments(folder, "one")) == 0
    done = _two_processes(folder, "two", NEVER)
    assert done.returncode == 0, done.stderr
    one, two = (read_table(folder / n / "history.parquet", HISTORY) for n in ("one", "two"))
    # Sums in another order: 1e-7 of a loss of about 0.3, grown by 20 steps of AdamW.
    np.testing.assert_allclose(two["loss"], one["loss"], rtol=0, atol=1e-5)
    assert one["loss"].nunique() == 20
    # One process alone logs: a line of each validation, and no more.
    log = (folder / "two.log").read_text()
    assert log.count("validation PSNR") == 20

    stopped = _two_processes(folder, "stopped", "11")
    assert stopped.returncode == 75, stopped.stderr
    assert not (folder / "stopped").exists()
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--")
    again = _two_processes(folder, "stopped", NEVER, torchrun)
    assert again.returncode == 0, again.stderr
    assert "going on after step 12" in (folder / "stopped.log").read_text()
    assert _bytes(folder, "stopped") == _bytes(folder, "two")


def test_the_batch_must_divide():
    with pytest.raises(ValidationError, match=r"batch_size must be a multiple of train\.devices"):
        Phase(**SETTINGS | {"devices": 3})


def test_another_number_of_processes_is_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(SettingsError, match=r"train\.devices = 2: 4 processes"):
        devices.start(Phase(**SETTINGS | {"devices": 2}))


def test_nodes_need_a_launcher(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.delenv("SLURM_STEP_NUM_TASKS", raising=False)
    with pytest.raises(SettingsError, match="torchrun or srun"):
        devices.start(Phase(**SETTINGS | {"nodes": 2}))


def _phase(**changes):
    return Phase(**SETTINGS | changes)


def test_only_networks_that_can_are_checkpointed(caplog):
    able, unable = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    able.checkpointing = False
    assert devices.prepare(able, _phase(checkpointing=True)) is able
    assert able.checkpointing
    assert not caplog.text
    devices.prepare(unable, _phase(checkpointing=True))
    assert not hasattr(unable, "checkpointing")
    assert "no such switch" in caplog.text


# torch's own modules, imported for compilation, use what torch deprecates.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")
def test_a_compiled_network_shares_its_weights():
    network = torch.nn.Linear(1, 1)
    compiled = devices.prepare(network, _phase(compile="default"))
    assert compiled is not network
    assert next(compiled.parameters()) is network.weight

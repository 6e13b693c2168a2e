"""Training that is interrupted: the workflow starts it again, and it goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest

from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import write_cube
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance
from galrestore.rng import stream

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("workflow")]

SNAKEFILE = """
configfile: "config/config.yaml"
include: "workflow/rules/common.smk"
include: "workflow/rules/train.smk"
"""
WEIGHTS = "results/models/restormer/jwst/weights.safetensors"
COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", "Retried", "--cores", "1", WEIGHTS]
COMMAND += ["--configfile", "config/smoke.yaml"]
COMMAND += ["--config", "train={iterations: 100, validate_every: 50, save_minutes: 0, retries: 1}"]
PATIENCE = 600  # s; a busy machine


@pytest.fixture
def folder(tmp_path, copy_of_sources):
    """A copy of the workflow in which training finds pairs, and no rule makes them."""
    folder = copy_of_sources(tmp_path / "flow").folder
    (folder / "Retried").write_text(SNAKEFILE)
    record = Provenance(stage="degrade", code="c", settings="{}", seed=3)
    ids = np.arange(12)
    lq, gt = stream(6, "pairs").uniform(size=(2, len(ids), 16, 16))
    table = pd.DataFrame({column.name: np.zeros(len(ids)) for column in PAIRS})
    table["id"] = table["group"] = ids
    table["source"], table["split"] = "jwst", ["train"] * 8 + ["validation"] * 4
    write_cube(folder / "results/pairs/jwst.fits", {"GT": gt, "LQ": lq}, ids, record)
    write_table(folder / "results/pairs/jwst.parquet", table, PAIRS, record)
    return folder


@contextlib.contextmanager
def _snakemake(folder):
    """Start Snakemake; nothing of it is left if the test fails."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "OMP_NUM_THREADS")}
    process = subprocess.Popen(
        COMMAND, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _training(snakemake):
    """Find the process that trains, below Snakemake's."""
    for process in psutil.Process(snakemake.pid).children(recursive=True):
        if process.cmdline()[1:4] == ["-m", "galrestore", "train"]:
            return process
    return None


def _wait_until(condition, process):
    start = time.monotonic()
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() - start < PATIENCE
        time.sleep(0.02)


def test_snakemake_goes_on_from_the_state_of_a_stopped_phase(folder):
    state = folder / "results/state/train/restormer/jwst/latest.safetensors"
    with _snakemake(folder) as first:
        _wait_until(state.exists, first)
        _training(first).send_signal(signal.SIGTERM)
        text, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, text
    assert "Trying to restart job" in text
    assert "stopped as asked after step" in text
    assert "going on after step" in text
    assert not state.parent.exists()
    weights, history = folder / WEIGHTS, (folder / WEIGHTS).with_name("history.parquet")
    found = weights.read_bytes(), history.read_bytes()

    weights.unlink()
    with _snakemake(folder) as whole:
        text, _ = whole.communicate(timeout=PATIENCE)
    assert whole.returncode == 0, text
    assert "going on" not in text
    assert (weights.read_bytes(), history.read_bytes()) == found

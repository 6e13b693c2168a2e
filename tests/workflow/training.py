"""A workflow that trains one phase and nothing else, to be interrupted and to go on."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil

from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import write_cube
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance
from galrestore.rng import stream

SNAKEFILE = """
configfile: "config/config.yaml"
include: "workflow/rules/common.smk"
include: "workflow/rules/train.smk"
"""
WEIGHTS = "results/models/restormer/jwst/weights.safetensors"
STATE = "results/state/train/restormer/jwst/latest.safetensors"
SETTINGS = "train={iterations: 100, validate_every: 50, save_minutes: 0, retries: 1}"
COMMAND = [sys.executable, "-m", "snakemake", "--snakefile", "Retried", WEIGHTS]
COMMAND += ["--configfile", "config/smoke.yaml", "--config", SETTINGS]
PATIENCE = 600  # s; a busy machine


def prepare(folder):
    """Make training find pairs in a copy of the workflow in which no rule makes them."""
    (folder / "Retried").write_text(SNAKEFILE)
    record = Provenance(stage="degrade", code="c", settings="{}", seed=3)
    ids = np.arange(12)
    lq, gt = stream(6, "pairs").uniform(size=(2, len(ids), 16, 16))
    table = pd.DataFrame({column.name: np.zeros(len(ids)) for column in PAIRS})
    table["id"] = table["group"] = ids
    table["source"], table["split"] = "jwst", ["train"] * 8 + ["validation"] * 4
    write_cube(folder / "results/pairs/jwst.fits", {"GT": gt, "LQ": lq}, ids, record)
    write_table(folder / "results/pairs/jwst.parquet", table, PAIRS, record)


@contextlib.contextmanager
def snakemake(folder, *arguments):
    """Start Snakemake in a prepared folder; it is told to stop if the test fails."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "OMP_NUM_THREADS")}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # cancels what runs on a cluster
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)
        process.kill()
        process.communicate()


def training(folder):
    """Find the process that trains in a folder, whoever started it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            trains = process.cmdline()[1:4] == ["-m", "galrestore", "train"]
            if trains and process.cwd() == str(folder):
                return process
    return None


def wait_until(condition, process):
    """Wait for a condition to hold while Snakemake runs."""
    start = time.monotonic()
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() - start < PATIENCE
        time.sleep(0.02)


def results(folder):
    """Bytes of the weights and of the history."""
    weights = folder / WEIGHTS
    return weights.read_bytes(), weights.with_name("history.parquet").read_bytes()

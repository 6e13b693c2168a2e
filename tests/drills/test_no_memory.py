"""A stage that gets no more memory ends with one error that says so, and leaves no file."""

import json
import subprocess
import sys

import pandas as pd
import pytest
import torch

from galrestore.cli import main
from galrestore.files.contracts.population import POPULATION
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance
from galrestore.stages import measure

RECORD = Provenance(stage="test", code="c", settings="{}", seed=1)
# The stage is imported, then 1 GB is left, enough for threads; imports take more address space
# than memory, so the limit is set from what is taken.
LIMITED = """
import importlib, resource, sys
from galrestore.cli import main
importlib.import_module(f"galrestore.stages.{sys.argv[1]}")
with open("/proc/self/statm") as sizes:
    taken = int(sizes.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 1_000_000_000,) * 2)
sys.exit(main(sys.argv[1:]))
"""


def limited(folder, *arguments):
    command = [sys.executable, "-c", LIMITED, *arguments, "--seed", "1"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def population(tmp_path):
    """So many galaxies that their images, 4 bytes a pixel, need 3.3 GB."""
    frame = pd.DataFrame({column.name: 1.0 for column in POPULATION}, index=range(200_000))
    frame["id"] = range(200_000)
    write_table(tmp_path / "population.parquet", frame, POPULATION, RECORD)
    return ["--population", "population.parquet", "--shard", "1-of-1"]


def assert_said(done, folder):
    assert done.returncode == 2, done.stderr
    said = done.stderr.splitlines()[-1]
    assert ": error: out of memory: " in said
    assert "give the job more memory, or less at once: raise runtime.shards" in said
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("output*"))


def test_a_shard_that_is_too_large(population, tmp_path):
    settings = ["--settings", json.dumps({"renderer": "gaussians"}), "--images", "output.fits"]
    assert_said(limited(tmp_path, "render", *population, *settings), tmp_path)


def _python_gives_up(_):
    raise MemoryError  # it says no more


@pytest.mark.parametrize(
    "run",
    # Address space that no computer gives: torch says so with an error of its own.
    [_python_gives_up, lambda args: torch.empty(1 << 50)],
    ids=["python", "torch"],
)
def test_other_errors_are_known(monkeypatch, capsys, run):
    monkeypatch.setattr(measure, "run", run)
    files = ["--images", "a", "--restored", "b", "--table", "c", "--output", "d"]
    assert (
        main(
            [
                "measure",
                *files,
                "--method",
                "none",
                "--set",
                "jwst",
                "--settings",
                "{}",
                "--seed",
                "1",
            ]
        )
        == 2
    )
    assert "measure: error: out of memory: " in capsys.readouterr().err

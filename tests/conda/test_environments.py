"""
The whole smoke DAG under ``--use-conda``: environments are solved, made, and used by every job.

There is no server of packages: see channel.py and stand_in.py for what is real here.  Cores,
shards and tiles are others than those of the first run.
"""

import subprocess

import pytest

from tests.workflow.flow import copy_sources
from tests.workflow.second import SecondRun, run_again

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def second(programs, tmp_path_factory):
    """The DAG on one core, in environments."""
    folder = tmp_path_factory.mktemp("conda") / "flow"
    folder.mkdir()
    return run_again(copy_sources(folder), programs, "--cores", "1")


@pytest.mark.second
class TestOnOneCore(SecondRun):
    """Where there is a SLURM, tests/slurm makes this run through it instead."""


def test_a_version_that_no_channel_has_is_not_solved(programs, tmp_path):
    file = tmp_path / "impossible.yaml"
    file.write_text("channels: [conda-forge]\ndependencies: [numpy=1.0]\n")
    command = [programs / "conda", "env", "create", "--quiet", "--no-default-packages"]
    command += ["--file", file, "--prefix", tmp_path / "environment"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Not 1 alone: once in some runs the solver's library crashes when Python unloads it (-11).
    assert done.returncode != 0
    assert "No candidates were found for numpy 1.0" in done.stderr
    assert not (tmp_path / "environment/bin").exists()

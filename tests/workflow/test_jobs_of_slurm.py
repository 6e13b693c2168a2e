"""What a job of SLURM starts, without SLURM: the command that the plugin gives to sbatch."""

import os

import pytest

pytestmark = pytest.mark.workflow

FIGURE = "results/figures/fig01_architecture.png"
JOB = (
    *("--mode", "remote", "--executor", "slurm-jobstep", "--jobs", "1", "--cores", "all"),
    *("--target-jobs", "fig01_architecture:", "--allowed-rules", "fig01_architecture"),
    *("--nocolor", "--nolock"),
)
# In place of SLURM's: notes the step that it is to start, and starts nothing.
SRUN = """#!/bin/sh
echo "$@" > step
exit 1
"""


@pytest.fixture
def flow(tmp_path, copy_of_sources):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/srun").write_text(SRUN)
    (tmp_path / "bin/srun").chmod(0o755)
    return copy_of_sources(tmp_path / "flow")


def run(flow, **environment):
    """Run the job's command; return what it says."""
    path = f"{flow.folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = flow.snakemake(*JOB, check=False, PATH=path, **environment)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"SLURM_JOB_ID": "7"},
        {"SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "10", "SLURM_ARRAY_TASK_MIN": "10"},
    ],
)
def test_a_job_does_its_work_in_the_snakemake_that_it_starts(flow, environment):
    """As does the first task of an array, which starts with its own job."""
    said = run(flow, **environment)
    assert "localrule fig01_architecture:" in said
    assert (flow.folder / FIGURE).exists()
    assert not (flow.folder / "step").exists()


@pytest.mark.parametrize(
    "environment",
    [{"SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_MIN": "1"}, {}],
)
def test_another_task_of_an_array_is_left_to_its_step(flow, environment):
    """As is whatever SLURM has not started."""
    said = run(flow, **environment)
    assert "\nrule fig01_architecture:" in said
    assert not (flow.folder / FIGURE).exists()
    assert "-n1" in (flow.folder / "step").read_text()

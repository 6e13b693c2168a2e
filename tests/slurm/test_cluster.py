"""
The workflow through a real SLURM: every job by sbatch, and jobs that end early.

All runs side by side, as much of the time is waiting: the whole smoke DAG, in conda environments
and with small jobs in groups, in which a job has too little memory; two jobs of which one fails;
and trainings, of which one runs out of time and one is preempted.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import yaml

from tests.slurm import cluster
from tests.slurm.cluster import counts, rule
from tests.workflow.second import SETTINGS, SecondRun, run_again
from tests.workflow.training import (
    PATIENCE,
    STATE,
    prepare,
    results,
    snakemake,
    training,
    wait_until,
)

pytestmark = pytest.mark.slurm

PROFILE = ("--workflow-profile", "profiles/loopback")
# Groups of half the size, for two cores; said here, they replace all of the profile's.
SIZES = {"limits": 5, "baselines": 2, "restorations": 6, "measurements": 6}
SIZES |= {"overview": 5, "trust": 2, "galaxies": 4, "images": 4}
SIZED = (f"{name}={size}" for name, size in SIZES.items())
GROUPED = ("--profile", "profiles/grouped", "--group-components", *SIZED)
SHARDED = {"fit", "fit_pairs", "render", "degrade_galsim", "degrade_jwst"}
# Those of a rule whose shards wait for the same jobs, so that they are ready together.
TOGETHER = {"fit", "render", "degrade_jwst"}
GPUS = {"train": 4, "restore_network": 11, "restorations_restore_network_limits": 1}
# Of two jobs one fails, as it is told to write where nothing can be written.
TWO = ("results/mosaics/truth.parquet", "results/figures/fig01_architecture.png")
RIGHT = "--truth {output.truth:q}"
WRONG = RIGHT.replace("{", "/proc/{")
# Files of the DAG after which something else is started, where processors wait for the next jobs.
MOSAIC, STAMPS = "results/mosaics/acs_f814w.parquet", "results/stamps/acs_f814w.parquet"
PAIRS, POPULATION = "results/pairs/jwst.parquet", "results/population.parquet"
FIT = """
import numpy
from galrestore.workflow import prepare_environment
prepare_environment(".")
from galrestore.sersic.fitting import fit_sersic
fit_sersic(numpy.eye(48)[None], 2.0)
"""
# Python alone needs more than 40 MB, and the stage less than 2,000; few jobs wait for this one.
LITTLE = {"multi_epoch": {"mem_mb": "40 * 50 ** (attempt - 1)"}}
# SLURM looks every 30 s who has less than 30 s + 30 s left. Without a GPU, for which the job that
# preempts would wait, and all others for that job.
SOON = {"train": {"slurm_extra": "'--signal=TERM@30'", "gpu": 0}}


@pytest.fixture(scope="module")
def runs(slurm, fill_in, flow, programs):
    """All runs, side by side: what Snakemake and SLURM say of them."""
    dag, two = flow("dag"), flow("two")
    late, spare, whole = (flow(name).folder for name in ("late", "spare", "whole"))
    fill_in(dag.folder, resources=LITTLE, retries=1)
    fill_in(two.folder, retries=0)
    fill_in(late, resources=SOON)
    fill_in(spare, gpus="spare")
    for folder in (late, spare, whole):
        prepare(folder)
    with ThreadPoolExecutor(7) as pool:
        submitted = pool.submit(run_again, dag, programs, *PROFILE, *GROUPED)
        planned = pool.submit(two.planned, "--nocolor", *SETTINGS)

        def after(name, function, *arguments):
            """Call a function once a file of the DAG is there."""
            return pool.submit(_after, dag.folder / name, submitted, function, *arguments)

        compiled = after(MOSAIC, _compile, dag.folder)
        mended = after(POPULATION, _fail_and_mend, two)
        trained = {
            late: after(PAIRS, _train, late, _run_out_of_time, *PROFILE),
            spare: after(STAMPS, _train, spare, _preempt, *PROFILE),
            whole: after(POPULATION, _train, whole, lambda *_: None, "--cores", "1"),
        }
        compiled.result()
        done = submitted.result()
        said = {folder: future.result() for folder, future in trained.items()}
    jobs = {folder: cluster.jobs(folder) for folder in (dag.folder, two.folder, late, spare)}
    return SimpleNamespace(
        dag=done,
        planned=planned.result(),
        two=two,
        mended=mended.result(),
        late=late,
        spare=spare,
        whole=whole,
        said=said,
        jobs=jobs,
    )


@pytest.fixture(scope="module")
def second(runs):
    """The whole DAG, for the tests of every second run."""
    return runs.dag


def _fail_and_mend(flow):
    """Run two jobs of which one fails, then what is left once that is mended."""
    flow.edit("workflow/rules/acquire.smk", RIGHT, WRONG)
    first = flow.snakemake(*PROFILE, *TWO, check=False)
    log = (flow.folder / "results/logs/acquire/truth.log").read_text()
    existed = [(flow.folder / name).exists() for name in TWO]
    flow.edit("workflow/rules/acquire.smk", WRONG, RIGHT)
    left = flow.planned("--nocolor", *TWO)
    flow.snakemake(*PROFILE, *TWO)
    return SimpleNamespace(first=first, log=log, existed=existed, left=left)


def _train(folder, interrupt, *arguments):
    """Train, with an interruption when there is a state; return exit status and text."""
    with snakemake(folder, *arguments) as process:
        wait_until((folder / STATE).exists, process)
        interrupt(folder, process)
        text, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, text


def _compile(folder):
    """Compile the fits as an earlier run would have, while jobs that take less are waited for."""
    env = os.environ | {"PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", FIT], cwd=folder, env=env, check=True)


def _after(path, submitted, function, *arguments):
    while not (path.exists() or submitted.done()):
        time.sleep(0.5)
    return function(*arguments)


def _run_out_of_time(folder, process):
    """Suspend the training and leave its job less than a minute, on however slow a machine."""
    trained = training(folder)
    trained.suspend()
    job = cluster.jobs(folder)[-1]
    hours, minutes, _ = map(int, job["RunTime"].split(":"))
    limit = 60 * hours + minutes + 1
    cluster.ask("scontrol", "update", f"JobId={job['JobId']}", f"TimeLimit={limit}")
    wait_until(lambda: _signalled(trained), process)
    trained.resume()


def _preempt(folder, process):
    """Submit a job that needs both GPUs, one of which the suspended training has."""
    trained = training(folder)
    trained.suspend()
    command = ["sbatch", "--partition=urgent", "--gpus=2", "--mem=100", "--output=/dev/null"]
    cluster.ask(*command, "--comment=urgent", "--wrap=sleep 1")
    wait_until(lambda: _signalled(trained), process)


def _signalled(process):
    """Whether SIGTERM waits for a suspended process, or it was resumed."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
        suspended = process.status() == psutil.STATUS_STOPPED
    except (FileNotFoundError, psutil.NoSuchProcess):
        return True
    pending = [int(mask, 16) for mask in re.findall(r"^(?:Sig|Shd)Pnd:\s*(\w+)$", status, re.M)]
    return not suspended or any(mask >> (signal.SIGTERM - 1) & 1 for mask in pending)


class TestWholeDag(SecondRun):
    """What holds of every second run, and that SLURM made it."""

    def test_every_job_goes_through_sbatch(self, runs):
        """Each job of the DAG is one of SLURM, or one of a group that is."""
        groups = yaml.safe_load((runs.dag.folder / "profiles/grouped/config.yaml").read_text())
        jobs = runs.jobs[runs.dag.folder]
        completed = [job for job in jobs if job["JobState"] == "COMPLETED"]
        expected = dict(runs.planned)
        assert expected.pop("all") == 1
        assert sum(expected.values()) > 150
        submitted, within = counts(completed), _in_groups(runs.dag.said)
        alone = {name: submitted.pop(name) for name in expected if name in submitted}
        assert Counter(alone) + within == expected
        assert set(within) == set(groups["groups"]) & set(expected)
        # What is left has the names of groups, as the plugin writes them.
        names = Counter(name.split("_")[0] for name in submitted.elements())
        assert names == Counter(re.findall(r"Group job (\w+) \(", runs.dag.said))
        assert set(names) == set(groups["groups"].values())

    def test_what_needs_a_network_asks_for_a_gpu_and_nothing_else_does(self, runs):
        asked = [job for job in runs.jobs[runs.dag.folder] if "TresPerJob" in job]
        assert counts(asked) == GPUS
        assert {job["TresPerJob"] for job in asked} == {"gres:gpu:1"}

    def test_shards_that_are_ready_together_go_as_arrays(self, runs):
        tasks = [job for job in runs.jobs[runs.dag.folder] if "ArrayTaskId" in job]
        arrays = Counter((rule(job), job["ArrayJobId"]) for job in tasks)
        # Shards of the others may be ready one by one.
        found = {name: count for (name, _), count in arrays.items() if name in TOGETHER}
        assert found == dict.fromkeys(TOGETHER, 2)
        assert {name for name, _ in arrays} <= SHARDED

    def test_job_with_too_little_memory_is_run_again_with_more(self, runs):
        jobs = [job for job in runs.jobs[runs.dag.folder] if rule(job) == "multi_epoch"]
        found = [(job["MinMemoryNode"], job["JobState"]) for job in jobs]
        assert found == [("40M", "FAILED"), ("2000M", "COMPLETED")]


def _in_groups(said):
    """Number of jobs in groups by rule; Snakemake lists those of a group, indented."""
    return Counter(re.findall(r"^    rule (\w+):$", said, re.M))


def test_failed_job_is_named_and_the_rest_is_done_and_a_rerun_goes_on(runs):
    folder, text = runs.two.folder, runs.mended.first.stderr
    assert runs.mended.first.returncode == 1
    assert re.findall(r"^Error in rule (\w+):$", text, re.M)[0] == "truth"
    error = text[text.index("Error in rule truth") :]
    assert "output: results/mosaics/truth.parquet" in error
    assert "log: results/logs/acquire/truth.log" in error
    # Logs of jobs that failed are kept; this one has started Snakemake once.
    (log,) = (folder / ".snakemake/slurm_logs/rule_truth").glob("*.log")
    assert re.findall(r"^SNAKEMAKE$|^localrule \w+:$", log.read_text(), re.M) == [
        "SNAKEMAKE", "localrule truth:",
    ]  # fmt: skip
    assert "ERROR error: /proc/results: No such file" in runs.mended.log
    assert runs.mended.existed == [False, True]
    assert runs.mended.left == {"truth": 1}
    assert all((folder / name).exists() for name in TWO)
    states = [(rule(job), job["JobState"]) for job in runs.jobs[folder]]
    assert sorted(states) == [
        ("fig01_architecture", "COMPLETED"),
        ("truth", "COMPLETED"),
        ("truth", "FAILED"),
    ]


def test_training_that_runs_out_of_time_goes_on_in_another_job(runs):
    status, text = runs.said[runs.late]
    assert status == 0, text
    assert "Trying to restart job" in text
    assert "stopped as asked after step" in text
    _assert_gone_on(runs, runs.late)
    jobs = runs.jobs[runs.late]
    # The first ends before its limit or, on a busy machine, at it.
    assert [job["JobState"] for job in jobs][1:] == ["COMPLETED"]
    assert jobs[0]["JobState"] in {"FAILED", "TIMEOUT"}
    assert jobs[0]["TimeLimit"] < jobs[1]["TimeLimit"] == "1-00:00:00"
    assert [job["Restarts"] for job in jobs] == ["0", "0"]
    # What is left of the time of the first job is not used to start again in it.
    log = runs.late / f".snakemake/slurm_logs/rule_train/restormer_jwst/{jobs[0]['JobId']}.log"
    assert "stopped as asked after step" in log.read_text()
    assert "Trying to restart" not in log.read_text()


def test_preempted_training_goes_on_when_slurm_requeues_its_job(runs):
    status, text = runs.said[runs.spare]
    assert status == 0, text
    assert "Trying to restart job" not in text
    _assert_gone_on(runs, runs.spare)
    (job,) = runs.jobs[runs.spare]
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")


def _assert_gone_on(runs, folder):
    """The second start went on from the state, to the bytes of a training without a break."""
    assert runs.said[runs.whole][0] == 0, runs.said[runs.whole][1]
    assert "going on after step" in (folder / "results/logs/train/restormer.jwst.log").read_text()
    assert not (folder / STATE).parent.exists()
    assert results(folder) == results(runs.whole)

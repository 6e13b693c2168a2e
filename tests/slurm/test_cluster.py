"""
The workflow through a real SLURM: every job by sbatch, and jobs that end early.

All is submitted at once, as most of the time is waiting: the smoke DAG, cut down to one mosaic
of each telescope, one variant and 19 jobs, in which one job fails and one has too little
memory, neither on the longest path; and trainings, of which one runs out of time and one is
preempted.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import yaml

from tests.slurm import cluster
from tests.slurm.cluster import counts, rule
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
TARGETS = (
    "results/tables/table1_jwst.md",
    "results/population.parquet",
    "results/figures/fig03_sizes.png",
)
# The tables that fig03_sizes reads, and one of another kind in their place, which is tried once.
OUTPUT = ',\n    output:\n        pdf="results/figures/fig03_sizes.pdf"'
RIGHT = 'catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=HST)' + OUTPUT
WRONG = 'catalogues="results/population.parquet",\n    retries: 0' + OUTPUT[1:]
SKY, PAIRS = "results/mosaics/acs_f814w.parquet", "results/pairs/jwst.parquet"
FIT = """
import numpy
from galrestore.workflow import prepare_environment
prepare_environment(".")
from galrestore.sersic.fitting import fit_sersic
fit_sersic(numpy.eye(48)[None], 2.0)
"""
# Python alone needs more than 40 MB, and drawing a population less than 2,000.
LITTLE = {"resample": {"mem_mb": "40 * 50 ** (attempt - 1)"}}
# SLURM looks every 30 s who has less than 30 s + 30 s left.
SOON = {"train": {"slurm_extra": "'--signal=TERM@30'"}}


@pytest.fixture(scope="module")
def runs(slurm, fill_in, flow):
    """All runs, side by side: what Snakemake and SLURM say of them."""
    dag, late, spare, whole = flow("dag"), flow("late").folder, flow("spare"), flow("whole").folder
    spare = spare.folder
    _cut_down(dag.folder)
    planned = dag.planned("--nocolor", *TARGETS)
    dag.edit("workflow/rules/present.smk", RIGHT, WRONG)
    fill_in(dag.folder, resources=LITTLE, retries=1)
    fill_in(late, resources=SOON, look=30)  # again when the others select, which is quick
    fill_in(spare, gpus="spare")
    for folder in (late, spare, whole):
        prepare(folder)
    with ThreadPoolExecutor() as pool:
        trained = {
            late: pool.submit(_train, late, _run_out_of_time, *PROFILE),
            spare: pool.submit(_train, spare, _preempt, *PROFILE),
        }
        submitted = pool.submit(dag.snakemake, *PROFILE, *TARGETS, check=False)
        trained[whole] = pool.submit(_train_alone, whole, dag.folder / PAIRS, submitted)
        pool.submit(_compile, dag.folder, submitted).result()
        first = submitted.result()
        said = {folder: future.result() for folder, future in trained.items()}
    jobs = {folder: cluster.jobs(folder) for folder in (dag.folder, late, spare)}
    return SimpleNamespace(
        dag=dag,
        planned=planned,
        first=first,
        late=late,
        spare=spare,
        whole=whole,
        said=said,
        jobs=jobs,
    )


def _cut_down(folder):
    """Leave one mosaic of each telescope, one variant, one baseline, no set of section 5."""
    with _edited(folder / "config/config.yaml") as settings:
        simulated = settings["acquire"]["simulated"]
        mosaics = simulated["mosaics"]
        simulated["mosaics"] = {name: mosaics[name] for name in ("acs_f814w", "nircam_f200w")}
        del simulated["exposures"], settings["proxy"]
        settings["fit"] = {"noise_lags": 0}  # compiles less
        networks = settings["train"]["networks"]
        del networks["nafnet"], networks["unet"]
        settings["train"]["variants"] = {"jwst": ["jwst"]}
        settings["restore"] = {"baselines": ["wiener"]}
    with _edited(folder / "config/smoke.yaml") as settings:
        del settings["acquire"]["simulated"]["exposures"]
        del settings["train"]["networks"]["nafnet"], settings["train"]["variants"]


@contextlib.contextmanager
def _edited(path):
    settings = yaml.safe_load(path.read_text())
    yield settings
    path.write_text(yaml.safe_dump(settings))


def _train(folder, interrupt, *arguments):
    """Train, with an interruption when there is a state; return exit status and text."""
    with snakemake(folder, *arguments) as process:
        wait_until((folder / STATE).exists, process)
        interrupt(folder, process)
        text, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, text


def _train_alone(folder, path, submitted):
    """Train here without a break, once the jobs that keep all cores busy are done."""
    _wait_for(path, submitted)
    return _train(folder, lambda *_: None, "--cores", "1")


def _compile(folder, submitted):
    """Compile the fits as an earlier run would have, while jobs that take less are waited for."""
    _wait_for(folder / SKY, submitted)
    env = os.environ | {"PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", FIT], cwd=folder, env=env, check=True)


def _wait_for(path, submitted):
    while not (path.exists() or submitted.done()):
        time.sleep(0.5)


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


def test_every_job_goes_through_sbatch(runs):
    completed = [job for job in runs.jobs[runs.dag.folder] if job["JobState"] == "COMPLETED"]
    expected = dict(runs.planned)
    assert expected.pop("fig03_sizes") == 1
    assert counts(completed) == expected


def test_training_and_restoring_ask_for_a_gpu_and_nothing_else_does(runs):
    asked = {(rule(job), job.get("TresPerJob")) for job in runs.jobs[runs.dag.folder]}
    assert {name for name, gpus in asked if gpus} == {"train", "restore_network"}
    assert {gpus for _, gpus in asked if gpus} == {"gres:gpu:1"}


def test_shards_go_as_arrays(runs):
    tasks = [job for job in runs.jobs[runs.dag.folder] if "ArrayTaskId" in job]
    arrays = {(rule(job), job["ArrayJobId"]) for job in tasks}
    assert {name for name, _ in arrays} == {"fit", "degrade_jwst"}
    assert set(counts(tasks).values()) == {2}
    assert len(arrays) == len(counts(tasks))


def test_job_with_too_little_memory_is_run_again_with_more(runs):
    jobs = [job for job in runs.jobs[runs.dag.folder] if rule(job) == "resample"]
    found = [(job["MinMemoryNode"], job["JobState"]) for job in jobs]
    assert found == [("40M", "FAILED"), ("2000M", "COMPLETED")]


def test_failed_job_is_named_and_the_rest_is_done_and_a_rerun_goes_on(runs):
    folder, text = runs.dag.folder, runs.first.stderr
    assert runs.first.returncode == 1
    assert set(re.findall(r"^Error in rule (\w+):$", text, re.M)) == {
        "fig03_sizes",
        "resample",
    }
    error = text[text.index("Error in rule fig03_sizes") :]
    assert "output: results/figures/fig03_sizes.pdf" in error
    assert "log: results/logs/present/fig03_sizes.log" in error
    log = (folder / "results/logs/present/fig03_sizes.log").read_text()
    assert "results/population.parquet" in log
    assert (folder / "results/tables/table1_jwst.md").exists()
    assert (folder / "results/population.parquet").exists()

    runs.dag.edit("workflow/rules/present.smk", WRONG, RIGHT)
    assert runs.dag.planned("--nocolor", *TARGETS) == {"fig03_sizes": 1}
    runs.dag.snakemake(*PROFILE, *TARGETS)
    assert (folder / "results/figures/fig03_sizes.png").exists()
    states = [job["JobState"] for job in cluster.jobs(folder) if rule(job) == "fig03_sizes"]
    assert states == ["FAILED", "COMPLETED"]


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

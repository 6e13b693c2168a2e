"""
Each stage killed while it writes, then run again elsewhere, and Snakemake disturbed.

The commands are Snakemake's own for jobs of the finished run, so that its results are
what an undisturbed run gives.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow

HOOKS = Path(__file__).resolve().parents[1] / "drills" / "hooks"
# One rule for each stage; gathers, whose shell has two commands, and figures as well.
RULES = [
    "simulate_hlf",
    "select",
    "fit",
    "gather_fits",
    "resample",
    "render",
    "degrade_jwst",
    "gather_pairs",
    "single_epoch",
    "train",
    "tune",
    "restore_network",
    "measure",
    "shapes",
    "limits_blanks",
    "measure_blanks",
    "table1",
    "fig05_examples",
]
KILLED = {-signal.SIGKILL, 128 + signal.SIGKILL}  # with and without a shell around it


class Sandbox:
    """A folder with an odd name in which a job finds its inputs, and nothing else."""

    def __init__(self, folder, origin, job):
        self.folder, self.origin, self.job = folder, origin, job
        folder.mkdir()
        for name in job["inputs"]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(origin / name, folder / name)

    def run(self, umask=0o022, **environment):
        """Run the job's command as Snakemake does, and return the finished process."""
        compiled = next((self.origin / ".snakemake/compiled").iterdir())
        path = os.pathsep.join([*filter(None, [environment.pop("hooks", "")]), str(self.origin)])
        env = os.environ | {"PYTHONPATH": path, "GALRESTORE_COMPILED": str(compiled)}
        env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return subprocess.run(
            ["bash", "-c", self.job["command"]],
            cwd=self.folder,
            env=env | environment,
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self):
        """Names of all files but inputs, logs, samples and the state of a training."""
        names = {str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file()}
        return {
            name
            for name in names - set(self.job["inputs"])
            if not name.startswith(("results/logs", "results/samples", "results/state"))
        }


@pytest.fixture
def sandbox(finished, jobs, tmp_path):
    """Make the sandbox of a rule's first job."""
    return lambda rule: Sandbox(tmp_path / "Café «M 31» Straße", finished.folder, jobs[rule])


@pytest.mark.parametrize("rule", RULES)
def test_a_stage_killed_while_it_writes(sandbox, rule):
    """It leaves nothing under the name; the next run gives the bytes of an undisturbed one."""
    job = sandbox(rule)
    outputs = job.job["outputs"]
    killed = job.run(hooks=str(HOOKS), DRILL_KILL_AT=outputs[-1])
    assert killed.returncode in KILLED, killed.stderr
    assert outputs[-1] + ".part" in job.files()
    assert outputs[-1] not in job.files()
    for name in set(outputs) & job.files():
        assert (job.folder / name).read_bytes() == (job.origin / name).read_bytes()

    # In another folder's name, another locale and behind another umask than the first.
    done = job.run(umask=0o027, LC_ALL="C", LANG="tr_TR.UTF-8")
    assert done.returncode == 0, done.stderr
    assert job.files() == set(outputs)
    for name in outputs:
        assert (job.folder / name).read_bytes() == (job.origin / name).read_bytes(), name
        assert (job.folder / name).stat().st_mode & 0o777 == 0o640


def test_a_second_snakemake_in_the_folder_is_refused(editable):
    """It says that the folder is locked; the first ends as if alone."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/smoke.yaml"]
    command += ["--cores", "1", "--forcerun", "resample", "--until", "resample"]
    kept = (editable.folder / "results/population.parquet").read_bytes()
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        command, cwd=editable.folder, env=env, stderr=subprocess.PIPE, text=True
    ) as first:
        locks = editable.folder / ".snakemake" / "locks"
        while first.poll() is None and not any(locks.glob("*")):
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)  # so that it has not ended before the second starts
        second = editable.snakemake(
            "--cores", "1", "--forcerun", "resample", "--until", "resample", check=False
        )
        first.send_signal(signal.SIGCONT)
        said = first.communicate(timeout=120)[1]
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stderr, second.stderr
    assert first.returncode == 0, said
    assert (editable.folder / "results/population.parquet").read_bytes() == kept


def test_a_clock_that_jumped_back_stops_the_job_with_a_word_about_it(finished, tmp_path):
    """Inputs of a clock ahead are newer than what is made of them now."""
    # No hard links: dates would change in all copies.
    editable = type(finished)(shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True))
    ahead = time.time() + 86_400
    for path in (editable.folder / "results").rglob("*"):
        os.utime(path, (ahead, ahead))
    assert editable.planned() == {}
    remade = ("--forcerun", "resample", "--until", "resample")
    done = editable.snakemake("--cores", "1", *remade, check=False)
    assert done.returncode == 1
    assert "clock skew" in done.stderr
    assert not (editable.folder / "results/population.parquet").exists()
    assert editable.planned(*remade[2:]) == {"resample": 1}

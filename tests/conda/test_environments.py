"""
The workflow under ``--use-conda``: environments are solved, made, and used by every job.

There is no server of packages: see channel.py and stand_in.py for what is real here.  The DAG is
the smoke run's, cut down to one mosaic of each telescope, one network and one baseline.
"""

import os
import re
import subprocess

import pytest
import yaml

from tests.workflow.conftest import copy_sources

pytestmark = pytest.mark.workflow

TARGET = "results/measurements/jwst/jwst.parquet"
JOBS = {
    "simulate_hlf": 1,
    "simulate_i2d": 1,
    "select": 2,
    "degrade_jwst": 2,
    "gather_pairs": 1,
    "train": 1,
    "restore_network": 1,
    "measure": 1,
}
# Converted from wheels, so their files are the environment's; numpy and torch are the host's.
WHERE = """
import filelock, pluggy, pytest, safetensors, sep, sys, tqdm, yaml, numpy, torch
print(sys.prefix)
for module in filelock, pluggy, pytest, safetensors, sep, tqdm, yaml:
    print(module.__file__)
"""


@pytest.fixture(scope="module")
def run(programs, tmp_path_factory):
    """The DAG without environments up to one mosaic, then with them: folder and text."""
    folder = tmp_path_factory.mktemp("conda") / "flow"
    folder.mkdir()
    flow = copy_sources(folder)
    cut_down(folder)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    flow.snakemake("--cores", "2", "results/mosaics/acs_f814w.parquet")
    done = flow.snakemake("--cores", "2", "--use-conda", "--", TARGET, PATH=path)
    return folder, done.stdout + done.stderr


def cut_down(folder):
    """Leave one mosaic of each telescope, one network, no set of section 5."""
    path = folder / "config/config.yaml"
    settings = yaml.safe_load(path.read_text())
    simulated = settings["acquire"]["simulated"]
    chosen = ("acs_f814w", "nircam_f200w")
    simulated["mosaics"] = {name: simulated["mosaics"][name] for name in chosen}
    del simulated["exposures"], settings["proxy"]
    del settings["train"]["networks"]["nafnet"], settings["train"]["networks"]["unet"]
    settings["train"]["variants"] = {"jwst": ["jwst"]}
    settings["restore"] = {"baselines": ["none"]}
    path.write_text(yaml.safe_dump(settings))
    path = folder / "config/smoke.yaml"
    settings = yaml.safe_load(path.read_text())
    del settings["acquire"]["simulated"]["exposures"]
    del settings["train"]["networks"]["nafnet"], settings["train"]["variants"]
    path.write_text(yaml.safe_dump(settings))


def test_all_jobs_run(run):
    _, text = run
    table = text.split("Job stats:")[1].split("total")[0]
    assert dict(re.findall(r"^(\w+) +(\d+)$", table, re.M)) == {k: str(v) for k, v in JOBS.items()}


def test_every_job_runs_the_python_of_its_environment(run):
    folder, _ = run
    (environment,) = (path for path in (folder / ".snakemake/conda").iterdir() if path.is_dir())
    logs = sorted((folder / "results/logs").rglob("*.log"))
    assert len(logs) == sum(JOBS.values())
    for log in logs:
        assert log.read_text().splitlines()[0].endswith(f", {environment}/bin/python"), log


def test_the_environment_has_what_was_solved(run):
    folder, _ = run
    (environment,) = (path for path in (folder / ".snakemake/conda").iterdir() if path.is_dir())
    command = [environment / "bin/python", "-c", WHERE]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert len(found) == 8
    assert all(path.startswith(str(environment)) for path in found), found


def test_the_package_is_the_one_beside_the_workflow(run):
    folder, _ = run
    (environment,) = (path for path in (folder / ".snakemake/conda").iterdir() if path.is_dir())
    command = [environment / "bin/python", "-c", "import galrestore; print(galrestore.__file__)"]
    env = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, cwd="/")
    assert done.stdout.strip() == f"{folder}/galrestore/__init__.py"


def test_start_says_that_results_without_environments_are_made_again(run):
    _, text = run
    assert "finished jobs run again (1 for this reason)" in text
    assert "--rerun-triggers mtime params input code" in text


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

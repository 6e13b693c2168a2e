"""
A copy of the workflow, run once on the smoke configuration.

Tests that edit code or settings do so in a copy of their own, whose finished results
are shared by hard links: only dry runs are made there.
"""

import csv
import fcntl
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "workflow", "config", "envs", "profiles", "galrestore")


class Workflow:
    """A copy of the workflow's files that can be run and edited."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def snakemake(self, *arguments, check=True, configfile="config/smoke.yaml", **environment):
        """Run Snakemake in the copy and return the finished process."""
        command = ["snakemake", "--configfile", configfile, *arguments]
        return self._run(command, check, environment)

    def galrestore(self, *arguments, **environment):
        """Run a command of the package in the copy and return what it says."""
        return self._run(["galrestore", *arguments], True, environment).stderr

    def _run(self, command, check, environment):
        command = [sys.executable, "-m", *command]
        # The copy must run its own package, not the installed one.
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "OMP_NUM_THREADS")}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=env | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
        return done

    def planned(self, *arguments, **options):
        """Rules that a dry run would execute, with the number of jobs of each."""
        quiet = ("--cores", "2", "--dry-run", "--quiet", "rules")
        done = self.snakemake(*quiet, *arguments, **options)
        text = done.stdout + done.stderr
        if "Nothing to be done" in text or "Job stats" not in text:
            return {}
        table = text.split("Job stats:")[1].split("total")[0]
        return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}

    def edit(self, file, old, new):
        """Replace one piece of text in a file of the copy."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) >= 1, f"{old!r} is not in {file}"
        path.unlink()  # may be a hard link to another copy's file
        path.write_text(text.replace(old, new, 1))


def copy_sources(target):
    """Copy the workflow's own files and what numba compiled of them, without results."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=_of_python)
        else:
            shutil.copy2(source, target / part)
    return Workflow(target)


def _of_python(folder, names):
    """List what else lies beside numba's machine code, which other tests may be writing."""
    if Path(folder).name != "__pycache__":
        return []
    return [name for name in names if not name.endswith((".nbi", ".nbc"))]


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """The smoke configuration run to its end on two cores, once for all workers of xdist."""
    base = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        base = base.parent
    folder, done = base / "smoke" / "a workflow", base / "smoke.done"
    with open(base / "smoke.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            copy_sources(folder).snakemake("--cores", "2")
            done.touch()
    return Workflow(folder)


@pytest.fixture(scope="session")
def jobs(finished):
    """First job of each rule of the finished run: its inputs, outputs and command."""
    text = finished.snakemake("--cores", "1", "--detailed-summary").stdout
    lines = text[text.index("output_file\t") :]
    found = {}
    for row in csv.DictReader(io.StringIO(lines), delimiter="\t", quoting=csv.QUOTE_NONE):
        job = found.setdefault(row["rule"], {"command": row["shellcmd"], "outputs": []})
        if row["shellcmd"] == job["command"]:
            job["inputs"] = [
                name for name in row["input-file(s)"].split(",") if name not in ("", "-")
            ]
            job["outputs"].append(row["output_file"])
    return found


@pytest.fixture
def editable(finished, tmp_path):
    """A copy of the finished run that a test may edit."""
    target = tmp_path / "copy"
    shutil.copytree(finished.folder, target, copy_function=os.link, symlinks=True)
    return Workflow(target)


@pytest.fixture(scope="session")
def copy_of_sources():
    """Copy the workflow's own files to a folder: a function that returns a `Workflow`."""

    def copy(target):
        target.mkdir(parents=True)
        return copy_sources(target)

    return copy

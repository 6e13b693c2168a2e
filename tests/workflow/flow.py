"""A copy of the workflow's own files that can be run and edited."""

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

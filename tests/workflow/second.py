"""
The whole smoke DAG a second time: on other cores, shards and tiles, in conda environments.

The packages of the environments are those of a channel in a folder: `tests.conda.channel` and
`tests.conda.stand_in` say what is real there.
"""

import os
import re
import subprocess
from types import SimpleNamespace

from galrestore.provenance import sha256_of

SUFFIXES = (".parquet", ".fits", ".safetensors", ".md", ".csv", ".png", ".pdf", ".html", ".rst")
# Pages that list the shards among the files of a run.
LISTS = ("report/index.html", "report/tables/provenance.html")
# Other shards and tiles than those of the first run.
SETTINGS = ("--config", "runtime={shards: 2, tile: 300}")
# Made without environments before, so that the second run has a result to make again.
BEFORE = "results/mosaics/truth.parquet"
# Converted from wheels, so their files are the environment's; numpy and torch are the host's.
WHERE = """
import filelock, pluggy, pytest, safetensors, sep, sys, tqdm, yaml, numpy, torch
print(sys.prefix)
for module in filelock, pluggy, pytest, safetensors, sep, tqdm, yaml:
    print(module.__file__)
"""


def run_again(flow, programs, *arguments):
    """Run the DAG in a copy of the workflow, with `conda` from a folder of programs."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    flow.snakemake("--cores", "1", BEFORE)
    done = flow.snakemake("--use-conda", *arguments, *SETTINGS, PATH=path)
    return SimpleNamespace(folder=flow.folder, said=done.stdout + done.stderr)


def digests(folder):
    """sha256 of every result but shards, pages that list them, logs and times."""
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in SUFFIXES
        and not {"shards", "render"} & set(path.parts)
        and path.relative_to(folder).as_posix() not in LISTS
    }


class SecondRun:
    """What holds of a second run, however the fixture ``second`` makes it."""

    def test_results_are_the_same_bytes(self, second, request):
        finished = request.getfixturevalue("finished")  # meanwhile made by another worker
        expected = digests(finished.folder / "results")
        found = digests(second.folder / "results")
        assert len(expected) > 380
        assert {name: 0 for name in found if found[name] != expected.get(name)} == {}
        assert found.keys() == expected.keys()

    def test_every_job_runs_the_python_of_its_environment(self, second):
        logs = sorted((second.folder / "results/logs").rglob("*.log"))
        jobs = int(re.search(r"^total +(\d+)$", second.said, re.M).group(1))
        assert len(logs) == jobs - 1  # `all` has none
        for log in logs:
            first = log.read_text().splitlines()[0]
            assert first.endswith(f", {environment(second)}/bin/python"), log

    def test_the_environment_has_what_was_solved(self, second):
        found = _python(second, WHERE).split()
        assert len(found) == 8
        assert all(path.startswith(str(environment(second))) for path in found), found

    def test_the_package_is_the_one_beside_the_workflow(self, second):
        found = _python(second, "import galrestore; print(galrestore.__file__)", cwd="/")
        assert found.strip() == f"{second.folder}/galrestore/__init__.py"

    def test_start_says_that_results_without_environments_are_made_again(self, second):
        assert "finished jobs run again (1 for this reason)" in second.said
        assert "--rerun-triggers mtime params input code" in second.said


def environment(second):
    """Folder of the one environment."""
    (folder,) = (p for p in (second.folder / ".snakemake/conda").iterdir() if p.is_dir())
    return folder


def _python(second, code, **options):
    """What the environment's interpreter prints, as in a job."""
    command = [environment(second) / "bin/python", "-c", code]
    env = {"PYTHONPATH": str(second.folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, **options)
    return done.stdout

"""
Tables without rows, in place of those that each rule of the finished run reads.

What is made of nothing must not look like a result: the job says which table has no
rows and leaves no file, unless nothing is a sound answer there.
"""

import os
import shlex
import shutil

import pyarrow.parquet as pq
import pytest

from galrestore.cli import main
from galrestore.files.tables import Column, read_provenance, read_table, write_table

pytestmark = pytest.mark.workflow

_DTYPES = {"string": "str", "double": "float64", "float": "float32"}

# Rules that go on, by the folder of the tables, and why nothing is a sound answer there.
SOUND = {
    ("fit", "results/stamps"): "a field without accepted sources has no fits",
    ("selection_table", "results/stamps"): "it counts what was accepted: nothing",
    ("selection_truth", "results/stamps"): "likewise",
    ("gather_fits", "results/sersic/shards"): "shards may be empty; who reads the whole refuses",
    ("gather_pairs", "results/pairs/shards"): "likewise",
    ("single_epoch", "results/stamps"): "no training saw this sky: all of it is for the test",
    ("hallucination", "results/limits/false_peaks/transfer"): "no false peak was found",
}
# Rules that read all files of the run for what made them, or to judge them.
OTHERS = {"report_texts", "report_page", "check"}


def _empty(path):
    columns = [
        Column(
            field.name,
            _DTYPES.get(str(field.type), str(field.type)),
            field.metadata[b"unit"].decode(),
            field.metadata[b"meaning"].decode(),
        )
        for field in pq.read_schema(path)
    ]
    frame, record = read_table(path).head(0), read_provenance(path)
    path.unlink()  # is a hard link
    write_table(path, frame, columns, record)


def _run(command):
    """Run a job's commands in this process, as a shell does with && between them."""
    # `train` is started by exec, for the sake of its signals.
    for part in command.removeprefix("exec ").split(" && "):
        status = main(shlex.split(part)[len(["python", "-m", "galrestore"]) :])
        if status:
            return status
    return 0


def _outcomes(origin, folder, job, capfd):
    """Run a job as often as its tables lie in folders: outcome by folder without rows."""
    tables = dict.fromkeys(name for name in job["inputs"] if name.endswith(".parquet"))
    for place in sorted({os.path.dirname(name) for name in tables}):
        shutil.rmtree(folder, ignore_errors=True)
        for name in job["inputs"]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if not (folder / name).exists():
                os.link(origin / name, folder / name)
        for name in tables:
            if os.path.dirname(name) == place:
                _empty(folder / name)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            status = _run(job["command"])
        said = capfd.readouterr().err
        made = [name for name in job["outputs"] if (folder / name).exists()]
        if status == 0 and len(made) == len(job["outputs"]):
            yield place, "goes on"
        elif status == 2 and not made and said.count(": error: ") == 1:
            yield place, "refused"
        else:
            yield place, f"status {status}, {made}, {said[-600:]}"


def test_a_table_without_rows_is_refused_or_sound(finished, jobs, tmp_path, capfd):
    found = {}
    for rule in sorted(jobs.keys() - OTHERS):
        outcomes = _outcomes(finished.folder, tmp_path / "box", jobs[rule], capfd)
        found |= {(rule, place): outcome for place, outcome in outcomes}
    assert len(found) > 70
    unsound = {key: outcome for key, outcome in found.items() if outcome != "refused"}
    assert unsound == dict.fromkeys(SOUND, "goes on")

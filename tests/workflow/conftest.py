"""
Copies of the workflow, and of the finished smoke run.

Tests that edit code or settings do so in a copy of their own, whose finished results
are shared by hard links: only dry runs are made there.
"""

import csv
import io
import os
import shutil

import pytest

from tests.workflow.flow import Workflow, copy_sources


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

"""The paper's run estimated from the smoke run, against what Snakemake would do."""

import pytest

from galrestore.files.contracts.estimate import ESTIMATE
from galrestore.files.tables import read_table

pytestmark = pytest.mark.workflow


def test_jobs_are_those_of_the_papers_dry_run(editable):
    editable.snakemake("--cores", "2", "results/tables/estimate.md")
    table = read_table(editable.folder / "results/tables/estimate.parquet", ESTIMATE)
    jobs = table.set_index(["stage", "part"])["jobs"]
    planned = editable.planned("--forceall", configfile="config/paper.yaml")
    one_pointing = 4
    assert planned["select"] == jobs["select", "hst mosaics"] + one_pointing
    files = jobs["acquire", "download hst"] + jobs["acquire", "download exposures"]
    assert planned["download"] == files + one_pointing
    # Restoring and measuring the sets of section 5 included.
    assert planned["restore_network"] == jobs["restore", "networks"]
    assert planned["restore_baseline"] == jobs["restore", "baselines"]
    assert planned["measure"] == jobs["measure", "all methods"]
    for rule, part in {
        "fit": ("fit", "stamps"),
        "fit_pairs": ("fit", "pairs"),
        "render": ("render", "render"),
        "degrade_galsim": ("degrade", "galsim"),
        "degrade_jwst": ("degrade", "jwst"),
        "train": ("train", "all phases"),
        "tune": ("tune", "baselines"),
        "resample": ("resample", "resample"),
        "single_epoch": ("proxy", "single_epoch"),
        "shapes": ("shapes", "all sets"),
        **{f"limits_{part}": ("limits", part)
           for part in ("blanks", "drizzle", "ladder", "shear", "stars")},
        "restore_network_limits": ("limits", "networks"),
        **{f"measure_{part}": ("measure_limits", part)
           for part in ("blanks", "failures", "shear")},
    }.items():  # fmt: skip
        assert planned[rule] == jobs[part], rule
    # 300,000 steps of a model, five phases of 150,000: no less than days of a GPU.
    text = (editable.folder / "results/tables/estimate.md").read_text()
    assert "5 phases x (150,000 steps x 64 stamps x 3" in text
    assert "GPU-hours" in text

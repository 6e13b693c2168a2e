"""Edits, settings and single stages rerun what they must, and what docs/reruns.md says."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conda.programs import install

pytestmark = pytest.mark.workflow

PAGE = Path(__file__).resolve().parents[2] / "docs/reruns.md"
COMMAND = "snakemake --cores all --configfile config/smoke.yaml"
SCHEME = {"fig01_architecture", "fig02_training"}
# Written again after whatever they tell of.
REPORT = {"report_texts", "report_page"}
LIMITS = {
    "restore_network_limits",
    "measure_blanks",
    "measure_failures",
    "fig11_failures",
    "fig12_stars",
    "fig13_drizzle",
    "fig14_blanks",
    "hallucination",
    "measure_shear",
    "shear_calibration",
}
SECTION5 = {"fig08a_single_epoch", "fig08b_mosaic", "fig09_morphology", "fig10_photometry"}
BELOW_TRAIN = (
    LIMITS
    | SECTION5
    | REPORT
    | {
        "training_curves",
        "restore_network",
        "measure",
        "table1",
        "fig05_examples",
        "shapes",
        "shape_tables",
        "fig06_morphology",
        "fig07_photometry",
        "residual_power",
        "calibration_table",
        "calibration_figure",
        "claims",
        "check",
        "all",
    }
)
BELOW_PAIRS = {
    "limits_blanks",
    "limits_drizzle",
    "limits_ladder",
    "train",
    "tune",
    "restore_baseline",
    "fit_pairs",
    "gather_fits",
    "fig04_corner",
    "fit_quality",
}
BELOW_DEGRADE = BELOW_TRAIN | BELOW_PAIRS | {"gather_pairs", "multi_epoch", "single_epoch"}
BELOW_RENDER = BELOW_DEGRADE | {"degrade_galsim"}
# Made with the blur and noise of degrade, from other inputs than pairs.
DEGRADED_TOO = {"limits_shear", "limits_stars"}

BELOW_SELECT = (
    BELOW_RENDER
    | DEGRADED_TOO
    | {
        "select_epochs",
        "degrade_jwst",
        "fit",
        "resample",
        "population_table",
        "render",
        "selection_table",
        "selection_truth",
        "selection_funnel",
        "star_locus",
        "fig03_sizes",
    }
)


def test_finished_run_has_nothing_to_do(finished):
    assert finished.planned() == {}


def test_comments_and_docstrings_rerun_nothing(editable):
    editable.edit("galrestore/sources/detection.py", "\nimport", "\n# A remark.\nimport")
    editable.edit("galrestore/stages/select.py", '"""Stage', '"""The stage')
    assert editable.planned() == {}


def test_editing_select_reruns_select_and_everything_below(editable):
    editable.edit("galrestore/sources/detection.py", "\nimport", "\nEDITED = 1\nimport")
    planned = editable.planned()
    # Images of the truth are made by the stage that makes the sets: one fingerprint.
    assert set(planned) == BELOW_SELECT | {"select", "exposure_truth"}
    assert planned["select"] == 4
    assert planned["train"] == 4


def test_editing_a_deep_module_reruns_from_the_stages_that_reach_it(editable):
    editable.edit("galrestore/networks/restormer.py", "\nimport", "\nEDITED = 1\nimport")
    # Stage restore holds the baselines too: one stage, one fingerprint.
    assert set(editable.planned()) == BELOW_TRAIN | SCHEME | {"train", "restore_baseline"}


@pytest.mark.parametrize(
    ("setting", "stage", "below"),
    [
        (
            "degrade={psf_fwhm: 2.0}",
            {"degrade_galsim", "degrade_jwst", *DEGRADED_TOO},
            BELOW_DEGRADE,
        ),
    ],
)
def test_one_setting_reruns_from_its_stage(editable, setting, stage, below):
    assert set(editable.planned("--config", setting)) == stage | below


def test_tiles_rerun_nothing(editable):
    assert editable.planned("--config", "runtime={tile: 512}") == {}


def recipes():
    """Commands and jobs of the page, by heading."""
    for section in re.split(r"^### ", PAGE.read_text(), flags=re.M)[1:]:
        command, jobs = re.findall(r"(?:^    .+\n)+", section, re.M)
        total, _, rules = " ".join(jobs.split()).partition(": ")
        documented = {name: int(count) for name, count in re.findall(r"(\w+) (\d+)", rules)}
        assert sum(documented.values()) == (0 if total == "nothing" else int(total)), section
        yield pytest.param(command.strip(), documented, id=section.splitlines()[0])


@pytest.fixture
def apart(finished, tmp_path):
    """A copy whose dates may be changed: it shares no file with the finished run."""
    target = tmp_path / "apart"
    shutil.copytree(finished.folder, target, symlinks=True)
    return type(finished)(target)


def test_a_template_rewrites_the_report(editable):
    editable.edit("galrestore/page/templates/page.css", "h1 {", "h1 { color: red;")
    assert editable.planned() == dict.fromkeys([*REPORT, "all"], 1)


@pytest.mark.parametrize(("command", "documented"), list(recipes()))
def test_recipe_of_the_page(request, tmp_path, command, documented):
    *before, last = command.split("; ")
    flow = request.getfixturevalue("apart" if before else "finished")
    for step in before:
        if step.startswith("rm"):
            remove(flow.folder / step.split()[-1])
        else:
            # Copied last, a mosaic makes its stamps look too old.
            (flow.folder / "results/mosaics/nircam_f200w.parquet").touch()
            flow.snakemake("--cores", "1", *options(step))
    path = os.environ["PATH"]
    if "--use-conda" in last:
        # The double answers for conda; a dry run makes no environment.
        path = f"{install(tmp_path / 'conda', 'no-channel')}{os.pathsep}{path}"
    assert flow.planned(*options(last), PATH=path) == documented


def options(command):
    """Arguments of a command of the page, less those that all have."""
    assert command.startswith(COMMAND)
    return shlex.split(command.removeprefix(COMMAND))


def remove(path):
    """Remove what a recipe says is lost."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def test_unknown_key_stops_before_any_job(editable):
    done = editable.snakemake("--cores", "2", "-n", "--config", "selct={a: 1}", check=False)
    assert done.returncode != 0
    assert "setting selct = {'a': '1'}: unknown key" in done.stdout + done.stderr

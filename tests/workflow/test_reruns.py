"""Edits, settings and single stages rerun what they must, and nothing else."""

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("workflow")]

SHARDS = 2
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
    assert planned["select"] == 6
    assert planned["train"] == 6


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
        ("select={minimum_snr: 19}", {"select"}, BELOW_SELECT),
        ("train={learning_rate: 0.0002}", {"train"}, BELOW_TRAIN | SCHEME),
        (
            "measure={source_sigma: 4.0}",
            {"measure"},
            {
                "table1",
                "claims",
                "fig05_examples",
                "fig08a_single_epoch",
                "fig08b_mosaic",
                "check",
                "all",
                *REPORT,
            },
        ),
    ],
)
def test_one_setting_reruns_from_its_stage(editable, setting, stage, below):
    assert set(editable.planned("--config", setting)) == stage | below


def test_tiles_rerun_nothing(editable):
    assert editable.planned("--config", "runtime={tile: 512}") == {}


def test_one_mosaic_reruns_alone(editable):
    change = "acquire={simulated: {mosaics: {nircam_f444w: {depth: 29.0}}}}"
    planned = editable.planned("--config", change)
    assert planned["simulate_i2d"] == 1
    assert planned["select"] == 1
    assert "simulate_hlf" not in planned
    assert "fit" not in planned


def test_force_and_until_of_one_stage(editable):
    assert editable.planned("--forcerun", "fit", "--until", "fit") == {"fit": SHARDS}
    assert editable.planned("--forcerun", "resample", "--until", "render") == {
        "resample": 1,
        "render": SHARDS,
    }


def test_a_lost_file_is_remade_with_what_depends_on_it(editable):
    (editable.folder / "results/tables/table1_jwst.md").unlink()
    below = dict.fromkeys([*REPORT, "claims", "check", "all"], 1)
    assert editable.planned() == {"table1": 1, **below}


def test_a_template_rewrites_the_report(editable):
    editable.edit("galrestore/page/templates/page.css", "h1 {", "h1 { color: red;")
    assert editable.planned() == dict.fromkeys([*REPORT, "all"], 1)


def test_unknown_key_stops_before_any_job(editable):
    done = editable.snakemake("--cores", "2", "-n", "--config", "selct={a: 1}", check=False)
    assert done.returncode != 0
    assert "setting selct = {'a': '1'}: unknown key" in done.stdout + done.stderr

"""The profile for SLURM without SLURM: names of rules and settings, and limits of arrays."""

import dataclasses
import re
from pathlib import Path

import pytest
import yaml
from snakemake_executor_plugin_slurm import ExecutorSettings

ROOT = Path(__file__).resolve().parents[2]
RULE = re.compile(r"^(?:rule (\w+):|use rule \w+ as (\w+) with:)$", re.M)
# More than the paper's run has (docs/paper_scale.md: 714).
JOBS = 5000


@pytest.fixture(scope="module")
def profile():
    return yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())


@pytest.fixture(scope="module")
def grouped():
    return yaml.safe_load((ROOT / "profiles/grouped/config.yaml").read_text())


@pytest.fixture(scope="module")
def rules():
    texts = [path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk")]
    return {name for text in texts for names in RULE.findall(text) for name in names if name}


def test_rules_exist(profile, rules):
    arrays = profile["slurm-array-jobs"].split(", ")
    named = {*arrays, *profile["set-resources"], *profile["set-threads"]}
    assert {"train", "restore_network_limits"} <= rules
    assert named <= rules


def test_groups_are_of_small_jobs_that_exist(profile, grouped, rules):
    """Neither of training nor of shards, and those with a GPU are apart."""
    members = {name: rules_of(grouped, name) for name in set(grouped["groups"].values())}
    assert {"measure", "table1", "check"} <= set(grouped["groups"]) <= rules
    shards = profile["slurm-array-jobs"].split(", ")
    assert not {"train", "select", "shapes", *shards} & set(grouped["groups"])
    assert members["restorations"] == {"restore_network_limits"}
    others = [names for group, names in members.items() if group != "restorations"]
    assert not set.union(*others) & set(profile["set-resources"])
    assert set(grouped["group-components"]) <= set(members)
    # The first part of a group's name in SLURM is the group's.
    assert not any("_" in name for name in members)


def rules_of(grouped, group):
    return {rule for rule, name in grouped["groups"].items() if name == group}


def test_a_group_asks_for_what_its_largest_job_does(profile):
    """As its jobs run one after the other; seen in SLURM: 2,000 MB of three jobs."""
    assert profile["resources"]["turn"] == profile["default-resources"]["turn"] == 1
    assert profile["set-resource-scopes"] == {"turn": "local"}


def test_plugin_knows_the_settings(profile):
    known = {field.name.replace("_", "-") for field in dataclasses.fields(ExecutorSettings)}
    settings = {key.removeprefix("slurm-") for key in profile if key.startswith("slurm-")}
    assert settings == {"array-jobs", "requeue"}
    assert settings <= known


def test_no_array_is_submitted_in_part(profile):
    """Where it is, the plugin loses jobs: see the profile."""
    assert profile["jobs"] > JOBS
    count, seconds = re.fullmatch(r"(\d+)/(\d+)s", profile["max-jobs-per-timespan"]).groups()
    assert int(count) > JOBS * int(seconds)


def test_what_a_networks_jobs_ask_for(profile):
    asks = profile["set-resources"]
    gpus = {name for name, resources in asks.items() if "gpu" in resources}
    assert gpus == {"train", "restore_network", "restore_network_limits"}
    assert all(asks[name]["slurm_partition"] == "GPU_PARTITION" for name in gpus)


@pytest.mark.parametrize(("attempt", "memory", "minutes"), [(1, 4000, 130), (2, 8000, 260)])
def test_select_asks_by_size_and_attempt(profile, attempt, memory, minutes):
    class Files:
        size_mb = 5000.0  # of a mosaic of 25,000 x 25,000 pixels and its weights

    names = {"input": Files, "attempt": attempt, "int": int}
    asks = profile["set-resources"]["select"]
    assert eval(asks["mem_mb"], {}, names) == memory
    assert eval(asks["runtime"], {}, names) == minutes

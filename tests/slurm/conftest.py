"""A cluster for the tests of this folder, and the profile filled in for it."""

import os
from pathlib import Path

import pytest
import yaml

from tests.slurm import cluster
from tests.workflow.flow import copy_sources


@pytest.fixture(scope="session")
def slurm(need):
    """A SLURM of one node; a list of its jobs is written to GALRESTORE_SLURM_JOBS, if set."""
    reason = cluster.missing()
    if reason:
        need(reason)
    with cluster.running():
        yield
        if "GALRESTORE_SLURM_JOBS" in os.environ:
            lines = [cluster.summary(job) for job in cluster.jobs()]
            Path(os.environ["GALRESTORE_SLURM_JOBS"]).write_text("\n".join([*lines, ""]))


@pytest.fixture(scope="session")
def fill_in(slurm):
    """Fill the profile in for the cluster: a function of the workflow's folder."""

    # Each look in vain makes the plugin wait 10 s more for the next: it looks after 8, 26 and
    # 54 s; most jobs take 4 to 20 s on a busy machine of two processors, groups up to 35.
    def fill(folder, gpus="gpus", resources=None, look=8, **settings):
        profile = yaml.safe_load((folder / "profiles/slurm/config.yaml").read_text())
        everywhere, of_rules = profile["default-resources"], profile["set-resources"]
        # Accounts are in slurmdbd's database, and there is none.
        assert everywhere.pop("slurm_account") == "ACCOUNT"
        assert everywhere["slurm_partition"] == "PARTITION"
        everywhere["slurm_partition"] = "work"
        for values in of_rules.values():
            if values.get("slurm_partition") == "GPU_PARTITION":
                values["slurm_partition"] = gpus
        for name, values in (resources or {}).items():
            of_rules.setdefault(name, {}).update(values)
        # The plugin prefers sacct, which does not answer without slurmdbd.
        profile["slurm-status-command"] = "squeue"
        profile["slurm-init-seconds-before-status-checks"] = look
        profile["seconds-between-status-checks"] = look
        profile |= settings
        (folder / "profiles/loopback").mkdir()
        (folder / "profiles/loopback/config.yaml").write_text(yaml.safe_dump(profile))

    return fill


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    """Copy the workflow's own files: a function of a name that returns a `Workflow`."""

    def copy(name):
        folder = tmp_path_factory.mktemp(name) / "flow"
        folder.mkdir()
        return copy_sources(folder)

    return copy

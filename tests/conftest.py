"""Fixtures of all tests."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tests.conda.programs import install, make_channel
from tests.workflow.flow import Workflow, copy_sources

ROOT = Path(__file__).resolve().parent.parent


def skip(reason):
    """Skip on a user's machine; fail where everything is said to be there (CI)."""
    if os.environ.get("GALRESTORE_REQUIRE_ALL"):
        pytest.fail(f"GALRESTORE_REQUIRE_ALL is set, but {reason}")
    pytest.skip(reason)


def pytest_collection_modifyitems(items):
    """Begin with the tests that run the workflow: they take longest."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


@pytest.fixture(scope="session")
def need():
    """Say why a test cannot run here: a skip, or a failure in CI."""
    return skip


@pytest.fixture(scope="session")
def real_data():
    """Folder of real HST and JWST images; tests that ask for it skip where it is absent."""
    folder = Path(os.environ.get("GALRESTORE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "paper_sample").is_dir():
        skip(f"real images are not shipped with the project and not at {folder}")
    return folder


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Folder of programs of a conda whose channel has the packages of envs/galrestore.yaml."""
    folder = tmp_path_factory.mktemp("conda")
    return install(folder, make_channel(folder / "channel"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """
    The smoke configuration run to its end on two cores, once for all workers of xdist.

    It is left in the folder GALRESTORE_SMOKE, if that is set, for the next run of pytest.
    """
    base = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        base = base.parent
    base = Path(os.environ.get("GALRESTORE_SMOKE", base))
    folder, done = base / "smoke" / "a workflow", base / "smoke.done"
    with open(base / "smoke.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            copy_sources(folder).snakemake("--cores", "2")
            done.touch()
    return Workflow(folder)

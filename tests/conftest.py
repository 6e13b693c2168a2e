"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest

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

"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data():
    """Folder of real HST and JWST images; tests that ask for it skip where it is absent."""
    folder = Path(os.environ.get("GALRESTORE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "paper_sample").is_dir():
        pytest.skip(f"real images are not shipped with the project and not at {folder}")
    return folder

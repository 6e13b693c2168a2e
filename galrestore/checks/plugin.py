"""Plugin of pytest: gives the checks the run's files, and repeats each check for each."""

from pathlib import Path

import pytest

from galrestore.checks.artefacts import Artefacts

__all__ = ["artefacts", "pytest_addoption", "pytest_configure", "pytest_generate_tests"]

_KEY = pytest.StashKey[Artefacts]()

# Argument of a check: folder and suffix of the files it is repeated for.
_ARGUMENTS = {
    "mosaic": ("stamps", ".parquet"),
    "pair_set": ("pairs", ".parquet"),
    "tuned": ("baselines/grid", ".parquet"),
    "restored": ("restored", ".fits"),
    "scored": ("measurements", ".parquet"),
    "presented": ("tables", ".parquet"),
    "limit_set": ("limits/sets", ".parquet"),
    "limit_restored": ("limits/restored", ".fits"),
    "limit_measured": ("limits/measurements", ".parquet"),
    "model": ("models", ".safetensors"),
}
_BESIDE = ("_pixels", "_spectrum")


def pytest_addoption(parser):
    """Declare where the results are."""
    parser.addoption("--results", type=Path, help="folder of results")
    parser.addoption("--files", type=Path, help="text file that lists the run's files")


def pytest_configure(config):
    """Find the files before the checks are collected."""
    files = config.getoption("--files")
    config.stash[_KEY] = Artefacts(
        config.getoption("--results"),
        [Path(line) for line in files.read_text(encoding="utf-8").splitlines()] if files else None,
    )


def pytest_generate_tests(metafunc):
    """Repeat a check for each file, set or method it asks for."""
    found = metafunc.config.stash[_KEY]
    if "file" in metafunc.fixturenames:
        names = [path.as_posix() for path in found.files]
        metafunc.parametrize("file", names, ids=names)
    if "shaped" in metafunc.fixturenames:
        # Pixels and spectra are tables of their own beside each set's.
        names = [name for name in found.below("shapes", ".parquet") if not name.endswith(_BESIDE)]
        metafunc.parametrize("shaped", names, ids=names)
    for argument, place in _ARGUMENTS.items():
        if argument in metafunc.fixturenames:
            names = found.below(*place)
            metafunc.parametrize(argument, names, ids=names)


@pytest.fixture(scope="session")
def artefacts(pytestconfig):
    """
    Give a check the files of the run.

    Parameters
    ----------
    pytestconfig : pytest.Config
        Configuration of the session.

    Returns
    -------
    artefacts : Artefacts
        The files.
    """
    return pytestconfig.stash[_KEY]

"""Fixtures of the archive's tests."""

import pytest

from galrestore.config.archive import Transfer
from tests.archive.loopback import loopback_mast


@pytest.fixture
def mast(monkeypatch):
    """A MAST of our own, to which all requests go."""
    with loopback_mast() as server:
        monkeypatch.setenv("GALRESTORE_MAST_SERVER", server.url)
        monkeypatch.delenv("MAST_API_TOKEN", raising=False)
        yield server


@pytest.fixture
def hurried():
    """Patience for tests: three attempts, with hardly a pause."""
    return Transfer(
        connect_timeout=2, read_timeout=0.5, attempts=3, backoff=0.01, longest_pause=0.05
    )

"""Training that is interrupted: the workflow starts it again, and it goes on."""

import signal

import pytest

from tests.workflow.training import (
    PATIENCE,
    STATE,
    WEIGHTS,
    prepare,
    results,
    snakemake,
    training,
    wait_until,
)

pytestmark = pytest.mark.workflow


@pytest.fixture
def folder(tmp_path, copy_of_sources):
    folder = copy_of_sources(tmp_path / "flow").folder
    prepare(folder)
    return folder


def test_snakemake_goes_on_from_the_state_of_a_stopped_phase(folder):
    state = folder / STATE
    with snakemake(folder, "--cores", "1") as first:
        wait_until(state.exists, first)
        training(folder).send_signal(signal.SIGTERM)
        text, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, text
    assert "Trying to restart job" in text
    assert "stopped as asked after step" in text
    assert "going on after step" in text
    assert not state.parent.exists()
    found = results(folder)

    (folder / WEIGHTS).unlink()
    with snakemake(folder, "--cores", "1") as whole:
        text, _ = whole.communicate(timeout=PATIENCE)
    assert whole.returncode == 0, text
    assert "going on" not in text
    assert results(folder) == found

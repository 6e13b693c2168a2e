"""State of a phase: training goes on to the same bytes, or from the start."""

import logging
import signal

import numpy as np
import pytest
import torch

from galrestore.config.train import Phase
from galrestore.networks.architectures import fresh_network
from galrestore.rng import stream
from galrestore.training.batches import Batches
from galrestore.training.interruption import InterruptionError
from galrestore.training.judge import Judge
from galrestore.training.loop import train
from galrestore.training.pairs import Pairs
from galrestore.training.samples import Samples
from galrestore.training.state import State

NETWORK = {"architecture": "unet", "width": 4, "levels": 2}
PHASE = Phase(
    network=NETWORK,
    lineage="jwst",
    iterations=9,
    batch_size=4,
    micro_batch=4,
    gradient_clip=1.0,
    ema=0.9,
    validate_every=4,
    device="cpu",
)
OWNER = {"settings": "a", "seed": 3, "inputs": {"pairs.fits": "00"}}


def _pairs(count, name):
    gt, lq = stream(4, name).uniform(size=(2, count, 16, 16)).astype(np.float32)
    return Pairs(lq, gt, name)


TRAINING, VALIDATION = _pairs(11, "training"), _pairs(5, "validation")


def _train(state=None, samples=None):
    network = fresh_network("unet", Phase.model_validate(PHASE).network.size(), 3)
    history = train(network, TRAINING, VALIDATION, PHASE, 3, state=state, samples=samples)
    return network.state_dict(), history


@pytest.fixture(scope="module")
def whole():
    """Weights and history of the phase, not interrupted."""
    return _train()


def _assert_same(found, whole):
    for name, value in whole[0].items():
        assert torch.equal(found[0][name], value), name
    assert found[1].equals(whole[1])


class _StopError(Exception):
    """Ends a training at once, as a crash would."""


def _crash(monkeypatch, folder, last, owner=OWNER):
    """Train until the batch of a step is asked for, with a state after each step."""
    original = Batches.__call__

    def call(self, step):
        if step == last:
            raise _StopError
        return original(self, step)

    with monkeypatch.context() as patched:
        patched.setattr(Batches, "__call__", call)
        with pytest.raises(_StopError):
            _train(State(folder, owner, minutes=0))


# Before and after a validation, with and without best weights, in the second pass.
@pytest.mark.parametrize("step", [1, 3, 4, 5, 8])
def test_training_goes_on_to_the_same_bytes(tmp_path, monkeypatch, caplog, whole, step):
    _crash(monkeypatch, tmp_path, step)
    with caplog.at_level(logging.INFO, "galrestore"):
        _assert_same(_train(State(tmp_path, OWNER)), whole)
    assert f"going on after step {step}, from {tmp_path / 'latest.safetensors'}" in caplog.text


def test_time_between_states_does_not_matter(tmp_path, whole):
    for minutes in (0, 1e-5, 60):
        state = State(tmp_path / str(minutes), OWNER, minutes)
        _assert_same(_train(state), whole)
    assert not (tmp_path / "60").exists()


@pytest.mark.parametrize(
    ("change", "said"), [({"seed": 4}, "other seed"), ({"inputs": {}}, "other inputs")]
)
def test_a_state_of_another_owner_is_left_aside(tmp_path, monkeypatch, caplog, whole, change, said):
    _crash(monkeypatch, tmp_path, 5, OWNER | change)
    with caplog.at_level(logging.INFO, "galrestore"):
        _assert_same(_train(State(tmp_path, OWNER)), whole)
    assert said in caplog.text
    assert "going on" not in caplog.text


@pytest.mark.parametrize(("broken", "first"), [(1, 5), (2, 0)])
def test_a_broken_state_falls_back(tmp_path, monkeypatch, caplog, whole, broken, first):
    _crash(monkeypatch, tmp_path, 6)
    for name in ("latest", "previous")[:broken]:
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
    with caplog.at_level(logging.INFO, "galrestore"):
        _assert_same(_train(State(tmp_path, OWNER)), whole)
    assert caplog.text.count("is broken and left aside") == broken
    assert (f"going on after step {first}" in caplog.text) == (first > 0)


def test_a_state_cut_short_while_written_leaves_the_one_before(
    tmp_path, monkeypatch, caplog, whole
):
    _crash(monkeypatch, tmp_path, 6)
    latest = tmp_path / "latest.safetensors"
    # The rename of the new state has not happened: the old one is already the previous.
    latest.replace(tmp_path / "previous.safetensors")
    (tmp_path / "latest.safetensors.part").write_bytes(b"half")
    with caplog.at_level(logging.INFO, "galrestore"):
        _assert_same(_train(State(tmp_path, OWNER)), whole)
    assert "going on after step 6" in caplog.text


def test_a_request_to_stop_saves_and_says_the_step(tmp_path, monkeypatch, whole):
    original = Judge.validate

    def validate(self, network, step, rate):
        original(self, network, step, rate)
        signal.raise_signal(signal.SIGUSR1)  # after step 4: acted on at the end of step 5

    with monkeypatch.context() as patched:
        patched.setattr(Judge, "validate", validate)
        with pytest.raises(InterruptionError, match="after step 5"):
            _train(State(tmp_path, OWNER))
    _assert_same(_train(State(tmp_path, OWNER)), whole)


def test_signals_act_as_usual_where_there_is_no_state(monkeypatch):
    monkeypatch.setattr(Judge, "validate", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        _train()


def test_removing_leaves_nothing(tmp_path):
    state = State(tmp_path / "deep" / "state", OWNER)
    state.remove()  # nothing there: no error
    _train(State(tmp_path / "deep" / "state", OWNER, minutes=0))
    assert (tmp_path / "deep" / "state" / "latest.safetensors").exists()
    state.remove()
    assert not (tmp_path / "deep" / "state").exists()


def test_samples_of_an_earlier_training_go(tmp_path, whole):
    (tmp_path / "step_0000999.png").write_bytes(b"old")
    _assert_same(_train(samples=Samples(tmp_path, 2, 3)), whole)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["step_0000004.png", "step_0000008.png", "step_0000009.png"]

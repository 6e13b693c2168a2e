"""The training loop: it learns, repeats itself, and says what is wrong."""

import numpy as np
import pytest
import torch

from galrestore.config.train import Phase
from galrestore.errors import SettingsError
from galrestore.files.contracts.history import HISTORY
from galrestore.measurement.image_quality import psnr
from galrestore.networks.architectures import fresh_network
from galrestore.networks.inference import apply_network, normalise
from galrestore.rng import stream
from galrestore.training.loop import train
from galrestore.training.pairs import Pairs

SIZE = {
    "dim": 4,
    "num_blocks": (1, 1, 1, 1),
    "num_refinement_blocks": 0,
    "heads": (1, 1, 2, 2),
    "ffn_expansion_factor": 2.0,
}
PHASE = Phase(
    network={"architecture": "restormer", **SIZE},
    lineage="jwst",
    iterations=6,
    batch_size=4,
    micro_batch=4,
    learning_rate=3e-3,
    learning_rate_end=1e-6,
    schedule="code",
    fixed_fraction=0.5,
    betas=(0.9, 0.999),
    weight_decay=1e-4,
    gradient_clip=1.0,
    mixup=1.2,
    dihedral=True,
    ema=0.0,
    validate_every=2,
    validation_stamps=8,
    device="cpu",
    precision="32-true",
    threads=1,
)


def _pairs(count, name, side=16):
    """Round galaxies of different width as GT; sky, scale and noise are added to LQ."""
    generator = stream(2, name)
    y, x = np.indices((side, side)) - side // 2
    width = generator.uniform(1.5, 3, (count, 1, 1))
    gt = np.exp(-0.5 * (x**2 + y**2) / width**2)
    lq = 0.25 + 0.7 * gt + generator.normal(0, 0.03, gt.shape)
    return Pairs(normalise(lq), normalise(gt), name)


@pytest.fixture(scope="module")
def training():
    return _pairs(24, "train")


@pytest.fixture(scope="module")
def validation():
    return _pairs(8, "validation")


def _phase(**changes):
    return Phase.model_validate(PHASE.model_dump() | changes)


def _run(training, validation, **changes):
    network = fresh_network("restormer", SIZE, 3)
    return network, train(network, training, validation, _phase(**changes), 3)


def test_network_learns_to_take_the_sky_off(training, validation):
    # After min-max, LQ has a sky of about 0.1 where GT has 0: 20 dB.  The sky removed,
    # noise of 0.035 would be left: 29 dB.
    network, history = _run(training, validation, iterations=60, validate_every=60, mixup=0.0)
    before = psnr(validation.lq, validation.gt).mean()
    after = psnr(apply_network(network, validation.lq), validation.gt).mean()
    assert after > before + 4
    assert after == pytest.approx(history["validation_psnr"].iloc[-1], abs=1e-6)


def test_history_follows_the_contract(training, validation):
    _, history = _run(training, validation, iterations=5)
    assert list(history.columns) == [column.name for column in HISTORY]
    assert history["step"].tolist() == [2, 4, 5]
    assert history["learning_rate"].iloc[0] == 3e-3
    assert history["best"].iloc[0]
    assert (history["loss"] > 0).all()


def test_weights_of_the_best_validation_are_kept(training, validation):
    # A rate that ruins the network in the end: the first validation is the best.
    network, history = _run(
        training, validation, learning_rate=0.3, fixed_fraction=0.9, validate_every=1, mixup=0.0
    )
    best = history.loc[history["best"]].iloc[-1]
    assert best["validation_psnr"] == history["validation_psnr"].max()
    assert best["step"] < history["step"].iloc[-1]
    score = psnr(apply_network(network, validation.lq), validation.gt).mean()
    assert score == pytest.approx(best["validation_psnr"], abs=1e-6)


def test_the_same_phase_gives_the_same_bytes(training, validation):
    (first, table), (second, again) = (_run(training, validation) for _ in range(2))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert table.equals(again)


def test_accumulated_gradients_are_those_of_the_batch(training, validation):
    whole, _ = _run(training, validation, iterations=1, gradient_clip=0.0)
    parts, _ = _run(training, validation, iterations=1, gradient_clip=0.0, micro_batch=2)
    # Adam's first step is rate * sign(gradient), rounding matters where it is near zero:
    # compare the bulk of the weights.
    differences = torch.cat(
        [
            (a - b).abs().flatten()
            for a, b in zip(whole.parameters(), parts.parameters(), strict=True)
        ]
    )
    assert differences.quantile(0.99) < 1e-3 * PHASE.learning_rate


def test_average_lags_behind_the_weights(training, validation):
    start = fresh_network("restormer", SIZE, 3).output.weight
    plain, _ = _run(training, validation, validate_every=6)
    average, _ = _run(training, validation, validate_every=6, ema=0.999)
    moved = (plain.output.weight - start).norm()
    lagged = (average.output.weight - start).norm()
    assert 0 < lagged < moved


def test_phases_of_one_cosine_know_their_place(training, validation):
    network = fresh_network("restormer", SIZE, 3)
    phase = _phase(schedule="paper", iterations=2, lineage="galsim-jwst", phases=2)
    history = train(network, training, validation, phase, 3)
    # Step 3 of 4 of a cosine: 1e-6 + (3e-3 - 1e-6) (1 + cos(3 pi / 4)) / 2.
    expected = 1e-6 + (3e-3 - 1e-6) * (1 - np.sqrt(0.5)) / 2
    assert history["learning_rate"].iloc[0] == pytest.approx(expected, rel=1e-12)


def test_a_loss_that_is_not_finite_names_the_setting(training, validation):
    with pytest.raises(SettingsError, match=r"train\.learning_rate.*not finite at step"):
        _run(training, validation, learning_rate=1e30, gradient_clip=0.0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without CUDA")
def test_a_missing_device_names_the_setting(training, validation):
    with pytest.raises(SettingsError, match=r"train\.device"):
        _run(training, validation, device="cuda")

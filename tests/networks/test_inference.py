"""Inference: normalisation, batches, sizes, refusals."""

import numpy as np
import pytest
import torch

from galrestore.networks.architectures import fresh_network
from galrestore.networks.inference import apply_network, normalise
from galrestore.networks.unscaled import apply_unscaled
from galrestore.rng import stream

SIZE = {
    "dim": 4,
    "num_blocks": (1, 1, 1, 1),
    "num_refinement_blocks": 1,
    "heads": (1, 1, 2, 2),
    "ffn_expansion_factor": 2.0,
}


@pytest.fixture(scope="module")
def network():
    return fresh_network("restormer", SIZE, 3)


@pytest.fixture(scope="module")
def stamps():
    return stream(1, "stamps").normal(size=(5, 21, 30)).astype(np.float32)


def test_normalisation_is_idempotent_and_forgets_unit_and_sky(stamps):
    once = normalise(stamps)
    assert (once.min(axis=(1, 2)) == 0).all()
    assert (once.max(axis=(1, 2)) == 1).all()
    assert np.array_equal(normalise(once), once)
    # float32 input: 7 times and 100 more lose 100 * 6e-8 / 7 of the range of about 7.
    np.testing.assert_allclose(normalise(7 * stamps + 100), once, atol=1e-5)


def test_a_constant_image_becomes_zero(network):
    flat = np.full((1, 16, 16), 3.7)
    assert (normalise(flat) == 0).all()
    assert (apply_network(network, flat) == 0).all()


def test_restoration_is_the_network_of_the_normalised_image(network, stamps):
    with torch.no_grad():
        expected = network(torch.from_numpy(normalise(stamps))[:, None])[:, 0].numpy()
    restored = apply_network(network, stamps, batch_size=5)
    np.testing.assert_allclose(restored, expected, atol=1e-6)
    # Raw output: nothing is clipped to [0, 1].
    assert restored.min() < 0 or restored.max() > 1


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_batches_have_no_influence(network, stamps, batch_size):
    whole = apply_network(network, stamps, batch_size=5)
    # Sums of about a hundred float32 terms of order 1 in another order.
    np.testing.assert_allclose(apply_network(network, stamps, batch_size), whole, atol=2e-6)


def test_nothing_in_nothing_out(network):
    assert apply_network(network, np.zeros((0, 64, 64))).shape == (0, 64, 64)


def test_switches_of_torch_are_put_back(network, stamps):
    before = torch.get_num_threads()
    network.train()
    apply_network(network, stamps, threads=before + 1)
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()
    assert network.training


def test_self_ensemble_is_the_mean_over_the_eight_orientations(network, stamps):
    # By numpy, one orientation after the other: the mirror image, and the four turns of both.
    means = np.zeros(stamps.shape)
    for turns in range(4):
        turned = np.rot90(stamps, turns, (1, 2)).copy()
        means += np.rot90(apply_network(network, turned), -turns, (1, 2)) / 8
        mirrored = turned[:, ::-1].copy()
        means += np.rot90(apply_network(network, mirrored)[:, ::-1], -turns, (1, 2)) / 8
    found = apply_network(network, stamps, self_ensemble=True)
    np.testing.assert_allclose(found, means, atol=2e-6)
    # The network itself is no mean: orientations matter to it.
    assert np.abs(apply_network(network, stamps) - found).max() > 1e-3


@pytest.mark.parametrize(
    "orient",
    [
        lambda images: images[:, ::-1],
        lambda images: images[:, :, ::-1],
        lambda images: images.transpose(0, 2, 1),
    ],
    ids=["up-down", "left-right", "transposed"],
)
def test_self_ensemble_does_not_know_how_a_galaxy_lies(network, stamps, orient):
    turned = apply_network(network, orient(stamps).copy(), self_ensemble=True)
    expected = orient(apply_network(network, stamps, self_ensemble=True))
    # Eight float32 images of order 1, summed in another order.
    np.testing.assert_allclose(turned, expected, atol=2e-6)


@pytest.mark.parametrize(
    ("unfit", "message"),
    [
        (np.zeros((64, 64)), r"\(N, H, W\)"),
        (np.zeros((2, 7, 64)), "8 or more"),
        (np.full((2, 16, 16), np.nan), "2 of 2 stamps"),
    ],
)
def test_unfit_stamps_are_refused(network, unfit, message):
    with pytest.raises(ValueError, match=message):
        apply_network(network, unfit)


def test_a_network_sees_images_as_they_are():
    class Doubling(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, image):
            return self.factor * image

    stamps = stream(1, "unscaled").normal(5, 2, (5, 16, 12)).astype(np.float32)
    # Twice the image itself: no zero point or scale was taken away.
    assert np.array_equal(apply_unscaled(Doubling(), stamps, batch_size=2), 2 * stamps)

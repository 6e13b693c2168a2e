"""The Restormer, against the published weights' shapes and test vectors in float64."""

from pathlib import Path

import numpy as np
import pytest
import torch

from galrestore.networks.restormer import Restormer, _ChannelNorm

DATA = Path(__file__).resolve().parent.parent / "data"
SMALL = {"dim": 8, "num_blocks": (1, 2, 1, 2), "num_refinement_blocks": 1}


@pytest.fixture(scope="module")
def vectors():
    with np.load(DATA / "restormer_vectors.npz") as archive:
        return {key: torch.from_numpy(archive[key]) for key in archive}


@pytest.fixture(scope="module")
def network(vectors):
    network = Restormer(**SMALL)
    network.load_state_dict(
        {key[7:]: value for key, value in vectors.items() if key.startswith("weight/")}
    )
    return network.double()


def test_paper_size_has_the_published_keys_and_shapes():
    lines = (DATA / "restormer_keys.tsv").read_text().splitlines()[1:]
    expected = [(key, shape) for key, shape in (line.split("\t") for line in lines)]
    with torch.device("meta"):
        state = Restormer().state_dict()
    found = {key: ",".join(map(str, value.shape)) for key, value in state.items()}
    assert found == dict(expected)
    assert len(found) == 406
    assert sum(value.numel() for value in state.values()) == 26_109_076


def test_output_equals_the_vectors(network, vectors):
    with torch.no_grad():
        output = network(vectors["input"].double())
    torch.testing.assert_close(output, vectors["output"], rtol=1e-6, atol=1e-9)


def test_gradients_equal_the_vectors(network, vectors):
    network.zero_grad()
    network(vectors["input"].double()).square().sum().backward()
    parameters = dict(network.named_parameters())
    names = [key[5:] for key in vectors if key.startswith("grad/")]
    assert len(names) == 3
    for name in names:
        expected = vectors[f"grad/{name}"]
        # Single entries may be near zero: relative to the largest of the tensor.
        error = (parameters[name].grad - expected).abs().max() / expected.abs().max()
        assert error < 1e-6, name


@pytest.mark.parametrize(("height", "width"), [(24, 40), (37, 31), (5, 9)])
def test_any_size_is_restored_as_if_padded_by_reflection(network, height, width):
    image = torch.rand(2, 1, height, width, dtype=torch.float64)
    padded = np.pad(
        image.numpy(), ((0, 0), (0, 0), (0, -height % 8), (0, -width % 8)), mode="reflect"
    )
    with torch.no_grad():
        expected = network(torch.from_numpy(padded))[..., :height, :width]
        torch.testing.assert_close(network(image), expected)


def test_norm_keeps_the_mean_and_divides_by_the_spread_about_it():
    # Channels 1, 3, 5, 7 at each pixel: mean 4, biased variance 5.
    x = torch.tensor([1.0, 3.0, 5.0, 7.0]).view(1, 4, 1, 1).expand(1, 4, 3, 5)
    expected = x / np.sqrt(5 + 1e-5)
    torch.testing.assert_close(_ChannelNorm(4)(x), expected)


def test_zero_input_gives_zero_without_nan(network):
    # Nothing has a bias, and 0/0 in the attention must not become NaN.
    zeros = torch.zeros(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)
    output = network(zeros)
    output.sum().backward()
    assert output.abs().max() == 0
    assert torch.isfinite(zeros.grad).all()


def test_stamps_of_a_batch_do_not_mix(network):
    batch = torch.rand(3, 1, 16, 24, dtype=torch.float64)
    with torch.no_grad():
        alone = torch.cat([network(stamp[None]) for stamp in batch])
        torch.testing.assert_close(network(batch), alone)


@pytest.mark.parametrize(
    ("size", "message"), [({"heads": (3, 2, 4, 8)}, "heads"), ({"dim": 9}, "even")]
)
def test_impossible_sizes_are_refused(size, message):
    with pytest.raises(ValueError, match=message):
        Restormer(**{**SMALL, **size})

"""The Restormer, against the published weights' shapes and test vectors in float64."""

from pathlib import Path

import numpy as np
import pytest
import torch

from galrestore.networks.restormer import Restormer

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


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_equal_the_vectors(network, vectors, checkpointing, monkeypatch):
    monkeypatch.setattr(network, "checkpointing", checkpointing)
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


def test_single_precision_equals_double_to_rounding(network, vectors):
    # Products in float32 take another way through the code.  A pixel passes some 100
    # operations in a row, each with an error of a few epsilon (1.2e-7).
    image = vectors["input"].float()
    single = Restormer(**SMALL)
    single.load_state_dict(network.state_dict())
    output = single(image)
    output.square().sum().backward()
    network.zero_grad()
    expected = network(image.double())
    expected.square().sum().backward()
    assert output.dtype is torch.float32
    assert (output - expected).abs().max() / expected.abs().max() < 1e-5
    for (name, value), other in zip(single.named_parameters(), network.parameters(), strict=True):
        # A gradient sums over all pixels, with cancellation.
        assert (value.grad - other.grad).abs().max() / other.grad.abs().max() < 1e-4, name


def test_mixed_precision_is_near_and_gives_gradients_in_single(network, vectors):
    image = vectors["input"].float()
    single = Restormer(**SMALL)
    single.load_state_dict(network.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        output = single(image)
    output.float().square().sum().backward()
    network.zero_grad()
    expected = network(image.double())
    expected.square().sum().backward()
    # bfloat16 rounds to 2^-9: a few such errors in the output, more in gradients, which pass
    # the network twice and sum over pixels.
    assert (output - expected).abs().max() / expected.abs().max() < 4 * 2**-9
    for (name, value), other in zip(single.named_parameters(), network.parameters(), strict=True):
        assert value.grad.dtype is torch.float32
        assert (value.grad - other.grad).norm() / other.grad.norm() < 50 * 2**-9, name


def test_checkpointing_gives_the_same_gradients_and_keeps_less(network):
    image = torch.rand(2, 1, 32, 32, dtype=torch.float64)
    kept, gradients = [], []
    for checkpointing in (False, True):
        network.checkpointing = checkpointing
        sizes = {}

        def pack(tensor, sizes=sizes):
            sizes[tensor.data_ptr()] = tensor.nbytes
            return tensor

        network.zero_grad()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = network(image).square().sum()
        loss.backward()
        kept.append(sum(sizes.values()))
        gradients.append([value.grad.clone() for value in network.parameters()])
    network.checkpointing = False
    assert all(map(torch.equal, *gradients))
    assert kept[1] < kept[0] / 4


# torch instantiates the function itself while it traces.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_a_compiled_graph_gives_the_same_output_and_gradients(network, vectors):
    # The whole graph is traced, and run without the compiler of the last step.
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    image = vectors["input"].double()
    outputs, gradients = [], []
    for function in (network, compiled):
        network.zero_grad()
        outputs.append(function(image))
        outputs[-1].square().sum().backward()
        gradients.append(network.output.weight.grad.clone())
    torch.testing.assert_close(*outputs, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-9)


def test_without_blocks_the_output_scales_with_the_image(network):
    # With empty blocks only convolutions without bias and the sum with the image remain.
    linear = Restormer(**SMALL).double()
    linear.load_state_dict(network.state_dict())
    with torch.no_grad():
        for name, value in linear.named_parameters():
            if "project_out" in name:
                value.zero_()
        image = torch.rand(1, 1, 16, 16, dtype=torch.float64)
        expected = linear(image)
        torch.testing.assert_close(linear(3 * image), 3 * expected)
        # A norm makes what the blocks add independent of the scale: for bright images it
        # fades as 1 / scale beside the linear part.
        errors = [(network(s * image) / s - expected).abs().max() for s in (1e5, 1e6)]
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.01)

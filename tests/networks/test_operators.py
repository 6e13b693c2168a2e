"""Operators against their formulae, and their gradients against differences."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from scipy.special import erf
from torch.autograd import gradcheck
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from galrestore.networks.operators import (
    convolve_depthwise,
    divide_by_spread,
    gate,
    mix_channels,
    shuffle_pixels,
    unshuffle_pixels,
)

SINGLE = np.finfo(np.float32).eps


def random(*shape, dtype=torch.float64):
    numbers = np.random.default_rng(7).normal(size=shape)
    return torch.from_numpy(numbers).to(dtype)


# 75 pixels cannot be cut into sixteen pieces, 128 can; the third is not channels-last.
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("shape", [(3, 7, 5, 5), (2, 6, 8, 8)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mixing_is_a_matrix_product_over_channels(shape, dtype, layout):
    x = random(*shape, dtype=dtype).contiguous(memory_format=layout).requires_grad_()
    weight = random(4, shape[1], 1, 1, dtype=dtype).requires_grad_()
    mixed = mix_channels(x, weight)
    mixed.backward(torch.ones_like(mixed))
    assert mixed.is_contiguous(memory_format=torch.channels_last)
    a, w = (value.detach().double().numpy() for value in (x, weight))
    w = w[:, :, 0, 0]
    # Rounding of a sum is less than the number of terms times epsilon times their sizes.
    epsilon = np.finfo(np.float32 if dtype is torch.float32 else np.float64).eps
    for found, expected, terms in (
        (mixed, np.einsum("kc,nchw->nkhw", w, a), shape[1]),
        (x.grad, np.broadcast_to(w.sum(0)[:, None, None], shape), len(w)),
        (weight.grad[:, :, 0, 0], np.broadcast_to(a.sum((0, 2, 3)), w.shape), a[:, 0].size),
    ):
        scale = terms * np.abs(w).max() * np.abs(a).max()
        np.testing.assert_allclose(found.detach(), expected, rtol=0, atol=terms * epsilon * scale)


def test_depthwise_convolution_is_a_correlation_of_each_channel():
    x, weight = random(2, 3, 6, 5), random(3, 1, 3, 3)
    expected = [
        [correlate(x[n, c].numpy(), weight[c, 0].numpy(), mode="constant") for c in range(3)]
        for n in range(2)
    ]
    np.testing.assert_allclose(convolve_depthwise(x, weight), expected, rtol=1e-12, atol=1e-14)


def test_gate_is_the_gaussian_error_linear_unit_times_values():
    a, b = random(2, 3, 4, 5), random(2, 3, 4, 5).flip(0)
    expected = a.numpy() * (1 + erf(a.numpy() / np.sqrt(2))) / 2 * b.numpy()
    np.testing.assert_allclose(gate(a, b), expected, rtol=1e-12, atol=1e-14)


def test_spread_is_taken_about_the_mean_which_stays():
    # Channels 1, 3, 5, 7 at each pixel: mean 4, biased variance 5.
    x = torch.tensor([1.0, 3.0, 5.0, 7.0]).view(1, 4, 1, 1).expand(1, 4, 3, 5)
    torch.testing.assert_close(divide_by_spread(x, 1e-5), x / np.sqrt(5 + 1e-5))


def test_spread_survives_a_mean_a_thousand_times_as_large():
    # The mean of squares less the squared mean would be wrong by 1e6 epsilon, 12 per cent.
    x = random(2, 64, 3, 3)
    shifted = (x + 1000).float()
    expected = shifted.double() / (shifted.double().var(1, keepdim=True, correction=0)).sqrt()
    # The mean is rounded by 1000 epsilon, which the squares hold to its square.
    found = divide_by_spread(shifted, 0.0).double()
    np.testing.assert_allclose(found, expected, rtol=1000 * SINGLE)


def test_shuffles_are_those_of_torch_with_the_channels_last():
    small, large = random(2, 12, 3, 5), random(2, 3, 6, 10)
    assert torch.equal(shuffle_pixels(small), pixel_shuffle(small, 2))
    assert torch.equal(unshuffle_pixels(large), pixel_unshuffle(large, 2))
    assert shuffle_pixels(small).is_contiguous(memory_format=torch.channels_last)
    assert unshuffle_pixels(large).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("operator", "shapes"),
    [
        (convolve_depthwise, [(2, 3, 5, 4), (3, 1, 3, 3)]),
        (gate, [(2, 3, 2, 2), (2, 3, 2, 2)]),
        (lambda x: divide_by_spread(x, 0.1), [(2, 5, 2, 3)]),
        (mix_channels, [(2, 3, 4, 4), (5, 3, 1, 1)]),
    ],
)
def test_gradients_equal_finite_differences(operator, shapes):
    inputs = [random(*shape).add_(0.1 * i).requires_grad_() for i, shape in enumerate(shapes)]
    assert gradcheck(operator, inputs)


def test_autocast_lowers_the_precision_and_gives_gradients_in_the_old_one():
    x, weight = random(2, 4, 8, 8).float(), random(4, 1, 3, 3).float().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        lower = convolve_depthwise(x, weight)
    assert lower.dtype is torch.bfloat16
    lower.float().sum().backward()
    assert weight.grad.dtype is torch.float32
    # Sums over the pixels inside of rounded pixels: bfloat16 rounds to 2^-9, and each of
    # 128 terms of size up to 4 may be off by it.
    expected = torch.autograd.grad(convolve_depthwise(x, weight).sum(), weight)[0]
    np.testing.assert_allclose(weight.grad, expected, rtol=2**-8, atol=128 * 4 * 2**-9)

"""
Operators on images whose channels lie together in memory (channels-last).

Each is a plain formula; what is special is how it is computed, for speed on CPUs:
1 x 1 convolutions in float32 go to oneDNN, and the gradients of three operators are
written out, which needs fewer passes over the memory than automatic ones.  Docs:
``docs/network.md``.
"""

import math

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.grad import conv2d_weight

__all__ = [
    "convolve_depthwise",
    "divide_by_spread",
    "gate",
    "mix_channels",
    "shuffle_pixels",
    "unshuffle_pixels",
]

# torch gives 1 x 1 convolutions of one thread to oneDNN from this batch size on.
_PIECES = 16


def mix_channels(x, weight, bias=None):
    """
    Convolve with 1 x 1 kernels: a matrix product over the channels.

    Parameters
    ----------
    x : torch.Tensor, shape (N, C, H, W)
        Images.
    weight : torch.Tensor, shape (K, C) or (K, C, 1, 1)
        Kernels.
    bias : torch.Tensor, shape (K,), optional
        Added to the channels.

    Returns
    -------
    mixed : torch.Tensor, shape (N, K, H, W)
        Images, channels-last.

    Notes
    -----
    torch leaves products of float32 matrices to MKL, which on CPUs of other makers than
    Intel does without AVX-512, and gives convolutions to oneDNN only if there are sixteen
    images or several threads.  All pixels are therefore cut into sixteen pieces.
    """
    pixels = x.permute(0, 2, 3, 1)
    if x.device.type != "cpu" or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
        return functional.linear(pixels, weight.flatten(1), bias).permute(0, 3, 1, 2)
    pieces = math.gcd(pixels[..., 0].numel(), _PIECES)
    lines = pixels.reshape(pieces, 1, -1, pixels.shape[-1]).permute(0, 3, 1, 2)
    mixed = functional.conv2d(lines, weight.view(*weight.shape[:2], 1, 1), bias).permute(0, 2, 3, 1)
    return mixed.reshape(*pixels.shape[:-1], -1).permute(0, 3, 1, 2)


def convolve_depthwise(x, weight):
    """
    Convolve each channel with its own 3 x 3 kernel, zeros outside.

    Parameters
    ----------
    x : torch.Tensor, shape (N, C, H, W)
        Images.
    weight : torch.Tensor, shape (C, 1, 3, 3)
        Kernels.

    Returns
    -------
    convolved : torch.Tensor, shape (N, C, H, W)
        Images.
    """
    return _Depthwise.apply(*_autocast(x, weight))


def gate(opening, values):
    """
    Multiply the GELU of one image with another.

    Parameters
    ----------
    opening, values : torch.Tensor
        Images of one shape.

    Returns
    -------
    gated : torch.Tensor
        ``gelu(opening) * values``.
    """
    return _Gate.apply(opening, values)


def divide_by_spread(x, epsilon):
    """
    Divide each pixel by the standard deviation of its channels; the mean stays in.

    Parameters
    ----------
    x : torch.Tensor, shape (N, C, H, W)
        Images.
    epsilon : float
        Added to the variance.

    Returns
    -------
    divided : torch.Tensor, shape (N, C, H, W)
        ``x / sqrt(var + epsilon)``, with the variance over the C channels, biased.
    """
    return _DivideBySpread.apply(x, epsilon)


def unshuffle_pixels(x):
    """
    Halve the resolution: the pixels of each 2 x 2 become channels.

    Parameters
    ----------
    x : torch.Tensor, shape (N, C, H, W)
        Images of even sides.

    Returns
    -------
    unshuffled : torch.Tensor, shape (N, 4 C, H / 2, W / 2)
        Images, channels-last; ``torch.nn.functional.pixel_unshuffle`` gives the same
        with another layout of the memory.
    """
    x = x.permute(0, 2, 3, 1)
    n, height, width, c = x.shape
    # Channel c of pixel (i, j) of each 2 x 2 becomes channel 4 c + 2 i + j.
    x = x.reshape(n, height // 2, 2, width // 2, 2, c).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(n, height // 2, width // 2, 4 * c).permute(0, 3, 1, 2)


def shuffle_pixels(x):
    """
    Double the resolution: every four channels become the pixels of a 2 x 2.

    Parameters
    ----------
    x : torch.Tensor, shape (N, 4 C, H, W)
        Images.

    Returns
    -------
    shuffled : torch.Tensor, shape (N, C, 2 H, 2 W)
        Images, channels-last; the inverse of `unshuffle_pixels`.
    """
    x = x.permute(0, 2, 3, 1)
    n, height, width, c = x.shape
    x = x.reshape(n, height, width, c // 4, 2, 2).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(n, 2 * height, 2 * width, c // 4).permute(0, 3, 1, 2)


class _Depthwise(torch.autograd.Function):
    """The gradient of the images is a convolution too, which torch computes slower."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return functional.conv2d(x, weight, padding=1, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        groups = len(weight)
        to_x = functional.conv2d(gradient, weight.flip(2, 3), padding=1, groups=groups)
        to_weight = conv2d_weight(x, weight.shape, gradient, padding=1, groups=groups)
        return to_x, to_weight


class _Gate(torch.autograd.Function):
    """GELU(a) is computed anew for the gradient instead of being kept."""

    @staticmethod
    def forward(ctx, opening, values):
        ctx.save_for_backward(opening, values)
        return functional.gelu(opening).mul_(values)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        opening, values = ctx.saved_tensors
        to_values = functional.gelu(opening).mul_(gradient)
        to_opening = torch.ops.aten.gelu_backward(gradient * values, opening)
        return to_opening, to_values


class _DivideBySpread(torch.autograd.Function):
    """y = x r with r = 1 / sqrt(var + epsilon): dx = r (dy - (y - mean r) <dy y>)."""

    @staticmethod
    def forward(ctx, x, epsilon):
        # Squares of the residuals: the mean of squares less the squared mean would cancel.
        # Two means are three times as fast as torch.var over channels.
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).square_().mean(1, keepdim=True)
        scale = torch.rsqrt(variance + epsilon)
        divided = x * scale
        ctx.save_for_backward(divided, mean * scale, scale)
        return divided

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        divided, mean, scale = ctx.saved_tensors
        along = (gradient * divided).mean(1, keepdim=True)
        return (divided - mean).mul_(along).neg_().add_(gradient).mul_(scale), None


def _autocast(*tensors):
    """Tensors in the lower precision of autocast, if that is on."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return tensors
    return tuple(tensor.to(torch.get_autocast_dtype(device)) for tensor in tensors)

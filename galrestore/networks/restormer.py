"""
Restormer: an encoder-decoder of transformer blocks whose attention runs over channels.

Four levels of resolution; each block is a channel attention (MDTA) and a gated
feed-forward network (GDFN), both residual.  Nothing has a bias and the normalisation
has no shift, as in the configuration with which Park et al. (2024) trained.  Tensors
have the axes (batch, channel, row, column) and are kept channels-last in memory.

Some steps are arranged for speed and change the results by rounding only: q and k are
normalised after their product, which leaves a small matrix to divide instead of two
images; the attention of each stamp is multiplied into the output projection, so that
the image of values is read once; the weights of a norm are multiplied into the matrix
behind it; and the two branches of the GDFN are convolved apart.  See also
`galrestore.networks.operators`.

References
----------
Zamir et al. (2022), CVPR, "Restormer: Efficient Transformer for High-Resolution Image
Restoration", arXiv:2111.09881.  Park et al. (2024), section 2.
"""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from galrestore.networks.operators import (
    convolve_depthwise,
    divide_by_spread,
    gate,
    mix_channels,
    shuffle_pixels,
    unshuffle_pixels,
)
from galrestore.networks.padding import pad

__all__ = ["Restormer"]

_EPSILON = 1e-5
# Below this, the norm of q or k over the pixels counts as zero.
_TINY = 1e-12
# Three halvings of the resolution.
_MULTIPLE = 8


class Restormer(nn.Module):
    """
    Restore single-channel images.

    Parameters
    ----------
    dim : int, optional
        Channels of level 1; levels 2 to 4 have two, four and eight times as many.
    num_blocks : sequence of int, length 4, optional
        Transformer blocks of levels 1 to 4; the decoder repeats those of levels 1 to 3.
    num_refinement_blocks : int, optional
        Blocks after the decoder, at full resolution.
    heads : sequence of int, length 4, optional
        Attention heads of levels 1 to 4; each must divide its level's channels.
    ffn_expansion_factor : float, optional
        Hidden channels of the feed-forward network over the level's channels.

    Raises
    ------
    ValueError
        If a number of heads does not divide the channels of its level, or if ``dim``
        is odd.

    Notes
    -----
    The defaults are the paper's: 406 tensors and 26,109,076 parameters.  The names of
    the tensors are those of the published weights.

    With `checkpointing` set, training keeps only what enters each block and computes
    the rest again for the gradient: a quarter of the memory, for a third more time.
    """

    checkpointing = False

    def __init__(
        self,
        dim=48,
        num_blocks=(4, 6, 6, 8),
        num_refinement_blocks=4,
        heads=(1, 2, 4, 8),
        ffn_expansion_factor=2.66,
    ):
        super().__init__()
        _check_size(dim, heads)

        def level(channels, count, head):
            return nn.ModuleList(
                _TransformerBlock(channels, head, ffn_expansion_factor) for _ in range(count)
            )

        c1, c2, c3, c4 = (dim * 2**i for i in range(4))
        n1, n2, n3, n4 = num_blocks
        h1, h2, h3, h4 = heads
        self.patch_embed = nn.ModuleDict({"proj": _conv(1, c1)})
        self.encoder_level1 = level(c1, n1, h1)
        self.down1_2 = _Downsample(c1)
        self.encoder_level2 = level(c2, n2, h2)
        self.down2_3 = _Downsample(c2)
        self.encoder_level3 = level(c3, n3, h3)
        self.down3_4 = _Downsample(c3)
        self.latent = level(c4, n4, h4)
        self.up4_3 = _Upsample(c4)
        self.reduce_chan_level3 = _Pointwise(c4, c3)
        self.decoder_level3 = level(c3, n3, h3)
        self.up3_2 = _Upsample(c3)
        self.reduce_chan_level2 = _Pointwise(c3, c2)
        self.decoder_level2 = level(c2, n2, h2)
        # Level 1 has no reduction: decoder and refinement keep twice its channels.
        self.up2_1 = _Upsample(c2)
        self.decoder_level1 = level(c2, n1, h1)
        self.refinement = level(c2, num_refinement_blocks, h1)
        self.output = _conv(c2, 1)

    def forward(self, image):
        """
        Restore a batch.

        Parameters
        ----------
        image : torch.Tensor, shape (N, 1, H, W)
            Low-quality images, min-max normalised.  H and W are padded by reflection
            at the bottom and right to multiples of 8, and cut back at the end.

        Returns
        -------
        restored : torch.Tensor, shape (N, 1, H, W)
            ``image`` plus the correction that the network predicts; not clipped.
        """
        height, width = image.shape[-2:]
        image = pad(image, _MULTIPLE)
        x1 = self.patch_embed["proj"](image).contiguous(memory_format=torch.channels_last)
        x1 = self._through(self.encoder_level1, x1)
        x2 = self._through(self.encoder_level2, self.down1_2(x1))
        x3 = self._through(self.encoder_level3, self.down2_3(x2))
        x4 = self._through(self.latent, self.down3_4(x3))

        y3 = self.reduce_chan_level3(torch.cat([self.up4_3(x4), x3], 1))
        y3 = self._through(self.decoder_level3, y3)
        y2 = self.reduce_chan_level2(torch.cat([self.up3_2(y3), x2], 1))
        y2 = self._through(self.decoder_level2, y2)
        y1 = torch.cat([self.up2_1(y2), x1], 1)
        y1 = self._through(self.decoder_level1, y1)
        y1 = self._through(self.refinement, y1)
        return (self.output(y1) + image)[..., :height, :width]

    def _through(self, blocks, x):
        for block in blocks:
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)
            else:
                x = block(x)
        return x


class _TransformerBlock(nn.Module):
    """Channel attention and feed-forward network, each after a norm and residual."""

    def __init__(self, channels, heads, expansion):
        super().__init__()
        self.norm1 = _NormWeight(channels)
        self.attn = _ChannelAttention(channels, heads)
        self.norm2 = _NormWeight(channels)
        self.ffn = _GatedFeedForward(channels, expansion)

    def forward(self, x):
        x = x + self.attn(divide_by_spread(x, _EPSILON), self.norm1.body["weight"])
        return x + self.ffn(divide_by_spread(x, _EPSILON), self.norm2.body["weight"])


class _NormWeight(nn.Module):
    """Factor of each channel after the norm; multiplied into the matrix behind it."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.ParameterDict({"weight": nn.Parameter(torch.ones(channels))})


class _ChannelAttention(nn.Module):
    """
    Multi-Dconv head transposed attention (MDTA).

    Each channel of q is compared with each channel of k of the same head over all
    pixels (both L2-normalised), so the cost is linear in the number of pixels.
    """

    def __init__(self, channels, heads):
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = _Pointwise(channels, 3 * channels)
        self.qkv_dwconv = _depthwise(3 * channels)
        self.project_out = _Pointwise(channels, channels)

    def forward(self, x, factors):
        n, c, height, width = x.shape
        heads = len(self.temperature)
        qkv = mix_channels(x, self.qkv.weight * factors.view(-1, 1, 1))
        qkv = convolve_depthwise(qkv, self.qkv_dwconv.weight)
        # (N, 3C, H, W) -> three times (N, HW, C), which is a view of channels-last memory.
        q, k, v = qkv.permute(0, 2, 3, 1).reshape(n, height * width, 3 * c).split(c, -1)
        attention = self._attention(q, k)  # (N, heads, C/heads, C/heads)
        # Output projection of each head, (heads, C, C/heads), times the head's attention.
        projection = self.project_out.weight.view(c, heads, c // heads).transpose(0, 1)
        mixing = (projection @ attention).transpose(2, 3).reshape(n, c, c)
        return (v @ mixing).view(n, height, width, c).permute(0, 3, 1, 2)

    def _attention(self, q, k):
        """Softmax over the channels of k, from (N, HW, C) to (N, heads, C/heads, C/heads)."""
        heads = len(self.temperature)
        n, _, c = q.shape
        size = c // heads
        product = q.transpose(1, 2) @ k  # (N, C, C), of which the diagonal blocks count
        product = torch.stack(
            [
                product[:, i * size : (i + 1) * size, i * size : (i + 1) * size]
                for i in range(heads)
            ],
            dim=1,
        )
        q_norm = _norm(q).view(n, heads, size, 1)
        k_norm = _norm(k).view(n, heads, 1, size)
        return (product / (q_norm * k_norm) * self.temperature).softmax(-1)


class _GatedFeedForward(nn.Module):
    """Gated-Dconv feed-forward network (GDFN): GELU of one branch times the other."""

    def __init__(self, channels, expansion):
        super().__init__()
        self.hidden = int(expansion * channels)
        self.project_in = _Pointwise(channels, 2 * self.hidden)
        self.dwconv = _depthwise(2 * self.hidden)
        self.project_out = _Pointwise(self.hidden, channels)

    def forward(self, x, factors):
        opening, values = (
            convolve_depthwise(mix_channels(x, point * factors.view(-1, 1, 1)), depth)
            for point, depth in zip(
                self.project_in.weight.chunk(2), self.dwconv.weight.chunk(2), strict=True
            )
        )
        return self.project_out(gate(opening, values))


class _Downsample(nn.Module):
    """Half the resolution, twice the channels."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(_conv(channels, channels // 2))

    def forward(self, x):
        return unshuffle_pixels(self.body(x))


class _Upsample(nn.Module):
    """Twice the resolution, half the channels."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(_conv(channels, 2 * channels))

    def forward(self, x):
        return shuffle_pixels(self.body(x))


class _Pointwise(nn.Conv2d):
    """Convolution of 1 x 1: a matrix product over the channels, last in memory."""

    def __init__(self, channels_in, channels_out):
        super().__init__(channels_in, channels_out, 1, bias=False)

    def forward(self, x):
        return mix_channels(x, self.weight)


def _conv(channels_in, channels_out):
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)


def _depthwise(channels):
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def _norm(x):
    """Length over the pixels of (N, HW, C), never zero."""
    return x.square().sum(1).clamp_min(_TINY**2).sqrt()


def _check_size(dim, heads):
    if dim % 2:
        msg = f"dim must be even, got {dim}"
        raise ValueError(msg)
    for level, head in enumerate(heads):
        if dim * 2**level % head:
            msg = f"heads[{level}] must divide the {dim * 2**level} channels, got {head}"
            raise ValueError(msg)

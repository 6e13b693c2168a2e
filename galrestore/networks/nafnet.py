"""
NAFNet: a U-Net of gated depthwise convolutions, without attention maps or activations.

Each block is a depthwise convolution whose channels are weighted by their means, and a
pointwise network, both gated, residual and after a norm; a gate is the product of two
halves of the channels.  Tensors have the axes (batch, channel, row, column) and are
kept channels-last in memory, where convolutions of 1 x 1 are matrix products.

References
----------
Chen et al. (2022), ECCV, "Simple Baselines for Image Restoration", arXiv:2204.04676.
"""

import torch
from torch import nn

from galrestore.networks.operators import mix_channels, shuffle_pixels
from galrestore.networks.padding import pad

__all__ = ["NAFNet"]

_EPSILON = 1e-6


class NAFNet(nn.Module):
    """
    Restore single-channel images.

    Parameters
    ----------
    width : int, optional
        Channels of level 1; they double from level to level.
    encoder_blocks : sequence of int, optional
        Blocks of each level on the way down.
    middle_blocks : int, optional
        Blocks at the bottom.
    decoder_blocks : sequence of int, optional
        Blocks of each level on the way up, the lowest level first.

    Raises
    ------
    ValueError
        If there are not as many levels on the way up as on the way down.
    """

    def __init__(
        self, width=24, encoder_blocks=(1, 1, 2), middle_blocks=4, decoder_blocks=(1, 1, 1)
    ):
        super().__init__()
        levels = len(encoder_blocks)
        if len(decoder_blocks) != levels:
            msg = f"{levels} levels on the way down, {len(decoder_blocks)} on the way up"
            raise ValueError(msg)

        def level(channels, count):
            return nn.Sequential(*(_Block(channels) for _ in range(count)))

        channels = [width * 2**i for i in range(levels + 1)]
        self.intro = nn.Conv2d(1, width, 3, padding=1)
        self.encoders = nn.ModuleList(map(level, channels, encoder_blocks))
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in channels[:-1])
        self.middle = level(channels[-1], middle_blocks)
        self.ups = nn.ModuleList(_Upsample(2 * c) for c in channels[-2::-1])
        self.decoders = nn.ModuleList(map(level, channels[-2::-1], decoder_blocks))
        self.ending = nn.Conv2d(width, 1, 3, padding=1)
        self.multiple = 2**levels

    def forward(self, image):
        """
        Restore a batch.

        Parameters
        ----------
        image : torch.Tensor, shape (N, 1, H, W)
            Low-quality images, min-max normalised.  H and W are padded by reflection
            at the bottom and right so that every level halves them, and cut back.

        Returns
        -------
        restored : torch.Tensor, shape (N, 1, H, W)
            ``image`` plus the correction that the network predicts; not clipped.
        """
        height, width = image.shape[-2:]
        image = pad(image, self.multiple)
        x = self.intro(image.contiguous(memory_format=torch.channels_last))
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encoder(x))
            x = down(skips[-1])
        x = self.middle(x)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            x = decoder(up(x) + skips.pop())
        return (self.ending(x) + image)[..., :height, :width]


class _Block(nn.Module):
    """Gated depthwise convolution and gated pointwise network (Fig. 3 d of the paper)."""

    def __init__(self, channels):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=_EPSILON)
        self.expand = nn.Linear(channels, 2 * channels)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.attention = nn.Linear(channels, channels)
        self.project = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels, eps=_EPSILON)
        self.ffn_expand = nn.Linear(channels, 2 * channels)
        self.ffn_project = nn.Linear(channels, channels)
        # Both branches start switched off: a new network returns its input nearly.
        self.beta = nn.Parameter(torch.zeros(channels))
        self.gamma = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        y = _gate(self.depthwise(_mix(self.expand, _norm(self.norm1, x))))
        y = y * self.attention(y.mean((2, 3)))[..., None, None]
        x = x + _mix(self.project, y) * self.beta.view(-1, 1, 1)
        y = _gate(_mix(self.ffn_expand, _norm(self.norm2, x)))
        return x + _mix(self.ffn_project, y) * self.gamma.view(-1, 1, 1)


class _Upsample(nn.Module):
    """Twice the resolution, half the channels."""

    def __init__(self, channels):
        super().__init__()
        self.expand = nn.Conv2d(channels, 2 * channels, 1, bias=False)

    def forward(self, x):
        return shuffle_pixels(self.expand(x))


def _norm(norm, x):
    return norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _mix(linear, x):
    return mix_channels(x, linear.weight, linear.bias)


def _gate(x):
    first, second = x.chunk(2, 1)
    return first * second

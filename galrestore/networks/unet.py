"""
A plain U-Net: two convolutions and rectifiers a level, skips, and a residual output.

References
----------
Ronneberger et al. (2015), MICCAI, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", arXiv:1505.04597; padded so that sizes are kept, and predicting the
correction to its input, as denoisers do (Zhang et al. 2017, arXiv:1608.03981).
"""

import torch
from torch import nn
from torch.nn import functional

from galrestore.networks.padding import pad

__all__ = ["UNet"]


class UNet(nn.Module):
    """
    Restore single-channel images with a plain U-Net.

    Parameters
    ----------
    width : int, optional
        Channels of level 1; they double from level to level.
    levels : int, optional
        Resolutions, each half of the one before.
    """

    def __init__(self, width=16, levels=4):
        super().__init__()
        channels = [width * 2**i for i in range(levels)]
        self.encoders = nn.ModuleList(
            _double(c_in, c) for c_in, c in zip([1, *channels], channels, strict=False)
        )
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in channels[-2::-1]
        )
        self.decoders = nn.ModuleList(_double(2 * c, c) for c in channels[-2::-1])
        self.output = nn.Conv2d(width, 1, 1)
        self.multiple = 2 ** (levels - 1)

    def forward(self, image):
        """
        Restore a batch.

        Parameters
        ----------
        image : torch.Tensor, shape (N, 1, H, W)
            Low-quality images, min-max normalised.  H and W are padded by reflection
            at the bottom and right to multiples of ``2**(levels - 1)``, and cut back.

        Returns
        -------
        restored : torch.Tensor, shape (N, 1, H, W)
            ``image`` plus the correction that the network predicts; not clipped.
        """
        height, width = image.shape[-2:]
        image = pad(image, self.multiple).contiguous(memory_format=torch.channels_last)
        x, skips = image, []
        for encoder in self.encoders:
            x = encoder(x if not skips else functional.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            x = decoder(torch.cat([up(x), skips.pop()], 1))
        return (self.output(x) + image)[..., :height, :width]


def _double(channels_in, channels):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(inplace=True),
    )

"""
Degradation on the device: the images of stage ``degrade``, with fresh noise each step.

The same blur, noise and min-max normalisation as in `galrestore.synthesis.degradation`,
in torch and single precision, for a batch at a time.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from galrestore.synthesis.degradation import MOST_OF_LIMIT

__all__ = ["Degradation", "degrade"]

# Newton steps along a convex broken line: the exact version needs 3 to 6.
_STEPS = 12


@dataclass(frozen=True)
class Degradation:
    """
    Blur and noise of LQ.

    Parameters
    ----------
    kernel : ndarray of float64, shape (size,) or (size, size)
        The blur: one axis of a separable kernel, or the kernel.
    spectrum : ndarray of float64, optional
        Filter of correlated noise, see `galrestore.synthesis.noise.amplitudes`; by
        default the noise is white.
    """

    kernel: np.ndarray
    spectrum: np.ndarray | None = None

    def fields(self, shape, generator):
        """
        Draw noise of unit variance.

        Parameters
        ----------
        shape : tuple of int
            (N, 1, H, W).
        generator : torch.Generator
            Source of the random numbers; the noise is drawn on its device.

        Returns
        -------
        fields : torch.Tensor of float32, shape (N, 1, H, W)
            Gaussian noise.
        """
        device = generator.device
        if self.spectrum is None:
            return torch.randn(shape, generator=generator, device=device)
        spectrum = torch.as_tensor(self.spectrum, dtype=torch.float32, device=device)
        white = torch.randn((*shape[:2], *spectrum.shape), generator=generator, device=device)
        filtered = torch.fft.ifft2(torch.fft.fft2(white) * spectrum).real
        return filtered[..., : shape[2], : shape[3]].contiguous()


def degrade(truth, fields, noise, kernel):
    """
    Make low-quality images of a batch of ground truth.

    Parameters
    ----------
    truth : torch.Tensor of float32, shape (N, 1, H, W)
        Ground truth, none of it constant, on any scale.
    fields : torch.Tensor of float32, shape (N, 1, H, W)
        Noise of unit variance.
    noise : torch.Tensor of float32, shape (N,)
        Rms of the noise in the min-max normalised LQ; what cannot be reached is cut.
    kernel : ndarray of float64, shape (size,) or (size, size)
        The blur, of odd size; edges are reflected, the pixel at the edge included.

    Returns
    -------
    low_quality : torch.Tensor of float32, shape (N, 1, H, W)
        Each image from 0 to 1.

    Notes
    -----
    With u = 1 / sigma, the range of u B + g is convex and piecewise linear in u, so that
    Newton steps from the right find u exactly; see `synthesis.degradation.add_noise`.
    """
    scene = blur(truth, kernel)
    b, g = scene.flatten(1), fields.flatten(1)
    span = g.amax(1) - g.amin(1)
    wanted = 1 / torch.minimum(noise, MOST_OF_LIMIT / span)
    inverse = (wanted + span) / (b.amax(1) - b.amin(1))
    for _ in range(_STEPS):
        line = inverse[:, None] * b + g
        ends = torch.stack([line.argmax(1), line.argmin(1)], 1)
        (g_high, g_low), (b_high, b_low) = g.gather(1, ends).T, b.gather(1, ends).T
        inverse = (wanted - (g_high - g_low)) / (b_high - b_low)
    noisy = inverse.view(-1, 1, 1, 1) * scene + fields
    low = noisy.amin((1, 2, 3), keepdim=True)
    return (noisy - low) / (noisy.amax((1, 2, 3), keepdim=True) - low)


def blur(images, kernel):
    """
    Convolve images with a kernel; edges are reflected, the pixel at the edge included.

    Parameters
    ----------
    images : torch.Tensor of float32, shape (N, 1, H, W)
        Images.
    kernel : ndarray of float64, shape (size,) or (size, size)
        Kernel of odd size, or one axis of a separable one.

    Returns
    -------
    blurred : torch.Tensor of float32, shape (N, 1, H, W)
        Convolved images.
    """
    weights = torch.as_tensor(np.ascontiguousarray(kernel[..., ::-1]), dtype=torch.float32)
    weights = weights.to(images.device)
    if kernel.ndim == 2:
        images = _extend(_extend(images, kernel.shape[0] // 2, -2), kernel.shape[1] // 2, -1)
        return functional.conv2d(images, weights.flip(0)[None, None])
    reach = len(kernel) // 2
    rows = functional.conv2d(_extend(images, reach, -2), weights.view(1, 1, -1, 1))
    return functional.conv2d(_extend(rows, reach, -1), weights.view(1, 1, 1, -1))


def _extend(images, reach, axis):
    """Mirror the edges, edge pixels included (torch's own reflection leaves them out)."""
    size = images.shape[axis]
    start, end = images.narrow(axis, 0, reach), images.narrow(axis, size - reach, reach)
    return torch.cat([start.flip(axis), images, end.flip(axis)], axis)

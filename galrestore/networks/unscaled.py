"""
A network applied to images as they are, without the min-max normalisation of the training.

Of use for tests of the network alone: whether its output follows level and scale of its
input.  Restorations go through `galrestore.networks.inference`.
"""

import numpy as np
import torch

from galrestore.networks.arithmetic import reproducible
from galrestore.progress import track

__all__ = ["apply_unscaled"]


def apply_unscaled(network, stamps, batch_size=16, threads=1):
    """
    Apply a network to images as they are.

    Parameters
    ----------
    network : torch.nn.Module
        Takes and returns (N, 1, H, W); used on the device where it is.
    stamps : ndarray, shape (N, H, W)
        Images, in any unit; finite.
    batch_size : int, optional
        Images at once.
    threads : int, optional
        CPU threads of the arithmetic.

    Returns
    -------
    output : ndarray of float32, shape (N, H, W)
        What the network makes of them.
    """
    stamps = np.asarray(stamps, dtype=np.float32)
    device = next(network.parameters()).device
    output = np.empty_like(stamps)
    network.eval()
    with reproducible(threads), torch.inference_mode():
        for start in track(range(0, len(stamps), batch_size), "restore"):
            rows = slice(start, start + batch_size)
            batch = torch.from_numpy(stamps[rows, None]).to(device)
            output[rows] = network(batch)[:, 0].float().cpu().numpy()
    return output

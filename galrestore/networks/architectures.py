"""Architectures by name, and networks with fresh weights."""

import torch

from galrestore.networks.nafnet import NAFNet
from galrestore.networks.restormer import Restormer
from galrestore.networks.unet import UNet
from galrestore.rng import integer_seed

__all__ = ["ARCHITECTURES", "build", "fresh_network"]

ARCHITECTURES = {"restormer": Restormer, "nafnet": NAFNet, "unet": UNet}


def build(architecture, size):
    """
    Build a network, its weights as the architecture starts them.

    Parameters
    ----------
    architecture : str
        Name, a key of `ARCHITECTURES`.
    size : dict
        Arguments of the architecture.

    Returns
    -------
    network : torch.nn.Module
        Takes and returns (N, 1, H, W), on the CPU.

    Raises
    ------
    KeyError
        If there is no such architecture.
    TypeError, ValueError
        If the size does not fit the architecture.
    """
    network = ARCHITECTURES[architecture](**size)
    # Convolutions read their weights channels-last, like the images.
    return network.to(memory_format=torch.channels_last)


def fresh_network(architecture, size, seed):
    """
    Build a network with random weights.

    Parameters
    ----------
    architecture : str
        Name, a key of `ARCHITECTURES`.
    size : dict
        Arguments of the architecture.
    seed : int
        Seed of the run; all first phases of a network start from the same weights.

    Returns
    -------
    network : torch.nn.Module
        The network, on the CPU.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(seed, "train.weights"))
        return build(architecture, size)

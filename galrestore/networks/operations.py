"""Floating-point operations and memory of a network."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from galrestore.networks.architectures import build

__all__ = ["TRAINING_FACTOR", "count_operations"]

# Gradients of weights and of inputs cost as much again as the forward pass, each.
TRAINING_FACTOR = 3


def count_operations(architecture, size, side):
    """
    Count what one image costs a network.

    Parameters
    ----------
    architecture : str
        Name, a key of `galrestore.networks.architectures.ARCHITECTURES`.
    size : dict
        Arguments of the architecture.
    side : int
        Rows and columns of the image [pixel].

    Returns
    -------
    operations : int
        Operations of the forward pass: a multiplication and an addition count as two;
        convolutions and matrix products alone, as they are nearly all.
    kept : int
        Memory that the forward pass keeps for the gradients of one image, weights left
        out [byte].
    parameters : int
        Numbers to train.
    """
    network = build(architecture, size)
    sizes = {}

    def note(tensor):
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor)
    with FlopCounterMode(display=False) as counter, hooks:
        restored = network(torch.zeros(1, 1, side, side))
    del restored
    for value in network.parameters():
        sizes.pop(value.untyped_storage().data_ptr(), None)
    kept = sum(sizes.values())
    parameters = sum(value.numel() for value in network.parameters())
    return counter.get_total_flops(), kept, parameters

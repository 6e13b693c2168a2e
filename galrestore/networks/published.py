"""
Weights as the authors publish them: one pickle ``{"params": state_dict}``.

Only tensors are read from the pickle; no code in it can run.  The size of the network
follows from the shapes.
"""

import math
import pickle
import warnings
from itertools import takewhile

import torch

from galrestore.errors import InputError
from galrestore.networks.restormer import Restormer

__all__ = ["infer_size", "read_published"]

_ENTRY = "params"
_LEVELS = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")
_REMEDY = "give the weights of a Restormer with one channel in and out and without biases"
_MOST_DECIMALS = 6


def read_published(path):
    """
    Read a Restormer from a file of the authors' form.

    Parameters
    ----------
    path : str or Path
        File that ``torch.save`` wrote, ``{"params": state_dict}``.

    Returns
    -------
    network : Restormer
        The network on the CPU, in evaluation mode.
    size : dict
        Arguments with which it was built.

    Raises
    ------
    InputError
        If the file is missing or of another form, or if an entry of the weights is
        unknown, missing, of a wrong shape, not finite, or a bias.

    References
    ----------
    Park et al. (2024), section 7, with the published model.
    """
    state = _read_state(path)
    size = infer_size(state, path)
    try:
        with torch.device("meta"):
            network = Restormer(**size)
    except ValueError as error:
        raise InputError(path, f"is no Restormer ({error})", _REMEDY) from error
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    for name in found:
        if name not in expected:
            kind = "a bias" if name.endswith(".bias") else "an unknown entry"
            raise InputError(path, f"has {kind}, {name}", _REMEDY)
    for name, shape in expected.items():
        if name not in found:
            raise InputError(path, f"lacks the entry {name}", _REMEDY)
        if found[name] != shape:
            raise InputError(path, f"{name} has shape {found[name]}, not {shape}", _REMEDY)
        if not torch.isfinite(state[name]).all():
            raise InputError(path, f"{name} has values that are not finite", _REMEDY)
    network = network.to_empty(device="cpu")
    network.load_state_dict(state)
    return network.eval(), size


def infer_size(state, path="state"):
    """
    Infer the size of a Restormer from the shapes of its weights.

    Parameters
    ----------
    state : dict of str to torch.Tensor
        Weights by their published names.
    path : str or Path, optional
        File they came from, for messages.

    Returns
    -------
    size : dict
        Arguments of `Restormer`.  The expansion factor is known by the hidden channels
        alone, which are rounded down: it is the shortest decimal number that gives
        those of all levels.

    Raises
    ------
    InputError
        If an entry that tells the size is missing or has too few axes, or if no
        expansion factor fits.
    """

    def length(name, axis):
        if name not in state:
            raise InputError(path, f"lacks the entry {name}", _REMEDY)
        shape = tuple(state[name].shape)
        if len(shape) <= axis or 0 in shape:
            raise InputError(path, f"{name} has shape {shape}", _REMEDY)
        return shape[axis]

    dim = length("patch_embed.proj.weight", 0)
    hidden = [length(f"{level}.0.ffn.project_out.weight", 1) for level in _LEVELS]
    return {
        "dim": dim,
        "num_blocks": tuple(_count_blocks(state, level) for level in _LEVELS),
        "num_refinement_blocks": _count_blocks(state, "refinement"),
        "heads": tuple(length(f"{level}.0.attn.temperature", 0) for level in _LEVELS),
        "ffn_expansion_factor": _expansion(dim, hidden, path),
    }


def _count_blocks(state, level):
    """Blocks 0, 1, ... of a level, up to the first that is not there."""
    numbers = {name.split(".")[1] for name in state if name.startswith(f"{level}.")}
    return sum(1 for _ in takewhile(lambda i: str(i) in numbers, range(len(numbers))))


def _expansion(dim, hidden, path):
    """Shortest decimal number f for which int(f c) is the hidden channels of each level."""
    channels = [dim * 2**level for level in range(len(hidden))]
    low = max(h / c for h, c in zip(hidden, channels, strict=True))
    for decimals in range(_MOST_DECIMALS + 1):
        # A little less than the bound, lest rounding of h / c passes over an exact one.
        factor = math.ceil(low * 10**decimals * (1 - 1e-12)) / 10**decimals
        if all(int(factor * c) == h for h, c in zip(hidden, channels, strict=True)):
            return float(factor)
    problem = f"hidden channels {hidden} over {channels} are of no one expansion factor"
    raise InputError(path, problem, _REMEDY)


def _read_state(path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that are refused anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(path, "does not exist") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "broken"
        raise InputError(path, f"is no file of weights ({reason})", _REMEDY) from error
    state = content.get(_ENTRY) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise InputError(path, f"has no entry {_ENTRY!r} with weights", _REMEDY)
    for name, value in state.items():
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            raise InputError(path, f"{name} is no tensor of real numbers", _REMEDY)
    return state

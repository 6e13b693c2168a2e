"""
Weights of a network in a safetensors file that says how to build the network.

Metadata of the file: ``architecture`` (such as ``restormer``), ``network`` (its size, JSON),
``lineage`` (sets of the phases behind it), ``galrestore`` (provenance, JSON), and ``sha256``
(see `galrestore.files.tensors`).
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from galrestore.errors import InputError
from galrestore.files import tensors
from galrestore.files.atomic import atomic
from galrestore.networks.architectures import ARCHITECTURES, build
from galrestore.provenance import Provenance

__all__ = ["load_network", "read_provenance", "save_network"]

_REMEDY = "give weights.safetensors of a model trained by galrestore"
_ALIGNMENT = 8


def save_network(path, network, architecture, size, lineage, provenance):
    """
    Write a network.

    Parameters
    ----------
    path : str or Path
        safetensors file to write.
    network : torch.nn.Module
        The network; its weights are stored as float32.
    architecture : str
        Its architecture, see `galrestore.networks.architectures`.
    size : dict
        Arguments with which it was built.
    lineage : str
        Sets of the phases behind the weights, joined by "-".
    provenance : Provenance
        What made the weights; stored in the file.
    """
    metadata = {
        "architecture": architecture,
        "galrestore": provenance.to_json(),
        "lineage": lineage,
        "network": json.dumps(size),
        tensors.KEY: tensors.UNSEALED,
    }
    state = {
        name: value.detach().float().cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    content = _with_sorted_metadata(save(state, metadata))
    with atomic(path) as part:
        part.write_bytes(content)
        tensors.seal(part)


def load_network(path, architecture=None, size=None):
    """
    Read a network that `save_network` wrote.

    Parameters
    ----------
    path : str or Path
        safetensors file.
    architecture : str, optional
        Architecture that the network must have.
    size : dict, optional
        Size that the network must have.

    Returns
    -------
    network : torch.nn.Module
        The network on the CPU, in evaluation mode.

    Raises
    ------
    InputError
        If the file is missing, broken, damaged or foreign, or its weights do not fit the size
        that it states or the one asked for.
    """
    metadata, state = _read(path)
    found = metadata.get("architecture")
    if found not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise InputError(path, f"holds no network of galrestore ({known})", _REMEDY)
    if architecture not in (None, found) or (
        size is not None and metadata.get("network") != json.dumps(size)
    ):
        problem = f"is another network: {found}, size {metadata.get('network')}"
        raise InputError(path, problem, "train the earlier phase anew with these settings")
    try:
        network = build(found, json.loads(metadata["network"]))
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        problem = f"weights and network do not fit ({str(error).splitlines()[0]})"
        raise InputError(path, problem, _REMEDY) from error
    return network.eval()


def read_provenance(path):
    """
    Return what made a file of weights.

    Parameters
    ----------
    path : str or Path
        safetensors file.

    Returns
    -------
    provenance : Provenance
        The record stored by `save_network`.

    Raises
    ------
    InputError
        If the file is missing or broken, or holds no record.
    """
    metadata, _ = _read(path)
    if "galrestore" not in metadata:
        raise InputError(path, "holds no provenance", _REMEDY)
    return Provenance.from_json(metadata["galrestore"])


def _read(path):
    if not Path(path).is_file():
        raise InputError(path, "does not exist")
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(path, f"is not a safetensors file ({error})", _REMEDY) from error
    tensors.require_sound(path, _REMEDY)
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise InputError(path, f"weights {name} are not finite", _REMEDY)
    return metadata, state


def _with_sorted_metadata(content):
    """
    Sort the metadata in a safetensors file's header.

    The library stores them in the order of a hash table, another one in each process,
    so equal weights would give unequal files.
    """
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]

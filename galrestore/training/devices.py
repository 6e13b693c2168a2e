"""Devices: where a phase is trained, and the part of each batch that a device takes."""

import logging
import os

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import LightningEnvironment

from galrestore.errors import SettingsError

__all__ = ["agree", "prepare", "split", "start"]

logger = logging.getLogger(__name__)


def start(phase):
    """
    Start the processes of a phase, one a device.

    Parameters
    ----------
    phase : Phase
        Settings of the phase.

    Returns
    -------
    fabric : lightning.fabric.Fabric
        Launched: each process comes back from here.

    Raises
    ------
    SettingsError
        If the devices are not there, or the environment started another number of
        processes.
    """
    processes, outside = phase.devices * phase.nodes, _started_outside()
    if outside > 1 and outside != processes:
        problem = f"{outside} processes were started, for train.nodes {phase.nodes}"
        raise SettingsError("train.devices", phase.devices, problem)
    if outside == 1 and phase.nodes > 1:
        problem = "start one process a device with torchrun or srun, see docs/training.md"
        raise SettingsError("train.nodes", phase.nodes, problem)
    # Fabric would take the variables of a SLURM job of one task for those of srun.
    plugins = [LightningEnvironment()] if outside == 1 else []
    fabric = Fabric(
        accelerator=_device(phase),
        devices=phase.devices,
        num_nodes=phase.nodes,
        strategy="ddp" if processes > 1 else "auto",
        precision=phase.precision,
        plugins=plugins,
    )
    fabric.launch()
    return fabric


def prepare(network, phase):
    """
    Apply the switches that trade memory, time and start-up.

    Parameters
    ----------
    network : torch.nn.Module
        The network; its attribute ``checkpointing`` is set if it has one.
    phase : Phase
        Settings of the phase.

    Returns
    -------
    model : torch.nn.Module
        What to call in place of the network: the same, or compiled.
    """
    if hasattr(network, "checkpointing"):
        network.checkpointing = phase.checkpointing
    elif phase.checkpointing:
        logger.warning("train.checkpointing: this architecture has no such switch, ignored")
    if phase.compile == "off":
        return network
    return torch.compile(network, mode=phase.compile)


def split(images, micro_batch, fabric):
    """
    Split a batch into the parts that this process takes one by one.

    Parameters
    ----------
    images : torch.Tensor, shape (2, B, 1, H, W)
        LQ and GT of the whole batch.
    micro_batch : int
        Most pairs of a part, M.
    fabric : lightning.fabric.Fabric
        Knows how many processes there are; each takes as many pairs.

    Yields
    ------
    lq, gt : torch.Tensor, shape (M, 1, H, W)
        Pairs of a part; those of all processes make up the batch.
    weight : float
        Part of the process's pairs.
    wait : bool
        Whether the exchange of gradients waits for a later part.
    """
    own = images.chunk(fabric.world_size, dim=1)[fabric.global_rank]
    parts = own.split(micro_batch, dim=1)
    for number, (lq, gt) in enumerate(parts, 1):
        yield lq, gt, len(lq) / own.shape[1], fabric.world_size > 1 and number < len(parts)


def agree(fabric, loss, stop):
    """
    Let all processes have the same loss, and stop if one was asked to.

    Parameters
    ----------
    fabric : lightning.fabric.Fabric
        Connects the processes.
    loss : float
        Loss of this process's part of the batch.
    stop : bool
        Whether this process was asked to stop.

    Returns
    -------
    loss : float
        Mean over the processes.
    stop : bool
        Whether any of them was asked to stop.
    """
    if fabric.world_size == 1:
        return loss, stop
    both = torch.tensor([loss, float(stop)], dtype=torch.float64, device=fabric.device)
    loss, stop = fabric.all_reduce(both, reduce_op="mean").tolist()
    return loss, stop > 0


def _started_outside():
    """Count the processes that torchrun or srun started; Fabric starts others by itself."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))


def _device(phase):
    count = torch.cuda.device_count()
    if phase.device == "auto":
        return "cuda" if count >= phase.devices else "cpu"
    if phase.device == "cuda" and count == 0:
        raise SettingsError("train.device", "cuda", "this computer has no CUDA device; use cpu")
    if phase.device == "cuda" and count < phase.devices:
        problem = f"this computer has {count} CUDA devices"
        raise SettingsError("train.devices", phase.devices, problem)
    return phase.device

"""Batches of a phase: which stamps, how placed, turned and mixed, and with which noise."""

import logging
import zlib

import torch

from galrestore.rng import integer_seed, stream
from galrestore.training import augmentation, online
from galrestore.training.pairs import Order

__all__ = ["Batches"]

logger = logging.getLogger(__name__)


class Batches:
    """
    Batches by step; each follows from seed, lineage and step alone.

    Parameters
    ----------
    pairs : Pairs
        Stamps; they move to the device as a whole where they take up no more than half
        of its free memory, else batch by batch.
    phase : Phase
        Settings of the phase.
    seed : int
        Seed of the run.
    device : torch.device
        Where the batches are made.
    degradation : online.Degradation, optional
        Blur and noise, for settings that degrade online.

    Raises
    ------
    ValueError
        If the settings degrade online and no degradation is given.
    """

    def __init__(self, pairs, phase, seed, device, degradation=None):
        self.phase, self.seed, self.device = phase, seed, device
        self.ident = zlib.crc32(phase.lineage.encode())
        self.order = Order(len(pairs), seed, self.ident)
        self.degradation = degradation if phase.degrade == "online" else None
        if phase.degrade == "online" and degradation is None:
            msg = "to degrade online, give the degradation"
            raise ValueError(msg)
        self.pairs = pairs
        # Images that are made anew need no LQ in memory.
        names = ("gt",) if self.degradation else ("lq", "gt")
        cubes = [torch.from_numpy(getattr(pairs, name)) for name in names]
        self.images = _place(cubes, device)

    def __call__(self, step):
        """
        Return the batch of one step.

        Parameters
        ----------
        step : int
            Step, from 0.

        Returns
        -------
        images : torch.Tensor of float32, shape (2, B, 1, H, W)
            LQ and GT.
        """
        rows = self.order.rows(step, self.phase.batch_size)
        where = torch.from_numpy(rows).to(self.images[0].device)
        images = torch.stack([cube[where] for cube in self.images])[:, :, None].to(self.device)
        generator = stream(self.seed, "train.augment", self.ident, step)
        images = augmentation.displace(images, generator, self.phase.displacement)
        if self.phase.dihedral:
            images = augmentation.turn(images, generator)
        if self.degradation:
            images = torch.cat([self._low_quality(images[0], rows, step)[None], images])
        return augmentation.mix(images, generator, self.phase.mixup)

    def _low_quality(self, truth, rows, step):
        noise = self.pairs.draw_noise(rows, stream(self.seed, "train.level", self.ident, step))
        random = torch.Generator(self.device)
        random.manual_seed(integer_seed(self.seed, "train.noise", self.ident, step))
        fields = self.degradation.fields(truth.shape, random)
        noise = torch.as_tensor(noise, dtype=torch.float32, device=self.device)
        return online.degrade(truth, fields, noise, self.degradation.kernel)


def _place(cubes, device):
    """Move stamps to a CUDA device that has twice their room free, or leave them here."""
    if device.type == "cpu":
        return cubes
    size = sum(cube.nbytes for cube in cubes)
    free, _ = torch.cuda.mem_get_info(device)
    if size <= free / 2:
        return [cube.to(device) for cube in cubes]
    logger.info("%.1f GB of stamps stay in main memory: %.1f GB are free", size / 1e9, free / 1e9)
    return cubes

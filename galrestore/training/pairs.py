"""Pairs of LQ and GT in memory, and the order in which training sees them."""

from dataclasses import dataclass

import numpy as np

from galrestore.errors import EmptyError
from galrestore.rng import stream

__all__ = ["Order", "Pairs"]


@dataclass(frozen=True)
class Pairs:
    """
    Stamps of one split.

    Parameters
    ----------
    lq, gt : ndarray of float32, shape (N, H, W)
        Low-quality images and ground truth, each image min-max normalised.
    name : str
        What the stamps are, for messages, such as ``"jwst validation"``.
    noise : ndarray of float, shape (N,), optional
        Rms of the noise in LQ, to degrade online.
    exchange : bool, optional
        Whether the noise is drawn whatever the object, so that objects may exchange it:
        true of JWST stamps, not of GalSim's, whose noise goes with their flux and size.

    Raises
    ------
    EmptyError
        If there is no stamp.
    ValueError
        If the shapes differ or a pixel is not finite.
    """

    lq: np.ndarray
    gt: np.ndarray
    name: str
    noise: np.ndarray | None = None
    exchange: bool = False

    def __post_init__(self):
        if self.lq.shape != self.gt.shape or self.lq.ndim != 3:
            msg = f"{self.name}: LQ and GT must be (N, H, W), got {self.lq.shape}, {self.gt.shape}"
            raise ValueError(msg)
        if len(self.lq) == 0:
            msg = f"there are no {self.name} stamps to train with; give more or larger mosaics"
            raise EmptyError(msg)
        if not (np.isfinite(self.lq).all() and np.isfinite(self.gt).all()):
            msg = f"{self.name}: LQ or GT has pixels that are not finite"
            raise ValueError(msg)

    def __len__(self):
        return len(self.lq)

    def draw_noise(self, rows, generator):
        """
        Draw the noise of a batch.

        Parameters
        ----------
        rows : ndarray of int, shape (B,)
            Rows.
        generator : numpy.random.Generator
            Source of the random numbers.

        Returns
        -------
        noise : ndarray of float, shape (B,)
            Noise of the rows, or of any rows where objects may exchange it.
        """
        if self.exchange:
            rows = generator.integers(len(self), size=len(rows))
        return self.noise[rows]

    def some(self, count, seed):
        """
        Return a random choice of the stamps.

        Parameters
        ----------
        count : int
            Most stamps to return.
        seed : int
            Seed of the run.

        Returns
        -------
        pairs : Pairs
            All stamps if there are no more than ``count``, in their order.
        """
        if len(self) <= count:
            return self
        rows = np.sort(stream(seed, "train.choice").permutation(len(self))[:count])
        return Pairs(self.lq[rows], self.gt[rows], self.name)


@dataclass(frozen=True)
class Order:
    """
    Endless order of the stamps: a new permutation for each pass.

    The stamps of a step follow from the step alone, so that nothing needs to be
    stored to go on from there.

    Parameters
    ----------
    size : int
        Number of stamps.
    seed : int
        Seed of the run.
    ident : int
        What tells this training from others of the same run.
    """

    size: int
    seed: int
    ident: int

    def rows(self, step, batch_size):
        """
        Return the stamps of one step.

        Parameters
        ----------
        step : int
            Step, from 0.
        batch_size : int
            Stamps of a step.

        Returns
        -------
        rows : ndarray of int, shape (batch_size,)
            Rows; consecutive steps go through all stamps before any comes again.
        """
        positions = step * batch_size + np.arange(batch_size)
        passes = positions // self.size
        rows = np.empty(batch_size, dtype=np.int64)
        for number in np.unique(passes):
            inside = passes == number
            rows[inside] = self._pass(int(number))[positions[inside] % self.size]
        return rows

    def _pass(self, number):
        return stream(self.seed, "train.order", self.ident, number).permutation(self.size)

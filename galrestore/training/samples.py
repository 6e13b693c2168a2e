"""Samples: what the network makes of a few validation stamps, as training goes on."""

import shutil
from pathlib import Path

import numpy as np
from matplotlib.image import imsave

from galrestore.files.atomic import atomic
from galrestore.rng import stream

__all__ = ["Samples"]

# Softening of the asinh stretch, in units of the range: faint outskirts become visible.
_SOFTENING = 0.05
# Screen pixels of an image pixel, and of the gap between stamps.
_ZOOM, _GAP = 2, 4


class Samples:
    """
    Strips of stamps, one PNG file for each validation.

    Parameters
    ----------
    folder : str or Path
        Folder of this phase alone.
    count : int
        Stamps to show; always the same ones.
    seed : int
        Seed of the run, which chooses them.
    """

    def __init__(self, folder, count, seed):
        self.folder, self.count, self.seed = Path(folder), count, seed

    def clear(self):
        """Remove the strips of an earlier training."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, step, restored, pairs):
        """
        Write a strip: a row a stamp, with LQ, RS and GT from left to right.

        Parameters
        ----------
        step : int
            Steps done; names the file.
        restored : ndarray, shape (N, H, W)
            Restored images.
        pairs : Pairs
            The N validation stamps behind them.

        Notes
        -----
        All images have one asinh stretch from 0 to 1, cut at both ends.
        """
        rows = np.sort(stream(self.seed, "train.samples").permutation(len(pairs))[: self.count])
        if len(rows) == 0:
            return
        stamps = np.stack([pairs.lq[rows], restored[rows], pairs.gt[rows]], axis=1)
        stretched = np.arcsinh(np.clip(stamps, 0, 1) / _SOFTENING) / np.arcsinh(1 / _SOFTENING)
        enlarged = stretched.repeat(_ZOOM, axis=2).repeat(_ZOOM, axis=3)
        framed = np.pad(enlarged, ((0, 0), (0, 0), (0, _GAP), (0, _GAP)), constant_values=1.0)
        # (row, column, y, x) -> (row * y, column * x), y upwards as in all figures.
        count, columns, height, width = framed.shape
        strip = framed[:, :, ::-1].transpose(0, 2, 1, 3).reshape(count * height, columns * width)
        about = {"Title": f"step {step}: LQ, RS, GT", "Software": None}
        with atomic(self.folder / f"step_{step:07d}.png") as part:
            imsave(part, strip, cmap="gray", vmin=0, vmax=1, format="png", metadata=about)

"""Validation during training: scores, history, best weights and samples."""

import logging
import math

from galrestore.measurement.image_quality import psnr, ssim
from galrestore.networks.inference import apply_network

__all__ = ["Judge"]

logger = logging.getLogger(__name__)


class Judge:
    """
    Validates networks and keeps the weights of the best: PSNR, then SSIM.

    Parameters
    ----------
    pairs : Pairs
        Validation stamps.
    phase : Phase
        Settings of the phase.
    samples : Samples, optional
        Where to show restored stamps.

    Attributes
    ----------
    rows : list of dict
        History so far, columns as in contract ``HISTORY``.
    losses : list of float
        Losses since the last validation.
    weights : dict of str to torch.Tensor or None
        Weights of the best network, on the CPU; None before the first validation.
    """

    def __init__(self, pairs, phase, samples=None):
        self.pairs, self.phase, self.samples = pairs, phase, samples
        self.rows, self.losses, self.weights = [], [], None

    def validate(self, network, step, rate):
        """
        Score a network, and add a row to the history.

        Parameters
        ----------
        network : torch.nn.Module
            The network.
        step : int
            Steps done.
        rate : float
            Learning rate of the last step.
        """
        phase = self.phase
        loss = math.fsum(self.losses) / len(self.losses)
        self.losses = []
        restored = apply_network(network, self.pairs.lq, phase.micro_batch, phase.threads)
        scores = tuple(float(score(restored, self.pairs.gt).mean()) for score in (psnr, ssim))
        best = scores > self._best()
        if best:
            self.weights = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
        values = (step, rate, loss, *scores, best)
        names = ("step", "learning_rate", "loss", "validation_psnr", "validation_ssim", "best")
        self.rows.append(dict(zip(names, values, strict=True)))
        text = "step %d: validation PSNR %.2f dB, SSIM %.3f, loss %.5f, rate %.1e%s"
        logger.info(text, step, *scores, loss, rate, ", best so far" if best else "")
        if self.samples is not None:
            self.samples.write(step, restored, self.pairs)

    def last_loss(self):
        """
        Describe the last step, for a line of progress.

        Returns
        -------
        text : str
            The loss, or nothing before the first step.
        """
        return f"loss {self.losses[-1]:.5f}" if self.losses else ""

    def _best(self):
        found = [(r["validation_psnr"], r["validation_ssim"]) for r in self.rows if r["best"]]
        return found[-1] if found else (-math.inf, -math.inf)

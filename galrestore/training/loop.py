"""
Training of a network on pairs: one phase.

The loop reads from top to bottom in `train`.  All random numbers follow from the seed,
the lineage of the phase and the step, and the arithmetic is deterministic, so the same
phase gives the same bytes again on the same machine.
"""

import copy
import logging
import math
import time

import pandas as pd
import torch
from lightning.fabric import Fabric
from torch.nn.functional import l1_loss

from galrestore.errors import SettingsError
from galrestore.measurement.image_quality import psnr, ssim
from galrestore.networks.arithmetic import reproducible
from galrestore.networks.inference import apply_network
from galrestore.training import schedule
from galrestore.training.batches import Batches

__all__ = ["train"]

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 10.0


def train(network, training, validation, phase, seed, degradation=None):
    """
    Train a network for one phase, and leave it with the weights that validated best.

    Parameters
    ----------
    network : torch.nn.Module
        Where to start; changed in place.
    training, validation : Pairs
        Stamps.
    phase : Phase
        Settings of the phase.
    seed : int
        Seed of the run.
    degradation : Degradation, optional
        Blur and noise, for settings that degrade online.

    Returns
    -------
    history : pandas.DataFrame
        One row for each validation, columns as in contract ``HISTORY``.

    Raises
    ------
    SettingsError
        If the loss stops being finite, or the device is not there.
    """
    fabric = Fabric(accelerator=_device(phase), devices=1, precision=phase.precision)
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=phase.learning_rate,
        betas=phase.betas,
        weight_decay=phase.weight_decay,
    )
    model, optimiser = fabric.setup(network, optimiser)
    average = copy.deepcopy(network) if phase.ema else None
    batches = Batches(training, phase, seed, fabric.device, degradation)
    judge = _Judge(validation.some(phase.validation_stamps, seed), phase)
    progress = _Progress(phase.iterations)

    with reproducible(phase.threads):
        for step in range(phase.iterations):
            rate = _rate(step, phase)
            for group in optimiser.param_groups:
                group["lr"] = rate

            images = batches(step)
            loss = 0.0
            for lq, gt in zip(*(side.split(phase.micro_batch) for side in images), strict=True):
                part = l1_loss(model(lq), gt) * (len(lq) / phase.batch_size)
                fabric.backward(part)
                loss += part.item()
            if not math.isfinite(loss):
                raise _diverged(step, phase)
            if phase.gradient_clip:
                fabric.clip_gradients(
                    model, optimiser, max_norm=phase.gradient_clip, error_if_nonfinite=False
                )
            optimiser.step()
            optimiser.zero_grad()
            if average is not None:
                _update(average, network, phase.ema, step)

            done = step + 1
            progress.add(done, loss, rate)
            if done % phase.validate_every == 0 or done == phase.iterations:
                judge.validate(average or network, done, rate, progress.mean_loss())
    network.load_state_dict(judge.weights)
    return pd.DataFrame(judge.rows)


class _Judge:
    """Validates networks and keeps the weights of the best: PSNR, then SSIM."""

    def __init__(self, pairs, phase):
        self.pairs, self.phase = pairs, phase
        self.rows, self.weights, self._best = [], None, (-math.inf, -math.inf)

    def validate(self, network, step, rate, loss):
        """Score a network, and add a row to the history."""
        phase = self.phase
        restored = apply_network(network, self.pairs.lq, phase.micro_batch, phase.threads)
        scores = tuple(float(score(restored, self.pairs.gt).mean()) for score in (psnr, ssim))
        best = scores > self._best
        if best:
            self._best = scores
            self.weights = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
        values = (step, rate, loss, *scores, best)
        names = ("step", "learning_rate", "loss", "validation_psnr", "validation_ssim", "best")
        self.rows.append(dict(zip(names, values, strict=True)))
        text = "step %d: validation PSNR %.2f dB, SSIM %.3f, loss %.5f, rate %.1e%s"
        logger.info(text, step, *scores, loss, rate, ", best so far" if best else "")


class _Progress:
    """Says now and then how far the loop is; keeps the mean loss between validations."""

    def __init__(self, steps):
        self.steps = steps
        self.start = self.last = time.monotonic()
        self.losses = []

    def add(self, done, loss, rate):
        self.losses.append(loss)
        now = time.monotonic()
        if now - self.last >= _SECONDS_BETWEEN_LINES:
            self.last = now
            left = (now - self.start) / done * (self.steps - done)
            text = "step %d of %d: loss %.5f, rate %.1e, %.0f s left"
            logger.info(text, done, self.steps, loss, rate, left)

    def mean_loss(self):
        """Return the mean loss since the last call."""
        mean = math.fsum(self.losses) / len(self.losses)
        self.losses = []
        return mean


def _rate(step, phase):
    ends = phase.learning_rate, phase.learning_rate_end
    if phase.schedule == "paper":
        return schedule.one_cosine(step, phase.iterations, *ends, phase.position, phase.phases)
    return schedule.fixed_then_cosine(step, phase.iterations, *ends, phase.fixed_fraction)


def _update(average, network, decay, step):
    """Move the running mean of the weights; early on it forgets faster."""
    decay = min(decay, (1 + step) / (10 + step))
    pairs = zip(average.parameters(), network.parameters(), strict=True)
    with torch.no_grad():
        for mean, value in pairs:
            mean.lerp_(value, 1 - decay)


def _device(phase):
    if phase.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if phase.device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("train.device", "cuda", "this computer has no CUDA device; use cpu")
    return phase.device


def _diverged(step, phase):
    problem = f"the loss is not finite at step {step + 1}; lower it, or train.gradient_clip"
    return SettingsError("train.learning_rate", phase.learning_rate, problem)

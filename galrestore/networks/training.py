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
import zlib
from dataclasses import dataclass

import pandas as pd
import torch
from lightning.fabric import Fabric
from torch.nn.functional import l1_loss

from galrestore.errors import SettingsError
from galrestore.measurement.image_quality import psnr, ssim
from galrestore.networks import augmentation, schedule
from galrestore.networks.arithmetic import reproducible
from galrestore.networks.inference import restore_stamps
from galrestore.networks.pairs import Order
from galrestore.networks.restormer import Restormer
from galrestore.rng import integer_seed, stream

__all__ = ["Phase", "Recipe", "fresh_network", "train"]

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 10.0


@dataclass(frozen=True)
class Recipe:
    """
    How to train: the settings of section ``train`` that concern the loop.

    Attributes
    ----------
    iterations : int
        Optimiser steps.
    batch_size, micro_batch : int
        Stamps of a step, and of one pass through the network; gradients add up.
    learning_rate, learning_rate_end : float
        Largest and last learning rate.
    schedule : {"code", "paper"}
        See `galrestore.networks.schedule`.
    fixed_fraction : float
        Part of the phase at the largest rate, schedule ``"code"``.
    betas : tuple of float
        AdamW's betas.
    weight_decay : float
        AdamW's weight decay.
    gradient_clip : float
        Largest norm of the gradient; 0 for no clipping.
    mixup : float
        Parameter of `augmentation.mix`.
    dihedral : bool
        Whether to flip and turn.
    ema : float
        Decay of the running mean of the weights; 0 for none.
    validate_every : int
        Steps between validations.
    validation_stamps : int
        Most stamps of a validation.
    device : {"auto", "cpu", "cuda"}
        Where to train.
    precision : str
        Arithmetic, as Lightning Fabric names it.
    threads : int
        CPU threads.
    """

    iterations: int
    batch_size: int
    micro_batch: int
    learning_rate: float
    learning_rate_end: float
    schedule: str
    fixed_fraction: float
    betas: tuple
    weight_decay: float
    gradient_clip: float
    mixup: float
    dihedral: bool
    ema: float
    validate_every: int
    validation_stamps: int
    device: str
    precision: str
    threads: int


@dataclass(frozen=True)
class Phase:
    """
    Place of a phase in the training of a model.

    Attributes
    ----------
    lineage : str
        Sets of this phase and those before it, joined by "-"; part of the key of the
        random numbers.
    position, phases : int
        Phases before this one, and in all (schedule ``"paper"``).
    """

    lineage: str
    position: int = 0
    phases: int = 1

    @property
    def ident(self):
        """Return the lineage as a number, for random streams."""
        return zlib.crc32(self.lineage.encode())


def fresh_network(size, seed):
    """
    Build a network with random weights.

    Parameters
    ----------
    size : dict
        Arguments of `Restormer`.
    seed : int
        Seed of the run; all first phases start from the same weights.

    Returns
    -------
    network : Restormer
        The network, on the CPU.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(seed, "train.weights"))
        return Restormer(**size)


def train(network, training, validation, recipe, phase, seed):
    """
    Train a network for one phase, and leave it with the weights that validated best.

    Parameters
    ----------
    network : Restormer
        Where to start; changed in place.
    training, validation : Pairs
        Stamps.
    recipe : Recipe
        How to train.
    phase : Phase
        Which phase it is.
    seed : int
        Seed of the run.

    Returns
    -------
    history : pandas.DataFrame
        One row for each validation, columns as in contract ``HISTORY``.

    Raises
    ------
    SettingsError
        If the loss stops being finite, or the device is not there.
    """
    fabric = Fabric(accelerator=_device(recipe), devices=1, precision=recipe.precision)
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=recipe.learning_rate,
        betas=recipe.betas,
        weight_decay=recipe.weight_decay,
    )
    model, optimiser = fabric.setup(network, optimiser)
    average = copy.deepcopy(network) if recipe.ema else None
    order = Order(len(training), seed, phase.ident)
    judge = _Judge(validation.some(recipe.validation_stamps, seed), recipe)
    progress = _Progress(recipe.iterations)

    with reproducible(recipe.threads):
        for step in range(recipe.iterations):
            rate = _rate(step, recipe, phase)
            for group in optimiser.param_groups:
                group["lr"] = rate

            images = training.batch(order.rows(step, recipe.batch_size))
            images = _augmented(images, recipe, stream(seed, "train.augment", phase.ident, step))
            loss = 0.0
            for lq, gt in zip(*(side.split(recipe.micro_batch) for side in images), strict=True):
                part = l1_loss(model(fabric.to_device(lq)), fabric.to_device(gt))
                part = part * (len(lq) / recipe.batch_size)
                fabric.backward(part)
                loss += part.item()
            if not math.isfinite(loss):
                raise _diverged(step, recipe)
            if recipe.gradient_clip:
                fabric.clip_gradients(
                    model, optimiser, max_norm=recipe.gradient_clip, error_if_nonfinite=False
                )
            optimiser.step()
            optimiser.zero_grad()
            if average is not None:
                _update(average, network, recipe.ema, step)

            done = step + 1
            progress.add(done, loss, rate)
            if done % recipe.validate_every == 0 or done == recipe.iterations:
                judge.validate(average or network, done, rate, progress.mean_loss())
    network.load_state_dict(judge.weights)
    return pd.DataFrame(judge.rows)


class _Judge:
    """Validates networks and keeps the weights of the best: PSNR, then SSIM."""

    def __init__(self, pairs, recipe):
        self.pairs, self.recipe = pairs, recipe
        self.rows, self.weights, self._best = [], None, (-math.inf, -math.inf)

    def validate(self, network, step, rate, loss):
        """Score a network, and add a row to the history."""
        recipe = self.recipe
        restored = restore_stamps(network, self.pairs.lq, recipe.micro_batch, recipe.threads)
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


def _rate(step, recipe, phase):
    ends = recipe.learning_rate, recipe.learning_rate_end
    if recipe.schedule == "paper":
        return schedule.one_cosine(step, recipe.iterations, *ends, phase.position, phase.phases)
    return schedule.fixed_then_cosine(step, recipe.iterations, *ends, recipe.fixed_fraction)


def _augmented(images, recipe, generator):
    if recipe.dihedral:
        images = augmentation.turn(images, generator)
    return augmentation.mix(images, generator, recipe.mixup)


def _update(average, network, decay, step):
    """Move the running mean of the weights; early on it forgets faster."""
    decay = min(decay, (1 + step) / (10 + step))
    pairs = zip(average.parameters(), network.parameters(), strict=True)
    with torch.no_grad():
        for mean, value in pairs:
            mean.lerp_(value, 1 - decay)


def _device(recipe):
    if recipe.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise SettingsError("train.device", "cuda", "this computer has no CUDA device; use cpu")
    return recipe.device


def _diverged(step, recipe):
    problem = f"the loss is not finite at step {step + 1}; lower it, or train.gradient_clip"
    return SettingsError("train.learning_rate", recipe.learning_rate, problem)

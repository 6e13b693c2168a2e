"""
Training of a network on pairs: one phase.

The loop reads from top to bottom in `train`.  All random numbers follow from the seed,
the lineage of the phase and the step, and the arithmetic is deterministic, so the same
phase gives the same bytes again on the same machine, interrupted or not.
"""

import contextlib
import copy
import math

import pandas as pd
import torch
from torch.nn.functional import l1_loss

from galrestore.errors import SettingsError
from galrestore.networks.arithmetic import reproducible
from galrestore.progress import track
from galrestore.training import devices
from galrestore.training.batches import Batches
from galrestore.training.interruption import InterruptionError, Request, listen
from galrestore.training.judge import Judge
from galrestore.training.schedule import learning_rate
from galrestore.training.state import Parts

__all__ = ["train"]


def train(
    network,
    training,
    validation,
    phase,
    seed,
    degradation=None,
    fabric=None,
    state=None,
    samples=None,
):
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
    fabric : lightning.fabric.Fabric, optional
        What `devices.start` gave; called here by default.
    state : State, optional
        Where to keep what is needed to go on after an interruption.
    samples : Samples, optional
        Where to show a few restored stamps at each validation.

    Returns
    -------
    history : pandas.DataFrame
        One row for each validation, columns as in contract ``HISTORY``.  With more than
        one process, the first alone validates and has history and best weights.

    Raises
    ------
    SettingsError
        If the loss stops being finite, or the device is not there.
    InterruptionError
        If there is a state, and a signal asked to stop; the state is saved.
    """
    fabric = fabric or devices.start(phase)
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=phase.learning_rate,
        betas=phase.betas,
        weight_decay=phase.weight_decay,
    )
    model, stepper = fabric.setup(devices.prepare(network, phase), optimiser)
    average = copy.deepcopy(network) if phase.ema else None
    batches = Batches(training, phase, seed, fabric.device, degradation)
    judge = Judge(validation.some(phase.validation_stamps, seed), phase, samples)
    parts = Parts(network, optimiser, average, judge)
    first = state.restore(parts) if state else 0
    if samples and first == 0:
        samples.clear()

    # Without a state to save, signals act as usual.
    listening = listen() if state else contextlib.nullcontext(Request())
    with reproducible(phase.threads, phase.compile != "off"), listening as request:
        for step in _steps(first, phase, judge, fabric):
            rate = learning_rate(step, phase)
            for group in stepper.param_groups:
                group["lr"] = rate

            loss = 0.0
            for lq, gt, weight, wait in devices.split(batches(step), phase.micro_batch, fabric):
                with fabric.no_backward_sync(model, enabled=wait):
                    part = l1_loss(model(lq), gt) * weight
                    fabric.backward(part)
                loss += part.item()
            loss, stop = devices.agree(fabric, loss, request.made)
            if not math.isfinite(loss):
                raise _diverged(step, phase)
            if phase.gradient_clip:
                fabric.clip_gradients(
                    model, stepper, max_norm=phase.gradient_clip, error_if_nonfinite=False
                )
            stepper.step()
            stepper.zero_grad()
            if average is not None:
                _update(average, network, phase.ema, step)

            done = step + 1
            last = done == phase.iterations
            judge.losses.append(loss)
            if fabric.is_global_zero:  # the other processes hold the same weights
                if last or done % phase.validate_every == 0:
                    judge.validate(average or network, done, rate)
                if state and not last and (stop or state.due()):
                    state.save(done, parts)
            if stop and not last:
                raise InterruptionError(done)
    if judge.weights:
        network.load_state_dict(judge.weights)
    return pd.DataFrame(judge.rows)


def _steps(first, phase, judge, fabric):
    """Count the steps left, from 0 for a new phase; the first process shows how far it is."""
    steps = range(first, phase.iterations)
    if not fabric.is_global_zero:
        return steps
    label = f"train {phase.lineage}" + (f", after step {first}" if first else "")
    return track(steps, label, detail=judge.last_loss)


def _update(average, network, decay, step):
    """Move the running mean of the weights; early on it forgets faster."""
    decay = min(decay, (1 + step) / (10 + step))
    pairs = zip(average.parameters(), network.parameters(), strict=True)
    with torch.no_grad():
        for mean, value in pairs:
            mean.lerp_(value, 1 - decay)


def _diverged(step, phase):
    problem = f"the loss is not finite at step {step + 1}; lower it, or train.gradient_clip"
    return SettingsError("train.learning_rate", phase.learning_rate, problem)

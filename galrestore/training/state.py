"""
State of a phase on disk: what the loop needs to go on as if nothing had happened.

Random numbers, order of the stamps and learning rate follow from the step, so the state
is: weights, moments of AdamW, running mean of the weights, best weights, and the rows of
the history.  It is one safetensors file, and the one before is kept as well.
"""

import json
import logging
import os
import shutil
import time
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from galrestore.files import tensors as files
from galrestore.files.atomic import atomic

__all__ = ["Parts", "State"]

logger = logging.getLogger(__name__)


class Parts:
    """
    The parts of a training whose values change from step to step.

    Parameters
    ----------
    network : torch.nn.Module
        The network, where it is trained.
    optimiser : torch.optim.Optimizer
        Its optimiser; holds the moments by parameter.
    average : torch.nn.Module or None
        Running mean of the weights.
    judge : Judge
        Holds the best weights, the rows of the history and the losses since the last.
    """

    def __init__(self, network, optimiser, average, judge):
        self.network, self.optimiser = network, optimiser
        self.average, self.judge = average, judge

    def tensors(self):
        """
        Gather the tensors.

        Returns
        -------
        tensors : dict of str to torch.Tensor
            Contiguous, on the CPU, by names such as ``"best/output.weight"``.
        """
        groups = {"network": self.network.state_dict(), "best": self.judge.weights or {}}
        if self.average is not None:
            groups["average"] = self.average.state_dict()
        for name, parameter in self.network.named_parameters():
            groups[f"optimiser/{name}"] = self.optimiser.state[parameter]
        return {
            f"{group}/{name}": value.detach().cpu().contiguous()
            for group, values in groups.items()
            for name, value in values.items()
        }

    def restore(self, tensors):
        """
        Put tensors back in place.

        Parameters
        ----------
        tensors : dict of str to torch.Tensor
            As `tensors` gave them.
        """
        self.network.load_state_dict(_below(tensors, "network"))
        if self.average is not None:
            self.average.load_state_dict(_below(tensors, "average"))
        self.judge.weights = _below(tensors, "best") or None
        for name, parameter in self.network.named_parameters():
            self.optimiser.state[parameter] = {
                # Moments lie in memory like their parameter, the count of steps on the CPU.
                key: value if key == "step" else torch.empty_like(parameter).copy_(value)
                for key, value in _below(tensors, f"optimiser/{name}").items()
            }


class State:
    """
    Keeps the state of one phase in a folder.

    Parameters
    ----------
    folder : str or Path
        Folder of this phase alone; made when first needed.
    owner : dict
        What the state belongs to: settings, seed, code, inputs; JSON.  A state of another
        owner is left aside.
    minutes : float, optional
        Time between two states [minute]; 0 for a state after each step.

    Notes
    -----
    ``latest.safetensors`` is written whole or not at all, and the one before it becomes
    ``previous.safetensors``, from which training goes on if the latest is broken.
    """

    def __init__(self, folder, owner, minutes=10.0):
        self.folder, self.owner, self.minutes = Path(folder), json.loads(json.dumps(owner)), minutes
        self._saved = time.monotonic()

    def due(self):
        """
        Say whether it is time for a state.

        Returns
        -------
        due : bool
            True if the last one, or the start, is ``minutes`` ago.
        """
        return time.monotonic() - self._saved >= 60 * self.minutes

    def save(self, step, parts):
        """
        Write the state after a step.

        Parameters
        ----------
        step : int
            Steps done.
        parts : Parts
            What to write.
        """
        facts = {
            "step": step,
            "owner": self.owner,
            "rows": parts.judge.rows,
            "losses": parts.judge.losses,
        }
        latest, previous = self._files()
        with atomic(latest) as part:
            metadata = {"facts": json.dumps(facts), files.KEY: files.UNSEALED}
            save_file(parts.tensors(), part, metadata)
            files.seal(part)
            if latest.exists():
                os.replace(latest, previous)
        self._saved = time.monotonic()

    def restore(self, parts):
        """
        Put the newest state that is whole and of this owner in place.

        Parameters
        ----------
        parts : Parts
            What to fill; left as it is if there is no such state.

        Returns
        -------
        step : int
            Steps done; 0 if there is no such state.
        """
        for path in self._files():
            if not path.exists():
                continue
            try:
                tensors, facts = _read(path)
            except (SafetensorError, OSError, KeyError, ValueError) as error:
                logger.warning("%s is broken and left aside (%s)", path, error)
                continue
            if other := _differences(self.owner, facts["owner"]):
                logger.info("%s is left aside: it has other %s", path, ", ".join(other))
                continue
            parts.restore(tensors)
            parts.judge.rows, parts.judge.losses = facts["rows"], facts["losses"]
            logger.info("going on after step %d, from %s", facts["step"], path)
            return facts["step"]
        return 0

    def remove(self):
        """Remove the folder, once the results are written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self):
        return self.folder / "latest.safetensors", self.folder / "previous.safetensors"


def _read(path):
    files.require_sound(path, "it is not needed")
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
        return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118


def _below(tensors, group):
    start = f"{group}/"
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _differences(owner, found):
    return sorted(key for key in owner.keys() | found.keys() if owner.get(key) != found.get(key))

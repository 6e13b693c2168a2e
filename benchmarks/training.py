"""
What the switches of training cost or save, by network.

    python benchmarks/training.py [cpu | cuda]

Trains the networks below for some steps by the package's own loop, on random stamps of 64
pixels, with one switch changed at a time, and prints the time of a stamp: processor time of
one thread on a CPU, wall time on CUDA.  Start-up, compilation included, is given apart.
"""

import sys
import time

from galrestore.config.train import Phase
from galrestore.networks.architectures import fresh_network
from galrestore.rng import stream
from galrestore.training.batches import Batches
from galrestore.training.loop import train
from galrestore.training.pairs import Pairs

BATCH, SIDE = 8, 64
WARM, TIMED = 3, {"cpu": 6, "cuda": 200}  # steps
NETWORKS = {
    "NAFNet, 1.5 M": {"architecture": "nafnet", "width": 24},
    "Restormer, 0.19 M": {
        "architecture": "restormer", "dim": 8, "num_blocks": [1, 1, 1, 1],
        "num_refinement_blocks": 1, "ffn_expansion_factor": 2.0,
    },
    "U-Net, 0.5 M": {"architecture": "unet", "width": 16},
}  # fmt: skip
SWITCHES = (
    {},
    {"precision": "bf16-mixed"},
    {"ema": 0.999},
    {"compile": "default"},
    {"compile": "default", "precision": "bf16-mixed"},
    {"compile": "reduce-overhead"},  # CUDA graphs
)


def measure(network, device, **changes):
    """Return start-up [s], which ends with step WARM, and the time of a stamp [ms]."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    begins, original = [], Batches.__call__

    def noted(self, step):
        begins.append(clock())
        return original(self, step)

    steps = WARM + TIMED[device] + 1
    phase = Phase(
        network=network,
        lineage="jwst",
        iterations=steps,
        batch_size=BATCH,
        micro_batch=BATCH,
        validate_every=steps,
        device=device,
        **changes,
    )
    lq, gt = stream(1, "benchmark").uniform(size=(2, 4 * BATCH, SIDE, SIDE)).astype("float32")
    pairs = Pairs(lq, gt, "random")
    fresh = fresh_network(phase.network.architecture, phase.network.size(), 1)
    Batches.__call__ = noted
    start = clock()
    try:
        train(fresh, pairs, pairs.some(1, 1), phase, 1)
    finally:
        Batches.__call__ = original
    # The loss of each step is read, so that a step is over before the next begins.
    return begins[WARM] - start, 1e3 * (begins[-1] - begins[WARM]) / TIMED[device] / BATCH


def main(device="cpu"):
    """Print the table."""
    print("| network | settings | start-up [s] | ms a stamp |\n|---|---|---|---|", flush=True)
    for name, network in NETWORKS.items():
        for changes in SWITCHES if device == "cuda" else SWITCHES[:-1]:
            startup, stamp = measure(network, device, **changes)
            told = ", ".join(f"{key}: {value}" for key, value in changes.items()) or "as they are"
            print(f"| {name} | {told} | {startup:.1f} | {stamp:.1f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

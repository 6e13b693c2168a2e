"""
Which network restores best per hour of processor time, and per parameter.

    python benchmarks/architectures.py RESULTS [seconds [figure.png]]

Trains each network of the list for the same processor time (default 240 s of one thread) on
the JWST pairs below the folder RESULTS of a finished run, with fresh noise each step, by the
package's own loop; then scores it on the test split.  Prints a table with the ratio to the
Restormer of the demonstration, and draws the scores against time and size.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from galrestore.config.train import Phase
from galrestore.figures.style import BLUE, VERMILION, WIDTH, style
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube
from galrestore.files.tables import read_table
from galrestore.measurement.image_quality import scores
from galrestore.networks.architectures import fresh_network
from galrestore.networks.inference import apply_network
from galrestore.synthesis.degradation import gaussian_kernel
from galrestore.training.loop import train
from galrestore.training.online import Degradation
from galrestore.training.pairs import Pairs

SEED = 1
# Where the label of a point stands, so that points next to each other keep theirs [point].
BESIDE = {"Restormer": (5, -12), "NAFNet": (-2, 5), "U-Net": (5, -3)}
# Rates that worked in short trials; they were not searched for each network.
NETWORKS = {
    "Restormer, 0.19 M": (
        {"architecture": "restormer", "dim": 8, "num_blocks": [1, 1, 1, 1],
         "num_refinement_blocks": 1, "ffn_expansion_factor": 2.0},
        {"learning_rate": 3e-3, "batch_size": 4, "micro_batch": 4},
    ),
    "Restormer, 0.8 M": (
        {"architecture": "restormer", "dim": 16, "num_blocks": [1, 1, 1, 1],
         "num_refinement_blocks": 1, "ffn_expansion_factor": 2.0},
        {"learning_rate": 2e-3, "batch_size": 4, "micro_batch": 4},
    ),
    "NAFNet, 0.17 M": ({"architecture": "nafnet", "width": 8}, {}),
    "NAFNet, 0.7 M": ({"architecture": "nafnet", "width": 16}, {}),
    "NAFNet, 1.5 M": ({"architecture": "nafnet", "width": 24}, {}),
    "U-Net, 0.5 M": ({"architecture": "unet", "width": 16}, {}),
    "U-Net, 1.9 M": ({"architecture": "unet", "width": 32}, {}),
}  # fmt: skip
COMMON = {
    "lineage": "jwst",
    "degrade": "online",
    "batch_size": 8,
    "micro_batch": 8,
    "learning_rate": 2e-3,
    "fixed_fraction": 0.3,
    "gradient_clip": 1.0,
    "mixup": 0.0,
    "ema": 0.995,
    "validation_stamps": 128,
    "device": "cpu",
}
WARM, TIMED = 2, 8  # steps
SCORES = {"psnr": 2, "psnr_matched": 2, "ssim_matched": 4, "nrmse_source": 4}  # with digits


def read_pairs(results):
    """Read the JWST pairs of a run by split."""
    table = read_table(results / "pairs/jwst.parquet", PAIRS)
    splits = {}
    for split in ("train", "validation", "test"):
        rows = (table["split"] == split).to_numpy()
        lq, gt = (read_cube(results / "pairs/jwst.fits", name, rows) for name in ("LQ", "GT"))
        splits[split] = Pairs(lq, gt, split, table["noise"][rows].to_numpy(), exchange=True)
    return splits


def run(network, changes, splits, seconds):
    """Train for some seconds of the processor; return scores, size, steps and history."""
    degradation = Degradation(gaussian_kernel(1.88, 7))

    def trained(iterations, validate_every, precision):
        phase = Phase(
            network=network,
            iterations=iterations,
            validate_every=validate_every,
            precision=precision,
            **COMMON | changes,
        )
        fresh = fresh_network(phase.network.architecture, phase.network.size(), SEED)
        few = splits["validation"].some(1 if iterations < 100 else 128, SEED)
        start = time.process_time()
        history = train(fresh, splits["train"], few, phase, SEED, degradation)
        return fresh, history, time.process_time() - start

    def step(precision):
        times = [trained(count, count, precision)[2] for count in (WARM, WARM + TIMED)]
        return (times[1] - times[0]) / TIMED

    # Whichever arithmetic is the faster on this processor.
    times = {precision: step(precision) for precision in ("32-true", "bf16-mixed")}
    precision = min(times, key=times.get)
    iterations = max(int(seconds / times[precision]), 1)
    fresh, history, spent = trained(iterations, max(iterations // 8, 1), precision)
    test = splits["test"].some(500, SEED)
    found = pd.DataFrame(scores(apply_network(fresh, test.lq), test.gt, 3.0)).mean()
    size = sum(p.numel() for p in fresh.parameters())
    batch = (COMMON | changes)["batch_size"]
    history["minutes"] = history["step"] / iterations * spent / 60
    return {
        "parameters": size,
        "ms_32": 1e3 * times["32-true"] / batch,
        "ms_bf16": 1e3 * times["bf16-mixed"] / batch,
        "stamps": iterations * batch,
        "seconds": spent,
        **found[list(SCORES)].to_dict(),
    }, history


def draw(table, histories, path):
    """Draw validation against time, and test scores against size."""
    marks = {"Restormer": (BLUE, "o"), "NAFNet": (VERMILION, "s"), "U-Net": ("0.4", "^")}
    with style():
        figure = Figure(figsize=(WIDTH["page"], 2.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for (name, row), history in zip(table.iterrows(), histories, strict=True):
            colour, mark = marks[name.split(",")[0]]
            wide = 0.6 + 0.5 * np.log10(row["parameters"] / 1e5)
            left.plot(history["minutes"], history["validation_psnr"], color=colour, lw=wide)
            right.plot(row["parameters"] / 1e6, row["psnr_matched"], mark, color=colour, ms=5)
            right.annotate(
                f"{name.split(',')[0]}\n{row['stamps'] / 1000:.0f}k stamps",
                (row["parameters"] / 1e6, row["psnr_matched"]),
                xytext=BESIDE[name.split(",")[0]],
                textcoords="offset points",
                fontsize=6,
            )
        for name, (colour, mark) in marks.items():
            left.plot([], [], mark + "-", color=colour, label=name)
        left.legend()
        left.set_xlabel("processor time [min]")
        left.set_ylabel("PSNR of the validation stamps [dB]")
        right.set_xscale("log")
        right.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
        right.minorticks_off()
        right.set_xlim(0.1, 5)
        right.set_xlabel("parameters [million]")
        right.set_ylabel("affine-matched PSNR, test [dB]")
        figure.savefig(path)


def main(results, seconds=240.0, path=None):
    """Print the table and draw the figure."""
    torch.set_num_threads(1)
    splits = read_pairs(Path(results))
    rows, histories = {}, []
    for name, (network, changes) in NETWORKS.items():
        rows[name], history = run(network, changes, splits, float(seconds))
        histories.append(history)
        print(name, {key: round(value, 4) for key, value in rows[name].items()}, flush=True)
    table = pd.DataFrame(rows).T
    print(f"\n{len(splits['train'])} training stamps, {float(seconds):.0f} s of one thread each")
    print("| network | parameters | ms a stamp, float32 / bfloat16 | stamps seen |", end="")
    print(" PSNR | matched | SSIM | NRMSE | ratio |\n|---|---|---|---|---|---|---|---|---|")
    peer = table["nrmse_source"].iloc[0]
    for name, row in table.iterrows():
        speed = f"{row['ms_32']:.1f} / {row['ms_bf16']:.1f}"
        found = (f"{row[key]:.{digits}f}" for key, digits in SCORES.items())
        cells = (name, f"{row['parameters'] / 1e6:.2f} M", speed, f"{row['stamps']:,.0f}", *found)
        print("| " + " | ".join([*cells, f"{row['nrmse_source'] / peer:.3f}"]) + " |")
    if path:
        draw(table, histories, path)


if __name__ == "__main__":
    main(*sys.argv[1:])

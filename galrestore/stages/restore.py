"""
Stage ``restore``: test images in, restored images out.

What networks alone or baselines alone need is imported where they run: on few stamps the
imports, torch's above all, are most of a job.
"""

from pathlib import Path

import numpy as np

from galrestore.config import Degrade, Restore, section_from_json
from galrestore.config.restore import BASELINES
from galrestore.errors import EmptyError, InputError, SettingsError
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.tuning import TUNING_GRID
from galrestore.files.cubes import read_cube, read_ids, write_cube
from galrestore.files.tables import read_table
from galrestore.stages.common import add_common_arguments, argument, provenance


def add_arguments(parser):
    """Declare the stage's files and settings."""
    methods = parser.add_subparsers(dest="method", metavar="method", required=True)
    network = methods.add_parser("network", help="a trained network")
    network.add_argument("--weights", type=Path, required=True, help="safetensors file")
    network.add_argument(
        "--as-is", action="store_true", help="give it the images without min-max normalisation"
    )
    for name in BASELINES:
        baseline = methods.add_parser(name, help="a method without training")
        baseline.add_argument(
            "--degradation",
            type=argument(section_from_json(Degrade)),
            required=True,
            help="settings of degrade (JSON), for the PSF",
        )
        baseline.add_argument("--grid", type=Path, help="Parquet table of tune: take its choice")
    for method in methods.choices.values():
        method.add_argument("--images", type=Path, required=True, help="FITS cube with LQ")
        method.add_argument("--table", type=Path, required=True, help="Parquet table of the pairs")
        method.add_argument("--output", type=Path, required=True, help="FITS cube to write")
        add_common_arguments(method, Restore)


def run(args):
    """Run the stage."""
    ids, stamps = _test_images(args)
    inputs = [args.images, args.table]
    if args.method == "network":
        restored = _network(args, stamps)
        inputs.append(args.weights)
    else:
        restored = _baseline(args, stamps)
        inputs += [*args.degradation.files(), *filter(None, [args.grid])]
    write_cube(args.output, {"RS": restored}, ids, provenance(args, inputs))


def _network(args, stamps):
    from galrestore.networks.inference import apply_network
    from galrestore.networks.unscaled import apply_unscaled
    from galrestore.networks.weights import load_network

    network = load_network(args.weights).to(_device(args.settings.device))
    how = (args.settings.batch_size, args.settings.threads)
    if args.as_is:
        return apply_unscaled(network, stamps, *how)
    return apply_network(network, stamps, *how, args.settings.self_ensemble)


def _device(name):
    import torch

    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise SettingsError("restore.device", name, "this computer has no CUDA device; use cpu")
    return "cuda" if present and name != "cpu" else "cpu"


def _baseline(args, stamps):
    if args.method == "none":
        return stamps
    from galrestore.baselines.methods import METHODS, Choice, restore
    from galrestore.baselines.tuning import choices_of
    from galrestore.stages.degradation import psf_kernel

    if args.grid:
        grid = read_table(args.grid, TUNING_GRID)
        if set(grid["method"]) != {args.method}:
            raise InputError(args.grid, f"is not the grid of {args.method}", "rerun tune")
        choices, edges = choices_of(grid)
    else:
        value = getattr(args.settings, f"{args.method}_{METHODS[args.method][1]}")
        iterations = getattr(args.settings, f"{args.method}_iterations", 1)  # Wiener has none
        choices, edges = [Choice(value, iterations)], []
    return restore(args.method, stamps, psf_kernel(args.degradation), choices, edges)


def _test_images(args):
    table = read_table(args.table, PAIRS)
    if not np.array_equal(read_ids(args.images), table["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun degrade")
    rows = (table["split"] == "test").to_numpy()
    if not rows.any():
        raise EmptyError(f"{args.table}: no pair is in the test split, nothing to restore")
    ids, stamps = table["id"][rows].to_numpy(), read_cube(args.images, "LQ", rows)
    bad = ids[~np.isfinite(stamps).all(axis=(1, 2))]
    if len(bad):
        problem = f"pixels of {len(bad)} images are not finite, first id {bad[0]}"
        raise InputError(args.images, problem, "rerun degrade")
    return ids, stamps

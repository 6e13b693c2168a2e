"""Stage ``train``: pairs in, weights and history of one phase out."""

import logging
from pathlib import Path

import numpy as np

from galrestore.config import Degrade, section_from_json
from galrestore.config.train import Phase
from galrestore.errors import InputError
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import read_table, write_table
from galrestore.networks.architectures import fresh_network
from galrestore.networks.weights import load_network, save_network
from galrestore.stages.common import add_common_arguments, argument, provenance
from galrestore.stages.degradation import noise_correlation, psf_kernel
from galrestore.synthesis.noise import amplitudes
from galrestore.training.devices import start
from galrestore.training.interruption import InterruptionError
from galrestore.training.loop import train
from galrestore.training.online import Degradation
from galrestore.training.pairs import Pairs
from galrestore.training.samples import Samples
from galrestore.training.state import State

# EX_TEMPFAIL of sysexits.h: the user is to try again.
TEMPORARY_FAILURE = 75

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the stage's files and settings."""
    parser.add_argument("--images", type=Path, required=True, help="FITS cubes GT, LQ")
    parser.add_argument("--table", type=Path, required=True, help="Parquet table of the pairs")
    parser.add_argument("--start", type=Path, help="weights of the phase before")
    parser.add_argument(
        "--degradation",
        type=argument(section_from_json(Degrade)),
        help="settings of degrade (JSON), to degrade online",
    )
    parser.add_argument("--weights", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--history", type=Path, required=True, help="Parquet table to write")
    parser.add_argument("--state", type=Path, help="folder from which to go on if interrupted")
    parser.add_argument(
        "--save-minutes", type=float, default=10.0, help="time between two states (default: 10)"
    )
    parser.add_argument("--samples", type=Path, help="folder of restored stamps by step")
    parser.add_argument("--sample-count", type=int, default=4, help="stamps shown (default: 4)")
    add_common_arguments(parser, Phase)


def run(args):
    """Run the stage."""
    phase = args.settings
    fabric = start(phase)
    training, validation = (_pairs(args, split) for split in ("train", "validation"))
    degradation, named = _degradation(args, training.gt.shape[1:])
    architecture, size = phase.network.architecture, phase.network.size()
    if args.start:
        network = load_network(args.start, architecture, size)
    else:
        network = fresh_network(architecture, size, args.seed)

    record = provenance(args, [args.images, args.table, *named, *filter(None, [args.start])])
    state, samples = _state(args, record), _samples(args)
    try:
        history = train(
            *(network, training, validation, phase, args.seed, degradation),
            fabric=fabric,
            state=state,
            samples=samples,
        )
    except InterruptionError as stopped:
        logger.info("%s; start again to go on", stopped)
        # Fabric kills the first process when another one fails, so the first alone says it.
        raise SystemExit(TEMPORARY_FAILURE if fabric.is_global_zero else 0) from None
    if fabric.is_global_zero:
        save_network(args.weights, network, architecture, size, phase.lineage, record)
        write_table(args.history, history, HISTORY, record)
        if state:
            state.remove()


def _state(args, record):
    """Where the state is kept, and what it belongs to."""
    if args.state is None:
        return None
    owner = {
        "settings": record.settings,
        "seed": record.seed,
        "code": record.code,
        "inputs": record.inputs,
        "degradation": args.degradation and args.degradation.model_dump_json(),
    }
    return State(args.state, owner, args.save_minutes)


def _samples(args):
    if args.samples is None or args.sample_count == 0:
        return None
    return Samples(args.samples, args.sample_count, args.seed)


def _degradation(args, shape):
    """Blur and noise of settings that degrade online, and the files behind them."""
    if args.settings.degrade == "fixed":
        return None, []
    correlation = noise_correlation(args.degradation, shape)
    spectrum = None if correlation is None else amplitudes(correlation, shape)
    return Degradation(psf_kernel(args.degradation), spectrum), args.degradation.files()


def _pairs(args, split):
    table = read_table(args.table, PAIRS)
    if not np.array_equal(read_ids(args.images), table["id"]):
        raise InputError(args.images, f"has other objects than {args.table}", "rerun degrade")
    rows = (table["split"] == split).to_numpy()
    lq, gt = (read_cube(args.images, name, rows) for name in ("LQ", "GT"))
    for cube in (lq, gt):
        bad = table["id"][rows][~np.isfinite(cube).all(axis=(1, 2))]
        if len(bad):
            problem = f"pixels of {len(bad)} images are not finite, first id {bad.iloc[0]}"
            raise InputError(args.images, problem, "rerun degrade")
    last = args.settings.lineage.split("-")[-1]
    noise = table["noise"][rows].to_numpy()
    return Pairs(lq, gt, f"{last} {split}", noise, exchange=last == "jwst")

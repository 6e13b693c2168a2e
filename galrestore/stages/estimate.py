"""Stage ``estimate``: benchmark files of a finished run in, needs of another run out."""

import logging
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from galrestore.config import RunConfig, load
from galrestore.config.merging import read_files
from galrestore.errors import InputError
from galrestore.files.atomic import atomic
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.estimate import ESTIMATE
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.tables import read_table, write_table
from galrestore.networks.operations import count_operations
from galrestore.planning.archive import ASSUMPTIONS
from galrestore.planning.estimate import Job, estimate, startup_of
from galrestore.planning.markdown import render_estimate
from galrestore.planning.parts import parts_of
from galrestore.planning.scales import expected_scale, measured_scale
from galrestore.stages.common import add_common_arguments, provenance

logger = logging.getLogger(__name__)


def add_arguments(parser):
    """Declare the stage's files, assumptions and the settings of the measured run."""
    parser.add_argument("--results", type=Path, required=True, help="results/ of a finished run")
    parser.add_argument(
        "--configfiles",
        type=Path,
        nargs="+",
        required=True,
        help="of the run to estimate",
    )
    parser.add_argument("--hst-stamps", type=int, default=66_092, help="to expect (section 3.1)")
    parser.add_argument("--jwst-stamps", type=int, default=113_485, help="to expect (section 3.3)")
    parser.add_argument(
        "--gpu-peak", type=float, default=19.5, help="of the GPU [TFLOP/s] (A100, float32)"
    )
    parser.add_argument("--gpu-efficiency", type=float, default=0.3, help="fraction reached")
    parser.add_argument(
        "--output", type=Path, nargs=2, required=True, metavar=("PARQUET", "MARKDOWN"), help="files"
    )
    add_common_arguments(parser, RunConfig)


def run(args):
    """Run the stage."""
    timed = _benchmarks(args.results / "benchmarks")
    found = _found(args.results)
    small = measured_scale(args.settings, *found, _cost(args.settings))
    planned = load(read_files(args.configfiles), args.configfiles[0].parent.parent)
    stamps = {"hst": args.hst_stamps, "jwst": args.jwst_stamps}
    large = expected_scale(planned, small, stamps, _area(args.settings), _cost(planned))
    startup = startup_of([Job(*values, 0.0) for values in timed.values()])
    assumed = args.gpu_peak * 1e12, args.gpu_efficiency
    try:
        parts = parts_of(small, large, timed)
    except KeyError as error:
        problem = f"benchmarks/{error.args[0]}.tsv does not exist"
        raise InputError(args.results, problem, "let the run finish") from error
    table = pd.DataFrame(estimate(parts, startup, *assumed))
    text = render_estimate(table, startup, *assumed, ASSUMPTIONS)
    parquet, markdown = args.output
    with atomic(markdown) as part:
        part.write_text(text, encoding="utf-8")
        write_table(parquet, table, ESTIMATE, provenance(args, args.configfiles))
    logger.info("%s", text)


def _benchmarks(folder):
    """Seconds and memory [MB] of each benchmark file, by its path without suffix."""
    timed = {}
    for path in sorted(folder.rglob("*.tsv")):
        row = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        memory = 0.0 if pd.isna(row["max_rss"]) else float(row["max_rss"])
        timed[path.relative_to(folder).with_suffix("").as_posix()] = float(row["s"]), memory
    if not timed:
        raise InputError(folder, "holds no benchmark files", "run the demonstration first")
    return timed


def _found(results):
    """Manifests, stamps by mosaic, splits by set and images of the limits of the measured run."""
    manifests = {path.stem: path for path in sorted((results / "mosaics").glob("*.parquet"))}
    manifests.pop("truth", None)
    mosaics = {name: read_table(path, MANIFEST).iloc[0] for name, path in manifests.items()}
    stamps = {}
    for path in sorted((results / "stamps").glob("*.parquet")):
        rejected = read_table(path, CATALOGUE, empty=True)["rejected_by"]
        stamps[path.stem] = int((rejected == "").sum())
    splits = {
        path.stem: read_table(path, PAIRS)["split"].value_counts().to_dict()
        for path in sorted((results / "pairs").glob("*.parquet"))
    }
    limits = {
        path.stem: pq.read_metadata(path).num_rows
        for path in sorted((results / "limits/sets").glob("*.parquet"))
    }
    return mosaics, stamps, splits, limits


def _cost(settings):
    network = settings.train.networks[settings.train.variants[settings.shown_variant()].network]
    return count_operations(network.architecture, network.size(), settings.render.size)


def _area(settings):
    """Sky of the simulated run [arcmin^2]."""
    sky = settings.acquire.simulated
    if sky is None:
        raise InputError("acquire.simulated", "is needed: densities are those of a known sky")
    return sky.width * sky.height / 3600

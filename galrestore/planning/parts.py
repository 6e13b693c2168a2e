"""
The parts of a run's work, and what each of them scales with.

A `Scale` counts what a run works through; the small run's goes with its benchmark files,
the large run's with the estimate.
"""

from dataclasses import dataclass

from galrestore.networks.operations import TRAINING_FACTOR
from galrestore.planning.estimate import STAMP_MEMORY, Job, Part
from galrestore.planning.later_parts import STAMP, later_parts, restored_sets

__all__ = ["READING", "Scale", "parts_of"]

# Time to read, hash and check a byte of a file, with all its pixels [s]: an assumption, an
# ordinary disk.
READING = 1 / 150e6
_PIXEL, _ID = 4, 8  # bytes of a pixel on disk and of an id
# Planes of doubles that a window of `select` occupies, on top of the package.
_WINDOW_PLANES = 16
_DRAW = 13 * 8  # columns of the population
_WORK = {
    "hst_stamps": "HST stamps",
    "jwst_stamps": "JWST stamps",
    "galaxies": "galaxies drawn",
}
_SHARDED = ("fit stamps", "fit pairs", "render", "degrade galsim", "degrade jwst")


@dataclass(frozen=True)
class Scale:
    """
    What a run works through.

    Attributes
    ----------
    pixels : dict of str to float
        Pixels of each mosaic, or of mosaics of one kind together.
    mosaics : dict of str to int
        How many mosaics each of those entries stands for.
    fetched : dict of str to (int, float)
        Files and bytes to fetch, by kind.
    hst_stamps, jwst_stamps, galaxies : int
        Accepted HST and JWST stamps, rendered galaxies.
    tested, proxied : dict of str to int
        Images of the test split, by set; those of section 5 apart.
    shown : tuple of str
        Methods that restore the sets of section 5.
    cut : dict of str to int
        Pairs of all splits in the sets of section 5.
    exposure_pixels : float
        Pixels of one single exposure.
    limits : dict of str to int
        Images of the sets of the limits.
    limit_methods : tuple of str
        Methods put to the tests of the limits.
    validated : int
        Validation images of the tuning.
    shards, tile : int
        As in the settings.
    phases : int
        Phases of training.
    steps, batch, validations, validation_stamps : int
        Of each phase.
    networks, baselines : tuple of str
        Methods that restore.
    operations, kept, parameters : int
        See `galrestore.networks.operations.count_operations`, of the network.
    micro_batch : int
        Images on the device at once.
    """

    pixels: dict[str, float]
    mosaics: dict[str, int]
    fetched: dict[str, tuple[int, float]]
    hst_stamps: int
    jwst_stamps: int
    galaxies: int
    tested: dict[str, int]
    proxied: dict[str, int]
    shown: tuple[str, ...]
    cut: dict[str, int]
    exposure_pixels: float
    limits: dict[str, int]
    limit_methods: tuple[str, ...]
    validated: int
    shards: int
    tile: int
    phases: int
    steps: int
    batch: int
    validations: int
    validation_stamps: int
    networks: tuple[str, ...]
    baselines: tuple[str, ...]
    operations: int
    kept: int
    parameters: int
    micro_batch: int


def parts_of(small, large, timed):
    """
    List the parts of a large run's work.

    Parameters
    ----------
    small, large : Scale
        What the measured run worked through, and what the other one will.
    timed : dict of str to (float, float)
        Seconds and memory [MB] of the small run's jobs, by the path of the benchmark file
        below ``results/benchmarks``, without its suffix.

    Returns
    -------
    parts : list of Part
        In the order of the pipeline.

    Raises
    ------
    KeyError
        If the benchmark of a part is missing.
    """
    return [
        *_acquire(large),
        *_select(small, large, timed),
        *_stamps(small, large, timed),
        _training(small, large, timed),
        *_restoring(small, large, timed),
        *later_parts(small, large, timed),
    ]


def _acquire(large):
    for kind, (files, size) in large.fetched.items():
        if not files:
            continue
        yield Part(
            "acquire",
            f"download {kind}",
            jobs=files,
            work=size,
            unit="byte",
            rate=READING,
            written=size,
            formula="bytes, at 150 MB/s to hash and read every pixel (assumed); the network's "
            "time is on top",
        )


def _select(small, large, timed):
    measured = tuple(
        Job(*timed[f"select/{name}"], pixels, min(pixels, small.tile**2))
        for name, pixels in small.pixels.items()
    )
    for kind, pixels in large.pixels.items():
        side = 128 if kind.startswith("hst") else 64
        stamps = large.hst_stamps if kind.startswith("hst") else large.jwst_stamps
        yield Part(
            "select",
            kind,
            jobs=large.mosaics[kind],
            work=pixels,
            unit="pixel",
            measured=measured,
            unit_memory=8 * _WINDOW_PLANES,
            largest=min(pixels / large.mosaics[kind], large.tile**2),
            written=stamps * side**2 * _PIXEL,
            formula="pixels of the mosaics; memory with the window (runtime.tile squared, 16 "
            f"planes of doubles); stamps of {side} x {side} pixels on disk",
        )


def _stamps(small, large, timed):
    # Time of a fit: of all fits, as most of the few small jobs' time goes into compiling once.
    counts = {
        "fit stamps": ("fit/", "hst_stamps", 0),
        "resample": ("resample", "galaxies", _DRAW),
        "render": ("render/", "galaxies", STAMP),
        "degrade galsim": ("degrade/galsim.", "galaxies", 2 * STAMP),
        "fit pairs": ("fit/galsim.", "galaxies", 0),
        "degrade jwst": ("degrade/jwst.", "jwst_stamps", 2 * STAMP),
    }
    for name, (prefix, count, size) in counts.items():
        stage, _, part = name.partition(" ")
        shards = large.shards if name in _SHARDED else 1
        work = getattr(large, count)
        # Shards leave their images beside the gathered ones.
        copies = 2 if stage in ("degrade",) else 1
        yield Part(
            stage,
            part or stage,
            jobs=shards,
            work=work,
            unit="galaxy" if count == "galaxies" else "stamp",
            measured=_in_shards(prefix, small, timed),
            unit_memory=_DRAW if name == "resample" else STAMP_MEMORY,
            written=copies * work * size,
            formula=f"{_WORK[count]}; a job holds 1/{shards} of them",
        )


def _in_shards(prefix, small, timed):
    """Jobs of the shards of a stage, each with its share of the work."""
    works = {"fit/hst.": small.hst_stamps, "degrade/jwst.": small.jwst_stamps}
    files = [key for key in timed if key.startswith(prefix)]
    if not files:
        raise KeyError(f"{prefix}1-of-{small.shards}")
    shares = 1 if prefix == "resample" else small.shards
    return tuple(
        Job(*timed[key], works.get(key[: key.find(".") + 1], small.galaxies) / shares)
        for key in files
    )


def _training(small, large, timed):
    stepped = large.steps * large.batch * TRAINING_FACTOR
    validated = large.validations * large.validation_stamps
    pairs = max(large.galaxies, large.jwst_stamps)
    done = small.operations * small.steps * small.batch * TRAINING_FACTOR
    jobs = tuple(Job(*timed[key], done, 0.0) for key in timed if key.startswith("train/restormer"))
    speed = done / min(job.seconds for job in jobs)
    device = large.micro_batch * large.kept + 4 * large.parameters * _PIXEL
    return Part(
        "train",
        "all phases",
        jobs=large.phases,
        work=large.phases * (stepped + validated) * large.operations,
        unit="operation",
        measured=jobs,
        unit_memory=1,
        largest=2 * STAMP * pairs,
        written=large.phases * 5 * large.parameters * _PIXEL,
        gpu_operations=large.phases * (stepped + validated) * large.operations,
        formula=f"{large.phases} phases x ({large.steps:,} steps x {large.batch} stamps x "
        f"{TRAINING_FACTOR} + {large.validations} validations x {large.validation_stamps:,} "
        f"stamps) x {large.operations / 1e9:.2f} GFLOP a stamp; {device / 1e9:.0f} GB on the GPU "
        f"(micro-batch {large.micro_batch} x {large.kept / 1e6:.0f} MB kept a stamp, weights, "
        "gradients, moments); memory with the pairs of the larger set; on disk weights and "
        f"state. A core of the measured run did {speed / 1e9:.0f} GFLOP/s",
    )


def _restoring(small, large, timed):
    tuned = tuple(Job(*timed[key], small.validated) for key in timed if key.startswith("tune/"))
    if tuned:
        yield Part(
            "tune",
            "baselines",
            jobs=len(tuned),
            work=len(tuned) * large.validated,
            unit="stamp",
            measured=tuned,
            unit_memory=STAMP_MEMORY,
            formula="validation stamps (tune.stamps at most) of each method, the same grid",
        )
    yield _networks(small, large, timed)
    for stage, methods, size in (
        ("restore", large.baselines, STAMP),
        ("measure", (*large.baselines, *large.networks), 0),
    ):
        if not methods:
            continue
        known = small.baselines if stage == "restore" else (*small.baselines, *small.networks)
        counts = restored_sets(large, methods)
        yield Part(
            stage,
            "baselines" if stage == "restore" else "all methods",
            jobs=len(counts),
            work=sum(counts.values()),
            unit="stamp",
            measured=_by_set(stage, small, known, timed),
            unit_memory=STAMP_MEMORY,
            largest=max(counts.values()),
            written=sum(counts.values()) * size,
            formula="test stamps of each method; a job holds those of a set",
        )


def _networks(small, large, timed):
    counts = restored_sets(large, large.networks)
    total = sum(counts.values())
    return Part(
        "restore",
        "networks",
        jobs=len(counts),
        work=total * large.operations,
        unit="operation",
        measured=_by_set("restore", small, small.networks, timed),
        unit_memory=2 * STAMP,
        largest=max(counts.values()),
        written=total * STAMP,
        gpu_operations=total * large.operations,
        formula="test stamps x GFLOP a stamp, as above",
    )


def _by_set(stage, small, methods, timed):
    counts = restored_sets(small, methods)
    measured = {f"{stage}/{method}.{name}": count for (method, name), count in counts.items()}
    jobs = tuple(Job(*timed[key], count) for key, count in measured.items() if key in timed)
    if not jobs:
        raise KeyError(next(iter(measured)))
    return jobs

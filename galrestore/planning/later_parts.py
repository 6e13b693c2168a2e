"""Parts of a run's work after the test sets: section 5, shapes, the tests of the limits."""

from galrestore.planning.estimate import STAMP_MEMORY, Job, Part

__all__ = ["STAMP", "later_parts", "restored_sets"]

STAMP = 64 * 64 * 4  # bytes of a stamp on disk
# A set is held as GT and LQ, as drawn and once more as gathered: the 2,000 blanks of the
# demonstration take 200 MB in all.
_SET_MEMORY = 4 * STAMP
# Of an image, as measured: sets of 249 and 1,500 images of the demonstration took 376 and 488 MB.
_SHAPE_MEMORY = 9e4
# A chip of an exposure is held as data, error, flags and a double of each.
_CHIP_MEMORY = 3 * 4 + 3 * 8
_LIMITS = {
    "blanks": ("blanks", "blanks_raw"),
    "drizzle": ("drizzle",),
    "ladder": ("ladder",),
    "shear": ("shear",),
    "stars": ("stars",),
}
_FORMULAS = {
    "blanks": "seeds x images, normalised and as drawn",
    "drizzle": "galaxies x 3 ways of drizzling",
    "ladder": "test galaxies x rungs of noise",
    "shear": "galaxies x 16: four orientations, four shears",
    "stars": "stars x JWST mosaics",
}
_MEASURED = {"blanks": ("blanks", "blanks_raw"), "failures": ("jwst", "ladder", "drizzle")}
_MEASURED |= {"shear": ("shear",)}


def restored_sets(scale, methods):
    """
    Count the test images that methods go through.

    Parameters
    ----------
    scale : galrestore.planning.parts.Scale
        A run.
    methods : sequence of str
        Methods; the sets of section 5 are for those of ``scale.shown`` alone.

    Returns
    -------
    counts : dict of (str, str) to int
        Images by method and set, one entry for each job.
    """
    counts = {(method, name): n for method in methods for name, n in scale.tested.items()}
    shown = [method for method in methods if method in scale.shown]
    return counts | {(method, name): n for method in shown for name, n in scale.proxied.items()}


def later_parts(small, large, timed):
    """
    List the parts of ``proxy``, ``shapes``, ``limits`` and ``measure_limits``.

    Parameters
    ----------
    small, large : galrestore.planning.parts.Scale
        What the measured run worked through, and what the other one will.
    timed : dict of str to (float, float)
        See `galrestore.planning.parts.parts_of`.

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
        *_proxies(small, large, timed),
        _shapes(small, large, timed),
        *_limits(small, large, timed),
        *_measured_limits(small, large, timed),
    ]


def _proxies(small, large, timed):
    for name, count in large.cut.items():
        single = name != "multi_epoch"
        measured = tuple(
            Job(*timed[f"proxy/{other}"], n, small.exposure_pixels if single else None)
            for other, n in small.cut.items()
            if (other != "multi_epoch") == single
        )
        if not measured:
            raise KeyError(f"proxy/{name}")
        yield Part(
            "proxy",
            name,
            jobs=1,
            work=count,
            unit="stamp",
            measured=measured,
            unit_memory=_CHIP_MEMORY if single else 2 * STAMP_MEMORY,
            largest=large.exposure_pixels if single else None,
            written=count * 2 * STAMP,
            formula="HST stamps an arcmin2 x sky of an ACS exposure x exposures; memory with the "
            "pixels of an exposure, of which one is open at a time"
            if single
            else "HST stamps an arcmin2 x sky that a NIRCam pointing sees",
        )


def _shapes(small, large, timed):
    """Each set is a job, which measures GT, LQ and the image of each method but no training."""

    def images(scale):
        counts = dict.fromkeys([*scale.tested, *scale.proxied], 0)
        for (method, name), n in restored_sets(scale, scale.baselines + scale.networks).items():
            counts[name] += n * (method != "none")
        for name in counts:
            counts[name] += 2 * {**scale.tested, **scale.proxied}[name]
        return counts

    works = images(large)
    measured = tuple(Job(*timed[f"shapes/{name}"], n) for name, n in images(small).items())
    return Part(
        "shapes",
        "all sets",
        jobs=len(works),
        work=sum(works.values()),
        unit="image",
        measured=measured,
        unit_memory=_SHAPE_MEMORY,
        largest=max(works.values()),
        formula="test stamps of each set x (GT, LQ and each method that restores it); one job a "
        "set, on one core",
    )


def _limits(small, large, timed):
    for name, sets in _LIMITS.items():
        count = sum(large.limits[member] for member in sets)
        measured = (Job(*timed[f"limits/{name}"], sum(small.limits[member] for member in sets)),)
        yield Part(
            "limits",
            name,
            jobs=1,
            work=count,
            unit="image",
            measured=measured,
            unit_memory=_SET_MEMORY,
            written=count * 2 * STAMP,
            formula=_FORMULAS[name],
        )
    methods = [method for method in large.limit_methods if method in large.networks]
    total = sum(large.limits.values())
    restored = [
        Job(*timed[f"limits/restore.{method}.{name}"], n)
        for method in small.limit_methods
        if method in small.networks
        for name, n in small.limits.items()
    ]
    if methods:
        yield Part(
            "limits",
            "networks",
            jobs=len(methods) * len(large.limits),
            work=len(methods) * total * large.operations,
            unit="operation",
            measured=tuple(restored),
            unit_memory=2 * STAMP,
            largest=max(large.limits.values()),
            written=len(methods) * total * STAMP,
            gpu_operations=len(methods) * total * large.operations,
            formula="images of all sets of the limits x GFLOP a stamp, as above",
        )


def _measured_limits(small, large, timed):
    methods = len(large.limit_methods)
    for part, sets in _MEASURED.items():
        counts = {name: {**large.limits, **large.tested}[name] for name in sets}
        measured = tuple(
            Job(*timed[f"limits/measure.{method}.{name}"], {**small.limits, **small.tested}[name])
            for method in small.limit_methods
            for name in sets
        )
        yield Part(
            "measure_limits",
            part,
            jobs=methods * len(sets),
            work=methods * sum(counts.values()),
            unit="image",
            measured=measured,
            unit_memory=STAMP_MEMORY,
            largest=max(counts.values()),
            formula=f"images of {' and '.join(sets)}, of each method",
        )

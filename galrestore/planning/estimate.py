"""
From the measured jobs of a small run to the needs of a large one.

Every part of the work scales with one count (its *work*): pixels, stamps, floating-point
operations.  Seconds, memory and bytes follow from the small run's jobs by the formulas that
stand with each row.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["STAMP_MEMORY", "Job", "Part", "estimate", "gpu_hours", "rate_of", "startup_of"]

_HOUR = 3600.0
_MEGABYTE, _GIGABYTE = 1e6, 1e9
# A stage that goes through images holds some ten planes of doubles of each stamp of 64 x 64
# pixels: 0.33 MB of `measure` for each stamp beyond the first hundreds, as measured.
STAMP_MEMORY = 10 * 64 * 64 * 8


@dataclass(frozen=True)
class Job:
    """
    One measured job.

    Attributes
    ----------
    seconds : float
        Wall time [s].
    memory : float
        Largest resident set [MB].
    work : float
        What it worked through, in the unit of its part.
    held : float or None
        What of it was in memory at once; None for all of it.
    """

    seconds: float
    memory: float
    work: float
    held: float | None = None


@dataclass(frozen=True)
class Part:
    """
    One part of the work of the large run.

    Attributes
    ----------
    stage, part : str
        Stage, and which of its jobs.
    jobs : int
        Number of jobs.
    work : float
        Work of all jobs together.
    unit : str
        Unit of the work.
    measured : tuple of Job
        Jobs of the small run; empty where ``rate`` is assumed.
    rate : float or None
        Assumed time of a unit of work [s]; None to measure it.
    unit_memory : float
        Memory for each unit of work in one job [byte].
    largest : float or None
        Work that the largest job holds in memory at once; None for work / jobs.
    written : float
        Bytes that the jobs leave on disk.
    gpu_operations : float
        Floating-point operations on the GPU.
    formula : str
        What scales with what, for the reader.
    """

    stage: str
    part: str
    jobs: int
    work: float
    unit: str
    formula: str
    measured: tuple[Job, ...] = ()
    rate: float | None = None
    unit_memory: float = 0.0
    largest: float | None = None
    written: float = 0.0
    gpu_operations: float = 0.0


def startup_of(jobs):
    """
    Return the time that a job takes before it works.

    Parameters
    ----------
    jobs : iterable of Job
        All jobs of the small run.

    Returns
    -------
    seconds : float
        Time of the shortest of them [s]: the start of Python and its imports.
    """
    return min(job.seconds for job in jobs)


def rate_of(jobs, startup):
    """
    Return the time of a unit of work.

    Parameters
    ----------
    jobs : sequence of Job
        Measured jobs of one part.
    startup : float
        Time of a job without work [s].

    Returns
    -------
    rate : float
        Median over the jobs, weighted by their work, of (seconds - startup) / work [s]: a job
        that compiles or waits for a busy disk does not decide.

    Raises
    ------
    ValueError
        If there is no job with work.
    """
    jobs = [job for job in jobs if job.work > 0]
    if not jobs:
        msg = "no measured job has any work"
        raise ValueError(msg)
    rates = np.array([max(job.seconds - startup, 0.0) / job.work for job in jobs])
    order = np.argsort(rates, kind="stable")
    reached = np.cumsum(np.array([job.work for job in jobs])[order])
    return float(rates[order][np.searchsorted(reached, reached[-1] / 2)])


def gpu_hours(operations, peak, efficiency):
    """
    Return the time that floating-point operations take.

    Parameters
    ----------
    operations : float
        Number of operations; a multiplication and an addition count as two.
    peak : float
        Rate that the maker of the device states [operations / s].
    efficiency : float
        Fraction of it that is reached.

    Returns
    -------
    hours : float
        operations / (peak x efficiency) [h].

    Raises
    ------
    ValueError
        If peak or efficiency is not positive, or efficiency above 1.
    """
    if peak <= 0 or not 0 < efficiency <= 1:
        msg = f"peak must be positive and efficiency in (0, 1], got {peak:g} and {efficiency:g}"
        raise ValueError(msg)
    return operations / (peak * efficiency) / _HOUR


def estimate(parts, startup, peak, efficiency):
    """
    Estimate the needs of all parts.

    Parameters
    ----------
    parts : sequence of Part
        The work.
    startup : float
        Time of a job without work [s].
    peak, efficiency : float
        See `gpu_hours`.

    Returns
    -------
    rows : list of dict
        Contract ``estimate``.

    Notes
    -----
    ``core_hours = (jobs x startup + work x rate) / 3600``, and the hours of the GPU where one
    works, as a core feeds it.  ``memory = largest job measured + unit_memory x (largest work in
    memory - that of the measured job)``, not less than measured.
    """
    return [_row(part, startup, peak, efficiency) for part in parts]


def _row(part, startup, peak, efficiency):
    rate = part.rate
    if rate is None:
        rate = 0.0 if part.gpu_operations else rate_of(part.measured, startup)
    hours = gpu_hours(part.gpu_operations, peak, efficiency)
    return {
        "stage": part.stage,
        "part": part.part,
        "jobs": part.jobs,
        "work": float(part.work),
        "unit": part.unit,
        "rate": rate if not part.gpu_operations else np.nan,
        "core_hours": (part.jobs * startup + part.work * rate) / _HOUR + hours,
        "gpu_hours": hours,
        "memory": _memory(part),
        "written": part.written / _GIGABYTE,
        "formula": part.formula,
    }


def _memory(part):
    """Memory of the largest job [GB]."""
    if not part.measured:
        return np.nan
    biggest = max(part.measured, key=lambda job: job.memory)
    largest = part.work / max(part.jobs, 1) if part.largest is None else part.largest
    held = biggest.work if biggest.held is None else biggest.held
    more = max(largest - held, 0.0) * part.unit_memory
    return (biggest.memory * _MEGABYTE + more) / _GIGABYTE

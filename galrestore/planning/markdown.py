"""The estimate for readers."""

import numpy as np

from galrestore.measurement.markdown_table import table_lines

__all__ = ["render_estimate"]

_HEADINGS = ["stage", "part", "jobs", "work", "core-hours", "GPU-hours", "memory [GB]", "disk [GB]"]
_PLURALS = {"galaxy": "galaxies"}


def render_estimate(table, startup, peak, efficiency, assumptions):
    """
    Write the estimate as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract ``estimate``.
    startup : float
        Time of a job without work [s].
    peak, efficiency : float
        See `galrestore.planning.estimate.gpu_hours`.
    assumptions : sequence of str
        What was assumed, a sentence each.

    Returns
    -------
    text : str
        Table with a sum, then formulas and assumptions.
    """
    rows = [
        ["stage", "part", "jobs", "work", "core-hours", "GPU-hours", "memory [GB]", "disk [GB]"]
    ]
    for row in table.itertuples():
        hours = (_number(value) for value in (row.core_hours, row.gpu_hours, row.memory))
        work = f"{row.work:.3g} {_PLURALS.get(row.unit, row.unit + 's')}"
        rows.append([row.stage, row.part, f"{row.jobs:,}", work, *hours, _number(row.written)])
    sums = table[["jobs", "core_hours", "gpu_hours", "written"]].sum()
    most = _number(table["memory"].max())
    hours = _number(sums["core_hours"]), _number(sums["gpu_hours"])
    jobs = f"{int(sums['jobs']):,}"
    rows.append(["all", "", jobs, "", *hours, f"{most} at most", _number(sums["written"])])
    formulas = [
        f"- {row.stage}, {row.part}: {row.formula}"
        + (f"; {row.rate:.3g} s a {row.unit}" if np.isfinite(row.rate) else "")
        for row in table.itertuples()
    ]
    return "\n".join(
        [
            "# What the run will need",
            "",
            f"core-hours = (jobs x {startup:.2f} s + work x seconds a unit) / 3600, plus the hours "
            "of the GPU. Seconds a unit: the median over the measured jobs, weighted by their "
            "work, of time less start over work. Memory: the largest job measured and what its "
            f"work is larger by. The GPU does {peak / 1e12:g} TFLOP/s at {efficiency:.0%}: an "
            "assumption.",
            "",
            *table_lines(rows, numbers=(2, 3, 4, 5, 6, 7)),
            "",
            "What scales with what:",
            "",
            *formulas,
            "",
            "Assumed:",
            "",
            *(f"- {text}" for text in assumptions),
            "",
        ]
    )


def _number(value):
    if not np.isfinite(value):
        return "-"
    return "0" if value == 0 else f"{value:.2g}" if value < 10 else f"{value:,.0f}"

"""Funnel: sources left after each criterion, for HST and JWST."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import WIDTH, style

__all__ = ["draw"]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("-", "--", ":")


def draw(table):
    """
    Draw how many sources are left after each criterion.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts (contract `SELECTION`): for each mosaic the sources detected, those that
        each criterion rejects first, in the order of the criteria, and those accepted.

    Returns
    -------
    figure : matplotlib.figure.Figure
        One panel a telescope, one line a mosaic.
    caption : str
        What it shows, with its numbers.
    """
    telescopes = [name for name in ("hst", "jwst") if (table["telescope"] == name).any()]
    steps = [name for name in dict.fromkeys(table["criterion"]) if name != "accepted"]
    with style():
        size = (WIDTH["gallery"], 0.6 + 2.3 * max(1, len(telescopes)))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(max(1, len(telescopes)), 1, sharex=True, squeeze=False).ravel()
        for axes, telescope in zip(panels, telescopes, strict=False):
            _panel(axes, table[table["telescope"] == telescope], telescope, steps)
        panels[-1].set_xticks(range(len(steps)), steps, rotation=30, ha="right")
    return figure, _caption(table, telescopes)


def _panel(axes, table, telescope, steps):
    total = f"all {telescope}"
    for k, name in enumerate(name for name in table["mosaic"].unique() if name != total):
        dash = _DASHES[k // len(_COLOURS) % len(_DASHES)]
        look = {"color": _COLOURS[k % len(_COLOURS)], "linestyle": dash, "marker": "."}
        axes.plot(_left(table, name, steps), label=name, **look)
    left = _left(table, total, steps)
    axes.plot(left, color="black", linewidth=1.6, marker=".", label=total)
    for x, count in enumerate(left):
        axes.annotate(
            f"{count}", (x, count), (2, 4), textcoords="offset points", ha="left", fontsize=6
        )
    fewest = min(line.get_ydata().min() for line in axes.lines)
    axes.set_yscale("log" if fewest > 0 else "symlog", **({} if fewest > 0 else {"linthresh": 1}))
    axes.set_ylim(fewest / 2, 4 * max(1, left[0]))
    axes.set_xlim(right=len(steps) - 0.3)
    axes.set_ylabel(f"{telescope.upper()} sources left")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _left(table, mosaic, steps):
    """Count the sources left after each criterion, the detected ones first."""
    first = table[table["mosaic"] == mosaic].set_index("criterion")["first"]
    lost = np.array([0, *(int(first[name]) for name in steps[1:])])
    return int(first["detected"]) - np.cumsum(lost)


def _caption(table, telescopes):
    parts = []
    for telescope in telescopes:
        first = table[table["mosaic"] == f"all {telescope}"].set_index("criterion")["first"]
        parts.append(f"{first['accepted']} of {first['detected']} for {telescope.upper()}")
    return (
        "Sources left after each criterion, in the order in which they are tried, by mosaic; "
        f"accepted are {' and '.join(parts)}."
    )

"""Figure 3: sizes of the HST stamps before the cut on size."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["draw"]

# Widths are even; bins of 4 pixels hold two of them each.
_BIN = 4


def draw(widths, otherwise_good, limit):
    """
    Draw the histogram of stamp widths.

    Parameters
    ----------
    widths : ndarray of int, shape (N,)
        Width w = 2 floor(4 a + 5) of each detected source [pixel].
    otherwise_good : ndarray of bool, shape (N,)
        Sources that no criterion rejects, the width left aside.
    limit : int
        Largest width that is kept [pixel].

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers.

    References
    ----------
    Park et al. (2024), Figure 3.
    """
    widths, good = np.asarray(widths), np.asarray(otherwise_good, dtype=bool)
    last = _BIN * (max(int(widths.max()), limit) // _BIN + 1)
    edges = np.arange(0, last + _BIN, _BIN)
    with style():
        figure = Figure(figsize=(WIDTH["column"], 2.5), layout="constrained")
        axes = figure.add_subplot()
        axes.hist(widths, bins=edges, histtype="step", color="black", label="all detected")
        axes.hist(widths[good], bins=edges, color=BLUE, label="pass the other criteria")
        axes.axvline(limit, color=VERMILION, linestyle="--", label=f"largest kept, {limit} px")
        axes.set(xlabel="stamp width w [pixel]", ylabel=f"sources per {_BIN} pixels")
        axes.set_yscale("symlog", linthresh=1)
        axes.set_xlim(0, last + _BIN)
        axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
        axes.legend()
    wide = widths > limit
    caption = (
        f"Widths w = 2 floor(4a + 5) of {len(widths)} detected HST sources before the cut on "
        f"width: median {np.median(widths):.0f} px, largest {widths.max()} px; {wide.sum()} are "
        f"wider than {limit} px (dashed line). Filled: the {good.sum()} sources that pass all "
        f"other criteria, of which {np.sum(wide & good)} are wider."
    )
    return figure, caption

"""Fits of galaxies against published ones, quantity by quantity."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style
from galrestore.measurement.published_fits import QUANTITIES, UNFITTED, differences

__all__ = ["draw"]

_LABELS = {
    "ln_r50": "half-light radius $\\sqrt{ab}$ [pixel]",
    "ln_n": "Sersic index n",
    "q": "axis ratio b/a",
    "theta": "position angle [degree]",
    "ln_i50": "brightness at $R_{50}$",
    "ln_flux": "total flux",
    "ln_apparent": "circle's half-light radius [pixel]",
    "ln_aperture": "circle's half-light radius [pixel]",
    "ln_unsubtracted": "circle's half-light radius [pixel]",
}
_OURS = {
    "ln_apparent": "fit seen through the PSF [pixel]",
    "ln_aperture": "FLUX_RADIUS [pixel]",
    "ln_unsubtracted": "FLUX_RADIUS, no sky subtracted [pixel]",
}
_COLOURS = {"gaussian": VERMILION, "image": BLUE}
_MARKERS = {"o": "\u25cb", "^": "\u25b3", "s": "\u25a1", "D": "\u25c7"}
_COLUMNS = 3
_PANEL = 2.6  # inch
# So many galaxies at most are drawn with their error bars.
_MOST_BARS = 30


def draw(table, summary):
    """
    Draw one panel for each quantity that is published.

    Parameters
    ----------
    table : pandas.DataFrame
        Galaxies (contract `PUBLISHED_FITS`).
    summary : pandas.DataFrame
        Their summary (contract `PUBLISHED_SUMMARY`), whose figures stand in the panels and
        whose outliers are named.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers.
    """
    quantities = [name for name in QUANTITIES if name in set(summary["quantity"])]
    rows = -(-len(quantities) // _COLUMNS)
    columns = min(_COLUMNS, len(quantities))
    with style():
        figure = Figure(figsize=(2 * WIDTH["column"], _PANEL * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, name in zip(panels, quantities, strict=False):
            _panel(panel, name, table, summary[summary["quantity"] == name])
        for panel in panels[len(quantities) :]:
            panel.set_axis_off()
        _legend(figure, panels, table)
    return figure, _caption(table, summary, quantities)


def _panel(axes, name, table, summary):
    """Ours against published, with the line of equality and the summary's figures."""
    ours, published, logarithm, _ = QUANTITIES[name]
    mosaics = list(dict.fromkeys(table["mosaic"]))
    lines, drawn = [], []
    for row in summary.itertuples():
        chosen = table[(table["mosaic"] == row.mosaic) & (table["psf"] == row.psf)]
        x = chosen[published].to_numpy(float)
        y = chosen[ours].to_numpy(float)
        if name == "theta":
            x = np.rad2deg(x)
            y = x + np.rad2deg(differences(chosen)["theta"].to_numpy())
        colour = "black" if name in UNFITTED else _COLOURS[row.psf]
        marker = list(_MARKERS)[mosaics.index(row.mosaic) % len(_MARKERS)]
        bad = (chosen["failure"] != "").to_numpy() & (name not in UNFITTED)
        shown = np.isfinite(x) & np.isfinite(y) & ~bad
        _points(axes, x, y, shown, bad, colour, marker, _errors(chosen, ours))
        _name_outliers(axes, row.outliers, chosen["image"].to_numpy(), x, y, colour)
        lines.append((f"{_MARKERS[marker]} {_figures(row)}", colour))
        drawn.append(np.concatenate([x[shown], y[shown]]))
    _axes(axes, name, logarithm, np.concatenate(drawn))
    for k, (text, colour) in enumerate(reversed(lines)):
        axes.annotate(
            text, (0, 1), (0, 3 + 7 * k), xycoords="axes fraction", textcoords="offset points",
            color=colour, fontsize=6,
        )  # fmt: skip


def _points(axes, x, y, shown, bad, colour, marker, errors):
    few = shown.sum() <= _MOST_BARS
    axes.errorbar(
        x[shown], y[shown], yerr=None if errors is None or not few else errors[shown],
        fmt=marker, markersize=3.5 if few else 2.5, color=colour, linestyle="none",
        markerfacecolor=colour if colour == BLUE else "none", markeredgewidth=0.7, elinewidth=0.6,
    )  # fmt: skip
    failed = bad & np.isfinite(x) & np.isfinite(y)
    axes.plot(x[failed], y[failed], "x", color=colour, markersize=2.5, markeredgewidth=0.5)


def _errors(chosen, ours):
    column = f"{ours}_error"
    return chosen[column].to_numpy(float) if column in chosen else None


def _name_outliers(axes, outliers, images, x, y, colour):
    for number in map(int, outliers.split()):
        k = int(np.flatnonzero(images == number)[0])
        axes.annotate(
            str(number), (x[k], y[k]), (2, 2), textcoords="offset points", fontsize=5, color=colour
        )


def _axes(axes, name, logarithm, values):
    low, high = np.min(values), np.max(values)
    if logarithm:
        axes.set_xscale("log")
        axes.set_yscale("log")
        low, high = low / 1.2, high * 1.2
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(
                LogLocator(subs=(1, 2, 5) if high / low > 5 else (1, 1.5, 2, 3, 5, 7))
            )
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
    else:
        low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    axes.plot([low, high], [low, high], color="0.6", zorder=0)
    axes.set(xlim=(low, high), ylim=(low, high), box_aspect=1)
    axes.set_xlabel(f"published {_LABELS[name]}", fontsize=6.5)
    axes.set_ylabel(_OURS.get(name, f"our {_LABELS[name]}"), fontsize=6.5)


def _figures(row):
    if row.compared == 0:
        return f"none of {row.published} compared"
    return (
        f"{row.median:+.3f} ± {row.median_error:.3f}, scatter {row.scatter:.3f}, N = {row.compared}"
    )


def _legend(figure, panels, table):
    handles = [
        panels[0].plot([], [], color=_COLOURS[psf], label=f"PSF: {psf}")[0]
        for psf in dict.fromkeys(table["psf"])
    ]
    handles += [
        panels[0].plot([], [], marker, color="black", markerfacecolor="none", label=mosaic)[0]
        for marker, mosaic in zip(_MARKERS, dict.fromkeys(table["mosaic"]), strict=False)
    ]
    handles.append(panels[0].plot([], [], "x", color="black", label="failed fit")[0])
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=6.5)


def _caption(table, summary, quantities):
    counts = table.drop_duplicates(["mosaic", "image"]).groupby("mosaic", sort=False).size()
    failed = table[table["failure"] != ""].groupby(["mosaic", "psf"], sort=False).size()
    parts = [f"{count} galaxies of {mosaic}" for mosaic, count in counts.items()]
    lost = [f"{count} of {mosaic} with the {psf} PSF" for (mosaic, psf), count in failed.items()]
    text = (
        f"Our fits of {' and '.join(parts)} against published measurements; line: equality. "
        "In each panel: median difference (of the logarithm on logarithmic axes) with its "
        "standard error, and robust scatter; bars: standard errors for white noise; numbers: "
        "images farther than 3 scatters from the median. "
        f"Crosses: failed fits, {'; '.join(lost) or 'none'}."
    )
    for name in quantities:
        for row in summary[summary["quantity"] == name].itertuples():
            text += f" {row.mosaic}, {row.psf}, {row.meaning}: {_figures(row)}."
    return text

"""Calibration: bias and scatter of flux, size and index against S/N, size and noise."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, plain_ticks, style
from galrestore.measurement.calibration import CALIBRATED, PROPERTIES

__all__ = ["draw"]

_SHIFT = 1.03  # LQ to the left of the bin's median, RS to the right, on logarithmic axes
_LABELS = {
    "S/N": "S/N in the Kron ellipse",
    "size": "$R_{50}$ of GT [pixel]",
    "noise": "noise of LQ",
    "correlation": "correlation of LQ's noise",
}
_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


def draw(table, image, label):
    """
    Draw the bias of LQ and RS as points, and their scatter below, by bin.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `CALIBRATION`.
    image : str
        Method whose images are RS.
    label : str
        The same as readers know it.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Two rows a quantity, bias and scatter; one column a property.
    caption : str
        What it shows, with its numbers.

    Raises
    ------
    ValueError
        If no bin has a bias.
    """
    if not np.isfinite(table["bias"]).any():
        msg = f"no bin has three objects measured in GT, LQ and {image}"
        raise ValueError(msg)
    shown = [by for by in PROPERTIES if by in set(table["by"])]
    with style():
        figure = Figure(figsize=(WIDTH["page"], 8.2), layout="constrained")
        panels = figure.subplots(
            2 * len(CALIBRATED), len(shown), sharex="col", sharey="row", squeeze=False
        )
        for row, quantity in enumerate(CALIBRATED):
            for column, by in enumerate(shown):
                part = table[(table["quantity"] == quantity) & (table["by"] == by)]
                _draw_panels(panels[2 * row : 2 * row + 2, column], part, by, image)
            panels[2 * row, 0].set_ylabel(f"bias of\n{quantity}")
            panels[2 * row + 1, 0].set_ylabel("scatter")
            _label_scatter(panels[2 * row + 1, 0])
        for panel, by in zip(panels[-1], shown, strict=True):
            panel.set_xlabel(_LABELS[by])
            _label_axis(panel)
        panels[0, 0].legend(loc="best", ncols=2, columnspacing=0.8, handletextpad=0.3)
        figure.align_ylabels(panels[:, 0])
    return figure, _caption(table, image, label, shown)


def _draw_panels(panels, part, by, image):
    upper, lower = panels
    upper.axhline(0, color="black", linestyle="--", linewidth=0.6)
    looks = (("LQ", "LQ", BLUE, "o", 1 / _SHIFT), (image, "RS", VERMILION, "D", _SHIFT))
    for name, text, colour, marker, shift in looks:
        own = part[part["image"] == name]
        x = own["middle"] * (shift if by != "correlation" else 1)
        look = {"color": colour, "marker": marker, "markersize": 3, "capsize": 1.5}
        upper.errorbar(x, own["bias"], own["bias_error"], linewidth=0.8, label=text, **look)
        lower.errorbar(x, own["mad"], own["mad_error"], linewidth=0.8, **look)
    if by != "correlation":
        upper.set_xscale("log")
    lower.set_yscale("log")


def _label_scatter(panel):
    low, high = panel.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    if ticks:
        panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    panel.minorticks_off()


def _label_axis(panel):
    low, high = panel.get_xlim()
    if panel.get_xscale() == "log":
        plain_ticks(panel.xaxis, high / low)


def _caption(table, image, label, shown):
    sentences = [
        _sentence(table[(table["quantity"] == quantity) & (table["by"] == by)], quantity, by, image)
        for quantity in CALIBRATED
        for by in shown
    ]
    count = int(table.groupby(["quantity", "by", "image"])["count"].sum().max())
    bins = table["bin"].max() + 1
    return (
        f"Relative difference from GT of LQ (blue discs) and of {label} (red diamonds) in {bins} "
        f"bins of equally many objects, of {count} test images of set {table['set'].iloc[0]}: "
        "median (bias), and below it 1.4826 median absolute deviation (scatter, logarithmic), "
        "with bootstrap errors. "
        + "; ".join(f"{by}: {PROPERTIES[by]}" for by in shown)
        + ". From the lowest to the highest bin: "
        + "; ".join(sentences)
        + "."
    )


def _sentence(part, quantity, by, image):
    texts = []
    for name, text in (("LQ", "LQ"), (image, "RS")):
        own = part[part["image"] == name].sort_values("bin")
        ends = own.iloc[[0, -1]]
        bias, error = ends["bias"].to_numpy(), ends["bias_error"].to_numpy()
        scatter = ends["mad"].to_numpy()
        texts.append(
            f"{text} bias {bias[0]:+.3f} ± {error[0]:.3f} to {bias[1]:+.3f} ± {error[1]:.3f}, "
            f"scatter {scatter[0]:.3f} to {scatter[1]:.3f}"
        )
    return f"{quantity} by {by}, " + ", ".join(texts)

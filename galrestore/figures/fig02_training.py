"""Figure 2: the phases of training as they are configured."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from galrestore.figures.style import WIDTH, style

__all__ = ["draw", "scheme"]

_FILL = {"galsim": "#DCEBF5", "jwst": "#FBE6D9"}
_NAME = {"galsim": "GalSim pairs", "jwst": "JWST pairs"}


def scheme(variants, recipes):
    """
    List the phases of each variant.

    Parameters
    ----------
    variants : dict of str to dict
        ``network`` and ``sets`` of each variant.
    recipes : dict of str to dict
        Recipe of each phase by network and sets, such as ``"restormer/galsim-jwst"``.

    Returns
    -------
    rows : list of tuple
        Name of the variant, its network, and its phases: set, steps, stamps a step, largest
        and last learning rate of each.
    """
    rows = []
    for name, variant in variants.items():
        network, sets = variant["network"], variant["sets"]
        phases = []
        for k, kind in enumerate(sets, 1):
            recipe = recipes[f"{network}/{'-'.join(sets[:k])}"]
            phases.append((kind, *(recipe[key] for key in _PHASE)))
        rows.append((name, network, phases))
    return rows


_PHASE = ("iterations", "batch_size", "learning_rate", "learning_rate_end")


def draw(variants, recipes, rates):
    """
    Draw the scheme of training.

    Parameters
    ----------
    variants, recipes
        As in `scheme`.
    rates : dict of str to tuple of ndarray
        By variant: steps, all phases together, and the learning rates there.

    Returns
    -------
    figure : matplotlib.figure.Figure
        A row for each variant: its phases with their set and steps; below, learning rates.
    caption : str
        What it shows, with its numbers.
    """
    rows = scheme(variants, recipes)
    longest = max(len(phases) for _, _, phases in rows)
    with style():
        height = 0.42 * len(rows)
        figure = Figure(figsize=(WIDTH["page"], height + 1.9), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=(height + 0.1, 1.8))
        axes = upper.subplots()
        for k, (name, network, phases) in enumerate(rows):
            axes.text(-0.05, -k, f"{name} ({network})", ha="right", va="center", fontsize=7)
            for j, phase in enumerate(phases):
                _phase(axes, j, -k, phase)
            _arrow(axes, len(phases) - 1 + 0.86, -k, "weights")
        axes.set(xlim=(-0.75, longest + 0.45), ylim=(-len(rows) + 0.5, 0.5))
        axes.set_axis_off()
        _learning_rates(lower.subplots(), rates)
    return figure, _caption(rows)


def _phase(axes, place, y, phase):
    kind, steps, batch, *_ = phase
    box = FancyBboxPatch(
        (place + 0.04, y - 0.3),
        0.8,
        0.6,
        boxstyle="round,pad=0.01,rounding_size=0.05",
        facecolor=_FILL[kind],
        edgecolor="0.35",
        linewidth=0.8,
    )
    axes.add_patch(box)
    text = f"{_NAME[kind]}: {steps:,} steps of {batch}"
    axes.text(place + 0.44, y, text, ha="center", va="center", fontsize=7)
    if place:
        _arrow(axes, place - 0.14, y, "")


def _arrow(axes, x, y, text):
    arrow = FancyArrowPatch(
        (x, y), (x + 0.16, y), arrowstyle="-|>", mutation_scale=8, color="0.35", linewidth=0.9
    )
    axes.add_patch(arrow)
    axes.text(x + 0.19, y, text, ha="left", va="center", fontsize=7)


def _learning_rates(panel, rates):
    dashes = ("-", "--", ":", "-.")
    drawn: dict[bytes, list[str]] = {}
    for name, rate in rates.items():
        drawn.setdefault(np.concatenate(rate).tobytes(), []).append(name)
    for k, names in enumerate(drawn.values()):
        look = {"linestyle": dashes[k % 4], "color": str(0.2 * (k % 4))}
        panel.plot(*rates[names[0]], label=", ".join(names), **look)
    panel.set(xlabel="step", ylabel="learning rate", yscale="log")
    panel.legend(loc="lower left")


def _caption(rows):
    parts = []
    for name, network, phases in rows:
        order = ", then ".join(
            f"{steps:,} steps of {batch} {_NAME[kind]}" for kind, steps, batch, *_ in phases
        )
        parts.append(f"{name} ({network}): {order}")
    rates = sorted({(phase[3], phase[4]) for _, _, phases in rows for phase in phases})
    spans = " and ".join(f"{high:g} to {low:g}" for high, low in rates)
    return (
        "Phases of training as configured. Each starts from the weights of the one before it, the "
        f"first from random ones; AdamW with learning rates from {spans} (below), L1 loss, every "
        "image min-max normalised. " + "; ".join(parts) + "."
    )

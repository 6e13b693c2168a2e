"""Training curves: loss, validation scores and learning rate of all phases."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import WIDTH, plain_ticks, style

__all__ = ["draw"]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("-", "--", ":", "-.")
_HEIGHT = 1.45  # of a panel [inch]
_PANELS = (
    ("loss", "L1 loss", "log"),
    ("validation_psnr", "validation PSNR [dB]", "linear"),
    ("validation_ssim", "validation SSIM", "linear"),
    ("learning_rate", "learning rate", "log"),
)


def draw(histories, batch_sizes):
    """
    Draw what was recorded at each validation, against the steps behind the weights.

    Parameters
    ----------
    histories : dict of str to pandas.DataFrame
        History (contract `HISTORY`) of each phase by network and sets, such as
        ``"restormer/galsim-jwst"``.
    batch_sizes : dict of str to int
        Images of a step, by the same names.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Four panels; a phase that goes on from another one begins where that one ends.
    caption : str
        What it shows, with its numbers.
    """
    starts = {name: _steps_before(name, histories) for name in histories}
    with style():
        size = (WIDTH["page"], 0.8 + _HEIGHT * len(_PANELS))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(_PANELS), 1, sharex=True)
        for axes, (column, label, scale) in zip(panels, _PANELS, strict=True):
            for number, (name, history) in enumerate(histories.items()):
                axes.plot(
                    starts[name] + history["step"], history[column], label=name, **_look(number)
                )
                if column == "validation_psnr":
                    _mark_best(axes, starts[name], history, _look(number)["color"])
            axes.set_yscale(scale)
            axes.set_ylabel(label)
        low, high = panels[0].get_ylim()
        plain_ticks(panels[0].yaxis, high / low)
        panels[-1].xaxis.set_major_formatter("{x:,.0f}")
        panels[-1].set_xlabel("optimiser steps, those of earlier phases included")
        if len(set(batch_sizes.values())) == 1:
            _count_images(panels[0], next(iter(batch_sizes.values())))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure, _caption(histories, batch_sizes)


def _steps_before(name, histories):
    """Sum the steps of the phases before one, as far as they are known."""
    network, _, lineage = name.rpartition("/")
    sets = lineage.split("-")
    earlier = (f"{network}/{'-'.join(sets[:count])}" for count in range(1, len(sets)))
    return sum(int(histories[name]["step"].iloc[-1]) for name in earlier if name in histories)


def _look(number):
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "linestyle": _DASHES[number // len(_COLOURS) % len(_DASHES)],
        "marker": ".",
        "markersize": 3,
    }


def _best(history):
    return history.loc[history["best"]].iloc[-1]


def _mark_best(axes, start, history, colour):
    best = _best(history)
    axes.plot(start + best["step"], best["validation_psnr"], "o", mfc="none", mec=colour, ms=6)


def _count_images(axes, batch_size):
    def images(steps):
        return np.asarray(steps) * batch_size

    def steps(images):
        return np.asarray(images) / batch_size

    above = axes.secondary_xaxis("top", functions=(images, steps))
    above.xaxis.set_major_formatter("{x:,.0f}")
    above.set_xlabel("images seen")


def _caption(histories, batch_sizes):
    parts = []
    for name, history in histories.items():
        best, steps = _best(history), int(history["step"].iloc[-1])
        parts.append(
            f"{name} {best['validation_psnr']:.2f} dB / {best['validation_ssim']:.3f} at step "
            f"{best['step']:,} of {steps:,} ({steps * batch_sizes[name]:,} images)"
        )
    return (
        "Training by phase, one point a validation: mean L1 loss since the point before, mean "
        "PSNR (eq. 4) and SSIM (eq. 5) of the validation stamps, and learning rate. Circles mark "
        f"the weights that are kept, by PSNR and then SSIM: {'; '.join(parts)}."
    )

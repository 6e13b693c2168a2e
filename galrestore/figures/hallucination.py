"""Peaks that restoration adds: how many, and what lies beneath them."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["draw"]

_LOOKS = {"jwst": (BLUE, "o", "test images"), "ladder": (VERMILION, "s", "under rising noise")}


def draw(by_noise, beneath, method):
    """
    Draw the rate of false peaks against noise, and against the noise beneath.

    Parameters
    ----------
    by_noise : pandas.DataFrame
        Contract `FAILURE_RATES`.
    beneath : pandas.DataFrame
        Contract `FALSE_PEAK_RATES`.
    method : str
        Method that is shown.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Two panels.
    caption : str
        What it shows, with its numbers.
    """
    own = by_noise[(by_noise["method"] == method) & (by_noise["kind"] == "false_peak")]
    pixels = beneath[beneath["method"] == method]
    with style():
        figure = Figure(figsize=(WIDTH["page"], 2.7), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name, (colour, marker, label) in _LOOKS.items():
            look = {"color": colour, "marker": marker, "markersize": 4, "capsize": 2}
            part = own[own["set"] == name]
            rate = part["events"] / part["images"]
            left.errorbar(
                part["noise"], rate, np.sqrt(part["events"]) / part["images"], label=label, **look
            )
            part = pixels[(pixels["set"] == name) & (pixels["pixels"] > 0)]
            errors = [part["rate"] - part["low"], part["high"] - part["rate"]]
            right.errorbar(_middle(part), part["rate"], np.clip(errors, 0, None), **look)
        left.set(xlabel="noise rms of LQ", ylabel="false peaks a stamp", xlim=(0, 0.15))
        left.legend(loc="upper left")
        right.set_yscale("symlog", linthresh=1)
        right.set(
            xlabel=r"noise of LQ beneath [$\sigma$ of 3 x 3 pixels]",
            ylabel="false peaks per million pixels",
            ylim=(0, None),
        )
    return figure, _caption(own, pixels, method)


def _middle(part):
    """Middles of classes; open ones reach a unit beyond their end."""
    low, high = part["excess_low"].to_numpy(), part["excess_high"].to_numpy()
    low = np.where(np.isfinite(low), low, high - 1)
    return (low + np.where(np.isfinite(high), high, low + 1)) / 2


def _caption(own, pixels, method):
    parts = []
    for name, (_, _, label) in _LOOKS.items():
        part, places = own[own["set"] == name], pixels[pixels["set"] == name]
        high = places[places["excess_low"] >= 2]
        total, raised = places["false_peaks"].sum(), high["false_peaks"].sum()
        share = high["pixels"].sum() / max(places["pixels"].sum(), 1)
        rates = ", ".join(
            f"{row.events / row.images:.3f} at {row.noise:.3f}" for row in part.itertuples()
        )
        parts.append(
            f"{label}: {total} false peaks in {part['images'].sum()} stamps ({rates}), of which "
            f"{raised} lie where the noise beneath is above 2 sigma, {share:.1%} of all pixels"
        )
    return (
        f"Peaks in images restored by {method} that GT has not. Left: false peaks a stamp by the "
        "noise of LQ, with Poisson errors. Right: their number for each million pixels by the "
        "noise of LQ beneath them, averaged over 3 x 3 pixels and known exactly from LQ and the "
        "blurred GT, with 68 per cent intervals. " + "; ".join(parts) + "."
    )

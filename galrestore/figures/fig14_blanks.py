"""Figure 14: restored images of noise without sources."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["choose", "draw"]

_ROWS = 3
_LOOKS = {"lq": (VERMILION, "s", "LQ"), "rs": (BLUE, "o", "RS")}


def choose(sigma, count=_ROWS):
    """
    Choose examples in rising noise.

    Parameters
    ----------
    sigma : ndarray, shape (N,)
        Noise of each image.
    count : int, optional
        Examples wanted.

    Returns
    -------
    rows : ndarray of int, shape (min(count, N),)
        The median of each of equally populated classes of noise.
    """
    order = np.argsort(sigma, kind="stable")
    classes = np.array_split(order, min(count, len(order)))
    return np.array([members[len(members) // 2] for members in classes])


def draw(examples, summary, method):
    """
    Draw examples and statistics of blanks.

    Parameters
    ----------
    examples : dict of str to tuple of ndarray
        By set: LQ and RS of shape (M, H, W), and the noise as drawn of shape (M,).
    summary : pandas.DataFrame
        Contract `BLANK_SUMMARY`.
    method : str
        Method that is shown.

    Returns
    -------
    figure : matplotlib.figure.Figure
        (a) examples in rising noise, (b) mean and standard deviation by seed, (c) by noise;
        one column of (b) and (c) for each set.
    caption : str
        What it shows, with its numbers.
    """
    own = summary[summary["method"] == method]
    sets = list(examples)
    with style():
        figure = Figure(figsize=(WIDTH["page"], 6.2), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.35))
        _examples(upper.subfigures(1, len(sets), squeeze=False)[0], examples)
        panels = lower.subplots(2, 2 * len(sets), sharex="col", squeeze=False)
        for k, name in enumerate(sets):
            part = own[own["set"] == name]
            _by_class(panels[:, 2 * k], part[part["by"] == "seed"], "class_index", "seed")
            _by_class(panels[:, 2 * k + 1], part[part["by"] == "noise"], "sigma", "noise drawn")
            panels[0, 2 * k].set_title(f"(b) {_label(name)}", loc="left")
            panels[0, 2 * k + 1].set_title("(c)", loc="left")
        for row, label in zip(panels, ("mean", "standard deviation"), strict=True):
            row[0].set_ylabel(label)
        panels[0, 0].legend(loc="center", ncols=2)
    return figure, _caption(own, examples, method)


def _label(name):
    return {"blanks": "min-max normalised", "blanks_raw": "as drawn"}.get(name, name)


def _examples(figures, examples):
    for k, (figure, (name, (low, restored, sigma))) in enumerate(
        zip(figures, examples.items(), strict=True)
    ):
        axes = figure.subplots(2, len(sigma), squeeze=False)
        for column in range(len(sigma)):
            reach = 4 * low[column].std()
            for panel, image in zip(axes[:, column], (low[column], restored[column]), strict=True):
                centre = np.median(image)
                panel.imshow(image, cmap="gray", vmin=centre - reach, vmax=centre + reach)
                panel.set(xticks=[], yticks=[])
                panel.spines[:].set_visible(True)
            axes[0, column].set_title(rf"$\sigma$ = {sigma[column]:.3f}", fontsize=7)
        axes[0, 0].set_ylabel("LQ")
        axes[1, 0].set_ylabel("RS")
        figure.suptitle(f"{'(a) ' if k == 0 else ''}{_label(name)}", fontsize=8)


def _by_class(panels, part, column, label):
    x = part[column].to_numpy()
    for panel, kind in zip(panels, ("mean", "std"), strict=True):
        for side, (colour, marker, name) in _LOOKS.items():
            values = part[f"{side}_{kind}"].to_numpy()
            errors = part[f"rs_{kind}_scatter"].to_numpy() if side == "rs" else None
            panel.errorbar(
                x,
                values,
                errors,
                color=colour,
                marker=marker,
                markersize=3,
                label=name,
                capsize=1.5,
            )
        panel.set_ylim(bottom=min(0.0, 1.1 * panel.get_ylim()[0]))
    panels[-1].set_xlabel(label)
    if column == "class_index":
        panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))


def _caption(own, examples, method):
    parts = []
    for name in examples:
        part = own[own["set"] == name]
        every = part[part["by"] == "all"].iloc[0]
        seeds, levels = part[part["by"] == "seed"], part[part["by"] == "noise"]
        parts.append(
            f"{_label(name)}: {every['rs_sources']} sources in RS above the noise of the input "
            f"({every['lq_sources']} in LQ itself, {every['rs_sources_own']} in RS above its own "
            f"noise), highest pixel of RS {every['rs_peak']:.2f} of the input's noise above the "
            f"median; standard deviation of LQ {every['lq_std']:.4f}, of RS {every['rs_std']:.5f}, "
            f"from {seeds['rs_std'].min():.5f} to {seeds['rs_std'].max():.5f} among seeds and from "
            f"{levels['rs_std'].min():.5f} to {levels['rs_std'].max():.5f} among noise levels; "
            f"mean of RS {every['rs_mean']:.4f} ± {every['rs_mean_scatter']:.4f}"
        )
    seeds = own[(own["by"] == "seed") & (own["set"] == next(iter(examples)))]
    return (
        f"Noise without sources, restored by {method}: {len(seeds)} random seeds of "
        f"{int(seeds['n'].iloc[0])} images, mean and standard deviation of each as the sky of a "
        "randomly drawn LQ of the training split. (a) Examples in rising noise, each shown around "
        "its median within four standard deviations of LQ. (b) Mean and standard deviation of LQ "
        "(squares) and RS (circles, with the scatter among images) by seed; (c) by noise as drawn, "
        "in equally populated classes. Left with the min-max normalisation of every input of the "
        "pipeline, right without. " + ". ".join(parts) + "."
    )

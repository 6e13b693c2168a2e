"""Calibration of shear: biases of GT, LQ and RS in a ring test."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["draw"]

_LOOKS = {"GT": ("black", "o"), "LQ": (VERMILION, "s"), "RS": (BLUE, "D")}
_NAMES = {"fit": "Sersic fit", "adaptive": "adaptive moments"}


def draw(biases, method, settings):
    """
    Draw multiplicative and additive biases.

    Parameters
    ----------
    biases : pandas.DataFrame
        Contract `SHEAR_BIASES`, of one method.
    method : str
        The method.
    settings : dict
        Settings `limits.shearing`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        m and c by image, estimator and component.
    caption : str
        What it shows, with its numbers.
    """
    groups = [(estimator, k) for estimator in _NAMES for k in (1, 2)]
    with style():
        figure = Figure(figsize=(WIDTH["page"], 2.7), layout="constrained")
        panels = figure.subplots(1, 2)
        for panel, name in zip(panels, ("m", "c"), strict=True):
            for shift, (image, (colour, marker)) in enumerate(_LOOKS.items()):
                own = biases[biases["image"] == image].set_index(["estimator", "component"])
                own = own.loc[groups]
                x = np.arange(len(groups)) + 0.2 * (shift - 1)
                panel.errorbar(
                    x,
                    own[name],
                    own[f"{name}_error"],
                    linestyle="",
                    color=colour,
                    marker=marker,
                    markersize=4,
                    capsize=2,
                    label=image,
                )
            panel.axhline(0, color="0.6", linewidth=0.6)
            labels = [_NAMES[name].replace(" ", "\n") + f"\n$g_{k}$" for name, k in groups]
            panel.set_xticks(range(len(groups)), labels, fontsize=6)
        panels[0].set_ylabel("multiplicative bias m")
        panels[1].set_ylabel("additive bias c")
        panels[0].legend(loc="best")
    return figure, _caption(biases, method, settings)


def _caption(biases, method, settings):
    parts = [
        f"{row.image}, {_NAMES[row.estimator]}, g{row.component}: m = {row.m:+.4f} ± "
        f"{row.m_error:.4f}, c = {row.c:+.5f} ± {row.c_error:.5f} ({row.n} galaxies, "
        f"{row.lost} lost)"
        for row in biases.itertuples()
    ]
    return (
        f"Ring test of {method}: simulated galaxies in four orientations under reduced shears of "
        f"±{settings['shear']:g} in each component, noise of LQ {settings['noise']:g}; mean "
        "ellipticities are (1 + m) g + c. Sersic fits know the PSF of LQ, and take GT and RS as "
        "they are seen; adaptive moments (GalSim) take all as they are seen. "
        + "; ".join(parts)
        + "."
    )

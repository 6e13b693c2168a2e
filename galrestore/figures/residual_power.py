"""Restored or smoothed: power and phase of the images by spatial frequency."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["draw"]

_PANELS = (
    ("amplitude", "amplitude over GT's"),
    ("coherence", "coherence with GT"),
    ("residual", "power of image - GT, over GT's"),
)
_GREYS = ("0.0", "0.35", "0.55", "0.7", "0.82")
_STYLES = ("-", "--", "-.", ":", (0, (4, 1, 1, 1, 1, 1)))


def draw(spectrum, shown, labels):
    """
    Draw amplitude, coherence and the power of the error by spatial frequency.

    Parameters
    ----------
    spectrum : pandas.DataFrame
        Contract `SPECTRUM`.
    shown : str
        Method drawn with emphasis.
    labels : dict of str to str
        Name for the reader of each method.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers.

    Raises
    ------
    ValueError
        If no object has a spectrum.
    """
    if not (spectrum["count"] > 0).any():
        msg = "no object has a spectrum: the scales of the pairs are not known"
        raise ValueError(msg)
    images = list(dict.fromkeys(spectrum["image"]))
    looks = {"LQ": {"color": BLUE, "linewidth": 1.5}, shown: {"color": VERMILION, "linewidth": 1.8}}
    others = [name for name in images if name not in looks]
    for k, name in enumerate(others):
        grey, dash = _GREYS[k % len(_GREYS)], _STYLES[(k // 2) % len(_STYLES)]
        looks[name] = {"color": grey, "linewidth": 0.8, "linestyle": dash}
    with style():
        figure = Figure(figsize=(WIDTH["page"], 2.9), layout="constrained")
        panels = figure.subplots(1, 3)
        for panel, (column, label) in zip(panels, _PANELS, strict=True):
            for name in [*others, *(n for n in ("LQ", shown) if n in images)]:
                rows = spectrum[spectrum["image"] == name]
                panel.plot(
                    rows["frequency"], rows[column], label=labels.get(name, name), **looks[name]
                )
                error = rows[f"{column}_error"]
                if name in ("LQ", shown):
                    low, high = rows[column] - error, rows[column] + error
                    panel.fill_between(
                        rows["frequency"], low, high, color=looks[name]["color"], alpha=0.3
                    )
            panel.set(xlabel="spatial frequency [1/pixel]", ylabel=label, xlim=(0, 0.5))
        panels[0].axhline(1, color="black", linestyle=":", linewidth=0.6)
        panels[0].set_ylim(0, 2.0)
        panels[1].set_ylim(0, 1.02)
        panels[2].set_yscale("log")
        panels[2].axhline(1, color="black", linestyle=":", linewidth=0.6)
        panels[2].set_ylim(top=30)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, names, loc="outside lower center", ncols=6, fontsize=6, columnspacing=1.2
        )
    return figure, _caption(spectrum, shown, labels)


def _caption(spectrum, shown, labels):
    count = int(spectrum["count"].max())
    numbers = []
    for name in ("LQ", shown):
        rows = spectrum[spectrum["image"] == name]
        if len(rows):
            at = [rows.iloc[int(np.argmin(np.abs(rows["frequency"] - f)))] for f in (0.1, 0.2, 0.3)]
            numbers.append(
                f"{labels.get(name, name)} "
                + ", ".join(f"{row['amplitude']:.2f} / {row['coherence']:.2f}" for row in at)
            )
    return (
        f"Power by spatial frequency, averaged over {count} test images: root of the image's power "
        "over GT's, coherence (cross-power over the root of both powers), and power of the "
        "difference from GT over GT's. An amplitude below 1 with a coherence near 1 is smoothing; "
        "one of 1 with a low coherence is noise or invented structure; where the last panel "
        "exceeds 1 an empty image would be nearer to GT. Bands are bootstrap errors. Amplitude / "
        f"coherence near 0.1, 0.2, 0.3 per pixel: {'; '.join(numbers)}."
    )

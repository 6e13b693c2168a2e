"""Figure 12: stacked point sources before and after restoration."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["draw"]

_LOOKS = {"lq": ("0.55", ":", "LQ"), "gt": ("black", "--", "GT"), "rs": (BLUE, "-", "RS")}
# Faint wings become visible.
_SOFTENING = 0.02
_SHOWN = 10


def draw(stacks, radii, curves, row, summary):
    """
    Draw stacks, their residual and their encircled energy.

    Parameters
    ----------
    stacks : dict of str to ndarray, shape (S, S)
        ``"lq"``, ``"gt"``, ``"rs"``: stacks of unit sum.
    radii : ndarray, shape (M,)
        Radii [pixel].
    curves : dict of str to ndarray, shape (M,)
        Encircled energy of the stacks.
    row : mapping
        Their row of `STAR_SUMMARY`.
    summary : pandas.DataFrame
        All rows (contract `STAR_SUMMARY`).

    Returns
    -------
    figure : matplotlib.figure.Figure
        GT, RS, GT - RS, encircled energy, ratio of widths by mosaic.
    caption : str
        What it shows, with its numbers.
    """
    with style():
        figure = Figure(figsize=(WIDTH["page"], 4.3), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.1))
        _images(upper, stacks, row)
        left, right = lower.subplots(1, 2, width_ratios=(1.4, 1))
        for name, (colour, dash, label) in _LOOKS.items():
            left.plot(radii, curves[name], dash, color=colour, label=label)
        left.set(xlabel="radius [pixel]", ylabel="encircled energy", xlim=(0, 10), ylim=(0, 1.05))
        left.axhline(1, color="0.8", linewidth=0.6)
        left.legend(loc="lower right")
        _ratios(right, summary)
    return figure, _caption(row, summary)


def _images(figure, stacks, row):
    panels = figure.subplots(1, 4)
    middle = len(stacks["gt"]) // 2
    window = (slice(middle - _SHOWN, middle + _SHOWN + 1),) * 2
    peak = stacks["gt"].max()
    titles = {"lq": "LQ", "gt": "GT", "rs": "RS"}
    for panel, (name, title) in zip(panels, titles.items(), strict=False):
        part = np.clip(stacks[name][window] / peak, 0, 1)
        panel.imshow(np.arcsinh(part / _SOFTENING), cmap="gray", vmax=np.arcsinh(1 / _SOFTENING))
        panel.set_title(f"{title}: FWHM {row[f'fwhm_{name}']:.2f}")
    residual = (stacks["gt"] - stacks["rs"])[window] / peak
    reach = max(float(np.abs(residual).max()), 1e-6)
    shown = panels[3].imshow(residual, cmap="gray", vmin=-reach, vmax=reach)
    panels[3].set_title("(GT - RS) / peak of GT")
    figure.colorbar(shown, ax=panels[3], shrink=0.8)
    for panel in panels:
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(True)


def _ratios(panel, summary):
    mosaics = list(dict.fromkeys(summary["source"]))
    methods = list(dict.fromkeys(summary["method"]))
    for k, method in enumerate(methods):
        own = summary[summary["method"] == method]
        y = np.array([mosaics.index(name) for name in own["source"]]) + 0.12 * k
        panel.errorbar(
            own["ratio"],
            y,
            xerr=own["ratio_error"],
            linestyle="",
            marker="os^vDP"[k % 6],
            color=(BLUE, VERMILION, "black", "0.5")[k % 4],
            markersize=4,
            capsize=2,
            label=method,
        )
    panel.axvline(1, color="black", linestyle="--", linewidth=0.6)
    panel.set_yticks(range(len(mosaics)), mosaics)
    panel.set(xlabel="FWHM of RS / FWHM of GT", ylim=(len(mosaics) - 0.4, -0.6))
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, 1.18), ncols=3)


def _caption(row, summary):
    own = summary[summary["method"] == row["method"]]
    ratios = ", ".join(
        f"{star.ratio:.3f} ± {star.ratio_error:.3f} ({star.source})" for star in own.itertuples()
    )
    return (
        f"Point sources restored by {row['method']}. Upper panels: stacks of {row['n']} stars with "
        f"the PSF of {row['source']}, FWHM {row['fwhm']:.2f} pixels, noise of LQ "
        f"{row['noise_low']:.3f} to {row['noise_high']:.3f}, aligned by their known centres with a "
        "Fourier shift, each of unit flux, asinh stretch; and GT - RS, linear, mid-grey is zero, "
        f"at most {row['residual']:.3f} of GT's peak. Titles give the FWHM of fitted Gaussians in "
        "pixels. Lower left: energy within circles about the centre: half of it within "
        f"{row['r50_gt']:.2f} pixels in GT and {row['r50_rs']:.2f} in RS, four fifths within "
        f"{row['r80_gt']:.2f} and {row['r80_rs']:.2f}. Lower right: FWHM of RS over that of GT by "
        f"mosaic, {ratios}; errors by a jackknife over the stars."
    )

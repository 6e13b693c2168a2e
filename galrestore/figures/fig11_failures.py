"""Figure 11: the worst failures of restoration, and how frequent they are."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.panels import inscribe, show_row
from galrestore.figures.style import BLUE, VERMILION, WIDTH, style
from galrestore.measurement.failures import KINDS
from galrestore.measurement.image_quality import affine_match, sky_level

__all__ = ["draw"]

_LOOKS = {
    "lost_structure": (BLUE, "o"),
    "wrong_angle": (VERMILION, "s"),
    "too_round": ("0.45", "^"),
    "lost_peak": ("#E69F00", "D"),
    "any": ("black", "*"),
}
_THRESHOLD = 0.1


def draw(low_quality, restored, truth, picked, rates, method, applies):
    """
    Draw a failure of each kind, and the rates of all against noise.

    Parameters
    ----------
    low_quality, restored, truth : ndarray, shape (N, H, W)
        Images of the picked failures.
    picked : pandas.DataFrame
        Their rows of `FAILURES`, and ``kind``.
    rates : pandas.DataFrame
        Contract `FAILURE_RATES`.
    method : str
        Method that is shown.
    applies : dict of str to float
        Thresholds, the settings `limits.failures`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        A row for each kind: LQ, RS, GT, GT - RS; below, the rates.
    caption : str
        What it shows, with its numbers.
    """
    own = rates[rates["method"] == method]
    count = len(picked)
    with style():
        figure = Figure(figsize=(WIDTH["gallery"], 1.37 * count + 2.6), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.37 * count + 0.1, 2.5))
        if count:
            _gallery(upper, low_quality, restored, truth, picked)
        panels = lower.subplots(1, 2, sharey=True)
        for panel, name in zip(panels, ("jwst", "ladder"), strict=True):
            _rates(panel, own[own["set"] == name])
            panel.set_title({"jwst": "test images", "ladder": "the same under rising noise"}[name])
        panels[0].set_ylabel("rate of failures")
        lower.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure, _caption(picked, own, method, applies)


def _gallery(figure, low_quality, restored, truth, picked):
    axes = figure.subplots(len(picked), 4, squeeze=False)
    matched = [affine_match(images, truth)[0] for images in (low_quality, restored)]
    sky, sigma = sky_level(truth)
    for k, row in enumerate(picked.to_dict("records")):
        images = (matched[0][k], matched[1][k], truth[k])
        show_row(axes[k, :3], images, sky[k], sigma[k])
        residual = truth[k] - matched[1][k]
        reach = float(np.quantile(np.abs(residual), 0.995)) or 1.0
        axes[k, 3].imshow(residual, cmap="gray", vmin=-reach, vmax=reach)
        axes[k, 3].set(xticks=[], yticks=[])
        axes[k, 3].spines[:].set_visible(True)
        inscribe(axes[k, 3], f"±{reach:.2g}")
        axes[k, 0].set_ylabel(f"{KINDS[row['kind']]}\nnoise {row['noise']:.3f}", fontsize=7)
        for panel, side in zip(axes[k], ("lq", "rs", "gt"), strict=False):
            inscribe(panel, f"e {row[f'e_{side}']:.2f}, {row[f'angle_{side}']:.0f}°")
    for panel, title in zip(axes[0], ("LQ", "RS", "GT", "GT - RS"), strict=True):
        panel.set_title(title)


def _rates(panel, rates):
    for k, (kind, (colour, marker)) in enumerate(_LOOKS.items()):
        part = rates[(rates["kind"] == kind) & (rates["images"] > 0)]
        x = part["noise"].to_numpy() * (1 + 0.012 * (k - 2))
        errors = [part["rate"] - part["low"], part["high"] - part["rate"]]
        panel.errorbar(
            x,
            part["rate"],
            np.clip(errors, 0, None),
            color=colour,
            marker=marker,
            markersize=6 if kind == "any" else 3,
            capsize=1.5,
            linewidth=1.4 if kind == "any" else 0.8,
            label=KINDS.get(kind, "any of these"),
        )
    panel.axvline(_THRESHOLD, color="0.6", linestyle=":", linewidth=0.8)
    panel.set(xlabel="noise rms of LQ", ylim=(-0.03, 1.03), xlim=(0, 0.15))


def _caption(picked, rates, method, applies):
    shown = ", ".join(KINDS[kind] for kind in picked["kind"]) or "none"
    never = ", ".join(KINDS[kind] for kind in KINDS if kind not in set(picked["kind"]))
    numbers = []
    for name, label in (("jwst", "test images"), ("ladder", "ladder")):
        part = rates[(rates["set"] == name) & (rates["kind"] == "any")]
        values = ", ".join(
            f"{row.rate:.0%} (+{row.high - row.rate:.0%} -{row.rate - row.low:.0%}) at "
            f"{row.noise:.3f}"
            for row in part.itertuples()
        )
        numbers.append(f"{label}: {values}")
    return (
        f"Failures of {method}. Rows: the test image that exceeds the threshold of each kind the "
        f"most, by kind: {shown}"
        + (f" (no test image fails by: {never})" if never else "")
        + ". LQ and RS are brought to GT's zero point and scale; asinh stretch of GT for the row, "
        "differences are linear, mid-grey is zero; panels give ellipticity (a - b) / (a + b) and "
        "position angle by second moments. Thresholds: rms of GT - RS on the source above "
        f"{applies['lost_structure']:g} of GT's; for ellipticities of {applies['elongated']:g} and "
        f"more, an angle wrong by more than {applies['wrong_angle']:g} degrees, more than "
        f"{applies['too_round']:.0%} of the ellipticity lost; for two peaks or more, of prominence "
        f"{applies['prominence']:g} of the range, one lost. Below: rates by noise with 68 per cent "
        "intervals; left the test images, right some of them at each noise; dotted: the paper's "
        f"threshold of 0.1. Any of the four, {'; '.join(numbers)}."
    )

"""Figure 13: galaxies restored from mosaics of two drizzle kernels."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.panels import show_row
from galrestore.figures.style import BLUE, VERMILION, WIDTH, style
from galrestore.measurement.image_quality import affine_match, sky_level, source_mask

__all__ = ["choose", "draw"]

_LOOKS = {"white": ("0.5", "^", "no dithers"), "square": (VERMILION, "s", "square kernel")}
_LOOKS |= {"lanczos3": (BLUE, "o", "lanczos3 kernel")}


def choose(truth, count):
    """
    Choose the galaxies that cover the largest areas.

    Parameters
    ----------
    truth : ndarray, shape (N, H, W)
        GT.
    count : int
        Galaxies wanted.

    Returns
    -------
    rows : ndarray of int, shape (min(count, N),)
        Largest area first.
    """
    area = source_mask(truth).sum(axis=(1, 2))
    return np.argsort(-area, kind="stable")[:count]


def draw(images, truth, summary, method):
    """
    Draw galaxies, the correlation of noise, and the errors of RS.

    Parameters
    ----------
    images : dict of str to tuple of ndarray, shape (M, H, W)
        LQ and RS of ``"square"`` and ``"lanczos3"``.
    truth : ndarray, shape (M, H, W)
        GT of the same galaxies.
    summary : pandas.DataFrame
        Contract `DRIZZLE_SUMMARY`.
    method : str
        Method that is shown.

    Returns
    -------
    figure : matplotlib.figure.Figure
        A row for each galaxy: LQ and RS of both kernels, HQ; below, noise and errors.
    caption : str
        What it shows, with its numbers.
    """
    own = summary[summary["method"] == method].set_index("kernel")
    count = len(truth)
    with style():
        figure = Figure(figsize=(WIDTH["page"], 1.42 * count + 2.4), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.42 * count + 0.1, 2.3))
        axes = upper.subplots(count, 5, squeeze=False)
        sky, sigma = sky_level(truth)
        columns = [
            affine_match(part, truth)[0] for k in ("square", "lanczos3") for part in images[k]
        ]
        for k in range(count):
            row = [*(column[k] for column in columns), truth[k]]
            show_row(axes[k], row, sky[k], 2 * sigma[k])
        titles = ("LQ, square", "RS", "LQ, lanczos3", "RS", "HQ")
        for panel, title in zip(axes[0], titles, strict=True):
            panel.set_title(title)
        left, middle, right = lower.subplots(1, 3)
        _correlation(left, own)
        for panel, name, label in (
            (middle, "outskirts", "error off the source [range of GT]"),
            (right, "residual", "error on the source [rms of GT]"),
        ):
            _errors(panel, own, name)
            panel.set_ylabel(label)
    return figure, _caption(own, method, count)


def _correlation(panel, own):
    lags = np.arange(4)
    for name, (colour, marker, label) in _LOOKS.items():
        values = [1.0, *(own.loc[name, f"lag_{k}"] for k in lags[1:])]
        panel.plot(lags, values, color=colour, marker=marker, markersize=3, label=label)
    panel.axhline(0, color="0.8", linewidth=0.6)
    panel.set(xlabel="lag [pixel]", ylabel="correlation of noise", xticks=lags)
    panel.legend()


def _errors(panel, own, name):
    for k, (kernel, (colour, marker, _)) in enumerate(_LOOKS.items()):
        value, error = own.loc[kernel, [name, f"{name}_error"]]
        panel.errorbar(k, value, error, color=colour, marker=marker, markersize=5, capsize=3)
    panel.set_xticks(range(len(_LOOKS)), ["no dithers", "square", "lanczos3"])
    panel.set(xlim=(-0.5, len(_LOOKS) - 0.5), ylim=(0, 1.25 * panel.get_ylim()[1]))


def _caption(own, method, count):
    parts = [
        f"{_LOOKS[name][2]}: rms of single pixels {row['rms_ratio']:.3f} of the white noise's, "
        f"neighbours correlate by {row['lag_1']:+.3f}, RS errs by {row['outskirts']:.4f} ± "
        f"{row['outskirts_error']:.4f} of GT's range off the source (galaxy by galaxy "
        f"{row['outskirts_to_white']:+.5f} ± {row['outskirts_to_white_error']:.5f} against no "
        "dithers) "
        f"and by {row['residual']:.3f} ± "
        f"{row['residual_error']:.3f} of GT's rms on it, with {row['false_peaks']:.2f} ± "
        f"{row['false_peaks_error']:.2f} false peaks a stamp"
        for name, row in own.iterrows()
    ]
    return (
        f"Galaxies restored by {method} from the same dithered exposures, drizzled with square and "
        f"with lanczos3 kernels onto pixels of their own size, and HQ (the GT before the HST PSF). "
        f"Rows: the {count} largest of {own['n'].iloc[0]:.0f} test galaxies; asinh stretch of HQ. "
        "Below: correlation of the noise along the axes (the square kernel's is 1/4 between "
        "neighbours and its rms 2/3 in theory), error of RS off and on the source. "
        + "; ".join(parts)
        + "."
    )

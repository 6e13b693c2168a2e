"""Panels that figures 6, 7, 9 and 10 share: LQ and RS against GT, and where RS pays."""

import numpy as np
from matplotlib.ticker import FuncFormatter

from galrestore.figures.style import BLUE, VERMILION
from galrestore.measurement.shape_tables import OUTLIER, THIRDS

__all__ = ["NAMES", "against_truth", "draw_gains", "residuals_against_truth", "sentence"]
__all__ += ["count_outliers", "rows_of", "thirds_sentence"]

# What the images are called; other sets have other names for them.
NAMES = {"GT": "GT", "LQ": "LQ", "RS": "RS"}

_LOW = {"color": BLUE, "marker": "o", "linestyle": "none", "markeredgewidth": 0}
_RESTORED = {"color": VERMILION, "marker": "x", "linestyle": "none", "markeredgewidth": 0.5}
_RING = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": "black"}
_MAD = 1.4826
# Points beyond these quantiles of both axes are drawn on the frame.
_SHOWN = (0.002, 0.998)
_MARKERS = "osD^"


def against_truth(panel, truth, low, restored, rows, names=NAMES, rings=True):
    """
    Draw LQ (blue discs) and RS (red crosses) against GT, with their numbers above.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
        Where to draw.
    truth, low, restored : ndarray, shape (N,)
        Measurements; NaN where they failed.
    rows : dict of str to mapping
        Statistics of ``"LQ"`` and ``"RS"``, rows of a table of contract `COMPARISON`.
    names : dict of str to str, optional
        What GT, LQ and RS are called.
    rings : bool, optional
        Whether outliers of RS are marked.

    Notes
    -----
    Points beyond the frame lie on it; rings mark outliers of RS, see `OUTLIER`.
    """
    low, restored = _common(truth, low, restored)
    limits = _limits(np.concatenate([truth, low, restored]))
    panel.plot(limits, limits, "--", color="black", linewidth=0.6, zorder=3)
    size = 1.6 if len(truth) > 500 else 2.6
    inside = np.clip(truth, *limits)
    for values, look in ((low, _LOW), (restored, _RESTORED)):
        shown = np.clip(values, *limits)
        panel.plot(inside, shown, markersize=size, rasterized=True, clip_on=False, **look)
    if rings:
        odd = _outliers(restored - truth)
        places = inside[odd], np.clip(restored, *limits)[odd]
        look = {"markersize": 1.9 * size, "markeredgewidth": 0.4, "linestyle": "none"} | _RING
        panel.plot(*places, clip_on=False, **look)
    panel.set(xlim=limits, ylim=limits)
    for k, kind in enumerate(("LQ", "RS")):
        row = rows[kind]
        text = f"{names[kind]}: r {row['pearson']:.3f}, RMSE {row['rmse']:.3g}"
        place = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 6.5}
        panel.annotate(text, (0, 1), (0, 13 - 8 * k), color=(BLUE, VERMILION)[k], **place)


def residuals_against_truth(panel, truth, low, restored):
    """
    Draw the differences of LQ and RS from GT against GT.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
        Where to draw.
    truth, low, restored : ndarray, shape (N,)
        Measurements; NaN where they failed.
    """
    low, restored = _common(truth, low, restored)
    limits = _limits(truth)
    differences = low - truth, restored - truth
    known = np.abs(np.concatenate(differences))
    known = known[np.isfinite(known)]
    reach = 1.1 * float(np.quantile(known, 0.98)) if len(known) and known.max() > 0 else 1.0
    panel.axhline(0, color="black", linestyle="--", linewidth=0.6, zorder=3)
    size = 1.4 if len(truth) > 500 else 2.2
    for values, look in zip(differences, (_LOW, _RESTORED), strict=True):
        shown = np.clip(truth, *limits), np.clip(values, -reach, reach)
        panel.plot(*shown, markersize=size, rasterized=True, clip_on=False, **look)
    panel.set(xlim=limits, ylim=(-reach, reach))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def draw_gains(panel, gains, quantities, by):
    """
    Draw by what factor RS has a smaller scatter than LQ, by thirds of the objects.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
        Where to draw.
    gains : pandas.DataFrame
        Rows of one image (contract `GAINS`).
    quantities : sequence of str
        Which to draw, four at most.
    by : str
        One of `THIRDS`.
    """
    panel.axhline(1, color="black", linestyle="--", linewidth=0.6)
    greys = ("black", "0.45", "0.7", "0.25")
    for k, quantity in enumerate(quantities):
        some = gains[(gains["quantity"] == quantity) & (gains["by"] == by)].sort_values("third")
        panel.errorbar(
            some["third"] + 1 + 0.08 * (k - (len(quantities) - 1) / 2),
            some["mad_ratio"],
            some["mad_ratio_error"],
            color=greys[k],
            marker=_MARKERS[k],
            markersize=3,
            linewidth=0.8,
            label=quantity,
        )
    panel.set_yscale("log")
    low, high = panel.get_ylim()
    panel.set_ylim(min(low, 0.8), max(high, 1.3) * 1.5)
    ticks = [tick for tick in (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 8) if low <= tick <= high]
    panel.set_yticks(ticks or [1], [f"{tick:g}" for tick in ticks or [1]])
    panel.minorticks_off()
    panel.set_xticks([1, 2, 3], ["low", "middle", "high"])
    panel.set(xlim=(0.7, 3.3), xlabel=f"third in {by}", ylabel="MAD of LQ / of RS")
    panel.legend(loc="upper left", fontsize=6, ncols=1, handlelength=1.5)


def sentence(quantity, rows, names=NAMES):
    """
    Say what a panel's numbers are.

    Parameters
    ----------
    quantity : str
        What is compared.
    rows : dict of str to mapping
        As of `against_truth`.
    names : dict of str to str, optional
        What GT, LQ and RS are called.

    Returns
    -------
    text : str
        Correlations, RMSE with errors, and the ratios of the scatters.
    """
    low, restored = rows["LQ"], rows["RS"]
    return (
        f"{quantity}: r {low['pearson']:.3f} -> {restored['pearson']:.3f}, RMSE "
        f"{low['rmse']:.3g} -> {restored['rmse']:.3g}, {names['LQ']}'s over {names['RS']}'s RMSE "
        f"{restored['rmse_ratio']:.2f} ± {restored['rmse_ratio_error']:.2f}, MAD "
        f"{restored['mad_ratio']:.2f} ± {restored['mad_ratio_error']:.2f}"
    )


def thirds_sentence(gains):
    """
    Say what the thirds are.

    Parameters
    ----------
    gains : pandas.DataFrame
        Contract `GAINS`.

    Returns
    -------
    text : str
        Meaning of the properties.
    """
    shown = [f"{by}, {meaning}" for by, meaning in THIRDS.items() if by in set(gains["by"])]
    return "; ".join(shown)


def rows_of(table, quantity, image):
    """
    Pick the statistics of one panel.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `COMPARISON`; one scale of RS.
    quantity, image : str
        Quantity, and the image that is RS.

    Returns
    -------
    rows : dict of str to mapping
        Statistics of ``"LQ"`` and ``"RS"``.
    """
    rows = table[table["quantity"] == quantity].set_index("image")
    return {"LQ": rows.loc["LQ"], "RS": rows.loc[image]}


def count_outliers(gains, quantity):
    """
    Say how many outliers there are and in which thirds.

    Parameters
    ----------
    gains : pandas.DataFrame
        Rows of one image (contract `GAINS`).
    quantity : str
        Quantity.

    Returns
    -------
    text : str
        Number for RS and for LQ, and how RS's are spread over the thirds.
    """
    some = gains[gains["quantity"] == quantity]
    first = some[some["by"] == next(iter(THIRDS))]
    text = f"{quantity} {first['outliers'].sum()} (LQ {first['outliers_lq'].sum()})"
    parts = [
        f"{'/'.join(map(str, part.sort_values('third')['outliers']))} by {by}"
        for by, part in some.groupby("by", sort=False)
    ]
    return f"{text}: " + ", ".join(parts)


def _common(truth, low, restored):
    """Keep objects that all three have."""
    known = np.isfinite(truth) & np.isfinite(low) & np.isfinite(restored)
    return np.where(known, low, np.nan), np.where(known, restored, np.nan)


def _limits(values):
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return 0.0, 1.0
    low, high = np.quantile(known, _SHOWN)
    pad = 0.04 * (high - low) + 1e-9
    return float(low - pad), float(high + pad)


def _outliers(difference):
    known = np.isfinite(difference)
    if not known.any():
        return known
    middle = np.nanmedian(difference)
    spread = _MAD * np.nanmedian(np.abs(difference - middle))
    with np.errstate(invalid="ignore"):
        return np.abs(difference - middle) > OUTLIER * spread

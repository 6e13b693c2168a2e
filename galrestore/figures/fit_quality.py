"""Quality of the fits: fitted against true parameters of the rendered galaxies."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, plain_ticks, style
from galrestore.sersic.profile import ellipticity_components

__all__ = ["QUANTITIES", "draw", "residuals"]

# Quantity, label of its residual, whether residuals are of the logarithm.
QUANTITIES = (
    ("n", "ln n", True),
    ("r50", "ln R50", True),
    ("flux", "ln flux", True),
    ("q", "q", False),
    ("e1", "e1", False),
    ("e2", "e2", False),
)

_CLASSES = 6
_FEWEST_IN_CLASS = 10
_MAD = 1.4826
_GREY = "0.6"


def residuals(fits, truth):
    """
    Compare fitted with true parameters.

    Parameters
    ----------
    fits : mapping of str to ndarray, shape (N,)
        ``n, r50, q, theta, model_flux``, NaN where nothing was fitted.
    truth : mapping of str to ndarray, shape (N,)
        ``n, r50, q, theta, flux`` of the same galaxies.

    Returns
    -------
    fitted, true, difference : dict of str to ndarray of float64, shape (N,)
        By name in `QUANTITIES`; differences are fitted minus true, of logarithms where
        so stated.
    """
    fitted = {name: np.array(fits[name], dtype=float) for name in ("n", "r50", "q")}
    true = {name: np.array(truth[name], dtype=float) for name in ("n", "r50", "q", "flux")}
    fitted["flux"] = np.array(fits["model_flux"], dtype=float)
    # Where nothing was fitted, no axis ratio is within (0, 1].
    found = np.isfinite(fitted["q"])
    angle = np.where(found, np.asarray(fits["theta"], dtype=float), 0.0)
    for side, q, theta in (
        (fitted, np.where(found, fitted["q"], 1.0), angle),
        (true, true["q"], np.asarray(truth["theta"], dtype=float)),
    ):
        side["e1"], side["e2"] = ellipticity_components(q, theta)
    for name in ("e1", "e2"):
        fitted[name] = np.where(found, fitted[name], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = {
            name: np.log(fitted[name] / true[name]) if log else fitted[name] - true[name]
            for name, _, log in QUANTITIES
        }
    return fitted, true, difference


def draw(fits, truth):
    """
    Draw fitted against true parameters, and residuals and failures against noise.

    Parameters
    ----------
    fits : mapping of str to ndarray, shape (N,)
        As in `residuals`, and ``noise`` (rms after min-max normalisation) and ``failure``,
        "" for good fits.
    truth : mapping of str to ndarray, shape (N,)
        As in `residuals`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers.

    Raises
    ------
    ValueError
        If no fit is good.
    """
    failure = np.asarray(fits["failure"])
    good = failure == ""
    if not good.any():
        msg = f"none of {len(good)} fits is good, the figure would be blank"
        raise ValueError(msg)
    fitted, true, difference = residuals(fits, truth)
    noise = np.asarray(fits["noise"], dtype=float)
    with style():
        figure = Figure(figsize=(WIDTH["page"], 7.4))
        # Fixed margins: those that matplotlib finds fail for residuals that are all zero.
        margins = {"left": 0.09, "right": 0.99, "bottom": 0.055, "top": 0.99}
        heights = {"height_ratios": (1, 0.7, 1, 0.7, 0.5), "hspace": 0.55, "wspace": 1.3}
        grid = figure.add_gridspec(5, 6, **margins, **heights)
        for k, (name, label, log) in enumerate(QUANTITIES):
            place = (slice(2 * (k % 3), 2 * (k % 3) + 2), 2 * (k // 3))
            upper = figure.add_subplot(grid[place[1], place[0]])
            lower = figure.add_subplot(grid[place[1] + 1, place[0]])
            _against_truth(upper, true[name], fitted[name], good, label, log)
            _against_noise(lower, noise, difference[name], good, label)
        _failures(figure.add_subplot(grid[4, :]), noise, good)
    return figure, _caption(difference, good, failure)


def _against_truth(panel, true, fitted, good, label, log):
    values = np.concatenate([true, fitted[good]])
    low, high = np.nanquantile(values, [0.002, 0.998])
    if log:
        panel.set(xscale="log", yscale="log")
        low, high = low / 1.2, high * 1.2
    else:
        low, high = low - 0.05, high + 0.05
    panel.plot([low, high], [low, high], "--", color="black", linewidth=0.6)
    panel.plot(true[good], fitted[good], ".", color=BLUE, markersize=1.5, markeredgewidth=0)
    # Failed fits on the frame if they are outside or nothing was fitted.
    failed = np.clip(np.nan_to_num(fitted[~good], nan=low), low, high)
    panel.plot(true[~good], failed, "x", color=VERMILION, markersize=3, clip_on=False)
    name = label.removeprefix("ln ")
    panel.set(xlim=(low, high), ylim=(low, high), xlabel=f"true {name}", ylabel=f"fitted {name}")
    if log:
        plain_ticks(panel.xaxis, high / low)
        plain_ticks(panel.yaxis, high / low)


def _against_noise(panel, noise, difference, good, label):
    panel.axhline(0, color="black", linestyle="--", linewidth=0.6)
    panel.plot(noise[good], difference[good], ".", color=_GREY, markersize=1.2, markeredgewidth=0)
    middles, spreads = [], []
    for rows in _classes(noise, good):
        middles.append(np.median(noise[rows]))
        spreads.append(np.quantile(difference[rows], [0.16, 0.5, 0.84]))
    low, middle, high = np.transpose(spreads)
    panel.fill_between(middles, low, high, color=BLUE, alpha=0.25, linewidth=0)
    panel.plot(middles, middle, "o-", color=BLUE, markersize=2.5)
    reach = 1.3 * np.quantile(np.abs(difference[good]), 0.95) + 1e-3
    panel.set(ylim=(-reach, reach), xscale="log", xlabel="noise rms", ylabel=f"Δ {label}")
    plain_ticks(panel.xaxis, np.inf)


def _classes(noise, good):
    """Rows of equally populated classes of noise."""
    rows = np.flatnonzero(good)
    rows = rows[np.argsort(noise[rows], kind="stable")]
    return np.array_split(rows, max(1, min(_CLASSES, len(rows) // _FEWEST_IN_CLASS)))


def _failures(panel, noise, good):
    low, high = noise.min(), noise.max()
    edges = np.geomspace(low, high * 1.0001, 13) if high > low else np.array([low, high + 1e-6])
    panel.hist(noise, edges, histtype="step", color="black", label=f"all {len(good)} fits")
    if not good.all():
        panel.hist(noise[~good], edges, color=VERMILION, label=f"{np.sum(~good)} failed")
    panel.set(xscale="log", xlabel="noise rms of LQ after min-max normalisation", ylabel="fits")
    panel.set_yscale("symlog", linthresh=1)
    plain_ticks(panel.xaxis, high / low)
    panel.set_ylim(top=30 * panel.get_ylim()[1])
    panel.legend(loc="upper left", ncols=2)


def _caption(difference, good, failure):
    numbers = []
    for name, label, _ in QUANTITIES:
        values = difference[name][good]
        middle = np.median(values)
        numbers.append(f"{label} {middle:+.3f} ± {_MAD * np.median(np.abs(values - middle)):.3f}")
    reasons, counts = np.unique(failure[~good].astype(str), return_counts=True)
    lost = ", ".join(f"{count} {reason}" for reason, count in zip(reasons, counts, strict=True))
    return (
        f"Sersic fits of {len(good)} low-quality GalSim images against the parameters they were "
        f"rendered with. {np.sum(~good)} fits failed ({lost or 'none'}): crosses, on the frame "
        "where they are outside or nothing was fitted, and the lowest panel. Residuals of the "
        "good ones by noise: medians and the middle 68 per cent of equally populated classes. "
        "Median and robust scatter of all good fits: " + ", ".join(numbers) + "."
    )

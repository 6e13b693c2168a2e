"""Figure 4: the HST fits and the re-fitted GalSim images, in the five dimensions of the KDE."""

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["DIMENSIONS", "draw"]

# Quantity, label, whether its axis is logarithmic.
DIMENSIONS = (
    ("q", "axis ratio q", False),
    ("n", "index n", True),
    ("flux", "flux", True),
    ("r50", "R50 [pixel]", True),
    ("noise", "noise rms", True),
)

_HISTOGRAM = 24
_CELLS = 48
# Shares of the sample within one and two standard deviations of a Gaussian in two dimensions.
_LEVELS = (0.865, 0.393)
# Smaller samples are shown point by point as well.
_FEW = 3000
# First digits of ticks on axes of up to so many powers of ten.
_DIGITS = ((1.5, (1, 2, 5)), (2.3, (1, 3)), (np.inf, (1,)))
# Part of each axis that few outliers may leave [quantile].
_OUTLYING = 0.002


def draw(hst, galsim):
    """
    Draw the corner plot.

    Parameters
    ----------
    hst, galsim : mapping of str to ndarray, shape (N,) and (M,)
        Fits of the HST stamps and of the LQ images: ``q, n, flux, r50, noise`` and
        ``failure``, "" for good ones.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Histograms on the diagonal, contours of 39 and 86 per cent below it; samples of
        less than 3,000 as points too.
    caption : str
        What it shows, with its numbers.

    Raises
    ------
    ValueError
        If fewer than six fits of either are good and positive.

    References
    ----------
    Park et al. (2024), Figure 4.
    """
    samples = {"HST": _good(hst, "HST"), "GalSim LQ": _good(galsim, "GalSim")}
    limits = _limits(samples.values())
    fewest = min(values.shape[1] for values in samples.values())
    with style():
        figure = Figure(figsize=(WIDTH["page"], WIDTH["page"]), layout="constrained")
        axes = figure.subplots(5, 5)
        for row, column in np.ndindex(5, 5):
            panel = axes[row, column]
            if column > row:
                panel.set_visible(False)
                continue
            # HST, the smaller sample as a rule, on top.
            for values, colour, order in zip(
                samples.values(), (BLUE, VERMILION), (3, 2), strict=True
            ):
                if row == column:
                    _histogram(panel, values[row], limits[row], colour)
                else:
                    pair = values[[column, row]]
                    _contours(panel, pair, limits[[column, row]], fewest, colour, order)
            _axes(panel, row, column, limits)
        handles = [axes[0, 0].patches[k] for k in (0, 1)]
        labels = [f"{name}, {values.shape[1]} fits" for name, values in samples.items()]
        figure.legend(handles, labels, loc="upper right", bbox_to_anchor=(0.98, 0.98), fontsize=9)
    return figure, _caption(samples, hst, galsim)


def _good(fits, name):
    """Good and positive fits on the axes' scales, shape (5, N)."""
    good = np.asarray(fits["failure"]) == ""
    values = np.array([np.asarray(fits[key], dtype=float)[good] for key, _, _ in DIMENSIONS])
    values = values[:, np.all(np.isfinite(values) & (values > 0), axis=0)]
    if values.shape[1] < len(DIMENSIONS) + 1:
        msg = f"{values.shape[1]} of {len(good)} {name} fits are good, Figure 4 would be blank"
        raise ValueError(msg)
    return np.array(
        [np.log10(v) if log else v for v, (_, _, log) in zip(values, DIMENSIONS, strict=True)]
    )


def _limits(samples):
    ends = np.array([np.quantile(s, [_OUTLYING, 1 - _OUTLYING], axis=1).T for s in samples])
    low, high = ends[:, :, 0].min(axis=0), ends[:, :, 1].max(axis=0)
    margin = 0.08 * (high - low) + 1e-3
    return np.stack([low - margin, high + margin], axis=1)


def _histogram(panel, values, limits, colour):
    weights = np.full(values.size, _HISTOGRAM / values.size)
    bins = {"bins": _HISTOGRAM, "range": tuple(limits), "weights": weights}
    panel.hist(values, **bins, histtype="step", color=colour)


def _contours(panel, values, limits, fewest, colour, order):
    if values.shape[1] < _FEW:
        panel.plot(*values, ".", color=colour, markersize=1.5, markeredgewidth=0, zorder=order - 1)
    counts, x, y = np.histogram2d(*values, bins=_CELLS, range=limits)
    # Scott's width, in cells, of the smaller sample for both: samples fill a sixth of the axes.
    smooth = gaussian_filter(counts, _CELLS / 6 * fewest ** (-1 / 6), mode="constant")
    ordered = np.sort(smooth.ravel())[::-1]
    shares = np.cumsum(ordered) / ordered.sum()
    heights = [ordered[np.searchsorted(shares, level)] for level in _LEVELS]
    if heights[0] < heights[1]:
        middles = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
        lines = {"colors": colour, "linewidths": (0.7, 1.2), "zorder": order + 2}
        panel.contour(*middles, smooth.T, heights, **lines)


def _axes(panel, row, column, limits):
    panel.set_xlim(limits[column])
    if row == column:
        panel.set_yticks([])
        panel.spines["left"].set_visible(False)
    else:
        panel.set_ylim(limits[row])
        _ticks(panel.yaxis, row, limits[row], column == 0)
    _ticks(panel.xaxis, column, limits[column], row == len(DIMENSIONS) - 1)


def _ticks(axis, dimension, limits, labelled):
    """Put ticks at round numbers; the data are logarithms already."""
    _, label, log = DIMENSIONS[dimension]
    if log:
        powers = np.arange(np.floor(limits[0]), np.ceil(limits[1]) + 1)
        digits = next(d for reach, d in _DIGITS if limits[1] - limits[0] < reach)
        places = [p + np.log10(k) for p in powers for k in digits]
        places = [p for p in places if limits[0] <= p <= limits[1]]
        axis.set_ticks(places, [f"{10**p:.3g}" for p in places] if labelled else [])
    elif not labelled:
        axis.set_ticklabels([])
    if labelled:
        axis.set_label_text(label)


def _caption(samples, hst, galsim):
    from scipy.stats import ks_2samp, spearmanr  # takes longer to import than most figures need

    first, second = samples.values()
    distances = [ks_2samp(a, b).statistic for a, b in zip(first, second, strict=True)]
    change = np.abs(spearmanr(first, axis=1).statistic - spearmanr(second, axis=1).statistic)
    j, k = np.unravel_index(np.argmax(change), change.shape)
    names = [key for key, _, _ in DIMENSIONS]
    widest = int(np.argmax(distances))
    lost = [int(np.sum(np.asarray(fits["failure"]) != "")) for fits in (hst, galsim)]
    return (
        f"Sersic fits of {first.shape[1]} HST stamps (blue) and of {second.shape[1]} low-quality "
        "GalSim images drawn from their kernel density estimate (vermilion); fits that failed, "
        f"{lost[0]} and {lost[1]}, are left out. Contours hold 39 and 86 per cent of a sample. "
        "Flux is the sum of pixels, noise the rms after min-max normalisation. Distributions "
        f"differ by {np.median(distances):.3f} in the median and {distances[widest]:.3f} at most "
        f"(Kolmogorov-Smirnov; {names[widest]}), rank correlations by {change.max():.2f} at most "
        f"({names[j]} with {names[k]})."
    )

"""Star locus: size-magnitude diagram of each mosaic, with the stars taken out."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["draw"]

_COLUMNS = (2, 3)  # up to four mosaics, and more
_HEIGHT = 2.0  # of a panel [inch]
# Range of half-light radii shown, in those of stars.
_SIZES = (0.3, 12.0)


def draw(mosaics):
    """
    Draw sources, star locus and its limits.

    Parameters
    ----------
    mosaics : list of (mapping, pandas.DataFrame)
        Star locus of each mosaic (a row of contract `STARS`) and its catalogue
        (contract `CATALOGUE`).

    Returns
    -------
    figure : matplotlib.figure.Figure
        One panel a mosaic.
    caption : str
        What it shows, with its numbers.
    """
    columns = _COLUMNS[len(mosaics) > 4]
    rows = -(-len(mosaics) // columns)
    with style():
        figure = Figure(figsize=(WIDTH["gallery"], 0.5 + _HEIGHT * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (stars, catalogue) in zip(panels, mosaics, strict=False):
            _panel(axes, stars, catalogue)
        for axes in panels[len(mosaics) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("half-light radius [pixel]")
        figure.supxlabel(r"$-2.5\,\log_{10}$ FLUX_AUTO  [unit of the mosaic]", fontsize=8)
        handles, labels = panels[0].get_legend_handles_labels()
        if handles:
            figure.legend(handles, labels, loc="outside upper center", ncols=4, markerscale=3)
    counts = ", ".join(_words(stars, catalogue) for stars, catalogue in mosaics)
    caption = (
        "Half-light radius against instrumental magnitude of detected sources. Line: half-light "
        "radius of stars, the mode of the locus; shaded: the range in which sources are taken "
        "for stars, down to the confusion limit. Vermilion: sources rejected as stars; blue: "
        f"accepted sources. Sources on the locus: {counts}."
    )
    return figure, caption


def _panel(axes, stars, catalogue):
    flux, r50 = catalogue["flux_auto"].to_numpy(float), catalogue["r50"].to_numpy(float)
    known = (flux > 0) & (r50 > 0)
    magnitude = -2.5 * np.log10(np.where(known, flux, 1))
    star = catalogue["reject_star"].to_numpy(bool) & known
    accepted = (catalogue["rejected_by"] == "").to_numpy() & known
    groups = (
        (known & ~star & ~accepted, "0.7", "other sources"),
        (accepted, BLUE, "accepted"),
        (star, VERMILION, "on the star locus"),
    )
    # Many sources are a cloud of small points, few need larger ones.
    size = float(np.clip(60 / np.sqrt(max(1, known.sum())), 1.5, 4))
    for chosen, colour, label in groups:
        axes.plot(
            *(magnitude[chosen], r50[chosen], "."),
            color=colour,
            markersize=size,
            markeredgewidth=0,
            label=label,
            rasterized=True,
        )
    axes.set_yscale("log")
    axes.set_ylim(*(factor * stars["locus_r50"] for factor in _SIZES))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    if known.any():
        low, high = np.percentile(magnitude[known], [0, 99.5])
        axes.set_xlim(low - 0.5, high + 0.5)
        _band(axes, stars, *_faintest(catalogue, stars, magnitude, known))
    text = f"{stars['mosaic']}\n{star.sum()} stars"
    if stars["psf_stars"]:
        text += f", FWHM {stars['star_fwhm']:.2f} px"
    axes.set_title(text, loc="left")


def _band(axes, stars, faintest, snr):
    """Shade the locus down to its faintest magnitude, at which sources have some S/N."""
    left = axes.get_xlim()[0]
    if np.isfinite(stars["largest_flux"]):
        left = max(left, -2.5 * np.log10(stars["largest_flux"]))
    magnitude = np.linspace(left, faintest, 60)
    noise = stars["locus_noise"] / (snr * 10 ** (0.4 * (faintest - magnitude)))
    half = stars["locus_sigma"] * np.hypot(stars["locus_width"], noise)
    mode = stars["locus_r50"]
    edges = mode * np.exp(-half), mode * np.exp(half)
    axes.fill_between(magnitude, *edges, color=VERMILION, alpha=0.2, linewidth=0)
    axes.plot([left, faintest], [mode, mode], color="black", linewidth=0.6)


def _faintest(catalogue, stars, magnitude, known):
    """Magnitude of the confusion limit, and the S/N that compact sources have there."""
    snr = catalogue["snr"].to_numpy(float)
    known = known & (snr > 0)
    compact = known & (catalogue["r50"].to_numpy(float) < 2 * stars["locus_r50"])
    chosen = compact if compact.any() else known
    if not chosen.any():
        return float(magnitude.max()), np.inf
    # Of S/N 1, as in a sky-limited image: the noise does not depend on the source.
    one = float(np.median(magnitude[chosen] + 2.5 * np.log10(snr[chosen])))
    limits = [one - 2.5 * np.log10(stars["least_snr"])] if stars["least_snr"] > 0 else []
    limits += [-2.5 * np.log10(stars["least_flux"])] if stars["least_flux"] > 0 else []
    faintest = min([*limits, float(magnitude[known].max())])
    return faintest, 10 ** (0.4 * (one - faintest))


def _words(stars, catalogue):
    count = int(catalogue["reject_star"].sum())
    fitted = int(stars["locus_stars"])
    basis = f"fitted to {fitted}" if fitted else "from the PSF stated"
    return f"{stars['mosaic']} {count} (r50 = {stars['locus_r50']:.2f} px, {basis})"

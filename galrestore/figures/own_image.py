"""Gallery of an image's sources, before and after."""

from matplotlib.figure import Figure

from galrestore.figures.panels import inscribe, show_row
from galrestore.figures.style import WIDTH, style

__all__ = ["MOST", "draw"]

MOST = 12
_PAIRS = 3  # in a row


def draw(low_quality, restored, sources, name):
    """
    Draw stamps beside their restored images.

    Parameters
    ----------
    low_quality, restored : ndarray, shape (N, H, W)
        LQ and RS in one unit, at most `MOST`.
    sources : pandas.DataFrame
        Their ``id``, ``sky``, ``rms``, ``noise``, ``warnings``.
    name : str
        What the image is called.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers.
    """
    count = len(sources)
    pairs = min(count, _PAIRS)
    rows = -(-count // pairs)
    with style():
        width = WIDTH["page"] * pairs / _PAIRS
        figure = Figure(figsize=(width, 1.42 * rows + 0.25), layout="constrained")
        axes = figure.subplots(rows, 2 * pairs, squeeze=False)
        panels = axes.reshape(-1, 2)
        for pair, low, high, source in zip(
            panels, low_quality, restored, sources.itertuples(), strict=False
        ):
            show_row(pair, (low, high), source.sky, source.rms)
            pair[0].set_title(f"{source.id}: LQ")
            pair[1].set_title("RS")
            inscribe(pair[0], f"noise {source.noise:.3f}")
            if source.warnings:
                inscribe(pair[1], "!")
        for pair in panels[count:]:
            for panel in pair:
                panel.set_axis_off()
    return figure, _caption(sources, name)


def _caption(sources, name):
    flagged = int((sources["warnings"] != "").sum())
    return (
        f"{len(sources)} sources of {name}, those that the paper would accept first, in rising "
        "noise: low-quality image (LQ, with its noise rms after min-max normalisation, "
        f"{sources['noise'].min():.3f} to {sources['noise'].max():.3f}) and restored image (RS) "
        "by id, in one unit and on one asinh stretch, from three rms below LQ's sky to RS's "
        f"peak. An exclamation mark: the table has warnings ({flagged} of {len(sources)})."
    )

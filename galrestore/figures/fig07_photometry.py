"""Figure 7 (and 10): fluxes and pixels of LQ and RS against GT."""

from matplotlib.figure import Figure

from galrestore.figures.agreement import (
    NAMES,
    against_truth,
    count_outliers,
    draw_gains,
    residuals_against_truth,
    rows_of,
    sentence,
    thirds_sentence,
)
from galrestore.figures.style import WIDTH, style
from galrestore.measurement.shape_tables import FLUXES, OUTLIER, PIXEL, pixel_values, values_of

__all__ = ["draw"]

_RESCALES = {
    "matched": "the least-squares match of the blurred RS to LQ",
    "paper": "equations 8 and 9",
}

_GRID = {"left": 0.09, "right": 0.99, "bottom": 0.1, "top": 0.915, "hspace": 0.28, "wspace": 0.56}


def draw(objects, samples, table, gains, image, label, rescale="matched", names=NAMES):
    """
    Draw fluxes and pixels of LQ and of one restored image against those of GT.

    Parameters
    ----------
    objects, samples : pandas.DataFrame
        Measurements of one set (contracts `SHAPES` and `SHAPE_PIXELS`).
    table : pandas.DataFrame
        Their comparison with GT (contract `COMPARISON`).
    gains : pandas.DataFrame
        Where restoration pays (contract `GAINS`).
    image, label : str
        Method that restored, and its name for the reader.
    rescale : {"matched", "paper"}, optional
        Scale of RS.
    names : dict of str to str, optional
        What GT, LQ and RS are called in this set.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with the table's numbers.

    Raises
    ------
    ValueError
        If no object was measured in GT, LQ and RS.

    References
    ----------
    Park et al. (2024), Figures 7 and 10.
    """
    quantities = (*FLUXES, PIXEL)
    both = {
        scale: {
            quantity: rows_of(table[table["rescale"] == scale], quantity, image)
            for quantity in quantities
        }
        for scale in _RESCALES
    }
    rows = both[rescale]
    if rows[PIXEL]["RS"]["count"] == 0:
        msg = (
            f"no object has fluxes in all of {names['GT']}, {names['LQ']} and {image}, or the "
            "scales of the pairs are not known"
        )
        raise ValueError(msg)
    gains = gains[gains["image"] == image]
    values = {quantity: values_of(objects, quantity, rescale) for quantity in FLUXES}
    pixels = pixel_values(objects, samples, rescale)
    values[PIXEL] = {name: array.ravel() for name, array in pixels.items()}
    with style():
        figure = Figure(figsize=(WIDTH["page"], 4.0))
        panels = figure.subplots(2, 4, height_ratios=(1, 0.75), gridspec_kw=_GRID)
        for column, quantity in enumerate(quantities):
            of_panel = [values[quantity][name] for name in ("GT", "LQ", image)]
            against_truth(
                panels[0, column], *of_panel, rows[quantity], names, rings=quantity != PIXEL
            )
            residuals_against_truth(panels[1, column], *of_panel)
            panels[0, column].set(ylabel=f"{quantity}, {names['LQ']}, {names['RS']}")
            panels[1, column].set(
                xlabel=f"{quantity}, {names['GT']}", ylabel=f"minus {names['GT']}"
            )
        draw_gains(panels[0, 3], gains, tuple(FLUXES), "noise")
        draw_gains(panels[1, 3], gains, tuple(FLUXES), "size")
        panels[1, 3].get_legend().remove()
    return figure, _caption(rows, both, gains, label, rescale, names)


def _caption(rows, both, gains, label, rescale, names):
    (other,) = (scale for scale in _RESCALES if scale != rescale)
    others = "; ".join(
        f"{quantity} RMSE ratio {pair['RS']['rmse_ratio']:.2f}, MAD {pair['RS']['mad_ratio']:.2f}"
        for quantity, pair in both[other].items()
    )
    slopes = f"{rows[PIXEL]['LQ']['slope']:.3f} -> {rows[PIXEL]['RS']['slope']:.3f}"
    bias = rows["log isophotal flux"]
    return (
        f"Fluxes (dex) of {int(rows[PIXEL]['RS']['count'])} stamps in {names['LQ']}'s Kron ellipse "
        f"and isophote, and pixels in the ellipse (in units of {names['GT']}'s range): "
        f"{names['LQ']} (blue discs) and {names['RS']} (red crosses, by {label}) against "
        f"{names['GT']}; dashed: equality; below: differences. {names['RS']} is on the scale of "
        f"{_RESCALES[rescale]}, without any look at {names['GT']}. "
        + "; ".join(sentence(quantity, pair, names) for quantity, pair in rows.items())
        + f". Slope of the pixels {slopes}; median bias of the isophotal flux "
        f"{bias['LQ']['bias']:+.4f} -> {bias['RS']['bias']:+.4f} dex. On the scale of "
        f"{_RESCALES[other]}: {others}. Rings: outliers of the fluxes of {names['RS']}, "
        f"beyond {OUTLIER:g} MAD; numbers, in rising thirds: "
        + "; ".join(count_outliers(gains, quantity) for quantity in FLUXES)
        + ". Points beyond the frame lie on it. Right: MAD ratios in thirds. Thirds: "
        f"{thirds_sentence(gains)}."
    )

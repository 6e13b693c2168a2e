"""Figure 6 (and 9): morphology of LQ and RS against GT."""

from matplotlib.figure import Figure

from galrestore.figures.agreement import (
    NAMES,
    against_truth,
    count_outliers,
    draw_gains,
    rows_of,
    sentence,
    thirds_sentence,
)
from galrestore.figures.style import WIDTH, style
from galrestore.measurement.shape_tables import MORPHOLOGY, OUTLIER, values_of

__all__ = ["draw"]

_LABELS = {
    "e1": "e1",
    "e2": "e2",
    "n": "Sersic index n",
    "r50": "R50 [pixel]",
    "log i50": "log I(R50)",
}
_GAINED = ("n", "r50")
_GRID = {"left": 0.08, "right": 0.99, "bottom": 0.085, "top": 0.94, "hspace": 0.45, "wspace": 0.4}


def draw(objects, table, gains, image, label, names=NAMES):
    """
    Draw the Sersic parameters of LQ and of one restored image against those of GT.

    Parameters
    ----------
    objects : pandas.DataFrame
        Measurements of one set (contract `SHAPES`).
    table : pandas.DataFrame
        Their comparison with GT (contract `COMPARISON`).
    gains : pandas.DataFrame
        Where restoration pays (contract `GAINS`).
    image, label : str
        Method that restored, and its name for the reader.
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
    Park et al. (2024), Figures 6 and 9.
    """
    rows = {quantity: rows_of(table, quantity, image) for quantity in MORPHOLOGY}
    if rows["n"]["RS"]["count"] == 0:
        msg = f"no object was fitted in all of {names['GT']}, {names['LQ']} and {image}"
        raise ValueError(msg)
    gains = gains[gains["image"] == image]
    with style():
        figure = Figure(figsize=(WIDTH["page"], 5.0))
        panels = figure.subplots(2, 3, gridspec_kw=_GRID).ravel()
        for panel, quantity in zip(panels, MORPHOLOGY, strict=False):
            values = values_of(objects, quantity)
            of_panel = (values["GT"], values["LQ"], values[image])
            against_truth(panel, *of_panel, rows[quantity], names)
            name = _LABELS[quantity]
            panel.set(
                xlabel=f"{name}, {names['GT']}", ylabel=f"{name}, {names['LQ']} and {names['RS']}"
            )
        draw_gains(panels[5], gains, _GAINED, "noise")
    return figure, _caption(table, rows, gains, image, label, names)


def _caption(table, rows, gains, image, label, names):
    fair = table[table["image"] == "LQ + PSF"].set_index("quantity")
    failed = table[table["quantity"] == "n"].set_index("image")["failed"]
    count, truth_failed = (int(rows["n"]["RS"][name]) for name in ("count", "failed_truth"))
    with_psf = ", ".join(
        f"{q} {fair.loc[q, 'mad_ratio']:.2f} ± {fair.loc[q, 'mad_ratio_error']:.2f}"
        for q in _GAINED
    )
    return (
        f"Sersic fits without PSF of {count} stamps: {names['LQ']} (blue discs) and {names['RS']} "
        f"(red crosses, by {label}) against {names['GT']}, the same fitter and masks; dashed: "
        "equality. "
        + "; ".join(sentence(quantity, pair, names) for quantity, pair in rows.items())
        + f". Failed fits: {truth_failed} of {names['GT']}, {failed['LQ']} of {names['LQ']}, "
        f"{failed[image]} of {names['RS']}. {names['LQ']} fitted with its PSF in the model has, "
        f"without restoration, {names['LQ']}'s MAD over its own in {with_psf}. Rings: outliers "
        f"of {names['RS']}, beyond {OUTLIER:g} MAD; numbers, in rising thirds: "
        + "; ".join(count_outliers(gains, quantity) for quantity in _GAINED)
        + ". Points beyond the frame lie on it. Last panel: MAD ratio in thirds of the noise. "
        f"Thirds: {thirds_sentence(gains)}."
    )

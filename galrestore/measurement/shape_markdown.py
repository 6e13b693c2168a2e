"""Morphology and photometry for readers, in Markdown, beside what the paper states."""

import numpy as np

from galrestore.measurement.markdown_table import (
    cells_with_errors,
    number_cells,
    table_lines,
    table_of_columns,
)
from galrestore.measurement.published_shapes import PAPER_SET, PUBLISHED_SHAPES
from galrestore.measurement.shape_tables import OUTLIER, THIRDS

__all__ = [
    "render_gains",
    "render_morphology",
    "render_paper",
    "render_photometry",
    "render_spectrum",
]

_NOTES = """\
N: objects measured in GT, LQ and the image; failed: objects without this measurement in the image
(in GT: {failed_truth}). RMSE is about the line of equality, MAD is 1.4826 median absolute
deviation from the median, clipped the standard deviation within 3 sigma, slope that of the
least-squares line against GT, bias the median difference. Ratios are LQ's scatter over the
image's on the same objects: above 1 the image is better. Errors: bootstrap over objects.
"""
_SCALES = {
    "matched": "RS on the scale of the least-squares match to LQ",
    "paper": "RS on the scale of equations 8 and 9",
    "": "",
}
# Why a restored flux is not better than that of LQ: nothing but LQ tells the flux.
_FLUX = """\
The scale of RS comes from LQ alone, so its flux keeps the noise of LQ's pixels, at best that of a
matched filter, and adds what the method gets wrong in the profile: the scatter of a flux goes
down only as far as LQ's own sum is noisier than a matched filter's.
"""


def render_morphology(table):
    """
    Write the comparison of Sersic parameters as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `COMPARISON`.

    Returns
    -------
    text : str
        One table for each quantity.
    """
    name = table["set"].iloc[0]
    return "\n".join(
        [
            f"# Morphology of the test images of set {name}, against GT",
            "",
            "Sersic fits without PSF of GT, LQ and each restored image, same fitter and masks; "
            "LQ + PSF is the fit of LQ with its PSF in the model, which needs no restoration. "
            "r50 in pixels, i50 (dex) on the original scale.",
            "",
            *_quantities(table),
        ]
    )


def render_photometry(table):
    """
    Write the comparison of fluxes and pixels as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `COMPARISON`.

    Returns
    -------
    text : str
        One table for each quantity and scale of RS.
    """
    name = table["set"].iloc[0]
    return "\n".join(
        [
            f"# Photometry of the test images of set {name}, against GT",
            "",
            "Kron ellipse and isophote of LQ, used for GT, LQ and each restored image; fluxes "
            "above each image's own sky, in dex; pixels drawn from the ellipse, equally many of "
            "each galaxy, in units of GT's range.",
            "",
            *_quantities(table),
            _FLUX,
        ]
    )


def render_paper(table, image):
    """
    Set one image's ratios beside the paper's.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `COMPARISON`; of the matched scale where there are two.
    image : str
        Image whose numbers are shown.

    Returns
    -------
    text : str
        One row for each quantity; empty for other sets than the paper's.
    """
    if table["set"].iloc[0] != PAPER_SET or image not in set(table["image"]):
        return ""
    own = table[(table["image"] == image) & (table["rescale"] != "paper")]
    low = table[(table["image"] == "LQ") & (table["rescale"] != "paper")].set_index("quantity")
    columns = [
        ["quantity", *own["quantity"]],
        ["paper", *(PUBLISHED_SHAPES[quantity][0] for quantity in own["quantity"])],
        ["Pearson LQ -> RS", *_change(low.loc[own["quantity"], "pearson"], own["pearson"])],
    ]
    for scatter, heading in (("rmse", "RMSE"), ("mad", "MAD"), ("clipped", "clipped")):
        cells = cells_with_errors(own[f"{scatter}_ratio"], own[f"{scatter}_ratio_error"], 2)
        columns.append([f"{heading} ratio", *cells])
    label = own["label"].iloc[0]
    rows = list(zip(*columns, strict=True))
    return "\n".join(
        [
            f"## {label} beside the paper's network",
            "",
            *table_lines(rows, numbers=range(2, len(columns))),
            "",
            "The paper's numbers are of 11,349 stamps of real fields and a network of 26 million "
            "parameters, and it does not say which scatter its factors are of; here "
            f"{int(own['count'].max())} stamps of this run.",
            "",
        ]
    )


def render_gains(table):
    """
    Write where restoration pays as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `GAINS`.

    Returns
    -------
    text : str
        One table for each image: the ratio of MADs, LQ's over the image's, by quantity in
        thirds of the objects, and the outliers.
    """
    lines = ["## Where it pays: MAD of LQ over that of the image, by thirds of the objects", ""]
    for label, part in table.groupby("label", sort=False):
        rows = [["quantity", *(f"{by}, third {k + 1}" for by in THIRDS for k in range(3))]]
        for quantity, some in part.groupby("quantity", sort=False):
            rows.append(
                [quantity, *cells_with_errors(some["mad_ratio"], some["mad_ratio_error"], 2)]
            )
            counts = zip(some["outliers"], some["outliers_lq"], strict=True)
            rows.append(["outliers, here / LQ", *(f"{a} / {b}" for a, b in counts)])
        lines += [f"### {label}", "", *table_lines(rows, numbers=range(1, 10)), ""]
    first = table.drop_duplicates(["by", "third"])
    ranges = [
        f"{by} ({meaning}): "
        + ", ".join(_range(row) for row in first[first["by"] == by].itertuples())
        for by, meaning in THIRDS.items()
    ]
    return "\n".join(
        [
            *lines,
            "Thirds: " + "; ".join(ranges) + ". Outliers: differences from GT beyond "
            f"{OUTLIER:g} MAD (of the image, all objects) from their median, and how many of LQ's "
            "are beyond the same limit.",
            "",
        ]
    )


def render_spectrum(spectrum, labels):
    """
    Write the power by spatial frequency as Markdown.

    Parameters
    ----------
    spectrum : pandas.DataFrame
        Contract `SPECTRUM`.
    labels : dict of str to str
        Name for the reader of each method.

    Returns
    -------
    text : str
        For each image the power of the residual and the coherence, in every second ring.
    """
    shown = spectrum[spectrum["frequency"].rank(method="dense") % 2 == 1]
    columns = [["image", *(labels.get(name, name) for name in dict.fromkeys(shown["image"]))]]
    for frequency, part in shown.groupby("frequency"):
        cells = [
            f"{a} / {b}"
            for a, b in zip(
                number_cells(part["amplitude"], 2), number_cells(part["coherence"], 2), strict=True
            )
        ]
        columns.append([f"{frequency:.3f}", *cells])
    return "\n".join(
        [
            "## Restored or smoothed: amplitude / coherence by spatial frequency [1/pixel]",
            "",
            *table_of_columns(columns),
            "",
            "Amplitude: root of the image's power over GT's, below 1 where it smooths, above 1 "
            "where it adds noise or structure. Coherence: 1 where phases are GT's.",
            "",
        ]
    )


def _quantities(table):
    lines = []
    for (quantity, rescale), part in table.groupby(["quantity", "rescale"], sort=False):
        where = f", {_SCALES[rescale]}" if rescale else ""
        columns = [
            ["image", *part["label"]],
            ["N", *map(str, part["count"])],
            ["failed", *map(str, part["failed"])],
        ]
        for name, heading, decimals in _COLUMNS:
            cells = cells_with_errors(part[name], part[f"{name}_error"], decimals)
            columns.append([heading, *cells])
        lines += [f"## {quantity}{where}", "", *table_of_columns(columns), ""]
    return [*lines, _NOTES.format(failed_truth=int(table["failed_truth"].iloc[0]))]


_COLUMNS = (
    ("pearson", "Pearson", 3),
    ("rmse", "RMSE", 4),
    ("mad", "MAD", 4),
    ("clipped", "clipped", 4),
    ("slope", "slope", 3),
    ("bias", "bias", 4),
    ("rmse_ratio", "LQ / RMSE", 2),
    ("mad_ratio", "LQ / MAD", 2),
    ("clipped_ratio", "LQ / clipped", 2),
)


def _change(before, after):
    pairs = zip(number_cells(before, 3), number_cells(after, 3), strict=True)
    return [f"{a} -> {b}" for a, b in pairs]


def _range(row):
    return "-" if np.isnan(row.low) else f"{row.low:.3g} to {row.high:.3g}"

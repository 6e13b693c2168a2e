"""Calibration for readers, in Markdown."""

from galrestore.measurement.calibration import PROPERTIES
from galrestore.measurement.markdown_table import cells_with_errors, table_lines

__all__ = ["render_calibration"]

_NOTES = """\
Relative differences (x - x of GT) / x of GT in bins of equally many objects; N: objects measured
in GT, LQ and the image, missing: those of the bin that are not. Bias is their median, MAD 1.4826
median absolute deviation from it, RMSE about zero; the ratio is LQ's MAD over the image's on the
same objects: above 1 the image is better. Errors: bootstrap over the objects of the bin. Fluxes
are on the scale of the least-squares match to LQ.
"""


def render_calibration(table):
    """
    Write bias and scatter by bin as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `CALIBRATION`.

    Returns
    -------
    text : str
        One table for each quantity and property.
    """
    lines = [f"# Calibration of the test images of set {table['set'].iloc[0]}, against GT", ""]
    lines += [_NOTES]
    for (quantity, by), part in table.groupby(["quantity", "by"], sort=False):
        lines += [f"## {quantity} by {by}", "", f"{by}: {PROPERTIES[by]}.", ""]
        lines += [*table_lines(_rows(part, by), numbers=range(1, 8)), ""]
    return "\n".join(lines)


def _rows(part, by):
    columns = [["image", *part["label"]]]
    columns.append([by, *(f"{row.low:.3g} to {row.high:.3g}" for row in part.itertuples())])
    columns.append(["N", *map(str, part["count"])])
    columns.append(["missing", *map(str, part["missing"])])
    named = {"bias": "bias", "mad": "MAD", "rmse": "RMSE", "mad_ratio": "MAD ratio"}
    for name, heading in named.items():
        decimals = 2 if name.endswith("ratio") else 4
        cells = cells_with_errors(part[name], part[f"{name}_error"], decimals)
        columns.append([heading, *cells])
    return list(zip(*columns, strict=True))

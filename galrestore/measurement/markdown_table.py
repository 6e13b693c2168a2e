"""Tables in Markdown with padded cells, legible on a terminal too."""

import numpy as np

__all__ = ["cells_with_errors", "number_cells", "table_lines", "table_of_columns"]


def table_of_columns(columns):
    """
    Write a table given by columns.

    Parameters
    ----------
    columns : list of list of str
        Heading and cells of each; the first is text, the others are numbers.

    Returns
    -------
    lines : list of str
        The table in Markdown.
    """
    return table_lines(list(zip(*columns, strict=True)), numbers=range(1, len(columns)))


def table_lines(rows, numbers):
    """
    Write a table given by rows.

    Parameters
    ----------
    rows : list of sequence of str
        Headings, then the cells of each row.
    numbers : container of int
        Columns of numbers, set to the right.

    Returns
    -------
    lines : list of str
        The table in Markdown.
    """
    # A rule of Markdown has three characters or more.
    widths = [max(3, *(len(row[k]) for row in rows)) for k in range(len(rows[0]))]
    padded = [
        [
            cell.rjust(width) if k in numbers else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    rule = [
        "-" * (width - 1) + ":" if k in numbers else "-" * width for k, width in enumerate(widths)
    ]
    return ["| " + " | ".join(row) + " |" for row in [padded[0], rule, *padded[1:]]]


def number_cells(values, decimals):
    """
    Write numbers.

    Parameters
    ----------
    values : iterable of float
        Numbers; NaN becomes "-".
    decimals : int
        Digits after the point.

    Returns
    -------
    cells : list of str
        The numbers.
    """
    return ["-" if np.isnan(value) else f"{value:.{decimals}f}" for value in values]


def cells_with_errors(values, errors, decimals):
    """
    Write numbers with their errors, where they have any.

    Parameters
    ----------
    values, errors : iterable of float
        Numbers; NaN becomes "-", and an error of NaN is left out.
    decimals : int
        Digits after the point.

    Returns
    -------
    cells : list of str
        Such as ``"1.23 ± 0.04"``.
    """
    cells = number_cells(values, decimals)
    return [
        cell if np.isnan(error) else f"{cell} ± {error:.{decimals}f}"
        for cell, error in zip(cells, errors, strict=True)
    ]

"""Tables in Markdown that are also legible on a terminal."""

__all__ = ["table_lines"]


def table_lines(rows, numbers):
    """
    Set a table in Markdown with padded cells.

    Parameters
    ----------
    rows : list of list of str
        Cells of the rows, all equally many; the first row is the heading.
    numbers : collection of int
        Columns to set to the right.

    Returns
    -------
    lines : list of str
        Lines of text.
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

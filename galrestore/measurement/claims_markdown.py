"""The table of claims in Markdown, and its copy in the README."""

import numpy as np

from galrestore.measurement.claims_rows import with_error

__all__ = ["BEGIN", "END", "claims_lines", "copied_lines", "render_claims", "replace_lines"]

# The README holds the table between these lines.
BEGIN, END = "<!-- claims: begin -->", "<!-- claims: end -->"
_HEADING = ("claim", "paper", "this run", "setting", "file below `results/`", "deviation")
_FIRST = "| " + " | ".join(_HEADING) + " |"


def render_claims(table):
    """
    Write the claims as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Contract `CLAIMS`.

    Returns
    -------
    text : str
        One row a claim.
    """
    lines = ["# The paper's claims, and this run's figures", "", _FIRST]
    lines += ["|" + "---|" * len(_HEADING), *map(_line, table.to_dict("records")), ""]
    return "\n".join(lines)


def _line(row):
    decimals = row["decimals"]
    paper = row["paper_text"]
    if np.isfinite(row["paper"]):
        paper = f"{row['paper']:,.{decimals}f}"
    ours = with_error(row["ours"], row["error"], decimals)
    if decimals == 0 and np.isfinite(row["ours"]) and np.isnan(row["error"]):
        ours = f"{row['ours']:,.0f}"
    ours += f" ({row['also']})" if row["also"] else ""
    file = f"`{row['file']}`"
    cells = [row["claim"], f"{paper} ({row['place']})", ours, row["setting"], file]
    return "| " + " | ".join([*cells, row["deviation"]]) + " |"


def claims_lines(text):
    """
    Pick the table from a page of claims.

    Parameters
    ----------
    text : str
        Page that `render_claims` wrote.

    Returns
    -------
    lines : list of str
        Lines of the table, its heading first.

    Raises
    ------
    ValueError
        If there is no such table.
    """
    lines = text.splitlines()
    if _FIRST not in lines:
        msg = "holds no table of claims"
        raise ValueError(msg)
    return [line for line in lines[lines.index(_FIRST) :] if line.startswith("|")]


def copied_lines(readme):
    """
    Pick the copy of the table from the README.

    Parameters
    ----------
    readme : str
        Text of the README.

    Returns
    -------
    lines : list of str
        Lines between the two markers that are not empty.

    Raises
    ------
    ValueError
        If the markers are not there, once each and in order.
    """
    return [line for line in _parts(readme)[1].splitlines() if line]


def replace_lines(readme, lines):
    """
    Put a table of claims between the markers of the README.

    Parameters
    ----------
    readme : str
        Text of the README.
    lines : list of str
        Lines of the table.

    Returns
    -------
    readme : str
        The text with the table.
    """
    before, _, after = _parts(readme)
    return "\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}{after}"])


def _parts(readme):
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        msg = f"needs the lines {BEGIN} and {END}, once each"
        raise ValueError(msg)
    before, _, rest = readme.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not end:
        msg = f"has {END} before {BEGIN}"
        raise ValueError(msg)
    return before, inside, after

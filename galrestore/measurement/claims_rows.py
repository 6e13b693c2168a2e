"""Rows of the table of claims: figures, and how they compare."""

import numpy as np

from galrestore.measurement.markdown_table import cells_with_errors

__all__ = ["claim", "with_error"]

# Standard errors within which two figures agree.
_AGREE = 2.0


def claim(
    text,
    place,
    published,
    ours,
    error=np.nan,
    *,
    decimals,
    setting,
    file,
    also="",
    reason="",
    holds=None,
):
    """
    Set one figure of a run beside the paper's.

    Parameters
    ----------
    text, place : str
        What is claimed, and where the paper says so.
    published : float or str
        The paper's figure, or what it says where it gives none.
    ours, error : float
        Figure of the run and its standard error, NaN where it has none.
    decimals : int
        Digits after the point to print.
    setting, file : str
        Method and images; file that holds the figure.
    also : str, optional
        Another figure that belongs to it.
    reason : str, optional
        Why ours deviates, if it does.
    holds : bool, optional
        Whether ours bears out what the paper says, where it gives no figure.

    Returns
    -------
    row : dict
        Contract `CLAIMS`.  Figures agree that differ by 2 standard errors at most.
    """
    verbal = isinstance(published, str)
    return {
        "claim": text,
        "place": place,
        "paper": np.nan if verbal else float(published),
        "paper_text": published if verbal else "",
        "ours": float(ours),
        "error": float(error),
        "decimals": decimals,
        "also": also,
        "setting": setting,
        "file": file,
        "deviation": _said(holds, reason) if verbal else _deviation(published, ours, error, reason),
    }


def _said(holds, reason):
    if holds is None:
        return reason
    return "holds" if holds else f"does not hold: {reason}"


def _deviation(published, ours, error, reason):
    if np.isnan(ours):
        return "not measured in this run"
    difference = ours - published
    if difference == 0:
        return "agrees"
    if abs(difference) <= _AGREE * error:
        return "agrees within two standard errors"
    side = "above" if difference > 0 else "below"
    return f"{side} the paper's: {reason}"


def with_error(value, error, decimals):
    """
    Write a number with its error, if it has one.

    Parameters
    ----------
    value, error : float
        Number and its error; an error of NaN is left out.
    decimals : int
        Digits after the point.

    Returns
    -------
    text : str
        Such as ``"1.23 ± 0.04"``.
    """
    return cells_with_errors([value], [error], decimals)[0]

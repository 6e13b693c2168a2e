"""What is done to a configuration before it is validated."""

__all__ = ["nulls"]

_NULL = ("null", "Null", "NULL", "~")


def nulls(value):
    """
    Read the word null as no value.

    Snakemake keeps every value of ``--config 'key={...}'`` as text, so that null comes as
    ``"null"``; no setting has this for a text.

    Parameters
    ----------
    value : object
        A configuration or a part of it, of dict, list and plain values.

    Returns
    -------
    value : object
        A copy with None for the text ``null`` or ``~``.
    """
    if isinstance(value, dict):
        return {key: nulls(part) for key, part in value.items()}
    if isinstance(value, list):
        return [nulls(part) for part in value]
    return None if isinstance(value, str) and value in _NULL else value

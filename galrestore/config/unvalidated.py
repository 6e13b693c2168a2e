"""What is done to a configuration before it is validated."""

import logging

__all__ = ["leave_out_unselected", "nulls"]

logger = logging.getLogger(__name__)

_NULL = ("null", "Null", "NULL", "~")
_NAMING = ("hst", "jwst", "mosaic", "exposures_of")


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


def leave_out_unselected(config):
    """
    Leave out the sets of section 5 whose field of the archive is not selected.

    Parameters
    ----------
    config : dict
        The configuration, changed in place: ``proxy.<set>`` becomes None where it names a
        mosaic or a set of exposures of a field that ``acquire.mast.fields`` lacks.  Names
        that nothing in the configuration has are left for the validation.
    """
    doors, sets = _mapping(config.get("acquire")), _mapping(config.get("proxy"))
    mast = _mapping(doors.get("mast"))
    fields = mast.get("fields")
    if not isinstance(fields, list):
        return
    there = {
        name
        for door in ("simulated", "local")
        for name in _mapping(_mapping(doors.get(door)).get("mosaics"))
    }
    entries = {**_mapping(mast.get("mosaics")), **_mapping(mast.get("exposures"))}
    beside = {
        name: entry.get("field")
        for name, entry in entries.items()
        if isinstance(entry, dict) and entry.get("field") not in fields and name not in there
    }
    for key, named in sets.items():
        missing = [n for n in (_mapping(named).get(role) for role in _NAMING) if n in beside]
        if missing:
            sets[key] = None
            logger.warning(
                "proxy.%s is left out: acquire.mast.fields does not select %r, the field of %s",
                *(key, beside[missing[0]], " and ".join(missing)),
            )


def _mapping(value):
    return value if isinstance(value, dict) else {}

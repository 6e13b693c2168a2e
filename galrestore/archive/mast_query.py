"""Queries to MAST: from criteria to the files of the observations that meet them."""

import re
import warnings
from dataclasses import dataclass

import requests
from astropy.coordinates import SkyCoord
from astropy.time import Time

from galrestore.archive.connection import Session, server
from galrestore.errors import InputError, SettingsError

__all__ = ["Found", "file_pattern", "find", "size_at"]

_GROUP = 5  # observations asked for at once; MAST answers long lists slowly


@dataclass(frozen=True)
class Found:
    """
    One file of the archive.

    Attributes
    ----------
    name, uri : str
        Name of the file, and its archive URI.
    size : int
        Size as listed [byte]; 0 if it is not.
    footprint : str
        Outline of its observation on the sky.
    observation : str
        The observation, in the archive's numbers.
    time : float
        Exposure time of the whole observation [s]; 0 if it is not listed.
    """

    name: str
    uri: str
    size: int
    footprint: str
    observation: str
    time: float


def find(query, band, transfer):
    """
    Find the files of a query.

    Parameters
    ----------
    query : ArchiveQuery
        The criteria; only public images of science are asked for.
    band : str
        Filter.
    transfer : Transfer
        Time-outs and attempts.

    Returns
    -------
    files : list of Found
        Files whose names match ``query.science`` or ``query.weight``, by name; one of
        each.

    Raises
    ------
    InputError
        If the archive cannot be reached or its answer is none.
    SettingsError
        If the archive does not know a criterion.
    """
    from astroquery.exceptions import InvalidQueryError, NoResultsWarning, RemoteServiceError

    try:
        with Session(transfer) as session, warnings.catch_warnings():
            warnings.simplefilter("ignore", NoResultsWarning)
            observations = _client(session)
            table = observations.query_criteria(**_criteria(query, band))
            about = {
                str(row["obsid"]): (_text(row, "s_region"), float(_text(row, "t_exptime") or 0))
                for row in table
            }
            wanted = sorted(about)
            groups = [wanted[first : first + _GROUP] for first in range(0, len(wanted), _GROUP)]
            products = [observations.get_product_list(group) for group in groups]
    except InvalidQueryError as error:
        raise SettingsError("acquire.mast query", query.model_dump(), str(error)) from error
    except (requests.RequestException, RemoteServiceError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        problem = f"does not answer the query for {query.science} ({reason})"
        raise InputError(server(), problem, "try again later") from error
    pattern = re.compile("|".join(file_pattern(p) for p in (query.science, query.weight) if p))
    files = {
        row["productFilename"]: _found(row, about)
        for table in products
        for row in table
        if pattern.fullmatch(_text(row, "productFilename"))
    }
    return [files[name] for name in sorted(files)]


def size_at(url, transfer):
    """
    Ask for the size of a file.

    Parameters
    ----------
    url : str
        Its address.
    transfer : Transfer
        Time-outs and attempts.

    Returns
    -------
    size : int or None
        Size [byte], 0 if the server has the file but does not tell, None if it has not.

    Raises
    ------
    InputError
        If the server cannot be reached or fails.
    """
    try:
        with Session(transfer) as session:
            headers = {"Accept-Encoding": "identity"}
            response = session.head(url, headers=headers, allow_redirects=True)
            if response.status_code in (404, 410):
                return None
            response.raise_for_status()
    except requests.RequestException as error:
        problem = f"does not answer ({str(error).splitlines()[0]})"
        raise InputError(url, problem, "try again later") from error
    return int(response.headers.get("Content-Length", "0"))


def file_pattern(name):
    """
    Return the regular expression of a file name with wildcards.

    Parameters
    ----------
    name : str
        Name with ``*`` for any letters and ``?`` for any one.

    Returns
    -------
    pattern : str
        Each wildcard is a group.
    """
    wild = {"*": "(.*)", "?": "(.)"}
    return "".join(wild.get(letter, re.escape(letter)) for letter in name)


def _client(session):
    """Return astroquery's client with a session of ours, for the server that is set."""
    from astroquery.mast import ObservationsClass

    client = ObservationsClass()
    portal = client._portal_api_connection
    client._session = portal._session = session
    # The client fixes its addresses when it is imported.
    portal.MAST_REQUEST_URL = f"{server()}/api/v0/invoke"
    portal.COLUMNS_CONFIG_URL = f"{server()}/portal/Mashup/Mashup.asmx/columnsconfig"
    return client


def _criteria(query, band):
    """Criteria in the archive's words."""
    criteria = {
        "obs_collection": query.collection,
        "instrument_name": query.instrument,
        "filters": band,
        "provenance_name": query.provenance,
        "proposal_id": query.proposals or None,
        "calib_level": None if query.level is None else [query.level],
        "dataproduct_type": "image",
        "intentType": "science",
        "dataRights": "PUBLIC",
    }
    if query.released_by is not None:
        criteria["t_obs_release"] = [0, int(Time(query.released_by).mjd)]
    if query.ra is not None:
        criteria["coordinates"] = SkyCoord(query.ra, query.dec, unit="deg")
        criteria["radius"] = query.radius
    return {key: value for key, value in criteria.items() if value is not None}


def _found(row, about):
    """Describe a row of a product list, with what is known of its observation."""
    parent = _text(row, "parent_obsid")
    observation = parent if parent in about else _text(row, "obsID")
    footprint, time = about.get(observation, ("", 0.0))
    size = max(int(row["size"]), 0) if _text(row, "size") else 0
    name, uri = str(row["productFilename"]), str(row["dataURI"])
    return Found(name, uri, size, footprint, observation, time)


def _text(row, column):
    """Text of a table's value, empty if it is masked or there is no such column."""
    if column not in row.colnames or row[column] is None or str(row[column]) in ("--", "None"):
        return ""
    return str(row[column])

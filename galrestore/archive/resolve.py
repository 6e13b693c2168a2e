"""From the settings of the archive's door to its product list."""

import logging
import re
from collections import Counter

from galrestore.archive.connection import server, url_of
from galrestore.archive.exposures import Candidate, choose, roll_of
from galrestore.archive.mast_query import file_pattern, find, size_at
from galrestore.errors import EmptyError, InputError

__all__ = ["pin", "resolve"]

logger = logging.getLogger(__name__)


def resolve(archive, earlier=(), fields=None, offline=False):
    """
    Find the products of the door's mosaics and sets of exposures.

    Parameters
    ----------
    archive : Archive
        Settings of the door.
    earlier : iterable of Product, optional
        Product list of before: lines of other fields and mosaics stay, and digests of
        the same file (by URI and size) are kept.
    fields : list of str, optional
        Fields to find products for; all by default.
    offline : bool, optional
        Ask nobody: list what the settings name by URI, as unverified, and stand-ins for
        exposures, which only the archive can name.

    Returns
    -------
    products : list of dict
        Values of the new product list's lines.

    Raises
    ------
    EmptyError
        If the archive has nothing for a mosaic.
    InputError
        If the archive does not answer, or names a file in a way that cannot be used.
    SettingsError
        If the archive does not know a criterion.
    """
    asked = {
        name: mosaic
        for name, mosaic in archive.mosaics.items()
        if fields is None or mosaic.field in fields
    }
    earlier = list(earlier)
    known = {product.uri: product for product in earlier}
    exposed = {
        name: exposures
        for name, exposures in archive.exposures.items()
        if fields is None or exposures.field in fields
    }
    again = {*asked, *exposed}
    products = [product.model_dump() for product in earlier if product.entry not in again]
    missing = []
    for name, mosaic in asked.items():
        values = [] if offline or mosaic.query is None else _queried(name, mosaic, archive.transfer)
        values = values or _stated(name, mosaic, None if offline else archive.transfer)
        if not values and not offline:
            missing.append(name)
        if not values and offline:
            logger.warning("%s: known by its query alone, not listed", name)
        products += [_remembered(value, known) for value in values]
    for name, exposures in exposed.items():
        if offline:
            values = _stand_ins(name, exposures, earlier)
        else:
            values = _exposed(name, exposures, archive.transfer)
        if not values:
            missing.append(name)
        products += [_remembered(value, known) for value in values]
    if missing:
        msg = (
            f"{server()} has nothing for {', '.join(missing)}; change query or science in "
            "acquire.mast.{mosaics,exposures}, or resolve other fields"
        )
        raise EmptyError(msg)
    return products


def pin(products, receipts):
    """
    Write sizes and digests of files that were fetched into a product list.

    Parameters
    ----------
    products : iterable of Product
        The product list.
    receipts : pandas.DataFrame
        Receipts, contract ``downloads``.

    Returns
    -------
    products : list of dict
        Values of the lines, with size, sha256, exposure time (of exposures) and state of the
        files fetched.
    """
    rows = {row.uri: row for row in receipts.itertuples()}
    values = [product.model_dump() for product in products]
    for value in values:
        if value["uri"] in rows:
            row = rows[value["uri"]]
            value.update(size=int(row.size), sha256=row.sha256, state="retrieved")
            if value["role"] == "flc" and row.exposure_time > 0:
                value["exposure_time"] = float(row.exposure_time)
    return values


def _queried(name, mosaic, transfer):
    """Values of the products that the query finds: science files, with weight maps if asked."""
    query = mosaic.query
    found = {file.name: file for file in find(query, mosaic.band, transfer)}
    values = []
    for file in found.values():
        match = re.fullmatch(file_pattern(query.science), file.name)
        if match is None:
            continue
        label = re.sub(r"[^a-z0-9]+", "_", "_".join(match.groups()).lower()).strip("_")
        mosaic_name = f"{name}_{label}" if label else name
        role = "i2d" if mosaic.format == "i2d" else "sci"
        values.append(_value(name, mosaic, mosaic_name, role, file))
        if query.weight is not None:
            pieces = iter(match.groups())
            weight = re.sub(r"[*?]", lambda _, pieces=pieces: next(pieces), query.weight)
            if weight not in found:
                problem = f"lists {file.name}, but no weight map {weight}"
                raise InputError(server(), problem, f"see acquire.mast.mosaics.{name}.query.weight")
            values.append(_value(name, mosaic, mosaic_name, "wht", found[weight]))
    if not values:
        logger.warning("%s: the query finds nothing", name)
    return values


def _exposed(name, exposures, transfer):
    """Values of the exposures to take of those that the query finds."""
    found = {file.name: file for file in find(exposures.query, exposures.band, transfer)}
    members = Counter(file.observation for file in found.values())
    candidates = [
        Candidate(
            name=file.name,
            observation=file.observation,
            time=round(file.time / members[file.observation], 3),
            roll=roll_of(file.footprint),
        )
        for file in found.values()
    ]
    chosen = choose(candidates, exposures.count, exposures.roll_step)
    logger.info("%s: %d of %d exposures found", name, len(chosen), len(found))
    return [
        _value(name, exposures, name, "flc", found[candidate.name])
        | {"exposure_time": candidate.time or None}
        for candidate in chosen
    ]


def _stand_ins(name, exposures, earlier):
    """Values of before or, if there are none, of as many exposures without a name of their own."""
    named = [product for product in earlier if product.state != "stand-in"]
    before = [product.model_dump() for product in named if product.entry == name]
    return before or [
        {
            "field": exposures.field,
            "mosaic": name,
            "entry": name,
            "role": "flc",
            "uri": f"mast:HST/product/{name}_{number}_flc.fits",
            "band": exposures.band,
            "size": 0,
            "state": "stand-in",
        }
        for number in range(1, exposures.count + 1)
    ]


def _value(name, mosaic, mosaic_name, role, file):
    if file.uri.rsplit("/", 1)[-1] != file.name:
        problem = f"lists {file.name!r} under {file.uri!r}: the names differ"
        group = "exposures" if role == "flc" else "mosaics"
        raise InputError(server(), problem, f"narrow acquire.mast.{group}.{name}.query")
    return {
        "field": mosaic.field,
        "mosaic": mosaic_name,
        "entry": name,
        "role": role,
        "uri": file.uri,
        "size": file.size,
        "band": mosaic.band,
        "pixel_scale": getattr(mosaic, "pixel_scale", None),
        "footprint": " ".join(file.footprint.split()),
        "state": "listed",
    }


def _stated(name, mosaic, transfer):
    """Values of the products that the settings name by URI; none if the archive lacks one."""
    roles = {"i2d" if mosaic.format == "i2d" else "sci": mosaic.science, "wht": mosaic.weight}
    values = []
    for role, uri in roles.items():
        if uri is None:
            continue
        size = 0 if transfer is None else size_at(url_of(uri), transfer)
        if size is None:
            logger.warning("%s: the archive has no %s", name, uri)
            return []
        values.append(
            {
                "field": mosaic.field,
                "mosaic": name,
                "entry": name,
                "role": role,
                "uri": uri,
                "size": size,
                "band": mosaic.band,
                "pixel_scale": mosaic.pixel_scale,
                "state": "unverified" if transfer is None else "listed",
            }
        )
    return values


def _remembered(value, known):
    """Keep size, digest, time and state of the same file from the product list of before."""
    before = known.get(value["uri"])
    if before is None or value["size"] not in (0, before.size):
        return value
    kept = {"size": before.size, "sha256": before.sha256}
    seen = {"state": before.state, "exposure_time": before.exposure_time}
    return value | kept | (seen if before.sha256 else {})

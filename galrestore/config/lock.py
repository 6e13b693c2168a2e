"""
Product list of the archive: a table under version control, one line a file.

A run reads what to fetch from it, so that it can be repeated and planned without the
archive.  Tab-separated, with the fields of `Product` as columns; lines that begin
with ``#`` are comments.
"""

import csv
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from galrestore.config.base import Section, setting
from galrestore.config.mosaic import Name
from galrestore.errors import SettingsError

__all__ = ["Product", "Uri", "format_lock", "read_lock", "require_file_name"]

# File names are joined to a folder: no separators, no leading dot.
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\.fits")
Uri = Annotated[str, Field(pattern=r"^(mast:|https?://)\S+$")]
_HEADER = """\
# Files of the archive MAST, written by `galrestore acquire resolve`; see docs/archives.md.
# size: bytes, 0 where unknown. sha256: of the file first retrieved (`galrestore acquire pin`).
# state: unverified (known from publications alone), listed (seen in the archive), retrieved;
# stand-in (an exposure that the archive must name: resolve again before it can be fetched).
"""


def require_file_name(uri):
    """
    Refuse an address that does not end in a plain file name.

    Parameters
    ----------
    uri : str
        Archive URI or URL.

    Raises
    ------
    ValueError
        If the name could leave a folder, is hidden, or does not end in ``.fits``.
    """
    name = uri.rsplit("/", 1)[-1]
    if not _FILE.fullmatch(name):
        msg = f"{name!r} is no plain name of a .fits file, as the end of {uri!r} must be"
        raise ValueError(msg)


class Product(Section):
    """One file of the archive: a line of the product list."""

    field: Name = setting(..., "Piece of sky.", unit="", paper="3.1, 3.3")
    mosaic: Name = setting(
        ..., "Mosaic, or set of exposures, that the file belongs to.", unit="", paper="3.1, 5.1"
    )
    entry: Name = setting(
        ...,
        "Mosaic or set of exposures of the settings that asked for it; one may find several.",
        unit="",
        paper="-",
    )
    role: Literal["sci", "wht", "i2d", "flc"] = setting(
        ...,
        "Science image, weight map, NIRCam mosaic with its extensions, or exposure.",
        unit="",
        paper="3.1, 3.3, 5.1",
    )
    uri: Uri = setting(..., "Archive URI (mast:...) or URL; ends in .fits.", unit="", paper="-")
    size: int = setting(0, "Size; 0 where it is not known.", unit="byte", paper="-", ge=0)
    sha256: str = setting(
        "",
        "Digest of the file first retrieved; empty before.",
        unit="",
        paper="-",
        pattern=r"^([0-9a-f]{64})?$",
    )
    band: str = setting(..., "Filter.", unit="", paper="3.1, 3.3")
    exposure_time: float | None = setting(
        None,
        "Exposure time of an exposure: as listed, the mean of its observation's.",
        unit="s",
        paper="5.1",
        gt=0,
    )
    pixel_scale: float | None = setting(
        None, "Pixel scale, where the archive names it.", unit="arcsec", paper="3.3", gt=0
    )
    footprint: str = setting("", "Outline on the sky, as the archive says it.", unit="", paper="-")
    state: Literal["unverified", "listed", "retrieved", "stand-in"] = setting(
        "unverified",
        "Known from publications alone, seen in the archive, fetched and verified, or in place "
        "of a file that the archive must name.",
        unit="",
        paper="-",
    )

    @field_validator("uri")
    @classmethod
    def _ends_in_a_file_name(cls, uri):
        require_file_name(uri)
        return uri

    @property
    def file(self):
        """Return the name of the file."""
        return self.uri.rsplit("/", 1)[-1]

    @property
    def path(self):
        """Return the place of the file below the door's folder."""
        return f"{self.field}/{self.file}"


_COLUMNS = list(Product.model_fields)


def read_lock(path):
    """
    Read a product list.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    products : list of dict
        Values of `Product`, in the file's order.

    Raises
    ------
    SettingsError
        If the file is missing, lacks a column, or a line cannot be used.
    """
    if not Path(path).is_file():
        raise SettingsError(
            "acquire.mast.lock", str(path), "no such file; galrestore acquire resolve writes it"
        )
    lines = enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1)
    kept = [(number, line) for number, line in lines if line and not line.startswith("#")]
    reader = csv.DictReader((line for _, line in kept), delimiter="\t", restkey="more columns")
    if reader.fieldnames is None or set(reader.fieldnames) != set(_COLUMNS):
        problem = f"its columns must be {', '.join(_COLUMNS)}"
        raise SettingsError("acquire.mast.lock", str(path), problem)
    products = []
    for (number, _), row in zip(kept[1:], reader, strict=True):
        row = {key: value for key, value in row.items() if value}
        products.append(_validated(row, f"line {number} of {path}").model_dump())
    return products


def format_lock(values):
    """
    Format a product list.

    Parameters
    ----------
    values : iterable of dict
        Values of `Product`, in any order.

    Returns
    -------
    text : str
        Content of the file; equal products give equal text.

    Raises
    ------
    SettingsError
        If a value cannot be used, such as a URI that does not end in a plain file name.
    """
    lines = ["\t".join(_COLUMNS)]
    for value in sorted(values, key=lambda v: (v["field"], v["mosaic"], v["role"], v["uri"])):
        product = _validated(value, f"product {value['uri']}").model_dump()
        lines.append("\t".join("" if product[c] is None else str(product[c]) for c in _COLUMNS))
    return _HEADER + "\n".join(lines) + "\n"


def _validated(value, place):
    try:
        return Product.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in ("acquire.mast.lock", *first["loc"]))
        raise SettingsError(key, first["input"], f"{place}: {first['msg']}") from error

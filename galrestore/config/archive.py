"""Settings of the archive's door: what to ask for, what to fetch, and how patiently."""

import re
from typing import Literal

from pydantic import field_validator, model_validator

from galrestore.config.base import Section, setting
from galrestore.config.local import LocalFolder, LocalMosaic
from galrestore.config.lock import Product, Uri, require_file_name
from galrestore.config.mosaic import Mosaic, Name

__all__ = ["Archive", "ArchiveExposures", "ArchiveMosaic", "ArchiveQuery", "Transfer"]

# What the readers need to know of each format.
_FORMATS = {
    "hlf": {"unit": "electron/s", "weight_kind": "inverse_variance"},
    "i2d": {
        "unit": "MJy/sr",
        "weight_kind": "rms",
        "science_hdu": "SCI",
        "weight_hdu": "ERR",
    },
}


class ArchiveQuery(Section):
    """Criteria of a query; the filter is that of the mosaic."""

    collection: Literal["HST", "JWST", "HLSP"] = setting(
        ..., "Mission, or HLSP for the products of teams.", unit="", paper="3.1, 3.3"
    )
    instrument: str | None = setting(
        None, "Instrument as the archive names it, such as NIRCAM/IMAGE.", unit="", paper="3.3"
    )
    provenance: str | None = setting(
        None, "Project that made the products (HLSP).", unit="", paper="3.1"
    )
    proposals: list[str] = setting([], "Observing programmes; [] for any.", unit="", paper="-")
    ra: float | None = setting(
        None, "Right ascension; null for all sky.", unit="deg", paper="-", ge=0, lt=360
    )
    dec: float | None = setting(None, "Declination.", unit="deg", paper="-", ge=-90, le=90)
    radius: float = setting(0.1, "Search radius.", unit="deg", paper="-", gt=0, le=10)
    released_by: str | None = setting(
        None,
        "Last day of release (year-month-day), null for any.",
        unit="",
        paper="3.3",
        pattern=r"^\d{4}-\d{2}-\d{2}$",
    )
    level: int | None = setting(
        None, "Calibration level; null for any.", unit="", paper="-", ge=0, le=4
    )
    science: str = setting(
        ...,
        "Name of the science file; with * and ?, each file that matches is a mosaic.",
        unit="",
        paper="3.1, 3.3",
    )
    weight: str | None = setting(
        None,
        "Name of its weight map, with the same wildcards; null for none.",
        unit="",
        paper="3.1",
    )

    @model_validator(mode="after")
    def _sensible(self):
        if (self.ra is None) != (self.dec is None):
            msg = f"give both ra and dec, or neither, got {self.ra} and {self.dec}"
            raise ValueError(msg)
        wild = re.findall(r"[*?]", self.science)
        if self.weight is not None and re.findall(r"[*?]", self.weight) != wild:
            msg = f"weight must have the wildcards of science, {self.science!r}: {self.weight!r}"
            raise ValueError(msg)
        return self


class ArchiveMosaic(Mosaic):
    """One mosaic of the archive, or all those that a query finds."""

    format: Literal["hlf", "i2d"] = setting(
        ...,
        "File format: HLF (_sci, _wht; electron/s) or JWST i2d (MJy/sr).",
        unit="",
        paper="3.1, 3.3",
    )
    pixel_scale: float | None = setting(
        None,
        "Pixel scale that the name of the product promises, compared with the WCS; null for none.",
        unit="arcsec",
        paper="3.3",
        gt=0.005,
        lt=0.5,
    )
    query: ArchiveQuery | None = setting(None, "How to find it; null for none.", unit="", paper="-")
    science: Uri | None = setting(
        None,
        "URI or URL of the science file, for when there is no query or it finds nothing.",
        unit="",
        paper="3.1, 3.3",
    )
    weight: Uri | None = setting(
        None, "URI or URL of its weight map (format hlf).", unit="", paper="3.1"
    )

    @field_validator("science", "weight")
    @classmethod
    def _ends_in_a_file_name(cls, uri):
        if uri is not None:
            require_file_name(uri)
        return uri

    @model_validator(mode="after")
    def _sensible(self):
        if self.query is None and self.science is None:
            msg = "an archive mosaic needs a query, the URI of its science file, or both"
            raise ValueError(msg)
        maps = (self.weight, self.query and self.query.weight)
        if self.format == "i2d" and any(maps):
            msg = f"an i2d file holds its own noise map, but weight is {maps[0] or maps[1]!r}"
            raise ValueError(msg)
        return self

    def local(self, files):
        """
        Describe the mosaic as one of a local folder.

        Parameters
        ----------
        files : dict of str to str
            Paths below the folder, by role.

        Returns
        -------
        mosaic : LocalMosaic
            The same mosaic, for the door of local folders.
        """
        science = files["i2d" if self.format == "i2d" else "sci"]
        shared = {"telescope", "instrument", "band", "field", "psf_fwhm", "pixel_scale"}
        return LocalMosaic(
            **self.model_dump(include=shared),
            **_FORMATS[self.format],
            science=science,
            weight=science if self.format == "i2d" else files.get("wht"),
        )


class ArchiveExposures(Section):
    """Single exposures of one filter: the longest that a query finds, at several roll angles."""

    instrument: str = setting(..., "Instrument.", unit="", paper="5.1")
    band: str = setting(..., "Filter.", unit="", paper="5.1")
    field: Name = setting(..., "Piece of sky.", unit="", paper="5.1")
    count: int = setting(4, "How many exposures to take.", unit="", paper="5.1", ge=1, le=1000)
    roll_step: float = setting(
        2.0,
        "Rolls of the detector on the sky (modulo 90) count as distinct from this difference on.",
        unit="deg",
        paper="-",
        gt=0,
        le=45,
    )
    query: ArchiveQuery = setting(
        ...,
        "How to find them; science is the pattern of their names, _flc or _flt.",
        unit="",
        paper="5.1",
    )

    @field_validator("query")
    @classmethod
    def _names_exposures(cls, query):
        if not query.science.endswith(("_flc.fits", "_flt.fits")) or query.weight is not None:
            msg = (
                "science must end in _flc.fits or _flt.fits, without weight, got "
                f"{query.science!r} and {query.weight!r}"
            )
            raise ValueError(msg)
        return query


class Transfer(Section):
    """How downloads and queries meet a slow or broken connection."""

    connect_timeout: float = setting(20.0, "Wait for a connection.", unit="s", paper="-", gt=0)
    read_timeout: float = setting(
        120.0, "Wait for the next piece of an answer.", unit="s", paper="-", gt=0
    )
    attempts: int = setting(
        6, "Attempts before giving up, after a break or a refusal.", unit="", paper="-", ge=1
    )
    backoff: float = setting(
        5.0, "Pause before the second attempt; it doubles each time.", unit="s", paper="-", ge=0
    )
    longest_pause: float = setting(
        600.0, "Longest pause, also where the archive asks for one.", unit="s", paper="-", gt=0
    )


class Archive(Section):
    """The archive MAST: queries resolve to a product list, whose files are fetched."""

    root: str = setting(
        "archive",
        "Folder of the files fetched, <field>/<file>; files already there are verified and used.",
        unit="",
        paper="-",
    )
    lock: str = setting(
        "config/products.lock.tsv",
        "Product list, beside the Snakefile; written by galrestore acquire resolve.",
        unit="",
        paper="-",
    )
    fields: list[Name] | None = setting(
        None, "Fields to fetch and use; null for all of them.", unit="", paper="3.1, 3.3"
    )
    mosaics: dict[Name, ArchiveMosaic] = setting(
        {}, "Mosaics and queries for mosaics, by name.", unit="", paper="3.1, 3.3"
    )
    exposures: dict[Name, ArchiveExposures] = setting(
        {}, "Queries for sets of single exposures, by name.", unit="", paper="5.1"
    )
    products: list[Product] | None = setting(
        None, "The products themselves; null to read them from the lock.", unit="", paper="-"
    )
    transfer: Transfer = setting(Transfer(), "Patience.", unit="", paper="-")

    @model_validator(mode="after")
    def _fields_exist(self):
        known = sorted({entry.field for entry in self.entries().values()})
        for field in self.fields or []:
            if field not in known:
                msg = f"no mosaic has the field {field!r}, there are {', '.join(known)}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _names_are_unique(self):
        for name in self.exposures:
            if name in self.mosaics:
                msg = f"exposures.{name}: a mosaic has this name, rename one"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _products_are_there(self):
        if self.products is None:
            return self
        found = {product.field for product in self.chosen()}
        for field in self.selected():
            if field not in found:
                msg = (
                    f"field {field!r} has no products in {self.lock}; "
                    "run galrestore acquire resolve, or leave it out of acquire.mast.fields"
                )
                raise ValueError(msg)
        return self

    def entries(self):
        """Return mosaics and sets of exposures, a dict of str to Section."""
        return {**self.mosaics, **self.exposures}

    def selected(self):
        """Return the names of the fields to use, a sorted list of str."""
        every = {entry.field for entry in self.entries().values()}
        return sorted(every if self.fields is None else set(self.fields))

    def chosen(self):
        """Return the products of the selected fields, a list of `Product`."""
        fields, entries = self.selected(), self.entries()
        return [
            product
            for product in self.products or []
            if product.entry in entries
            and product.field == entries[product.entry].field
            and product.field in fields
        ]

    def taken(self, name):
        """Return the exposures of a set that the product list holds, a list of `Product`."""
        return [product for product in self.chosen() if product.entry == name]

    def folder(self):
        """
        Return the door's mosaics as those of a local folder.

        Returns
        -------
        folder : LocalFolder
            One mosaic for each of the product list, in its order.
        """
        entries, files = {}, {}
        for product in self.chosen():
            if product.role != "flc":
                entries[product.mosaic] = product.entry
                files.setdefault(product.mosaic, {})[product.role] = product.path
        mosaics = {name: self.mosaics[entries[name]].local(files[name]) for name in files}
        return LocalFolder(root=self.root, mosaics=mosaics)

    def estimate(self, used=None):
        """
        Say how much there is to fetch.

        Parameters
        ----------
        used : collection of str, optional
            Sets of exposures to fetch; all by default.

        Returns
        -------
        text : str
            One line for each selected field.
        """
        unused = set() if used is None else set(self.exposures) - set(used)
        kept = [product for product in self.chosen() if product.entry not in unused]
        return "\n".join(
            f"{field}: {_amount([product for product in kept if product.field == field])}"
            for field in self.selected()
        )


def _amount(products):
    known = sum(product.size for product in products) / 1e9
    unknown = sum(product.size == 0 for product in products)
    unnamed = sum(product.state == "stand-in" for product in products)
    text = f"{len(products)} file(s), {known:.2f} GB"
    text += f" and {unknown} of unknown size" if unknown else ""
    return text + (
        f" ({unnamed} still without a name: run galrestore acquire resolve)" if unnamed else ""
    )

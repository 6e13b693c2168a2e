"""Selection: one row for each criterion and mosaic."""

from galrestore.files.tables import Column

__all__ = ["SELECTION"]

SELECTION = (
    Column("mosaic", "str", "", 'mosaic, or "all hst" and "all jwst" for the sums'),
    Column("telescope", "str", "", "hst or jwst; empty for a mosaic without sources"),
    Column("criterion", "str", "", "detected, name of a rejection, or accepted"),
    Column("meaning", "str", "", "what the criterion is"),
    Column("first", "int64", "", "sources that this criterion rejects first"),
    Column("failing", "int64", "", "sources that fail it, whatever else they fail"),
)

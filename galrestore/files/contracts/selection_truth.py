"""Selection against the truth of a simulated sky: one row for each mosaic and item."""

from galrestore.files.tables import Column

__all__ = ["SELECTION_TRUTH"]

SELECTION_TRUTH = (
    Column("mosaic", "str", "", 'mosaic, or "all hst" and "all jwst" for the sums'),
    Column("group", "str", "", "accepted (what accepted sources are) or good (galaxies' fate)"),
    Column("item", "str", "", "kind of source, or first criterion that a good galaxy fails"),
    Column("meaning", "str", "", "what the item is"),
    Column("count", "int64", "", "sources or galaxies"),
    Column("failing", "int64", "", "good galaxies that fail it, whatever else they fail"),
    Column("total", "int64", "", "all accepted sources, or all good galaxies, of the mosaic"),
    Column("fraction", "float64", "", "count / total; NaN where there are none"),
)
